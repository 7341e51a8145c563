"""Rules of `pipeline.yaml` that join fields; each broken one is a fault with the place it is at."""

from collections.abc import Iterator

from gristmill.spec.model import Branch, Parameter, Pipeline, Split, Stage
from gristmill.words import MergeKind, ParameterType

RESERVED = {"owner", "max_cost"}
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
        stages.add(stage.name)
        for place, branch in enumerate(stage.branches):
            if branch.name in branches:
                yield ("stages", number, "branches", place, "name"), f"two branches are called {branch.name}"
            branches.add(branch.name)


def _stage(pipeline: Pipeline, number: int, stage: Stage) -> Iterator[Fault]:
    earlier = [branch for one in pipeline.stages[:number] for branch in one.branches]
    if stage.input is not None and stage.input not in _merged(earlier):
        known = ", ".join(_merged(earlier)) or "none"
        yield ("stages", number, "input"), f"{stage.input} is no merged branch of an earlier stage (there are: {known})"
    yield from _split(pipeline, ("stages", number, "split"), stage.split)


def _split(pipeline: Pipeline, place: Place, split: Split) -> Iterator[Fault]:
    for field in ("records_per_task", "bytes_per_task"):
        size = getattr(split, field)
        if not isinstance(size, str):
            continue
        parameter = pipeline.parameters.get(size.removeprefix("params."))
        if parameter is None:
            yield (*place, field), f"{size}: there is no such parameter"
        elif parameter.type is not ParameterType.INTEGER or (parameter.minimum or 0) < 1:
            yield (*place, field), f"{size}: must be an integer with a minimum of 1 or more"


def _results(pipeline: Pipeline) -> Iterator[Fault]:
    merged = _merged([branch for stage in pipeline.stages for branch in stage.branches])
    for number, name in enumerate(pipeline.results or []):
        if name not in merged:
            yield ("results", number), f"{name} is no merged branch (there are: {', '.join(merged) or 'none'})"


def _merged(branches: list[Branch]) -> list[str]:
    return [branch.name for branch in branches if branch.merge is not MergeKind.NONE]
