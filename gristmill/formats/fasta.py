"""FASTA: a record begins with `>` at the beginning of a line and goes on to the next such line."""

from array import array

from gristmill.enums import RecordFormat
from gristmill.formats.head import read_head
from gristmill.formats.line_ends import find_lone_cr, lone_cr
from gristmill.formats.reader import Malformed, Read, View
from gristmill.formats.registry import PLAIN, Layout, register
from gristmill.formats.tokens import Looks, count, cut_by_bytes, cut_by_records

_START = b">"
_TOKEN = b"\n>"


@register(RecordFormat.FASTA)
class Fasta:
    """Sequences, wrapped or not; blank lines in them change nothing."""

    scans = False

    def __init__(self, layout: Layout = PLAIN) -> None: ...

    def begin(self, view: View) -> int:
        """Refuse what does not begin with a record."""
        _check_first(read_head(view), 0)
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


def _check_first(block: bytes, place: int) -> None:
    if block[:1] in (_START, b""):
        return
    found = block[:1]
    if found.isspace():
        raise Malformed(
            1, place, "expected > at the beginning of a FASTA record, found a blank line or space", "Remove it."
        )
    mend = "A record is a line with > and its name, and the lines of its sequence below it."
    raise Malformed(1, place, f"expected > at the beginning of a FASTA record, found {found!r}", mend)


class FastaCounter:
    """Counts the beginnings of records."""

    def __init__(self, start: int) -> None:
        self._place = start
        self._last = b""
        self.records = 0

    def feed(self, block: bytes) -> None:
        """Count; the chunk's first byte must begin a record."""
        if not self._last:
            _check_first(block, self._place)
        self._check_ends(block)
        self.records += count(block, _TOKEN, 0, len(block) - 1) + (self._last in (b"\n", b"") and block[:1] == _START)
        self._last = block[-1:] or self._last
        self._place += len(block)

    def _check_ends(self, block: bytes) -> None:
        alone = find_lone_cr(block, self._last)
        if alone is not None:
            raise lone_cr(None, self._place + alone)

    def close(self) -> None:
        """Take any end but a CR alone: a sequence may be empty."""
        if self._last == b"\r":
            raise lone_cr(self.records, self._place - 1)
