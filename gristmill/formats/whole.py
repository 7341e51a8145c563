"""The whole input as one record, and the lines of a list as one task each."""

from array import array
from itertools import pairwise

from gristmill.enums import RecordFormat
from gristmill.formats.lines import Lines
from gristmill.formats.reader import Malformed, View
from gristmill.formats.registry import PLAIN, Layout, Traits, register
from gristmill.formats.tokens import LINE_END, cut_by_records


@register(RecordFormat.WHOLE, Traits(is_text=False, is_sized=False, is_one_task=True))
@register(
    RecordFormat.ALL_PARTS,
    Traits(is_text=False, is_sized=False, is_items=True, of_parts=True, is_one_task=True, is_countable=False),
)
class Whole:
    """One record, one task."""

    scans = False

    def __init__(self, layout: Layout = PLAIN) -> None: ...

    def begin(self, view: View) -> int:
        """Take anything."""
        return 0

    def by_records(self, view: View, start: int, per_task: int) -> tuple["array[int]", int]:
        """Cut nowhere."""
        return array("Q", [start, view.size]), 1

    def by_bytes(self, view: View, start: int, per_task: int) -> "array[int]":
        """Cut nowhere."""
        return array("Q", [start, view.size])

    def counter(self, start: int) -> "OneCounter":
        """Return a counter of one."""
        return OneCounter()


class OneCounter:
    """Counts whatever passes as one record."""

    records = 1

    def feed(self, block: bytes) -> None:
        """Let pass."""

    def close(self) -> None:
        """Let pass."""


@register(RecordFormat.LIST, Traits(is_text=False, is_sized=False, is_items=True, is_countable=False))
@register(RecordFormat.PARTS, Traits(is_text=False, is_sized=False, is_items=True, of_parts=True, is_countable=False))
class Items(Lines):
    """A list: each line is an item, and each item is a task."""

    def by_records(self, view: View, start: int, per_task: int) -> tuple["array[int]", int]:
        """Cut after every line; an empty one is no item."""
        cuts, ends, last = cut_by_records(view.open(start), 1, LINE_END, start)
        for number, (low, high) in enumerate(pairwise(cuts), start=1):
            if high - low == 1 and (number <= ends):
                raise Malformed(number, low, "expected an item on each line of the list, found an empty line")
        return cuts, ends + (last not in (LINE_END, b""))

    def counter(self, start: int) -> OneCounter:  # type: ignore[override]
        """Return a counter of one: an item is a record whatever it holds."""
        return OneCounter()
