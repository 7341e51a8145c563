"""CSV by RFC 4180: a line end inside quotes belongs to its field, and quotes inside quotes are doubled.

Whether a line end is inside quotes depends on all bytes before it: the number of quotes there must be even. So cutting
CSV reads all of it, by records and by bytes alike, at the speed of counting. A file without line ends in its fields
can be read as `lines`, which looks only near the cuts.
"""

from array import array

from gristmill.enums import RecordFormat
from gristmill.formats.bounds import check_tasks
from gristmill.formats.quotes import Scan, borders, count_ends, is_odd
from gristmill.formats.reader import Malformed, View
from gristmill.formats.registry import PLAIN, Layout, Traits, register
from gristmill.formats.tokens import LINE_END
from gristmill.limits import HEADER_MAX

_BLOCK = 96 * 1024  # stays in the processor's cache, and costs no fresh pages
_OPEN = "a quoted field at or behind this byte is not closed by the end of the file"


@register(RecordFormat.CSV, Traits(has_header=True))
class Csv:
    """Rows; the first may be a header."""

    scans = True

    def __init__(self, layout: Layout = PLAIN) -> None:
        self._header = layout.header

    def begin(self, view: View) -> int:
        """Return where the first row behind the header begins."""
        if not self._header:
            return 0
        head = view.read(0, min(HEADER_MAX, view.size))
        end = next(borders(head, False), 0)
        if not end and view.size > HEADER_MAX:
            raise Malformed(1, 0, f"expected a header row of at most {HEADER_MAX:,} bytes")
        return end or view.size

    def by_records(self, view: View, start: int, per_task: int) -> tuple["array[int]", int]:
        """Count rows in one scan."""
        scan, last = Scan(array("Q", [start]), per_task, per_task, start), LINE_END
        stream = view.open(start)
        while block := stream.read(_BLOCK):
            scan.take(block)
            check_tasks(len(scan.cuts))
            last = block[-1:]
        rows = per_task * len(scan.cuts) - scan.wanted
        if scan.odd:
            raise Malformed(None, scan.cuts[-1], _OPEN)
        return _ended(scan.cuts, scan.place), rows + (last != LINE_END)

    def by_bytes(self, view: View, start: int, per_task: int) -> "array[int]":
        """Count quotes in one scan, and look for the row's end behind each multiple."""
        cuts, base, odd, target = array("Q", [start]), start, False, start + per_task
        stream = view.open(start)
        while block := stream.read(_BLOCK):
            done = 0  # bytes of the block whose quotes are counted
            while target - 1 < base + len(block):
                look = max(target - 1 - base, done)
                odd, done = odd ^ is_odd(block, done, look), look
                found = next(borders(block, odd, look), 0)
                if not found:
                    break
                cuts.append(base + found)
                odd, done = False, found
                target = start + ((cuts[-1] - start) // per_task + 1) * per_task
            odd ^= is_odd(block, done, len(block))
            base += len(block)
        if odd:
            raise Malformed(None, cuts[-1], _OPEN)
        return _ended(cuts, base)

    def counter(self, start: int) -> "CsvCounter":
        """Return a counter of rows."""
        return CsvCounter(start)


def _ended(cuts: "array[int]", end: int) -> "array[int]":
    if cuts[-1] != end:
        cuts.append(end)
    return cuts


class CsvCounter:
    """Counts rows, and tells a quote that is not closed."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._odd = False
        self._ends = 0
        self._last = LINE_END

    @property
    def records(self) -> int:
        """Return how many rows have passed, an unfinished last one included."""
        return self._ends + (self._last != LINE_END or self._odd)

    def feed(self, block: bytes) -> None:
        """Count the line ends that are outside quotes."""
        ends, self._odd = count_ends(block, self._odd)
        self._ends += ends
        self._last = block[-1:] or self._last

    def close(self) -> None:
        """Refuse an open quote."""
        if self._odd:
            raise Malformed(self._ends + 1, self._start, "a quoted field is not closed by the end of the task's input")
