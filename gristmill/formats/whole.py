"""The whole input as one record, and the lines of a list as one task each."""

from array import array

from gristmill.enums import RecordFormat
from gristmill.formats.bounds import check_tasks
from gristmill.formats.line_ends import find_lone_cr, lone_cr
from gristmill.formats.lines import Lines
from gristmill.formats.reader import Malformed, View
from gristmill.formats.registry import PLAIN, Layout, Traits, register


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
        """Cut after every line; a blank one is no item."""
        cuts = array("Q", [start])
        for number, line in enumerate(view.open(start), start=1):
            check_item(line, number, cuts[-1])
            cuts.append(cuts[-1] + len(line))
            check_tasks(number)
        return cuts, len(cuts) - 1

    def counter(self, start: int) -> OneCounter:  # type: ignore[override]
        """Return a counter of one: an item is a record whatever it holds."""
        return OneCounter()


def check_item(line: bytes, number: int, place: int) -> None:
    """Raise Malformed where a line of a list, which begins at byte `place`, is no text of one item."""
    if line.isspace():
        wrong = "expected an item on each line of the list, found a blank line"
        raise Malformed(number, place, wrong, "Remove it.")
    alone = find_lone_cr(line, b"")
    if alone is not None:
        raise lone_cr(number, place + alone)
    try:
        line.decode()
    except UnicodeDecodeError as error:
        wrong = f"the item is not UTF-8: {line[error.start : error.start + 1]!r}"
        mend = "Convert the list first: iconv -f ENCODING -t UTF-8 FILE > NEW."
        raise Malformed(number, place + error.start, wrong, mend) from error
