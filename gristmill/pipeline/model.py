"""The closed, versioned schema of `pipeline.yaml`."""

from typing import Annotated, Any, Literal

from pydantic import ByteSize, Field, JsonValue, model_validator

from gristmill.enums import Compute, Emptiness, Image, MergeKind, OutputKind, ParameterType, RecordFormat
from gristmill.limits import ATTEMPTS_MAX, CHECKS_MAX, INPUTS_MAX, JOINS_MAX, STAGE_BRANCHES_MAX
from gristmill.pipeline.check import Check
from gristmill.pipeline.fields import (
    Bytes,
    Callable,
    Closed,
    Condition,
    FolderFile,
    Identity,
    JobDefinition,
    MadeName,
    Memory,
    Name,
    Number,
    Operation,
    ParameterName,
    Size,
    Suffix,
    Tolerance,
    VariableName,
)
from gristmill.pipeline.inputs import Accepts, Input
from gristmill.pipeline.outputs import Output


class Parameter(Closed):
    """A parameter of a run; it comes from the dropped object's user metadata (`gristmill run --param NAME=VALUE`)."""

    type: Operation[ParameterType] = Field(description="What its values are.")
    description: Operation[str] = Field(description="What it means, for `pipelines show` and people.")
    of: Operation[ParameterType | None] = Field(
        default=None, description="`list`: what each of its items is; any type but `list`."
    )
    max_items: Operation[int | None] = Field(default=None, ge=1, description="`list`: the most items that it may have.")
    default: Operation[JsonValue] = Field(
        default=None, description="Its value if none is given. Without it, a run may lack it."
    )
    minimum: Operation[Number | None] = Field(
        default=None, description="The least value, of an `integer` or a `number`, or of a list's items."
    )
    maximum: Operation[Number | None] = Field(
        default=None, description="The greatest value, of an `integer` or a `number`, or of a list's items."
    )
    choices: Operation[list[JsonValue] | None] = Field(
        default=None, min_length=1, description="The only values that it, or an item of a list, may have."
    )

    @property
    def item_type(self) -> ParameterType:
        """Return the type of its value, or of the items where that is a list."""
        return self.of or self.type


class Split(Closed):
    """How a stage's input is cut into tasks; one of the two sizes decides, a given one before a default."""

    records: Identity[RecordFormat] = Field(description="What a record is; see [Records](pipelines.md#records).")
    records_per_task: Identity[Size | None] = Field(default=None, description="Records that one task gets.")
    bytes_per_task: Identity[Size | None] = Field(
        default=None, description="Bytes that one task gets, and the rest of its last record."
    )
    header: Identity[bool] = Field(
        default=False, description="`lines` and `csv`: the first record is a header; every task gets it first."
    )
    record_bytes: Identity[Size | None] = Field(default=None, description="`fixed`: bytes of each record.")
    header_bytes: Identity[int] = Field(
        default=0, ge=0, description="`fixed`: bytes before the records; every task gets them first."
    )


class Expects(Closed):
    """What one container is expected to need: for the estimate of the cost, and to plan how many there are."""

    seconds_per_task: Operation[Number] = Field(
        default=0, ge=0, description="Seconds that a task takes whatever its size."
    )
    bytes_per_second: Operation[Bytes] = Field(
        default=ByteSize(10_000_000), description="Input that a container works through."
    )

    def seconds(self, tasks: int, size: int) -> float:
        """Return the seconds that so many tasks of so many bytes take in all."""
        return tasks * self.seconds_per_task + size / self.bytes_per_second


class Branch(Closed):
    """One of a stage's parallel ways: a job mapped over the stage's tasks, as `run`, `command` or `script`.

    `mpi` is one job over several nodes instead, for a stage of one task.
    """

    name: Identity[Name] = Field(description="Unique in the pipeline; the result is called so.")
    run: Identity[Callable | None] = Field(default=None, description="A Python function, `module:function`.")
    command: Identity[Annotated[list[str], Field(min_length=1)] | None] = Field(
        default=None, description="A program and its arguments, with placeholders such as `{input}`."
    )
    script: Identity[str | None] = Field(default=None, description="Lines for bash.")
    mpi: Identity[Callable | Annotated[list[str], Field(min_length=1)] | None] = Field(
        default=None, description="An MPI program: a Python function, or a command with placeholders."
    )
    parameters: Identity[list[ParameterName] | None] = Field(
        default=None,
        description="The parameters that it is handed; a new value of another one keeps what it has done. Without it, "
        "all of them.",
    )
    nodes: Identity[Size] = Field(default=1, description="`mpi`: nodes of the job.")
    slots: Identity[int | None] = Field(
        default=None, ge=1, le=192, description="`mpi`: ranks of each node. Without it, one a GPU, else one a vCPU."
    )
    given: Identity[list[ParameterName]] = Field(
        default=[], alias="with", description="Inputs that its tasks are given whole, as `{NAME}`."
    )
    compute: Operation[Compute] = Field(default=Compute.CPU, description="Which queue its jobs go to.")
    gpus: Operation[int | None] = Field(
        default=None, ge=1, le=16, description="GPUs of each container or node, with `compute: gpu`. Without it, one."
    )
    vcpus: Operation[int] = Field(default=1, ge=1, le=192, description="vCPUs of each container or node.")
    memory: Operation[Memory | Annotated[list[Memory], Field(min_length=1)]] = Field(
        default=1024,
        description="Memory of each container or node: MiB, or a text such as `4GB`. A list is of steps: what has run "
        "out of memory gets the next one; see [Memory](pipelines.md#memory).",
    )
    timeout: Operation[int] = Field(default=3600, ge=1, le=7 * 86_400, description="Seconds that one task may take.")
    attempts: Operation[int] = Field(
        default=3, ge=1, le=ATTEMPTS_MAX, description="Passes over what is missing until the run fails."
    )
    tolerate: Operation[Tolerance] = Field(
        default=0,
        description="Tasks that may fail and be left out: a count, or a share such as `1%`; see "
        "[Tolerance](pipelines.md#tolerance).",
    )
    target_children: Operation[int | None] = Field(
        default=None,
        ge=1,
        description="Containers that share the tasks: fewer for fewer tasks, and never more than run at once. Without "
        "it, as many as the work fills; see [Resources](pipelines.md#resources-and-how-many-containers).",
    )
    env: Identity[dict[VariableName, str]] = Field(
        default={},
        description="Variables of the jobs' environment, with placeholders that are the same for all tasks: `{vcpus}`, "
        "`{memory}`, `{gpus}`, `{run}`, `{pipeline}` and `{params.NAME}`.",
    )
    output: Identity[OutputKind] = Field(
        default=OutputKind.STREAM, description="One stream, which tasks write in order, or a file of each."
    )
    output_records: Identity[RecordFormat | None] = Field(
        default=None,
        description="What a record of the output is: any but `fixed`, `list`, `parts` and `all-parts`. Without it, "
        "`whole` where `fixed` is read, files are made or MPI writes, else `lines`.",
    )
    suffix: Identity[Suffix | None] = Field(
        default=None, description="How the result's name ends. Without it, as the dropped file's without `.gz`."
    )
    merge: Identity[MergeKind | Callable] = Field(
        default=MergeKind.CONCAT,
        description="What becomes of the tasks' outputs; see [Outputs and merges](pipelines.md#outputs-and-merges). "
        "With `output: files` it is `none` by default.",
    )
    outputs: Identity[dict[Name, Output]] = Field(
        default={},
        description="Several outputs of each task, by name, in place of one: at most 8; see "
        "[Several outputs](pipelines.md#several-outputs).",
    )
    same_record_count: Operation[bool | None] = Field(
        default=None,
        description="Fail the run unless as many records came out as went in. Without it, so where both are lines.",
    )
    empty: Operation[Emptiness] = Field(
        default=Emptiness.FAIL,
        description="What becomes of the run where a later stage reads the branch as a list and it lists nothing: it "
        "fails, or the stages that read it are left out and the run goes on.",
    )
    expects: Operation[Expects | None] = Field(
        default=None,
        description="What the estimate of the cost goes by and, without `target_children`, the number of containers.",
    )

    @model_validator(mode="before")
    @classmethod
    def _files_stay_apart(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("output") == OutputKind.FILES:
            return {"merge": MergeKind.NONE, **given}
        return given

    @property
    def memories(self) -> list[int]:
        """Return the steps of memory in MiB, most often one."""
        return self.memory if isinstance(self.memory, list) else [self.memory]

    def with_memory(self, mib: int) -> "Branch":
        """Return the branch at one of its steps of memory."""
        return self.model_copy(update={"memory": mib})

    @property
    def gpu_count(self) -> int:
        """Return the GPUs of a container."""
        return (self.gpus or 1) if self.compute is Compute.GPU else 0

    @property
    def ranks_per_node(self) -> int:
        """Return how many ranks a node of an MPI branch takes at most."""
        return self.slots or self.gpu_count or self.vcpus

    @property
    def uses_code(self) -> bool:
        """Return whether it can see the pipeline's folder: a function can, a program where its words name it."""
        words = self.command or (self.mpi if isinstance(self.mpi, list) else [self.script or ""])
        words = [*words, *self.env.values()]
        is_function = self.run is not None or isinstance(self.mpi, str)
        return is_function or any("pipeline" in word.lower() for word in words)

    @property
    def made(self) -> "list[Branch]":
        """Return what the branch makes, as a branch each."""
        return list(self.by_output.values())

    @property
    def by_output(self) -> "dict[str, Branch]":
        """Return what the branch makes by output: itself without a name, or a branch called `branch.output` of each."""
        if not self.outputs:
            return {"": self}
        alone: dict[str, Any] = {"outputs": {}, "same_record_count": False}
        return {
            name: self.model_copy(update={**alone, "name": f"{self.name}.{name}", **dict(output)})
            for name, output in self.outputs.items()
        }

    @property
    def is_merged(self) -> bool:
        """Return whether the branch ends as one object, which a later stage can read."""
        return self.merge is not MergeKind.NONE and not self.outputs

    @property
    def has_results(self) -> bool:
        """Return whether the branch makes what can be published: one object, or a file of each task."""
        if self.outputs:
            return any(made.has_results for made in self.made)
        return self.is_merged or self.output is OutputKind.FILES


def _several(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


class Stage(Closed):
    """A step of a pipeline; `input` names a branch of an earlier stage, absent means the dropped file.

    A stage that has nothing to read, for all of that was left out, is left out too.
    """

    name: Identity[Name] = Field(description="Unique in the pipeline.")
    input: Identity[MadeName | Annotated[list[MadeName], Field(min_length=1)] | None] = Field(
        default=None,
        description="The branch of an earlier stage that it reads; of several, the first that was not left out. "
        "Without it, the dropped file.",
    )
    joined: Identity[dict[ParameterName, MadeName | Annotated[list[MadeName], Field(min_length=1)]]] = Field(
        default={},
        alias="with",
        max_length=JOINS_MAX,
        description="Merged branches of earlier stages that each task is given whole, as `{NAME}`; of several, the "
        "first that was not left out.",
    )
    in_step: Identity[list[MadeName]] = Field(
        default=[],
        max_length=JOINS_MAX,
        description="`records: parts`: branches with the same tasks; each task is given its own part of each, as "
        "`{BRANCH}` with underscores for hyphens and dots.",
    )
    when: Operation[Condition | None] = Field(
        default=None, description="Only then is the stage done, else it is left out. Decided when the run begins."
    )
    split: Identity[Split] = Field(description="How its input is cut into tasks.")
    branches: Operation[list[Branch]] = Field(
        min_length=1, max_length=STAGE_BRANCHES_MAX, description="What is done, side by side."
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


class Pipeline(Closed):
    """`pipeline.yaml`: what is done to a file dropped under `inputs/<name>/`."""

    version: Operation[Literal[1]] = Field(description="Of this schema.")
    name: Operation[Name] = Field(description="The folder's name, and the prefix `inputs/<name>/` that starts it.")
    description: Operation[str] = Field(description="What it does, for `gristmill pipelines` and people.")
    accepts: Operation[Accepts] = Field(default=Accepts(), description="Which dropped files it takes.")
    inputs: Operation[dict[ParameterName, Input]] = Field(
        default={}, max_length=INPUTS_MAX, description="The files of a run, by name; none: the dropped file alone."
    )
    parameters: Operation[dict[ParameterName, Parameter]] = Field(
        default={}, description="What a run can be given, by name."
    )
    image: Identity[Image] = Field(default=Image.CPU, description="The stack's image that its jobs on CPUs run in.")
    job_definition: Identity[JobDefinition | None] = Field(
        default=None, description="A Batch job definition of your own, so an image of your own."
    )
    libraries: Identity[FolderFile | None] = Field(
        default=None, description="A lock file with hashes; see [Libraries](pipelines.md#libraries-of-its-own)."
    )
    stages: Operation[list[Stage]] = Field(min_length=1, description="What is done, one after another.")
    checks: Operation[list[Check]] = Field(
        default=[], max_length=CHECKS_MAX, description="Bounds on figures; see [Checks](pipelines.md#checks)."
    )
    results: Operation[list[MadeName] | None] = Field(
        default=None, description="Branches whose outputs are kept as results. Without it, every one that makes any."
    )

    def stage(self, name: str) -> Stage:
        """Return the stage called `name`."""
        return next(stage for stage in self.stages if stage.name == name)

    @property
    def functions(self) -> list[str]:
        """Return every `module:function` that its branches name."""
        branches = [branch for stage in self.stages for branch in stage.branches]
        named = [name for branch in branches for name in (branch.run, branch.mpi, branch.merge)]
        return [name for name in named if isinstance(name, str) and not isinstance(name, MergeKind)]

    def checks_of(self, branch: str) -> list[Check]:
        """Return the checks of a branch's figures."""
        return [check for check in self.checks if check.of == branch]

    def after(self, name: str) -> Stage | None:
        """Return the stage after the one called `name`, None after the last."""
        names = [stage.name for stage in self.stages]
        place = names.index(name) + 1
        return self.stages[place] if place < len(names) else None
