"""FASTQ of four lines a record: @name, sequence, +, quality of the sequence's length. Wrapped FASTQ is refused.

A quality may begin with @, so @ alone begins no record; a line with @ whose next but one begins with + does: if the
first were a quality, the next but one would be a sequence, and no sequence begins with +.
"""

from array import array

from gristmill.enums import RecordFormat
from gristmill.formats.reader import Malformed, Read, View
from gristmill.formats.registry import PLAIN, Layout, register
from gristmill.formats.tokens import LINE_END, Look, cut_by_probing, cut_by_records
from gristmill.limits import MIB

_LINES = 4
_WINDOWS = (64 * 1024, 1 * MIB, 16 * MIB, 256 * MIB)  # bytes looked at behind a cut until a record begins
_BLOCK = 4 * MIB


@register(RecordFormat.FASTQ)
class Fastq:
    """Reads with their qualities."""

    scans = False

    def __init__(self, layout: Layout = PLAIN) -> None: ...

    def begin(self, view: View) -> int:
        """Refuse a file whose first record is not four lines."""
        head = view.read(0, min(_WINDOWS[1], view.size))
        lines = head.removesuffix(LINE_END).split(LINE_END, _LINES)[:_LINES]
        if head.count(LINE_END) >= _LINES or view.size <= _WINDOWS[1]:
            _check(lines, 1, 0)
        return 0

    def by_records(self, view: View, start: int, per_task: int) -> tuple["array[int]", int]:
        """Count line ends in one scan; what stands on the lines is looked at by the tasks."""
        cuts, ends, last = cut_by_records(view.open(start), per_task * _LINES, LINE_END, start)
        lines = ends + (last not in (LINE_END, b""))
        if lines % _LINES:
            expected = f"expected {_LINES} lines a record, the file has {lines:,}: it is truncated, or wrapped"
            raise Malformed(lines // _LINES + 1, cuts[-1], f"{expected} (this is the end of the file)")
        return cuts, lines // _LINES

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
            raise Malformed(None, target, f"expected a FASTQ record of {_LINES} lines within {_WINDOWS[-1]:,} bytes")
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


def _check(lines: list[bytes], record: int, byte: int) -> None:
    """Check the four lines of a record, without their LF."""
    if not lines[0].startswith(b"@"):
        raise Malformed(record, byte, f"expected @ and a name, found {_shown(lines[0])}")
    if len(lines) < _LINES:
        raise Malformed(record, byte, f"it has {len(lines)} of its {_LINES} lines: the file is truncated")
    if not lines[2].startswith(b"+"):
        wrapped = "; FASTQ with wrapped lines must be unwrapped first (for example: seqtk seq -l0)"
        raise Malformed(record, byte, f"expected + on its third line, found {_shown(lines[2])}{wrapped}")
    sequence, quality = (line.removesuffix(b"\r") for line in (lines[1], lines[3]))
    if len(sequence) != len(quality):
        raise Malformed(record, byte, f"expected {len(sequence)} qualities, found {len(quality)}")


def _shown(line: bytes) -> str:
    return repr(line[:20])


class FastqCounter:
    """Counts records and checks each: at C speed as long as all is well, then one by one to name the broken one."""

    def __init__(self, start: int) -> None:
        self._place = start
        self._held: list[bytes] = []  # bytes of the record that is not whole yet
        self._ends = 0  # line ends among them
        self.records = 0

    def feed(self, block: bytes) -> None:
        """Check the records that are whole now."""
        self._held.append(block)
        self._ends += block.count(LINE_END)
        if self._ends >= _LINES:
            lines = b"".join(self._held).split(LINE_END)
            whole = (len(lines) - 1) // _LINES * _LINES
            rest = LINE_END.join(lines[whole:])
            self._take(lines[:whole])
            self._held, self._ends = [rest], len(lines) - 1 - whole

    def _take(self, lines: list[bytes]) -> None:
        lengths = list(map(len, lines))
        names, marks = lines[0::_LINES], lines[2::_LINES]
        good = lengths[1::_LINES] == lengths[3::_LINES] and _all_begin(names, b"@") and _all_begin(marks, b"+")
        if not good:
            self._take_one_by_one(lines)
        self.records += len(names)
        self._place += sum(lengths) + len(lines)

    def _take_one_by_one(self, lines: list[bytes]) -> None:
        place = self._place
        for first in range(0, len(lines), _LINES):
            record = lines[first : first + _LINES]
            _check(record, self.records + first // _LINES + 1, place)
            place += sum(map(len, record)) + _LINES

    def close(self) -> None:
        """Check the last record, whose last line may lack its end."""
        rest = b"".join(self._held)
        if rest:
            _check(rest.removesuffix(LINE_END).split(LINE_END), self.records + 1, self._place)
            self.records += 1
            self._held = []


def _all_begin(lines: list[bytes], mark: bytes) -> bool:
    return b"".join([line[:1] for line in lines]).count(mark) == len(lines)
