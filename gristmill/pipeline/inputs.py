"""The files that a pipeline takes: which may be dropped, and which a run is given beside."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import ByteSize, Field, StringConstraints

from gristmill.enums import RecordFormat
from gristmill.pipeline.fields import REFERENCE_KEY, Bytes, Closed, Identity, Operation, ParameterName, Suffix


class Accepts(Closed):
    """Which dropped files the pipeline takes."""

    suffixes: Operation[list[Suffix]] = Field(
        default=[], description="How a file's name may end. Without any, each is taken.", examples=[[".csv", ".csv.gz"]]
    )
    max_bytes: Operation[Bytes] = Field(
        default=ByteSize(5 * 1024**4),
        description="The largest file: bytes, or a text such as `50GB`.",
        examples=["50GB"],
    )


class Input(Closed):
    """A file of a run: the one that is cut into tasks (`records`), its mates (`pair`), or one that is given whole.

    A drop note names them; see [Several inputs](pipelines.md#several-inputs).
    """

    records: Identity[RecordFormat | None] = Field(
        default=None,
        description="Of the file that is cut into tasks, and of it alone: what a record is.",
        examples=["fastq"],
    )
    pair: Identity[ParameterName | None] = Field(
        default=None,
        description="With `records`: the input that has the mate of each record, in the same order. Both are cut at "
        "the same records.",
        examples=["mates"],
    )
    type: Identity[Literal["file"]] = Field(default="file", description="What it is.", examples=["file"])
    suffixes: Operation[list[Suffix]] = Field(
        default=[], description="How the file's name may end. Without any, each is taken.", examples=[[".fq", ".fq.gz"]]
    )
    default: Operation[Annotated[str, StringConstraints(pattern=REFERENCE_KEY)] | None] = Field(
        default=None,
        description="The file that a run reads if it is given none. Without it, a run must be given one.",
        examples=["references/hg38.fa"],
    )
    description: Operation[str] = Field(
        default="", description="What it is, for `pipelines show` and people.", examples=["the genome to align to"]
    )


def cut_input(inputs: Mapping[str, Input]) -> str | None:
    """Return the name of the file that is cut into tasks, None where the pipeline names no inputs."""
    return next((name for name, given in inputs.items() if given.records), None)


def mates_input(inputs: Mapping[str, Input]) -> str | None:
    """Return the name of the input that has the mates of the records, None where there are no pairs."""
    return next((given.pair for given in inputs.values() if given.pair), None)


def pair_names(inputs: Mapping[str, Input]) -> tuple[str, str]:
    """Return the names of the file that is cut and of its mates, where there are pairs."""
    return cut_input(inputs) or "", mates_input(inputs) or ""


def whole_inputs(inputs: Mapping[str, Input]) -> list[str]:
    """Return the names of the inputs that are given whole."""
    return [name for name in inputs if name not in (cut_input(inputs), mates_input(inputs))]
