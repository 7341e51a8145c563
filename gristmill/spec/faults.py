"""Rules of `pipeline.yaml` that join fields; each broken one is a fault with the place it is at."""

from collections.abc import Iterator

from gristmill.cost import machine
from gristmill.limits import HISTORY_EVENTS_MAX, STAGE_CHILDREN_MAX
from gristmill.plan import group_sizes
from gristmill.spec.model import Branch, Parameter, Pipeline, Split, Stage
from gristmill.spec.placeholders import placeholder_faults
from gristmill.words import Compute, MergeKind, OutputKind, ParameterType, RecordFormat

RESERVED = {"owner", "max_cost"}
_ONE_TASK_OR_ITEMS = {RecordFormat.WHOLE, RecordFormat.LIST, RecordFormat.PARTS, RecordFormat.ALL_PARTS}
_WITH_HEADER = {RecordFormat.LINES, RecordFormat.CSV}
_OWN_PREFIXES = {"mpi", "outcomes"}  # what lies beside the stages under a run
_EXPANDED_MAX = 40 - len("-parts")
Place = tuple[str | int, ...]
Fault = tuple[Place, str]


def faults(pipeline: Pipeline) -> Iterator[Fault]:
    """Yield every broken rule as (place in the file, sentence)."""
    for name, parameter in pipeline.parameters.items():
        yield from _parameter(name, parameter)
    yield from _names(pipeline)
    for number, stage in enumerate(pipeline.stages):
        yield from _stage(pipeline, number, stage)
    yield from _results(pipeline)
    yield from _history(pipeline)


def _parameter(name: str, parameter: Parameter) -> Iterator[Fault]:
    place = ("parameters", name)
    if name in RESERVED:
        yield place, f"the name is reserved: {', '.join(sorted(RESERVED))}"
    numeric = parameter.type in (ParameterType.INTEGER, ParameterType.NUMBER)
    if not numeric and (parameter.minimum is not None or parameter.maximum is not None):
        yield place, f"minimum and maximum are for integers and numbers, not for a {parameter.type}"
    if parameter.default is not None:
        for problem in problems(parameter, parameter.default):
            yield (*place, "default"), problem


def problems(parameter: Parameter, value: object) -> Iterator[str]:
    """Yield what is wrong with a value of a parameter."""
    kinds: dict[ParameterType, tuple[type, ...]] = {
        ParameterType.INTEGER: (int,),
        ParameterType.NUMBER: (int, float),
        ParameterType.STRING: (str,),
        ParameterType.BOOLEAN: (bool,),
    }
    if not isinstance(value, kinds[parameter.type]) or (
        isinstance(value, bool) and parameter.type is not ParameterType.BOOLEAN
    ):
        yield f"{value!r} is not of the type {parameter.type}"
        return
    if isinstance(value, int | float) and parameter.minimum is not None and value < parameter.minimum:
        yield f"{value} is below the minimum {parameter.minimum:g}"
    if isinstance(value, int | float) and parameter.maximum is not None and value > parameter.maximum:
        yield f"{value} is above the maximum {parameter.maximum:g}"
    if parameter.choices is not None and value not in parameter.choices:
        yield f"{value!r} is none of {', '.join(map(str, parameter.choices))}"


def _names(pipeline: Pipeline) -> Iterator[Fault]:
    stages: set[str] = set()
    branches: set[str] = set()
    for number, stage in enumerate(pipeline.stages):
        if stage.name in stages:
            yield ("stages", number, "name"), f"two stages are called {stage.name}"
        if stage.name in _OWN_PREFIXES:
            yield ("stages", number, "name"), f"the name is reserved: {', '.join(sorted(_OWN_PREFIXES))}"
        stages.add(stage.name)
        for place, branch in enumerate(stage.branches):
            if branch.name in branches:
                yield ("stages", number, "branches", place, "name"), f"two branches are called {branch.name}"
            branches.add(branch.name)


def _stage(pipeline: Pipeline, number: int, stage: Stage) -> Iterator[Fault]:
    earlier = [branch for one in pipeline.stages[:number] for branch in one.branches]
    yield from _input(("stages", number, "input"), stage, earlier)
    yield from _split(pipeline, ("stages", number, "split"), stage.split)
    for place, branch in enumerate(stage.branches):
        yield from _branch(pipeline, ("stages", number, "branches", place), branch)
        yield from _mpi(pipeline, ("stages", number, "branches", place), stage, branch)


def _input(place: Place, stage: Stage, earlier: list[Branch]) -> Iterator[Fault]:
    of_parts = stage.split.records in (RecordFormat.PARTS, RecordFormat.ALL_PARTS)
    usable = [branch.name for branch in earlier if of_parts or branch.is_merged]
    if stage.input is None and of_parts:
        yield place, f"records: {stage.split.records} needs the branch whose parts are meant"
    if stage.input is not None and stage.input not in usable:
        kind = "branch" if of_parts else "merged branch"
        yield place, f"{stage.input} is no {kind} of an earlier stage (there are: {', '.join(usable) or 'none'})"


def _split(pipeline: Pipeline, place: Place, split: Split) -> Iterator[Fault]:
    for field in ("records_per_task", "bytes_per_task", "record_bytes"):
        yield from _size(pipeline, (*place, field), getattr(split, field))
    sized = [field for field in ("records_per_task", "bytes_per_task") if getattr(split, field) is not None]
    if split.records in _ONE_TASK_OR_ITEMS and sized:
        yield (*place, sized[0]), f"records: {split.records} takes no size: a task is one of them"
    if split.records not in _ONE_TASK_OR_ITEMS and not sized:
        yield place, "needs records_per_task or bytes_per_task"
    if split.header and split.records not in _WITH_HEADER:
        yield (*place, "header"), f"is for {' and '.join(sorted(_WITH_HEADER))}, not for {split.records}"
    is_fixed = split.records is RecordFormat.FIXED
    if is_fixed != (split.record_bytes is not None):
        yield (*place, "record_bytes"), "records: fixed needs it, and no other format takes it"
    if split.header_bytes and not is_fixed:
        yield (*place, "header_bytes"), "is for records: fixed alone"


def _size(pipeline: Pipeline, place: Place, size: int | str | None) -> Iterator[Fault]:
    if not isinstance(size, str):
        return
    parameter = pipeline.parameters.get(size.removeprefix("params."))
    if parameter is None:
        yield place, f"{size}: there is no such parameter"
    elif parameter.type is not ParameterType.INTEGER or (parameter.minimum or 0) < 1:
        yield place, f"{size}: must be an integer with a minimum of 1 or more"


def _branch(pipeline: Pipeline, place: Place, branch: Branch) -> Iterator[Fault]:
    given = [kind for kind in ("run", "command", "script", "mpi") if getattr(branch, kind) is not None]
    if len(given) != 1:
        yield place, f"needs exactly one of run, command, script and mpi (given: {', '.join(given) or 'none'})"
    for problem in placeholder_faults(branch.command, pipeline.parameters):
        yield (*place, "command"), problem
    if branch.output_records.is_items or branch.output_records is RecordFormat.FIXED:
        yield (*place, "output_records"), f"{branch.output_records} cannot be counted in an output"
    yield from _merge(pipeline, place, branch)


def _mpi(pipeline: Pipeline, place: Place, stage: Stage, branch: Branch) -> Iterator[Fault]:
    if branch.gpus is not None and branch.compute is not Compute.GPU:
        yield (*place, "gpus"), "needs compute: gpu"
    if branch.mpi is None:
        for field in ("nodes", "slots"):
            if field in branch.model_fields_set:
                yield (*place, field), "is for mpi alone"
        return
    if stage.split.records is not RecordFormat.WHOLE:
        yield (*place, "mpi"), "is one job over the stage's whole input: the split needs records: whole"
    if branch.output is OutputKind.FILES:
        yield (*place, "output"), "an MPI job writes one stream, by its rank 0"
    yield from _size(pipeline, (*place, "nodes"), branch.nodes)
    for problem in placeholder_faults(branch.mpi if isinstance(branch.mpi, list) else None, pipeline.parameters):
        yield (*place, "mpi"), problem


def _merge(pipeline: Pipeline, place: Place, branch: Branch) -> Iterator[Fault]:
    if branch.output is OutputKind.FILES and branch.merge in (MergeKind.CONCAT, MergeKind.HEADER):
        yield (*place, "merge"), f"{branch.merge} joins a stream; files are merged by a function, or by none"
    if branch.merge is MergeKind.HEADER and branch.output_records not in _WITH_HEADER:
        yield (*place, "merge"), "header needs output_records of lines or csv"
    if isinstance(branch.merge, MergeKind):
        return
    taken = [stage.name for stage in pipeline.stages]
    taken += [one.name for stage in pipeline.stages for one in stage.branches]
    for name in (f"{branch.name}-parts", f"{branch.name}-merge"):
        if name in taken:
            yield (*place, "merge"), f"a merge that computes is a stage of its own, but its name is taken: {name}"
    if len(branch.name) > _EXPANDED_MAX:
        yield (*place, "name"), f"a merge that computes needs a name of at most {_EXPANDED_MAX} characters"


def _results(pipeline: Pipeline) -> Iterator[Fault]:
    able = [branch.name for stage in pipeline.stages for branch in stage.branches if branch.has_results]
    known = ", ".join(able) or "none"
    for number, name in enumerate(pipeline.results or []):
        if name not in able:
            yield ("results", number), f"{name} is no branch that merges or makes files (there are: {known})"


def _history(pipeline: Pipeline) -> Iterator[Fault]:
    """Yield a fault where stages that each need all their attempts would outgrow an execution's history."""
    events = sum(_worst_events(stage) for stage in pipeline.stages)
    if not machine.fits_history(events):
        most = f"an execution has at most {HISTORY_EVENTS_MAX:,} events, and these may take {events:,}"
        yield ("stages",), f"{most}: fewer stages, branches or attempts are needed"


def _worst_events(stage: Stage) -> int:
    share = STAGE_CHILDREN_MAX // len(stage.branches)
    arrays = [branch for branch in stage.branches if branch.mpi is None]
    jobs = sum(len(group_sizes(min(branch.target_children, share))) for branch in arrays)
    attempts = max(branch.attempts for branch in stage.branches)
    nodes = sum(machine.mpi_events(branch.timeout) for branch in stage.branches if branch.mpi is not None)
    return machine.worst_events(attempts, len(arrays), jobs) + attempts * nodes
