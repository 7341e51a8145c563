"""CSV by RFC 4180: a line end inside quotes belongs to its field, and quotes inside quotes are doubled.

Whether a line end is inside quotes depends on all bytes before it: the number of quotes there must be even. So cutting
CSV reads all of it, by records and by bytes alike, at the speed of counting. A file without line ends in its fields
can be read as `lines`, which looks only near the cuts.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, compress, repeat

from gristmill.limits import HEADER_MAX
from gristmill.split.bounds import check_tasks
from gristmill.split.reader import Malformed, View
from gristmill.split.tokens import FEW, LINE_END, append_cuts

_QUOTE = b'"'
_OTHERS = bytes(byte for byte in range(256) if byte not in b'"\n')
_BLOCK = 96 * 1024  # stays in the processor's cache, and costs no fresh pages
_SMALL = 1024  # bytes; a piece that has a cut is halved down to this, then taken line by line
_SHORT = 0.9  # of the way to the next cut, by the rows seen: so few pieces have a cut and are counted twice
_ROW = 32  # bytes that a row is taken to have before one was seen
_OPEN = "a quoted field at or behind this byte is not closed by the end of the file"


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
        scan, last = _Scan(array("Q", [start]), per_task, per_task, start), LINE_END
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
            raise Malformed(None, cuts[-1], _OPEN)
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


def count_ends(block: bytes, odd: bool) -> tuple[int, bool]:
    """Return how many line ends of a block are outside quotes, and whether a quote is open behind it."""
    if _QUOTE not in block:
        return (0 if odd else block.count(LINE_END)), odd
    pieces = marks(block).split(_QUOTE)
    return sum(map(len, pieces[odd::2])), odd ^ (len(pieces) % 2 == 0)


def _ends(block: bytes, odd: bool) -> list[int]:
    """Return where rows end, by a few steps of C for each line."""
    lines = block.split(LINE_END)[:-1]
    quotes = accumulate(map(bytes.count, lines, repeat(_QUOTE)), initial=int(odd))
    next(quotes)
    places = accumulate(len(line) + 1 for line in lines)
    return list(compress(places, [count % 2 == 0 for count in quotes]))


@dataclass
class _Scan:
    """A scan under way: `odd` tells whether a quote is open at `place`."""

    cuts: "array[int]"
    per_task: int
    wanted: int
    place: int
    odd: bool = False

    def take(self, block: bytes) -> None:
        """Append the cuts inside a block."""
        if not self.odd and _QUOTE not in block:
            self.wanted = append_cuts(block, self.place, self.wanted, self.per_task, self.cuts)
            self.place += len(block)
        elif self.per_task <= FEW:
            self._take_rows(block)
        else:
            low = 0
            while low < len(block):
                piece = block[low : low + self._step()]
                self._count(piece)
                low += len(piece)

    def _step(self) -> int:
        """Return how many bytes end a little short of the next cut."""
        rows = self.per_task * len(self.cuts) - self.wanted
        usual = (self.place - self.cuts[0]) / rows if rows else _ROW
        return max(_SMALL, int(_SHORT * self.wanted * usual))

    def _count(self, piece: bytes) -> None:
        """Count; only a piece that has a cut is looked at again, by halves."""
        found, odd = count_ends(piece, self.odd)
        if found < self.wanted:
            self.wanted -= found
            self.odd = odd
            self.place += len(piece)
        elif len(piece) <= _SMALL:
            self._take_rows(piece)
        else:
            self._count(piece[: len(piece) // 2])
            self._count(piece[len(piece) // 2 :])

    def _take_rows(self, block: bytes) -> None:
        ends = _ends(block, self.odd)
        self.cuts.extend(self.place + end for end in ends[self.wanted - 1 :: self.per_task])
        left = len(ends) - self.wanted
        self.wanted = -left if left < 0 else self.per_task - left % self.per_task
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
