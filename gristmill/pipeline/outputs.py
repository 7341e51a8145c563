"""Several outputs of a branch, in `pipeline.yaml`."""

from pydantic import Field

from gristmill.enums import MergeKind, RecordFormat
from gristmill.pipeline.fields import Closed, Identity, Suffix


class Output(Closed):
    """One of several outputs of a branch; later stages and `results` call it `branch.output`."""

    suffix: Identity[Suffix | None] = Field(
        default=None,
        description="How the result's name ends. Without it, as the dropped file's without `.gz`.",
        examples=[".vcf"],
    )
    merge: Identity[MergeKind] = Field(
        default=MergeKind.CONCAT,
        description="What becomes of what the tasks wrote of it, as of a branch.",
        examples=["header"],
    )
    output_records: Identity[RecordFormat | None] = Field(
        default=None, description="What a record of it is, as of a branch.", examples=["lines"]
    )
