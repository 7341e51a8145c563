"""The closed, versioned schema of `pipeline.yaml`."""

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ByteSize, ConfigDict, Field, JsonValue, StringConstraints, model_validator

from gristmill.limits import ATTEMPTS_MAX
from gristmill.words import Compute, MergeKind, ParameterType, RecordFormat

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
ParameterName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Callable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
Reference = Annotated[str, StringConstraints(pattern=r"^params\.[a-z][a-z0-9_]{0,39}$")]
Size = Annotated[int, Field(ge=1)] | Reference


class Closed(BaseModel):
    """A schema where an unknown field is an error and nothing changes once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Accepts(Closed):
    """Which dropped files the pipeline takes."""

    suffixes: list[Annotated[str, StringConstraints(pattern=r"^\.[\w.]+$")]] = []  # none: any
    max_bytes: ByteSize = ByteSize(5 * 1024**4)


class Parameter(Closed):
    """A parameter of a run; it comes from the dropped object's user metadata."""

    type: ParameterType
    description: str
    default: JsonValue = None  # None: optional, absent unless given
    minimum: float | None = None
    maximum: float | None = None
    choices: list[JsonValue] | None = None


class Split(Closed):
    """How a stage's input is cut; exactly one of the two sizes decides, a given one before a default."""

    records: RecordFormat
    records_per_task: Size | None = None
    bytes_per_task: Size | None = None

    @model_validator(mode="after")
    def _has_a_size(self) -> Self:
        if self.records_per_task is None and self.bytes_per_task is None:
            raise ValueError("needs records_per_task or bytes_per_task")
        return self


class Expects(Closed):
    """What one container is expected to need; only estimates of the cost use it."""

    seconds_per_task: Annotated[float, Field(ge=0)] = 0  # whatever the task's size
    bytes_per_second: ByteSize = ByteSize(10_000_000)  # of its input


class Branch(Closed):
    """One of a stage's parallel ways: a callable mapped over the stage's tasks."""

    name: Name
    run: Callable
    compute: Compute = Compute.CPU
    vcpus: Annotated[float, Field(ge=0.25, le=192)] = 1
    memory: Annotated[int, Field(ge=128)] = 1024  # MiB
    timeout: Annotated[int, Field(ge=1, le=7 * 86_400)] = 3600  # seconds for one task
    attempts: Annotated[int, Field(ge=1, le=ATTEMPTS_MAX)] = 3
    target_children: Annotated[int, Field(ge=1)] = 2
    merge: MergeKind = MergeKind.CONCAT
    same_record_count: bool = True  # CheckOutput: as many records out as in
    expects: Expects = Expects()


class Stage(Closed):
    """A step of a pipeline; `input` names an earlier branch with a merge, absent means the dropped file."""

    name: Name
    input: Name | None = None
    split: Split
    branches: Annotated[list[Branch], Field(min_length=1)]


class Pipeline(Closed):
    """`pipeline.yaml`: what is done to a file dropped under `inputs/<name>/`."""

    version: Literal[1]
    name: Name
    description: str
    accepts: Accepts = Accepts()
    parameters: dict[ParameterName, Parameter] = {}
    stages: Annotated[list[Stage], Field(min_length=1)]
    results: list[Name] | None = None  # branches whose outputs are results; None: every merged one

    def stage(self, name: str) -> Stage:
        """Return the stage called `name`."""
        return next(stage for stage in self.stages if stage.name == name)

    def after(self, name: str) -> Stage | None:
        """Return the stage after the one called `name`, None after the last."""
        names = [stage.name for stage in self.stages]
        place = names.index(name) + 1
        return self.stages[place] if place < len(names) else None


def is_reference(size: Size | None) -> bool:
    """Tell a `params.<name>` from a number."""
    return isinstance(size, str) and re.match(r"^params\.", size) is not None
