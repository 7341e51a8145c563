"""What is wrong with a `pipeline.yaml` that breaks its schema, in sentences: what is there, and what must be."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gristmill.errors import plain_fault
from gristmill.humanize import did_you_mean, quoted
from gristmill.pipeline.fault import Fault
from gristmill.pipeline.fields import WORDS
from gristmill.pipeline.reference import values
from gristmill.pipeline.schema import cached_schema, fields_of, find_definition
from gristmill.printable import short

_SHOWN = 60  # characters of what is there
_KINDS = {dict: "a mapping", list: "a list"}
_BARE = re.compile(r"(?<![\w ])(integer|number|list|mapping)(?= of|,|;|$)|(?<=or )(integer|list)(?=,| of)")
_LINK = re.compile(r"\[(\w+)\]\(#\w+\)")


def schema_faults(errors: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    """Yield each place that pydantic found wrong, once: the choices of a union are of one place."""
    found: dict[tuple[str | int, ...], str] = {}
    for error in errors:
        place, sentence = _fault(error)
        found.setdefault(place, sentence)
    outer = {place[:length] for place in found for length in range(len(place))}
    yield from ((place, sentence) for place, sentence in found.items() if place not in outer)


def _fault(error: Mapping[str, Any]) -> Fault:
    steps, given = error["loc"], error["input"]
    if error["type"] == "extra_forbidden":
        place, definition = find_definition(steps[:-1])
        known = fields_of(definition)
        there = f"there is no such field; there are: {', '.join(known)}{did_you_mean(str(steps[-1]), known)}"
        return (*place, steps[-1]), there
    place, definition = find_definition(steps)
    if steps[-1:] == ("[key]",):
        (pattern,) = find_definition(steps[:-2])[1]["patternProperties"]
        return place, f"must have {WORDS[pattern]}"
    if error["type"] == "value_error":
        return place, plain_fault(error["msg"])
    wanted = ", ".join(_wanted(definition))
    if error["type"] == "missing":
        return (*place, *steps[len(place) :]), f"is missing; it is {wanted}"
    return place, f"must be {wanted}, not {_shown(given)}{_hint(definition, wanted, given)}"


def _wanted(definition: Mapping[str, Any]) -> Iterator[str]:
    if fields := fields_of(definition):
        yield f"a mapping with the fields {', '.join(fields)}"
    else:
        yield _BARE.sub(_with_article, _LINK.sub(r"\1", values(definition, cached_schema()["$defs"])))


def _with_article(found: re.Match[str]) -> str:
    return f"{'an' if found[0] == 'integer' else 'a'} {found[0]}"


def _shown(given: Any) -> str:
    if isinstance(given, list | dict):
        return f"{_KINDS[type(given)]} of {len(given)}"
    return short(quoted(given).strip('"'), _SHOWN)


def _hint(definition: Mapping[str, Any], wanted: str, given: Any) -> str:
    if isinstance(given, str):
        return did_you_mean(given, re.findall(r"`([\w-]+)`", wanted))
    is_text = definition.get("type") == "string" or wanted == "any value"
    return "; in quotes it is text" if is_text and not isinstance(given, list | dict | None) else ""
