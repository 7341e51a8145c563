"""Rules of a pipeline's parameters: how one is declared, what value it may have, how a size refers to it."""

from collections.abc import Iterator

from gristmill.enums import ParameterType
from gristmill.humanize import number, quoted
from gristmill.pipeline.fault import Fault, Place
from gristmill.pipeline.model import Parameter, Pipeline
from gristmill.pipeline.placeholders import as_text

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
    numeric = parameter.type in (ParameterType.INTEGER, ParameterType.NUMBER)
    if not numeric and (parameter.minimum is not None or parameter.maximum is not None):
        yield place, f"minimum and maximum are for integers and numbers, not for a {parameter.type}"
    if parameter.minimum is not None and parameter.maximum is not None and parameter.minimum > parameter.maximum:
        yield (*place, "minimum"), f"{number(parameter.minimum)} is more than the maximum, {number(parameter.maximum)}"
    for index, choice in enumerate(parameter.choices or []):
        for problem in problems(parameter, choice):
            yield (*place, "choices", index), problem
    if parameter.default is not None:
        for problem in problems(parameter, parameter.default):
            yield (*place, "default"), problem


def problems(parameter: Parameter, value: object) -> Iterator[str]:
    """Yield what is wrong with a value of a parameter."""
    if not _is_of(parameter.type, value):
        yield f"{quoted(value)} is not of the type {parameter.type}"
        return
    if isinstance(value, int | float) and parameter.minimum is not None and value < parameter.minimum:
        yield f"{value} is below the minimum {parameter.minimum:g}"
    if isinstance(value, int | float) and parameter.maximum is not None and value > parameter.maximum:
        yield f"{value} is above the maximum {parameter.maximum:g}"
    if parameter.choices is not None and value not in parameter.choices:
        yield f"{quoted(value)} is none of {', '.join(map(as_text, parameter.choices))}"


def _is_of(kind: ParameterType, value: object) -> bool:
    """Return whether a value is of a type; to Python, true and false are numbers too."""
    return isinstance(value, _PYTHON[kind]) and (kind is ParameterType.BOOLEAN or not isinstance(value, bool))


def size_faults(pipeline: Pipeline, place: Place, size: int | str | None) -> Iterator[Fault]:
    """Yield what is wrong with a size that refers to a parameter; a number is right."""
    if not isinstance(size, str):
        return
    parameter = pipeline.parameters.get(size.removeprefix("params."))
    if parameter is None:
        yield place, f"{size}: there is no such parameter"
    elif parameter.type is not ParameterType.INTEGER or (parameter.minimum or 0) < 1:
        yield place, f"{size}: must be an integer with a minimum of 1 or more"
