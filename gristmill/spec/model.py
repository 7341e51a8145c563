"""The closed, versioned schema of `pipeline.yaml`."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ByteSize, ConfigDict, Field, JsonValue, StringConstraints, model_validator

from gristmill.limits import ATTEMPTS_MAX, BATCH_NAME_MAX, NAME_MAX, STAGE_BRANCHES_MAX
from gristmill.words import Compute, Image, MergeKind, OutputKind, ParameterType, RecordFormat

Name = Annotated[str, StringConstraints(pattern=rf"^[a-z][a-z0-9-]{{0,{NAME_MAX - 1}}}$")]
ParameterName = Annotated[str, StringConstraints(pattern=rf"^[a-z][a-z0-9_]{{0,{NAME_MAX - 1}}}$")]
Callable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
Reference = Annotated[str, StringConstraints(pattern=rf"^params\.[a-z][a-z0-9_]{{0,{NAME_MAX - 1}}}$")]
Size = Annotated[int, Field(ge=1)] | Reference
Suffix = Annotated[str, StringConstraints(pattern=r"^\.[\w.]+$")]
# AWS Batch API reference, SubmitJob: a name, and maybe a revision
JobDefinition = Annotated[str, StringConstraints(pattern=rf"^[A-Za-z0-9][\w-]{{0,{BATCH_NAME_MAX - 1}}}(:\d+)?$")]


class Closed(BaseModel):
    """A schema where an unknown field is an error and nothing changes once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Accepts(Closed):
    """Which dropped files the pipeline takes."""

    suffixes: list[Suffix] = []  # none: any
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
    """How a stage's input is cut; one of the two sizes decides, a given one before a default."""

    records: RecordFormat
    records_per_task: Size | None = None
    bytes_per_task: Size | None = None
    header: bool = False  # lines and csv: the first record is a header, which every task gets first
    record_bytes: Size | None = None  # fixed
    header_bytes: Annotated[int, Field(ge=0)] = 0  # fixed: a header before the records, which every task gets first


class Expects(Closed):
    """What one container is expected to need; only estimates of the cost use it."""

    seconds_per_task: Annotated[float, Field(ge=0)] = 0  # whatever the task's size
    bytes_per_second: ByteSize = ByteSize(10_000_000)  # of its input


class Branch(Closed):
    """One of a stage's parallel ways: a job mapped over the stage's tasks, as `run`, `command` or `script`.

    `mpi` is one job over several nodes instead, for a stage of one task.
    """

    name: Name
    run: Callable | None = None  # a Python function
    command: Annotated[list[str], Field(min_length=1)] | None = None  # a program and its arguments, with placeholders
    script: str | None = None  # lines for bash
    mpi: Callable | Annotated[list[str], Field(min_length=1)] | None = None  # a Python function, or a command
    nodes: Size = 1
    slots: Annotated[int, Field(ge=1, le=192)] | None = None  # ranks per node; None: one a GPU, else one a vCPU
    compute: Compute = Compute.CPU
    gpus: Annotated[int, Field(ge=1, le=16)] | None = None  # None: one where `compute: gpu`
    vcpus: Annotated[int, Field(ge=1, le=192)] = 1
    memory: Annotated[int, Field(ge=128)] = 1024  # MiB
    timeout: Annotated[int, Field(ge=1, le=7 * 86_400)] = 3600  # seconds for one task
    attempts: Annotated[int, Field(ge=1, le=ATTEMPTS_MAX)] = 3
    target_children: Annotated[int, Field(ge=1)] = 2
    output: OutputKind = OutputKind.STREAM
    output_records: RecordFormat = RecordFormat.LINES  # how records out are counted; a file counts as one
    suffix: Suffix | None = None  # of the result's name; None: the dropped file's
    merge: MergeKind | Callable = MergeKind.CONCAT
    same_record_count: bool | None = None  # CheckOutput: as many records out as in; None: where both are lines
    expects: Expects = Expects()

    @model_validator(mode="before")
    @classmethod
    def _files_stay_apart(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("output") == OutputKind.FILES:
            return {"merge": MergeKind.NONE, **given}
        return given

    @property
    def gpu_count(self) -> int:
        """Return the GPUs of a container."""
        return (self.gpus or 1) if self.compute is Compute.GPU else 0

    @property
    def ranks_per_node(self) -> int:
        """Return how many ranks a node of an MPI branch takes at most."""
        return self.slots or self.gpu_count or self.vcpus

    @property
    def is_merged(self) -> bool:
        """Tell whether the branch ends as one object, which a later stage can read."""
        return self.merge is not MergeKind.NONE

    @property
    def has_results(self) -> bool:
        """Tell whether the branch makes what can be published: one object, or a file of each task."""
        return self.is_merged or self.output is OutputKind.FILES


class Stage(Closed):
    """A step of a pipeline; `input` names a branch of an earlier stage, absent means the dropped file."""

    name: Name
    input: Name | None = None
    split: Split
    branches: Annotated[list[Branch], Field(min_length=1, max_length=STAGE_BRANCHES_MAX)]

    def counts_match(self, branch: Branch) -> bool:
        """Tell whether the branch must write as many records as it reads."""
        if branch.same_record_count is not None:
            return branch.same_record_count
        lines = (RecordFormat.LINES, RecordFormat.JSONL)
        return self.split.records in lines and branch.output_records in lines and branch.output is OutputKind.STREAM


class Pipeline(Closed):
    """`pipeline.yaml`: what is done to a file dropped under `inputs/<name>/`."""

    version: Literal[1]
    name: Name
    description: str
    accepts: Accepts = Accepts()
    parameters: dict[ParameterName, Parameter] = {}
    image: Image = Image.CPU  # the stack's image that its jobs on CPUs run in
    job_definition: JobDefinition | None = None  # the pipeline's own Batch job definition, so its own image
    stages: Annotated[list[Stage], Field(min_length=1)]
    results: list[Name] | None = None  # branches whose outputs are results; None: every one that makes any

    def stage(self, name: str) -> Stage:
        """Return the stage called `name`."""
        return next(stage for stage in self.stages if stage.name == name)

    def after(self, name: str) -> Stage | None:
        """Return the stage after the one called `name`, None after the last."""
        names = [stage.name for stage in self.stages]
        place = names.index(name) + 1
        return self.stages[place] if place < len(names) else None
