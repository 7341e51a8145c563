"""FASTA: a record begins with `>` at the beginning of a line and goes on to the next such line."""

from array import array

from gristmill.enums import RecordFormat
from gristmill.formats.reader import Malformed, Read, View
from gristmill.formats.registry import PLAIN, Layout, register
from gristmill.formats.tokens import Looks, cut_by_bytes, cut_by_records

_START = b">"
_TOKEN = b"\n>"


@register(RecordFormat.FASTA)
class Fasta:
    """Sequences, wrapped or not."""

    scans = False

    def __init__(self, layout: Layout = PLAIN) -> None: ...

    def begin(self, view: View) -> int:
        """Refuse what does not begin with a record."""
        _check_first(view.read(0, 1), 0)
        return 0

    def by_records(self, view: View, start: int, per_task: int) -> tuple["array[int]", int]:
        """Count the beginnings of records in one scan."""
        cuts, tokens, last = cut_by_records(view.open(start), per_task, _TOKEN, start)
        return cuts, tokens + (last != b"")

    def by_bytes(self, view: View, start: int, per_task: int) -> "array[int]":
        """Look for records near the cuts alone."""
        return cut_by_bytes(view, per_task, _TOKEN, start)

    def border(self, read: Read, target: int, size: int) -> int:
        """Return the first beginning of a record at or after `target`."""
        look = Looks(read, size, _TOKEN)
        return look.probe(target) or look.search(target)

    def counter(self, start: int) -> "FastaCounter":
        """Return a counter of sequences."""
        return FastaCounter(start)


def _check_first(first: bytes, place: int) -> None:
    if first not in (_START, b""):
        raise Malformed(1, place, f"expected > at the beginning of a FASTA record, found {first!r}")


class FastaCounter:
    """Counts the beginnings of records."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._last = b"\n"
        self._empty = True
        self.records = 0

    def feed(self, block: bytes) -> None:
        """Count; the chunk's first byte must begin a record."""
        if self._empty and block:
            _check_first(block[:1], self._start)
            self._empty = False
        self.records += block.count(_TOKEN) + (self._last == b"\n" and block[:1] == _START)
        self._last = block[-1:] or self._last

    def close(self) -> None:
        """Take any end: a sequence may be empty."""
