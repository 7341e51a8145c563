"""The values that a parameter takes in a batch: `1,2,5..9`. Pure."""

import csv
from collections.abc import Iterator
from decimal import Decimal

from gristmill.enums import ParameterType
from gristmill.limits import BATCH_ITEMS_MAX
from gristmill.pipeline.model import Parameter
from gristmill.pipeline.values import WANTED, read_value

_RANGE = ".."
_NUMBERS = (ParameterType.INTEGER, ParameterType.NUMBER)


def read_values(name: str, parameter: Parameter, text: str) -> list[str]:
    """Return the values that a text lists for a parameter; ValueError, with the mend, where it lists none.

    Commas part them; in quotes ("a, b") a comma is the value's own, and so are all of a list's. `5..9` is each whole
    number from 5 to 9, `0..1..0.25` every fourth of one; only of a parameter that is a number.
    """
    if parameter.type is ParameterType.LIST and "," in text and not text.startswith('"'):
        raise ValueError(f"is a list, so that its commas part its items; give each list in quotes: '{name}=\"{text}\"'")
    cells = _cells(text)
    if parameter.type not in _NUMBERS:
        return cells
    return [value for cell in cells for value in _numbers(parameter.type, cell)]


def _cells(text: str) -> list[str]:
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise ValueError(f"{text!r} is no list of values ({error}); a quote within quotes is doubled") from None
    return rows[0] if len(rows) == 1 and rows[0] else [""]


def _numbers(kind: ParameterType, cell: str) -> Iterator[str]:
    if _RANGE not in cell:
        yield cell
        return
    parts = [part.strip() for part in cell.split(_RANGE)]
    if len(parts) not in (2, 3) or any(read_value(kind, part) is None for part in parts):
        raise ValueError(f"{cell!r} is no range such as 5..9 or 0..100..10, each of its parts {WANTED[kind]}")
    if len(parts) == 2 and kind is ParameterType.NUMBER:
        raise ValueError(f"{cell!r} has no step, and its numbers need one: {cell}..0.1")
    first, last, step = (Decimal(part) for part in [*parts, "1"][:3])
    if step <= 0 or last < first:
        raise ValueError(f"{cell!r} goes nowhere; write the lesser number first, and a step above 0")
    if (last - first) / step >= BATCH_ITEMS_MAX:
        raise ValueError(f"{cell!r} has more values than a batch has items ({BATCH_ITEMS_MAX:,})")
    for place in range(int((last - first) / step) + 1):
        yield format(first + place * step, "f")
