"""The closed, versioned schema of `pipeline.yaml`."""

from typing import Literal

from pydantic import Field, JsonValue

from gristmill.enums import Image, MergeKind, ParameterType
from gristmill.formats.registry import traits_of
from gristmill.limits import CHECKS_MAX, INPUTS_MAX, THEN_MAX
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.chain import Chain
from gristmill.pipeline.check import Check
from gristmill.pipeline.fields import (
    Closed,
    FolderFile,
    Identity,
    JobDefinition,
    MadeName,
    Name,
    Number,
    Operation,
    ParameterName,
)
from gristmill.pipeline.inputs import Accepts, Input
from gristmill.pipeline.stage import Stage


class Parameter(Closed):
    """A parameter of a run; it comes from the dropped object's user metadata (`gristmill run --param NAME=VALUE`)."""

    type: Operation[ParameterType] = Field(description="What its values are.", examples=["integer"])
    description: Operation[str] = Field(
        description="What it means, for `pipelines show` and people.", examples=["lines that one task gets"]
    )
    of: Operation[ParameterType | None] = Field(
        default=None, description="`list`: what each of its items is; any type but `list`.", examples=["number"]
    )
    max_items: Operation[int | None] = Field(
        default=None, ge=1, description="`list`: the most items that it may have.", examples=[20]
    )
    default: Operation[JsonValue] = Field(
        default=None, description="Its value if none is given. Without it, a run may lack it.", examples=[1000]
    )
    minimum: Operation[Number | None] = Field(
        default=None, description="The least value, of an `integer` or a `number`, or of a list's items.", examples=[1]
    )
    maximum: Operation[Number | None] = Field(
        default=None,
        description="The greatest value, of an `integer` or a `number`, or of a list's items.",
        examples=[100],
    )
    choices: Operation[list[JsonValue] | None] = Field(
        default=None,
        min_length=1,
        description="The only values that it, or an item of a list, may have.",
        examples=[["fast", "exact"]],
    )

    @property
    def item_type(self) -> ParameterType:
        """Return the type of its value, or of the items where that is a list."""
        return self.of or self.type


class Pipeline(Closed):
    """`pipeline.yaml`: what is done to a file dropped under `inputs/<name>/`."""

    version: Operation[Literal[1]] = Field(description="Of this schema.", examples=[1])
    name: Operation[Name] = Field(
        description="The folder's name, and the prefix `inputs/<name>/` that starts it.", examples=["weather"]
    )
    description: Operation[str] = Field(
        description="What it does, for `gristmill pipelines` and people.",
        examples=["Converts readings, and draws them."],
    )
    accepts: Operation[Accepts] = Field(
        default=Accepts(),
        description="Which dropped files it takes.",
        examples=[{"suffixes": [".csv"], "max_bytes": "50GB"}],
    )
    inputs: Operation[dict[ParameterName, Input]] = Field(
        default={},
        max_length=INPUTS_MAX,
        description="The files of a run, by name; none: the dropped file alone.",
        examples=[
            {"reads": {"records": "fastq", "pair": "mates"}, "mates": {}, "genome": {"default": "references/hg38.fa"}}
        ],
    )
    parameters: Operation[dict[ParameterName, Parameter]] = Field(
        default={},
        description="What a run can be given, by name.",
        examples=[{"top": {"type": "integer", "description": "rows to keep", "default": 10}}],
    )
    image: Identity[Image] = Field(
        default=Image.CPU, description="The stack's image that its jobs on CPUs run in.", examples=["science"]
    )
    job_definition: Identity[JobDefinition | None] = Field(
        default=None, description="A Batch job definition of your own, so an image of your own.", examples=["weather:3"]
    )
    libraries: Identity[FolderFile | None] = Field(
        default=None,
        description="A lock file with hashes; see [Libraries](pipelines.md#libraries-of-its-own).",
        examples=["requirements.lock"],
    )
    stages: Operation[list[Stage]] = Field(
        min_length=1,
        description="What is done, one after another.",
        examples=[
            [
                {
                    "name": "map",
                    "split": {"records": "lines", "records_per_task": 1000},
                    "branches": [{"name": "upper", "run": "jobs:upper"}],
                }
            ]
        ],
    )
    cache: Operation[bool] = Field(
        default=False,
        description="Later runs reuse what its branches merge, where all of it would be the same; see "
        "[The cache](pipelines.md#the-cache).",
        examples=[True],
    )
    checks: Operation[list[Check]] = Field(
        default=[],
        max_length=CHECKS_MAX,
        description="Bounds on figures; see [Checks](pipelines.md#checks).",
        examples=[[{"of": "quality", "figure": "rows", "minimum": 1, "message": "There are no rows."}]],
    )
    results: Operation[list[MadeName] | None] = Field(
        default=None,
        description="Branches whose outputs are kept as results. Without it, every one that makes any.",
        examples=[["upper"]],
    )
    then: Operation[list[Chain]] = Field(
        default=[],
        max_length=THEN_MAX,
        description="Pipelines that are started on results of a run that has succeeded; see "
        "[Chains](pipelines.md#chains).",
        examples=[[{"pipeline": "plot", "input": "fahrenheit"}]],
    )

    def stage(self, name: str) -> Stage:
        """Return the stage called `name`."""
        return next(stage for stage in self.stages if stage.name == name)

    def caches(self, branch: Branch) -> bool:
        """Return whether what a branch merges may be reused of another run, and by another one.

        A secret's value is not compared: a branch with any is reused by its own word alone.
        """
        wanted = (self.cache and not branch.secrets) if branch.cache is None else branch.cache
        return wanted and not self.why_uncached(branch)

    def why_uncached(self, branch: Branch) -> str:
        """Return why nothing of a branch can be reused, whatever it says; empty where it can."""
        if not all(made.is_merged for made in branch.made):
            return "only merged outputs are reused, and it has one that is not"
        for stage in self.stages if isinstance(branch.merge, MergeKind) else []:
            parts = stage.inputs if traits_of(stage.split.records).of_parts else []
            if any(name.partition(".")[0] == branch.name for name in (*parts, *stage.in_step)):
                return f"the stage {stage.name} reads its parts, and only merged outputs are reused"
        return "it names the run, another one each time" if branch.names("run") else ""

    @property
    def branches(self) -> list[Branch]:
        """Return the branches of all stages."""
        return [branch for stage in self.stages for branch in stage.branches]

    @property
    def functions(self) -> list[str]:
        """Return every `module:function` that its branches name."""
        named = [name for branch in self.branches for name in (branch.run, branch.mpi, branch.merge)]
        return [name for name in named if isinstance(name, str) and not isinstance(name, MergeKind)]

    def checks_of(self, branch: str) -> list[Check]:
        """Return the checks of a branch's figures."""
        return [check for check in self.checks if check.of == branch]

    def after(self, name: str) -> Stage | None:
        """Return the stage after the one called `name`, None after the last."""
        names = [stage.name for stage in self.stages]
        place = names.index(name) + 1
        return self.stages[place] if place < len(names) else None
