"""CSV by RFC 4180: a line end inside quotes belongs to its field, and quotes inside quotes are doubled.

Whether a line end is inside quotes depends on all bytes before it: the number of quotes there must be even. So cutting
CSV reads all of it, by records and by bytes alike, at the speed of counting. A file without line ends in its fields
can be read as `lines`, which looks only near the cuts. That each quote stands where one may is held by the tasks
(`quoted_rows`): a file in which one does not has no record that depends on the cut, for it is refused.
"""

from array import array

from gristmill.enums import RecordFormat
from gristmill.formats.bounds import check_tasks
from gristmill.formats.head import NO_HEADER, read_head
from gristmill.formats.quoted_rows import CsvCounter
from gristmill.formats.quotes import Scan, borders, is_odd
from gristmill.formats.reader import Malformed, View, locate_fault
from gristmill.formats.registry import PLAIN, Layout, Traits, register
from gristmill.formats.tokens import LINE_END
from gristmill.limits import HEADER_MAX

_BLOCK = 96 * 1024  # stays in the processor's cache, and costs no fresh pages


@register(RecordFormat.CSV, Traits(has_header=True))
class Csv:
    """Rows; the first may be a header."""

    scans = True

    def __init__(self, layout: Layout = PLAIN) -> None:
        self._header = layout.header

    def begin(self, view: View) -> int:
        """Return where the first row behind the header begins."""
        if not self._header:
            read_head(view)
            return 0
        head = read_head(view, lambda head: next(borders(head, False), 0))
        border = next(borders(head, False), 0)
        end = border or len(head)
        counter = self.counter(0)
        counter.feed(head[:end])
        if not border and end < view.size:
            raise Malformed(1, 0, f"expected a header row of at most {HEADER_MAX:,} bytes", NO_HEADER)
        counter.close()
        return end

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
            raise self._fault(view, start, scan.cuts[-1])
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
            raise self._fault(view, start, cuts[-1])
        return _ended(cuts, base)

    def _fault(self, view: View, start: int, place: int) -> Malformed:
        """Return the error of a file with an odd number of quotes; raise what it is, if it is found near enough."""
        locate_fault(self.counter(start), view.open(start))
        wrong = "the file has an odd number of quotes: a quoted field at or behind this byte is not closed"
        return Malformed(None, place, wrong, "Close the field, or double a quote that belongs to its text.")

    def counter(self, start: int) -> CsvCounter:
        """Return a counter of rows."""
        return CsvCounter(start)


def _ended(cuts: "array[int]", end: int) -> "array[int]":
    if cuts[-1] != end:
        cuts.append(end)
    return cuts
