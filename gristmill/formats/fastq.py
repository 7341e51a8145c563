"""FASTQ of four lines a record: @name, sequence, +, quality of the sequence's length. Wrapped FASTQ is refused.

A quality may begin with @, so @ alone begins no record; a line with @ whose next but one begins with + does: if the
first were a quality, the next but one would be a sequence, and no sequence begins with +; if it were a sequence, it
would begin with @, and none does.
"""

from array import array

from gristmill.enums import RecordFormat
from gristmill.formats.fastq_records import LINES, UNWRAP, FastqCounter, check_record
from gristmill.formats.head import read_head
from gristmill.formats.reader import Malformed, Read, View, locate_fault
from gristmill.formats.registry import PLAIN, Layout, register
from gristmill.formats.tokens import LINE_END, Look, cut_by_probing, cut_by_records
from gristmill.limits import MIB

_WINDOWS = (64 * 1024, 1 * MIB, 16 * MIB, 256 * MIB)  # bytes looked at behind a cut until a record begins
_BLOCK = 4 * MIB


@register(RecordFormat.FASTQ)
class Fastq:
    """Reads with their qualities."""

    scans = False

    def __init__(self, layout: Layout = PLAIN) -> None: ...

    def begin(self, view: View) -> int:
        """Refuse a file whose first record is not four lines."""
        head = read_head(view, lambda head: head.count(LINE_END) >= LINES)
        if head and (head.count(LINE_END) >= LINES or len(head) == view.size):
            check_record(head.removesuffix(LINE_END).split(LINE_END, LINES)[:LINES], 1, 0)
        return 0

    def by_records(self, view: View, start: int, per_task: int) -> tuple["array[int]", int]:
        """Count line ends in one scan; what stands on the lines is looked at by the tasks."""
        cuts, ends, last = cut_by_records(view.open(start), per_task * LINES, LINE_END, start)
        lines = ends + (last not in (LINE_END, b""))
        if lines % LINES:
            locate_fault(self.counter(start), view.open(start))
            wrong = f"expected {LINES} lines a record, the file has {lines:,}: it is truncated, or has lines too many"
            raise Malformed(lines // LINES + 1, cuts[-1], wrong)
        return cuts, lines // LINES

    def by_bytes(self, view: View, start: int, per_task: int) -> "array[int]":
        """Look for records near the cuts alone; where cuts lie close, through a block that is read once."""
        if per_task >= 2 * _WINDOWS[0]:
            cuts = cut_by_probing(_Looks(view.read, view.size), per_task, start, view.together)
        else:
            cuts = self._in_passing(view, start, per_task)
        if cuts[-1] != view.size:
            cuts.append(view.size)
        return cuts

    def _in_passing(self, view: View, start: int, per_task: int) -> "array[int]":
        cuts, ahead = array("Q", [start]), _Ahead(view)
        while (target := start + ((cuts[-1] - start) // per_task + 1) * per_task) < view.size:
            cuts.append(self.border(ahead.read, target, view.size))
        return cuts

    def border(self, read: Read, target: int, size: int) -> int:
        """Return the first beginning of a record at or after `target`."""
        look: Look = _Looks(read, size)
        return look.probe(target) or look.search(target)

    def counter(self, start: int) -> "FastqCounter":
        """Return a counter that checks every record."""
        return FastqCounter(start)


class _Ahead:
    """Reads a block ahead, so that close ranges cost one request."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._low, self._block = 0, b""

    def read(self, low: int, high: int) -> bytes:
        """Return bytes [low, high)."""
        if low < self._low or high > self._low + len(self._block):
            self._low = low
            self._block = self._view.read(low, min(max(low + _BLOCK, high), self._view.size))
        return self._block[low - self._low : high - self._low]


class _Looks:
    """Looks for records in windows that grow."""

    def __init__(self, read: Read, size: int) -> None:
        self._read = read
        self.size = size

    def probe(self, target: int) -> int | None:
        """Look at 64 KiB, then at 1 MiB."""
        return self._look(target, _WINDOWS[:2])

    def search(self, target: int) -> int:
        """Look at more, up to a bound."""
        found = self._look(target, _WINDOWS[2:])
        if found is None:
            raise Malformed(
                None, target, f"expected a FASTQ record of {LINES} lines within {_WINDOWS[-1]:,} bytes", UNWRAP
            )
        return found

    def _look(self, target: int, windows: tuple[int, ...]) -> int | None:
        low = target - 1
        for length in windows:
            high = min(low + length, self.size)
            found = first_record(self._read(low, high))
            if found is not None:
                return low + found
            if high == self.size:
                return self.size
        return None


def first_record(window: bytes) -> int | None:
    """Return where the first record that begins behind a line end begins, None if the window does not show it."""
    starts = []
    place = window.find(LINE_END) + 1
    while place:
        starts.append(place)
        if len(starts) >= 3 and window[starts[-3] : starts[-3] + 1] == b"@" and window[place : place + 1] == b"+":
            return starts[-3]
        place = window.find(LINE_END, place) + 1
    return None
