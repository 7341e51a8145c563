"""A step of a pipeline: what it reads, how that is cut, and its branches."""

from typing import Annotated

from pydantic import Field

from gristmill.enums import Emptiness, OutputKind, RecordFormat
from gristmill.limits import JOINS_MAX, STAGE_BRANCHES_MAX
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.fields import (
    Closed,
    Condition,
    Identity,
    MadeName,
    Name,
    Operation,
    ParameterName,
    Size,
)


class Split(Closed):
    """How a stage's input is cut into tasks; one of the two sizes decides, a given one before a default."""

    records: Identity[RecordFormat] = Field(
        description="What a record is; see [Records](pipelines.md#records).", examples=["csv"]
    )
    records_per_task: Identity[Size | None] = Field(
        default=None, description="Records that one task gets.", examples=["params.rows_per_task"]
    )
    bytes_per_task: Identity[Size | None] = Field(
        default=None, description="Bytes that one task gets, and the rest of its last record.", examples=[64000000]
    )
    header: Identity[bool] = Field(
        default=False,
        description="`lines` and `csv`: the first record is a header; every task gets it first.",
        examples=[True],
    )
    record_bytes: Identity[Size | None] = Field(
        default=None, description="`fixed`: bytes of each record.", examples=[512]
    )
    header_bytes: Identity[int] = Field(
        default=0, ge=0, description="`fixed`: bytes before the records; every task gets them first.", examples=[1024]
    )


def _several(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


class Stage(Closed):
    """A step of a pipeline; `input` names a branch of an earlier stage, absent means the dropped file.

    A stage that has nothing to read, for all of that was left out, is left out too.
    """

    name: Identity[Name] = Field(description="Unique in the pipeline.", examples=["align"])
    input: Identity[MadeName | Annotated[list[MadeName], Field(min_length=1)] | None] = Field(
        default=None,
        description="The branch of an earlier stage that it reads; of several, the first that was not left out. "
        "Without it, the dropped file.",
        examples=[["dedup", "align"]],
    )
    joined: Identity[dict[ParameterName, MadeName | Annotated[list[MadeName], Field(min_length=1)]]] = Field(
        default={},
        alias="with",
        max_length=JOINS_MAX,
        description="Merged branches of earlier stages that each task is given whole, as `{NAME}`; of several, the "
        "first that was not left out.",
        examples=[{"depth": "coverage"}],
    )
    in_step: Identity[list[MadeName]] = Field(
        default=[],
        max_length=JOINS_MAX,
        description="`records: parts`: branches with the same tasks; each task is given its own part of each, as "
        "`{BRANCH}` with underscores for hyphens and dots.",
        examples=[["qualities"]],
    )
    when: Operation[Condition | None] = Field(
        default=None,
        description="Only then is the stage done, else it is left out. Decided when the run begins.",
        examples=["params.mode = slow"],
    )
    split: Identity[Split] = Field(
        description="How its input is cut into tasks.", examples=[{"records": "lines", "records_per_task": 1000}]
    )
    branches: Operation[list[Branch]] = Field(
        min_length=1,
        max_length=STAGE_BRANCHES_MAX,
        description="What is done, side by side.",
        examples=[[{"name": "upper", "run": "jobs:upper"}]],
    )

    @property
    def inputs(self) -> list[str]:
        """Return the branches of which it reads the first that is there; none where it reads the dropped file."""
        return _several(self.input or [])

    @property
    def reads(self) -> str | None:
        """Return the branch that it reads, in a pipeline that is decided; None for the dropped file."""
        return next(iter(self.inputs), None)

    @property
    def readings(self) -> list[list[str]]:
        """Return all that it reads of earlier stages; of each, one branch must be there."""
        own = [self.inputs] if self.inputs else []
        return [*own, *self.joined_names.values(), *([name] for name in self.in_step)]

    @property
    def joined_names(self) -> dict[str, list[str]]:
        """Return the branches of which it is given the first that is there, by name."""
        return {name: _several(names) for name, names in self.joined.items()}

    @property
    def joins(self) -> dict[str, str]:
        """Return the branches that it is given whole, by name, in a pipeline that is decided."""
        return {name: names[0] for name, names in self.joined_names.items()}

    def may_list_nothing(self, branch: str) -> bool:
        """Return whether one of its branches may end as an empty list."""
        return any(own.empty is Emptiness.OK for own in self.made if own.name == branch)

    @property
    def made(self) -> list[Branch]:
        """Return what its branches make, as a branch each."""
        return [made for branch in self.branches for made in branch.made]

    def records_of(self, branch: Branch) -> RecordFormat:
        """Return what a record of the branch's output is."""
        if branch.output is OutputKind.FILES:
            return RecordFormat.WHOLE
        is_bytes = self.split.records is RecordFormat.FIXED or branch.mpi is not None
        return branch.output_records or (RecordFormat.WHOLE if is_bytes else RecordFormat.LINES)

    def counts_match(self, branch: Branch) -> bool:
        """Return whether the branch must write as many records as it reads."""
        if branch.same_record_count is not None:
            return branch.same_record_count
        lines = (RecordFormat.LINES, RecordFormat.JSONL)
        return self.split.records in lines and self.records_of(branch) in lines
