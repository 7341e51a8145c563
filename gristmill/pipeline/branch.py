"""A branch of a stage: what is done to its tasks, and what it makes."""

import re
from typing import Annotated, Any

from pydantic import Field, model_validator

from gristmill.enums import Compute, Emptiness, MergeKind, OutputKind, RecordFormat
from gristmill.limits import ATTEMPTS_MAX
from gristmill.pipeline.expects import Expects
from gristmill.pipeline.fields import (
    Callable,
    Closed,
    ContainerImage,
    Identity,
    Memory,
    Name,
    Operation,
    ParameterName,
    SecretName,
    Size,
    Suffix,
    Tolerance,
    VariableName,
)
from gristmill.pipeline.outputs import Output


class Branch(Closed):
    """One of a stage's parallel ways: a job mapped over the stage's tasks, as `run`, `command` or `script`.

    `mpi` is one job over several nodes instead, for a stage of one task.
    """

    name: Identity[Name] = Field(
        description="Unique in the pipeline; the result is called so. Words of keys, such as `ended` and `own`, are "
        "refused.",
        examples=["aligned"],
    )
    run: Identity[Callable | None] = Field(
        default=None, description="A Python function, `module:function`.", examples=["jobs:align"]
    )
    command: Identity[Annotated[list[str], Field(min_length=1)] | None] = Field(
        default=None,
        description="A program and its arguments, with placeholders such as `{input}`.",
        examples=[["sort", "-o", "{output}", "{input}"]],
    )
    script: Identity[str | None] = Field(
        default=None, description="Lines for bash.", examples=['sort "$INPUT" > "$OUTPUT"']
    )
    mpi: Identity[Callable | Annotated[list[str], Field(min_length=1)] | None] = Field(
        default=None,
        description="An MPI program: a Python function, or a command with placeholders.",
        examples=["jobs:solve"],
    )
    parameters: Identity[list[ParameterName] | None] = Field(
        default=None,
        description="The parameters that it is handed; a new value of another one keeps what it has done. Without it, "
        "all of them.",
        examples=[["word"]],
    )
    nodes: Identity[Size] = Field(default=1, description="`mpi`: nodes of the job.", examples=[2])
    slots: Identity[int | None] = Field(
        default=None,
        ge=1,
        le=192,
        description="`mpi`: ranks of each node. Without it, one a GPU, else one a vCPU.",
        examples=[4],
    )
    given: Identity[list[ParameterName]] = Field(
        default=[],
        alias="with",
        description="Inputs that its tasks are given whole, as `{NAME}`.",
        examples=[["genome"]],
    )
    compute: Identity[Compute] = Field(
        default=Compute.CPU, description="Which queue its jobs go to, and which image they run in.", examples=["gpu"]
    )
    gpus: Operation[int | None] = Field(
        default=None,
        ge=1,
        le=16,
        description="GPUs of each container or node, with `compute: gpu`. Without it, one.",
        examples=[2],
    )
    vcpus: Operation[int] = Field(default=1, ge=1, le=192, description="vCPUs of each container or node.", examples=[4])
    memory: Operation[Memory | Annotated[list[Memory], Field(min_length=1)]] = Field(
        default=1024,
        description="Memory of each container or node: MiB, or a text such as `4GB`. A list is of steps: what has run "
        "out of memory gets the next one; see [Memory](pipelines.md#memory).",
        examples=[["4GB", "8GB", "16GB"]],
    )
    timeout: Operation[int] = Field(
        default=3600, ge=1, le=7 * 86_400, description="Seconds that one task may take.", examples=[600]
    )
    attempts: Operation[int] = Field(
        default=3, ge=1, le=ATTEMPTS_MAX, description="Passes over what is missing until the run fails.", examples=[2]
    )
    tolerate: Operation[Tolerance] = Field(
        default=0,
        description="Tasks that may fail and be left out: a count, or a share such as `1%`; see "
        "[Tolerance](pipelines.md#tolerance).",
        examples=["1%"],
    )
    target_children: Operation[int | None] = Field(
        default=None,
        ge=1,
        description="Containers that share the tasks: fewer for fewer tasks, and never more than run at once. Without "
        "it, as many as the work fills; see [Resources](pipelines.md#resources-and-how-many-containers).",
        examples=[64],
    )
    env: Identity[dict[VariableName, str]] = Field(
        default={},
        description="Variables of the jobs' environment, with placeholders that are the same for all tasks: `{vcpus}`, "
        "`{memory}`, `{gpus}`, `{run}`, `{pipeline}` and `{params.NAME}`.",
        examples=[{"OMP_NUM_THREADS": "{vcpus}"}],
    )
    secrets: Identity[dict[VariableName, SecretName]] = Field(
        default={},
        description="Variables of the jobs' environment with secrets, `ssm:/NAME` or `secretsmanager:NAME`; see "
        "[Secrets](pipelines.md#secrets).",
        examples=[{"API_KEY": "ssm:/gristmill/gristmill/calls/key"}],
    )
    container: Identity[ContainerImage | None] = Field(
        default=None,
        description="An image of its own, by its digest and made FROM one of Gristmill's; see "
        "[Containers](pipelines.md#a-container-of-its-own).",
        examples=[
            "123456789012.dkr.ecr.eu-central-1.amazonaws.com/caller@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        ],
    )
    output: Identity[OutputKind] = Field(
        default=OutputKind.STREAM,
        description="One stream, which tasks write in order, or a file of each.",
        examples=["files"],
    )
    output_records: Identity[RecordFormat | None] = Field(
        default=None,
        description="What a record of the output is: any but `fixed`, `list`, `parts` and `all-parts`. Without it, "
        "`whole` where `fixed` is read, files are made or MPI writes, else `lines`.",
        examples=["csv"],
    )
    suffix: Identity[Suffix | None] = Field(
        default=None,
        description="How the result's name ends. Without it, as the dropped file's without `.gz`.",
        examples=[".tsv"],
    )
    merge: Identity[MergeKind | Callable] = Field(
        default=MergeKind.CONCAT,
        description="What becomes of the tasks' outputs; see [Outputs and merges](pipelines.md#outputs-and-merges). "
        "With `output: files` it is `none` by default.",
        examples=["header"],
    )
    outputs: Identity[dict[Name, Output]] = Field(
        default={},
        description="Several outputs of each task, by name, in place of one: at most 8; see "
        "[Several outputs](pipelines.md#several-outputs).",
        examples=[{"vcf": {"suffix": ".vcf", "merge": "header"}, "log": {}}],
    )
    same_record_count: Operation[bool | None] = Field(
        default=None,
        description="Fail the run unless as many records came out as went in. Without it, so where both are lines.",
        examples=[True],
    )
    empty: Operation[Emptiness] = Field(
        default=Emptiness.FAIL,
        description="What becomes of the run where a later stage reads the branch as a list and it lists nothing: it "
        "fails, or the stages that read it are left out and the run goes on.",
        examples=["ok"],
    )
    cache: Operation[bool | None] = Field(
        default=None,
        description="Whether later runs reuse what it merges, where all is the same. Without it, as the pipeline says.",
        examples=[True],
    )
    expects: Operation[Expects | None] = Field(
        default=None,
        description="What the estimate of the cost goes by and, without `target_children`, the number of containers.",
        examples=[{"seconds_per_task": 300}],
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
    def has_own_definition(self) -> bool:
        """Return whether its jobs need a job definition of their own, which a push registers."""
        return bool(self.container or self.secrets)

    @property
    def uses_code(self) -> bool:
        """Return whether it can see the pipeline's folder: a function can, a program where its words name it."""
        words = self.command or (self.mpi if isinstance(self.mpi, list) else [self.script or ""])
        words = [*words, *self.env.values()]
        is_function = self.run is not None or isinstance(self.mpi, str)
        return is_function or any("pipeline" in word.lower() for word in words)

    def names(self, placeholder: str) -> bool:
        """Return whether its command, its script or its environment names a placeholder."""
        if re.search(rf"\${{?{placeholder.upper()}\b", self.script or ""):
            return True
        words = [*(self.command or []), *(self.mpi if isinstance(self.mpi, list) else []), *self.env.values()]
        return any(f"{{{placeholder}}}" in word for word in words)

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
