"""Rules of a pipeline's parameters: how one is declared, what value it may have, how a size refers to it."""

from collections.abc import Iterator

from gristmill.enums import ParameterType
from gristmill.humanize import number, quoted
from gristmill.pipeline.fault import Fault, Place
from gristmill.pipeline.lists import item_problem
from gristmill.pipeline.model import Parameter, Pipeline
from gristmill.pipeline.placeholders import as_text

VERSION = "gristmill_version"  # of the pipeline: a number, a digest, or `built-in`
NO_CACHE = "gristmill_no_cache"  # `true`: nothing of other runs is reused
RESERVED = {"owner", "max_cost"}
OWN = "gristmill_"  # what begins so is Gristmill's own
_PYTHON: dict[ParameterType, tuple[type, ...]] = {
    ParameterType.INTEGER: (int,),
    ParameterType.NUMBER: (int, float),
    ParameterType.STRING: (str,),
    ParameterType.BOOLEAN: (bool,),
}


def parameter_faults(name: str, parameter: Parameter) -> Iterator[Fault]:
    """Yield what is wrong with how a parameter is declared."""
    place = ("parameters", name)
    if name in RESERVED:
        yield place, f"the name is reserved: {', '.join(sorted(RESERVED))}"
    if name.startswith(OWN):
        yield place, f"names that begin with {OWN} are reserved"
    yield from _list_faults(place, parameter)
    numeric = parameter.item_type in (ParameterType.INTEGER, ParameterType.NUMBER)
    if not numeric and (parameter.minimum is not None or parameter.maximum is not None):
        yield place, f"minimum and maximum are for integers and numbers, not for a {parameter.item_type}"
    if parameter.minimum is not None and parameter.maximum is not None and parameter.minimum > parameter.maximum:
        yield (*place, "minimum"), f"{number(parameter.minimum)} is more than the maximum, {number(parameter.maximum)}"
    for index, choice in enumerate(parameter.choices or []):
        for problem in value_problems(parameter, choice):
            yield (*place, "choices", index), problem
    if parameter.default is not None:
        for problem in problems(parameter, parameter.default):
            yield (*place, "default"), problem


def _list_faults(place: Place, parameter: Parameter) -> Iterator[Fault]:
    if parameter.type is not ParameterType.LIST:
        for field in ("of", "max_items"):
            if getattr(parameter, field) is not None:
                yield (*place, field), f"is for a list, not for a parameter of the type {parameter.type}"
    elif parameter.of in (None, ParameterType.LIST):
        yield (*place, "of"), "a list says what its items are: of: integer, number, string or boolean"


def problems(parameter: Parameter, value: object) -> Iterator[str]:
    """Yield what is wrong with a value of a parameter; of a list, with its items."""
    if parameter.type is not ParameterType.LIST:
        yield from value_problems(parameter, value)
    elif not isinstance(value, list):
        yield f"{quoted(value)} is not a list"
    else:
        if parameter.max_items is not None and len(value) > parameter.max_items:
            yield f"it has {len(value):,} items, and at most {parameter.max_items:,} are taken"
        for number, item in enumerate(value, start=1):
            yield from (f"item {number}: {problem}" for problem in _item_problems(parameter, item))


def _item_problems(parameter: Parameter, item: object) -> Iterator[str]:
    wrong = item_problem(item) if isinstance(item, str) else ""
    yield from [wrong] if wrong else value_problems(parameter, item)


def value_problems(parameter: Parameter, value: object) -> Iterator[str]:
    """Yield what is wrong with one value: a parameter's, or an item of a list."""
    if not _is_of(parameter.item_type, value):
        yield f"{quoted(value)} is not of the type {parameter.item_type}"
        return
    if isinstance(value, int | float) and parameter.minimum is not None and value < parameter.minimum:
        yield f"{value} is below the minimum {parameter.minimum:g}"
    if isinstance(value, int | float) and parameter.maximum is not None and value > parameter.maximum:
        yield f"{value} is above the maximum {parameter.maximum:g}"
    if parameter.choices is not None and value not in parameter.choices:
        yield f"{quoted(value)} is none of {', '.join(map(as_text, parameter.choices))}"


def _is_of(kind: ParameterType, value: object) -> bool:
    """Return whether a value is of a type; to Python, true and false are numbers too."""
    return isinstance(value, _PYTHON.get(kind, ())) and (kind is ParameterType.BOOLEAN or not isinstance(value, bool))


def size_faults(pipeline: Pipeline, place: Place, size: int | str | None) -> Iterator[Fault]:
    """Yield what is wrong with a size that refers to a parameter; a number is right."""
    if not isinstance(size, str):
        return
    parameter = pipeline.parameters.get(size.removeprefix("params."))
    if parameter is None:
        yield place, f"{size}: there is no such parameter"
    elif parameter.type is not ParameterType.INTEGER or (parameter.minimum or 0) < 1:
        yield place, f"{size}: must be an integer with a minimum of 1 or more"
