"""A pipeline in tables: what it takes, what it does, what it needs for that, and what it checks."""

from collections.abc import Iterator
from typing import Any

from gristmill.cli.terminal.tables import size, table
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.inputs import Input, mates_input
from gristmill.pipeline.lists import as_given
from gristmill.pipeline.model import Parameter, Pipeline
from gristmill.pipeline.stage import Stage

_BRANCHES = (
    "STAGE",
    "BRANCH",
    "COMPUTE",
    "VCPUS",
    "MEMORY (MiB)",
    "TIMEOUT (s/task)",
    "ATTEMPTS",
    "TOLERATES",
    "CHILDREN",
    "MERGE",
)


def demands(pipeline: Pipeline) -> str:
    """Return which files a pipeline takes, and what its jobs must find, in one line."""
    files = f"takes files named {' or '.join(f'*{each}' for each in pipeline.accepts.suffixes) or 'as you like'}"
    own = {"image": pipeline.image, "job definition": pipeline.job_definition, "libraries": pipeline.libraries}
    found = [f"{what} {name}" for what, name in own.items() if name]
    return "; ".join([f"{files}, of at most {size(pipeline.accepts.max_bytes)}", *found])


def tables_of(pipeline: Pipeline) -> Iterator[Any]:
    """Yield a table for each kind of thing that a pipeline has."""
    if pipeline.inputs:
        mates = mates_input(pipeline.inputs)
        inputs = (_input(name, given, is_mates=name == mates) for name, given in pipeline.inputs.items())
        yield table(("INPUT", "IS", "NAMES END IN", "DEFAULT", "DESCRIPTION"), inputs)
    if pipeline.parameters:
        parameters = (_parameter(name, parameter) for name, parameter in pipeline.parameters.items())
        yield table(("PARAMETER", "TYPE", "DEFAULT", "BOUNDS", "DESCRIPTION"), parameters)
    yield table(("STAGE", "READS", "BESIDE IT", "A TASK IS", "ONLY WHEN"), map(_stage, pipeline.stages))
    branches = (_branch(stage.name, made) for stage in pipeline.stages for made in stage.made)
    yield table(_BRANCHES, branches, right=_BRANCHES[3:9])
    if pipeline.checks:
        rows = ((each.of, each.figure, each.bounds, each.otherwise, _fold(each.message)) for each in pipeline.checks)
        yield table(("CHECK OF", "FIGURE", "BOUNDS", "OTHERWISE", "MEANING"), rows)


def _input(name: str, given: Input, *, is_mates: bool) -> tuple[str, ...]:
    kind = f"cut: {given.records}" if given.records else "the mates" if is_mates else "given whole"
    default = "" if given.records else given.default or "must be given"
    return name, kind, ", ".join(given.suffixes), default, _fold(given.description)


def _parameter(name: str, parameter: Parameter) -> tuple[str, ...]:
    default = "" if parameter.default is None else as_given(parameter.default)
    low, high = ("" if bound is None else f"{bound:,.15g}" for bound in (parameter.minimum, parameter.maximum))
    bounds = ", ".join(map(as_given, parameter.choices or [])) or (f"{low}..{high}" if low or high else "")
    most = f"at most {parameter.max_items:,} items" if parameter.max_items else ""
    kind = f"{parameter.type} of {parameter.of}" if parameter.of else parameter.type
    return name, kind, default, "; ".join(filter(None, (bounds, most))), _fold(parameter.description)


def _stage(stage: Stage) -> tuple[str, ...]:
    joined = [f"{name}={' or '.join(names)}" for name, names in stage.joined_names.items()]
    beside = [*joined, *(f"{name} in step" for name in stage.in_step)]
    split = stage.split
    sizes = [(split.records_per_task, "records"), (split.bytes_per_task, "bytes")]
    task = " or ".join(f"{per_task} {unit}" for per_task, unit in sizes if per_task is not None)
    cut = f"{split.records}: {task}" if task else split.records
    return stage.name, " or ".join(stage.inputs) or "the dropped file", ", ".join(beside), cut, stage.when or ""


def _branch(stage: str, branch: Branch) -> tuple[str, ...]:
    return (
        stage,
        branch.name,
        branch.compute,
        str(branch.vcpus),
        ", ".join(f"{memory:,}" for memory in branch.memories),
        f"{branch.timeout:,}",
        str(branch.attempts),
        str(branch.tolerate or ""),
        "by work" if branch.target_children is None else f"<= {branch.target_children:,}",
        branch.merge,
    )


def _fold(text: str) -> str:
    return " ".join(text.split())
