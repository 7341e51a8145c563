"""CSV by RFC 4180: a line end inside quotes belongs to its field, and quotes inside quotes are doubled.

Whether a line end is inside quotes depends on all bytes before it: the number of quotes there must be even. So cutting
CSV reads all of it, by records and by bytes alike, at the speed of counting. A file without line ends in its fields
can be read as `lines`, which looks only near the cuts.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from gristmill.limits import HEADER_MAX
from gristmill.split.bounds import check_tasks
from gristmill.split.reader import Malformed, View
from gristmill.split.tokens import LINE_END, append_cuts

_QUOTE = b'"'
_OTHERS = bytes(byte for byte in range(256) if byte not in b'"\n')
_BLOCK = 4 * 1024**2
_SMALL = 16 * 1024  # bytes; a block that has quoted line ends is halved down to this, then taken line by line


class Csv:
    """Rows; the first may be a header."""

    scans = True

    def __init__(self, header: bool = False) -> None:
        self._header = header

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
        scan = _Scan(array("Q", [start]), per_task, per_task, start, start)
        stream = view.open(start)
        while block := stream.read(_BLOCK):
            scan.take(block)
            check_tasks(len(scan.cuts))
        rows = per_task * len(scan.cuts) - scan.wanted
        if scan.odd:
            raise Malformed(rows + 1, scan.border, "a quoted field is not closed by the end of the file")
        return _ended(scan.cuts, scan.place), rows + (scan.border != scan.place)

    def by_bytes(self, view: View, start: int, per_task: int) -> "array[int]":
        """Count quotes in one scan, and look for the row's end behind each multiple."""
        cuts, base, odd, target = array("Q", [start]), start, False, start + per_task
        stream = view.open(start)
        while block := stream.read(_BLOCK):
            done = 0  # bytes of the block whose quotes are counted
            while target - 1 < base + len(block):
                look = max(target - 1 - base, done)
                odd, done = odd ^ _is_odd(block, done, look), look
                found = next(borders(block, odd, look), 0)
                if not found:
                    break
                cuts.append(base + found)
                odd, done = False, found
                target = start + ((cuts[-1] - start) // per_task + 1) * per_task
            odd ^= _is_odd(block, done, len(block))
            base += len(block)
        if odd:
            raise Malformed(None, cuts[-1], "a quoted field behind this byte is not closed by the end of the file")
        return _ended(cuts, base)

    def counter(self, start: int) -> "CsvCounter":
        """Return a counter of rows."""
        return CsvCounter(start)


def _ended(cuts: "array[int]", end: int) -> "array[int]":
    if cuts[-1] != end:
        cuts.append(end)
    return cuts


def _is_odd(block: bytes, low: int, high: int) -> bool:
    return bool(block.count(_QUOTE, low, high) & 1)


def borders(block: bytes, odd: bool, place: int = 0) -> Iterator[int]:
    """Yield where rows end from `place` on; `odd` tells whether a quote is open there."""
    while (end := block.find(LINE_END, place) + 1) > 0:
        odd ^= _is_odd(block, place, end)
        place = end
        if not odd:
            yield end


def marks(block: bytes) -> bytes:
    """Return the block's quotes and line ends alone, without neighbouring pairs of quotes.

    A pair of quotes with no line end between them changes nothing for any line end. What is left has quotes only
    where line ends are quoted, or where the block begins or ends inside quotes.
    """
    return block.translate(None, _OTHERS).replace(_QUOTE * 16, b"").replace(_QUOTE * 2, b"")


@dataclass
class _Scan:
    """A scan under way: `odd` tells whether a quote is open, `border` where the last row ended."""

    cuts: "array[int]"
    per_task: int
    wanted: int
    place: int
    border: int
    odd: bool = field(default=False)

    def take(self, block: bytes) -> None:
        """Append the cuts inside a block; one without quoted line ends is cut as lines are."""
        if not self.odd and (_QUOTE not in block or _QUOTE not in marks(block)):
            self.wanted = append_cuts(block, self.place, self.wanted, self.per_task, self.cuts)
            end = block.rfind(LINE_END) + 1
            self.border = self.place + end if end else self.border
            self.place += len(block)
        elif len(block) <= _SMALL:
            self._take_rows(block)
        else:
            middle = len(block) // 2
            self.take(block[:middle])
            self.take(block[middle:])

    def _take_rows(self, block: bytes) -> None:
        for end in borders(block, self.odd):
            self.border = self.place + end
            self.wanted -= 1
            if not self.wanted:
                self.cuts.append(self.border)
                self.wanted = self.per_task
        self.odd ^= _is_odd(block, 0, len(block))
        self.place += len(block)


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
        if _QUOTE in block:
            pieces = marks(block).split(_QUOTE)
            self._ends += sum(map(len, pieces[self._odd :: 2]))
            self._odd ^= len(pieces) % 2 == 0
        elif not self._odd:
            self._ends += block.count(LINE_END)
        self._last = block[-1:] or self._last

    def close(self) -> None:
        """Refuse an open quote."""
        if self._odd:
            raise Malformed(self._ends + 1, self._start, "a quoted field is not closed by the end of the task's input")
