"""`when` of a stage: a parameter that is true, or that has one value. Decided once, at the beginning of a run."""

from collections.abc import Iterator

from gristmill.enums import ParameterType
from gristmill.pipeline.fault import Fault, Place
from gristmill.pipeline.model import Pipeline
from gristmill.pipeline.parameter_rules import problems
from gristmill.pipeline.parameters import Values
from gristmill.pipeline.placeholders import as_text
from gristmill.pipeline.values import read_value

_PARAMETER = "params."


def condition_faults(pipeline: Pipeline, place: Place, when: str) -> Iterator[Fault]:
    """Yield what is wrong with the condition of a stage."""
    name, wanted = _parts(when)
    parameter = pipeline.parameters.get(name)
    if parameter is None:
        known = ", ".join(pipeline.parameters) or "none"
        yield place, f"{when}: there is no parameter {name} (there are: {known})"
    elif parameter.default is None:
        yield place, f"{when}: {name} may be absent from a run: give the parameter a default"
    elif parameter.type is ParameterType.LIST:
        yield place, f"{when}: {name} is a list, which has no one value to compare"
    elif wanted is None:
        if parameter.type is not ParameterType.BOOLEAN:
            yield place, f"{when}: {name} is of the type {parameter.type}; write {_PARAMETER}{name} = VALUE"
    else:
        value = read_value(parameter.type, wanted)
        if value is None:
            yield place, f"{when}: {wanted} is not of the type {parameter.type}, so it would never be done"
        else:
            yield from (
                (place, f"{when}: {problem}, so it would never be done") for problem in problems(parameter, value)
            )


def unmet(pipeline: Pipeline, values: Values) -> dict[str, str]:
    """Return the stages whose condition does not hold, each with the reason: params.call is false."""
    reasons = {stage.name: _why_not(pipeline, stage.when, values) for stage in pipeline.stages if stage.when}
    return {stage: reason for stage, reason in reasons.items() if reason}


def _why_not(pipeline: Pipeline, when: str, values: Values) -> str:
    name, text = _parts(when)
    value, wanted = values.get(name), True if text is None else read_value(pipeline.parameters[name].type, text)
    if value == wanted:
        return ""
    shown = "not given" if value is None else as_text(value)
    return f"{_PARAMETER}{name} is {shown}" + ("" if isinstance(wanted, bool) else f", not {as_text(wanted)}")


def _parts(when: str) -> tuple[str, str | None]:
    """Return the parameter of a condition, and the value that it must have (None: it must be true)."""
    left, has_value, right = when.partition("=")
    return left.strip().removeprefix(_PARAMETER), right.strip() if has_value else None
