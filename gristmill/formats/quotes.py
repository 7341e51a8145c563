"""Line ends outside quotes: counted at the speed of counting, and looked for only where a cut is near."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, compress, repeat

from gristmill.formats.tokens import FEW, LINE_END, append_cuts

QUOTE = b'"'
_OTHERS = bytes(byte for byte in range(256) if byte not in b'"\n')
_SMALL = 1024  # bytes; a piece that has a cut is halved down to this, then taken line by line
_SHORT = 0.9  # of the way to the next cut, by the rows seen: so few pieces have a cut and are counted twice
_ROW = 32  # bytes that a row is taken to have before one was seen


def is_odd(block: bytes, low: int, high: int) -> bool:
    """Tell whether a part of a block has an odd number of quotes."""
    return bool(block.count(QUOTE, low, high) & 1)


def borders(block: bytes, odd: bool, place: int = 0) -> Iterator[int]:
    """Yield where rows end from `place` on; `odd` tells whether a quote is open there."""
    while (end := block.find(LINE_END, place) + 1) > 0:
        odd ^= is_odd(block, place, end)
        place = end
        if not odd:
            yield end


def marks(block: bytes) -> bytes:
    """Return the block's quotes and line ends alone, without neighbouring pairs of quotes.

    A pair of quotes with no line end between them changes nothing for any line end. What is left has quotes only
    where line ends are quoted, or where the block begins or ends inside quotes.
    """
    return block.translate(None, _OTHERS).replace(QUOTE * 16, b"").replace(QUOTE * 2, b"")


def count_ends(block: bytes, odd: bool) -> tuple[int, bool]:
    """Return how many line ends of a block are outside quotes, and whether a quote is open behind it."""
    if QUOTE not in block:
        return (0 if odd else block.count(LINE_END)), odd
    pieces = marks(block).split(QUOTE)
    return sum(map(len, pieces[odd::2])), odd ^ (len(pieces) % 2 == 0)


def _ends(block: bytes, odd: bool) -> list[int]:
    """Return where rows end, by a few steps of C for each line."""
    lines = block.split(LINE_END)[:-1]
    quotes = accumulate(map(bytes.count, lines, repeat(QUOTE)), initial=int(odd))
    next(quotes)
    places = accumulate(len(line) + 1 for line in lines)
    return list(compress(places, [count % 2 == 0 for count in quotes]))


@dataclass
class Scan:
    """A scan under way: `odd` tells whether a quote is open at `place`."""

    cuts: "array[int]"
    per_task: int
    wanted: int
    place: int
    odd: bool = False

    def take(self, block: bytes) -> None:
        """Append the cuts inside a block."""
        if not self.odd and QUOTE not in block:
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
        self.odd ^= is_odd(block, 0, len(block))
        self.place += len(block)
