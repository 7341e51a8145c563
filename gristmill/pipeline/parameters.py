"""A run's parameters: from the dropped object's user metadata, checked against the pipeline."""

from collections.abc import Mapping

from pydantic import JsonValue

from gristmill.enums import ParameterType
from gristmill.formats.registry import Layout
from gristmill.humanize import did_you_mean
from gristmill.pipeline import metadata as user_metadata
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.fields import Size
from gristmill.pipeline.lists import read_list
from gristmill.pipeline.model import Parameter, Pipeline
from gristmill.pipeline.parameter_rules import NO_CACHE, OWN, RESERVED, VERSION, problems
from gristmill.pipeline.stage import Split
from gristmill.pipeline.values import WANTED, read_value
from gristmill.printable import line

Values = dict[str, JsonValue]
_OWNER_MAX = 100


def owner(metadata: Mapping[str, str], requester: str) -> str:
    """Return whose run it is, on one line: the metadata's `owner`, else who uploaded."""
    given = user_metadata.read(metadata)[0].get("owner", "")
    return (line(given.strip()) or requester or "unknown")[:_OWNER_MAX]


def wanted_version(metadata: Mapping[str, str]) -> str | None:
    """Return the version of the pipeline that the metadata names, None where it leaves that to the stack."""
    return user_metadata.read(metadata)[0].get(VERSION, "").strip() or None


def read_no_cache(metadata: Mapping[str, str]) -> tuple[bool, list[str]]:
    """Return whether nothing of other runs is to be reused, and what is wrong with how that is said."""
    given = user_metadata.read(metadata)[0].get(NO_CACHE, "").strip().lower()
    if given in ("", "true", "false"):
        return given == "true", []
    return False, [f"{NO_CACHE} is true or false, not {given!r}"]


def resolve(pipeline: Pipeline, metadata: Mapping[str, str]) -> tuple[Values, list[str]]:
    """Return a run's parameters with defaults filled in, and every fault in what was given.

    Hyphens in names read as underscores. Where a split can be sized by records or by bytes, a size that is given
    puts the other's default out of force, and giving both is a fault.
    """
    texts, faults = user_metadata.read(metadata)
    given = {name: text for name, text in texts.items() if name not in RESERVED and not name.startswith(OWN)}
    values: Values = {}
    faults += [_unknown(pipeline, name) for name in given if name not in pipeline.parameters]
    for name, parameter in pipeline.parameters.items():
        if name in given:
            value, wrong = _parse(name, parameter, given[name])
            values[name] = value
            faults += wrong
        elif parameter.default is not None:
            values[name] = parameter.default
    faults += _settle_sizes(pipeline, set(given), values)
    return values, faults


def handed(branch: Branch, values: Values) -> Values:
    """Return the parameters that a branch is handed: those that it names, all by default."""
    return values if branch.parameters is None else {n: value for n, value in values.items() if n in branch.parameters}


def layout_of(split: Split, parameters: Values) -> Layout:
    """Return how a split's records lie in a file."""
    return Layout(split.header, size_of(split.record_bytes, parameters) or 1, split.header_bytes)


def size_of(size: Size | None, parameters: Values) -> int | None:
    """Return a split's size, looked up among the run's parameters where it refers to one; None if not given."""
    if isinstance(size, str):
        value = parameters.get(size.removeprefix("params."))
        return value if isinstance(value, int) else None
    return size


def _unknown(pipeline: Pipeline, name: str) -> str:
    known = ", ".join(pipeline.parameters) or "none"
    hint = did_you_mean(name, pipeline.parameters)
    return f"parameter {name}: {pipeline.name} has no such parameter (it has: {known}){hint}"


def _parse(name: str, parameter: Parameter, text: str) -> tuple[JsonValue, list[str]]:
    if "\0" in text:
        return None, [f"parameter {name}: {text!r} has a NUL character, which no program can be given; leave it out"]
    if parameter.type is ParameterType.LIST:
        return _parse_list(name, parameter, text)
    value = text if parameter.type is ParameterType.STRING else read_value(parameter.type, text.strip())
    if value is None:
        return None, [f"parameter {name}: {text!r} is not {WANTED[parameter.type]}"]
    return value, [f"parameter {name}: {problem}" for problem in problems(parameter, value)]


def _parse_list(name: str, parameter: Parameter, text: str) -> tuple[JsonValue, list[str]]:
    try:
        items = read_list(parameter.item_type, text)
    except ValueError as error:
        return None, [f"parameter {name}: {error}"]
    return items, [f"parameter {name}: {problem}" for problem in problems(parameter, items)]


def _settle_sizes(pipeline: Pipeline, given: set[str], values: Values) -> list[str]:
    faults = []
    for stage in pipeline.stages:
        pair = [stage.split.records_per_task, stage.split.bytes_per_task]
        named = [size.removeprefix("params.") for size in pair if isinstance(size, str)]
        if len(named) == 2 and set(named) <= given:
            faults.append(f"parameters {named[0]} and {named[1]}: give one or the other, not both")
        elif len(named) == 2 and named[1] in given:
            values.pop(named[0], None)
        elif len(named) == 2 and named[0] in values:
            values.pop(named[1], None)
    return faults
