"""A list of values as text: with commas between, or as a JSON array where an item has a comma. Pure.

What is read is what was written, byte for byte; what could mean two things is refused.
"""

import json
from collections.abc import Iterator
from typing import Any

from pydantic import JsonValue

from gristmill.enums import ParameterType
from gristmill.pipeline.placeholders import as_text
from gristmill.pipeline.values import WANTED, read_value

_JSON = 'write it as a JSON array, such as ["a, b", "c"]'


class _Digits(str):
    """A number of JSON as it was written."""


def read_list(of: ParameterType, text: str) -> list[JsonValue]:
    """Return the items of a list; ValueError, with the mend, where it is none."""
    if text.strip().startswith("["):
        return list(_from_json(of, text))
    if not text.strip():
        raise ValueError("has no items; write [] for an empty list")
    return [_item(of, item, number) for number, item in enumerate(text.split(","), start=1)]


def as_given(value: JsonValue) -> str:
    """Return a parameter's value as `--param` and metadata take it: what `read_list` and `read_value` read back."""
    if not isinstance(value, list):
        return as_text(value)
    plain = ",".join(map(as_text, value))
    is_plain = bool(plain.strip()) and not plain.strip().startswith("[") and plain.count(",") == len(value) - 1
    return plain if is_plain else json.dumps(value, ensure_ascii=False)


def item_problem(item: str) -> str:
    """Return why a text cannot be an item: programs get the items one a line."""
    if not item:
        return "is empty, and programs could not tell it from none; leave it out"
    if "\0" in item:
        return "has a NUL character, which no program can be given; leave it out"
    return "has a line end, and programs get the items one a line; leave it out" if "\n" in item else ""


def _item(of: ParameterType, text: str, number: int) -> JsonValue:
    value = read_value(of, text if of is ParameterType.STRING else text.strip())
    if value is None:
        raise ValueError(f"{text!r}, its item {number}, is not {WANTED[of]}")
    return value


def _from_json(of: ParameterType, text: str) -> Iterator[JsonValue]:
    try:
        items = json.loads(text, parse_int=_Digits, parse_float=_Digits, parse_constant=_Digits)
    except (json.JSONDecodeError, RecursionError) as error:
        why = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deep"
        raise ValueError(f"begins with [ and is no JSON array ({why}); {_JSON}") from None
    for number, item in enumerate(items, start=1):
        yield _json_item(of, item, number)


def _json_item(of: ParameterType, item: Any, number: int) -> JsonValue:
    if of is ParameterType.STRING and type(item) is str:
        try:
            item.encode()
        except UnicodeEncodeError:
            raise ValueError(f"{item!r}, its item {number}, has a lone surrogate, which is no text") from None
        return item
    is_digits = isinstance(item, _Digits) and of in (ParameterType.INTEGER, ParameterType.NUMBER)
    value: JsonValue = item if of is ParameterType.BOOLEAN and isinstance(item, bool) else None
    value = read_value(of, item) if is_digits else value
    if value is None:
        shown = item if isinstance(item, _Digits) else json.dumps(item, ensure_ascii=False)
        raise ValueError(f"{shown}, its item {number}, is not {WANTED[of]}")
    return value
