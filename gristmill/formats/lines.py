"""Lines, JSON Lines: a line ends with LF (so CRLF too); the last one may lack its end."""

import json
from array import array

from gristmill.enums import RecordFormat
from gristmill.errors import Refused
from gristmill.formats.reader import UNKNOWN_SIZE, Malformed, Read, View
from gristmill.formats.registry import PLAIN, Layout, Traits, register
from gristmill.formats.tokens import LINE_END, Looks, cut_by_bytes, cut_by_records
from gristmill.limits import HEADER_MAX, MIB

_LOOKED_AT = 1 * MIB  # a JSON line longer than this is left to the task that reads it


@register(RecordFormat.LINES, Traits(has_header=True))
class Lines:
    """Lines of text; the first may be a header."""

    scans = False

    def __init__(self, layout: Layout = PLAIN) -> None:
        self._header = layout.header

    def begin(self, view: View) -> int:
        """Return where the first line behind the header begins."""
        if not self._header:
            return 0
        end = view.read(0, min(HEADER_MAX, view.size)).find(LINE_END) + 1
        if not end and view.size > HEADER_MAX:
            raise Malformed(1, 0, f"expected a header line of at most {HEADER_MAX:,} bytes")
        return end or view.size

    def by_records(self, view: View, start: int, per_task: int) -> tuple["array[int]", int]:
        """Count lines in one scan."""
        cuts, ends, last = cut_by_records(view.open(start), per_task, LINE_END, start)
        return cuts, ends + (last not in (LINE_END, b""))

    def by_bytes(self, view: View, start: int, per_task: int) -> "array[int]":
        """Look for line ends near the cuts alone."""
        return cut_by_bytes(view, per_task, LINE_END, start)

    def border(self, read: Read, target: int, size: int) -> int:
        """Return the first beginning of a line at or after `target`."""
        look = Looks(read, size)
        return look.probe(target) or look.search(target)

    def counter(self, start: int) -> "LineCounter":
        """Return a counter of lines."""
        return LineCounter(start)


class LineCounter:
    """Counts lines; no line is broken."""

    def __init__(self, start: int) -> None:
        self._place = start  # of the first byte that is not counted yet
        self._last = LINE_END
        self._ends = 0

    @property
    def records(self) -> int:
        """Return how many lines have passed, an unfinished last one included."""
        return self._ends + (self._last != LINE_END)

    def feed(self, block: bytes) -> None:
        """Count the ends."""
        self._ends += block.count(LINE_END)
        self._last = block[-1:] or self._last
        self._place += len(block)

    def close(self) -> None:
        """Let a line without an end be."""


@register(RecordFormat.JSONL)
class JsonLines(Lines):
    """A JSON value on each line. No line end can be inside a value, so they are cut as lines are."""

    def begin(self, view: View) -> int:
        """Look at the first and the last line: a file that is no JSON Lines, or was truncated, shows it there."""
        first = view.read(0, min(_LOOKED_AT, view.size))
        if LINE_END in first or view.size <= _LOOKED_AT:
            _parse(first.partition(LINE_END)[0], 1, 0)
        if view.size < UNKNOWN_SIZE:
            self._check_end(view)
        return 0

    def _check_end(self, view: View) -> None:
        low = max(view.size - _LOOKED_AT, 0)
        tail = view.read(low, view.size)
        start = tail.removesuffix(LINE_END).rfind(LINE_END) + 1
        if start or not low:
            try:
                json.loads(tail[start:])
            except (ValueError, RecursionError) as error:
                raise Refused(
                    [f"the last record (at byte {low + start}) is no JSON value, so the file may be truncated: {error}"]
                ) from error

    def counter(self, start: int) -> "LineCounter":
        """Return a counter that parses every line."""
        return JsonLineCounter(start)


def _parse(line: bytes, record: int, byte: int) -> None:
    if not line.strip():
        raise Malformed(record, byte, "expected a JSON value, found an empty line")
    try:
        json.loads(line.decode())
    except (ValueError, RecursionError) as error:
        raise Malformed(record, byte, f"expected a JSON value ({error})") from error


class JsonLineCounter(LineCounter):
    """Counts lines and parses each, so that an error names the first broken one by number and place."""

    def __init__(self, start: int) -> None:
        super().__init__(start)
        self._held: list[bytes] = []  # of a line that is not whole yet

    def feed(self, block: bytes) -> None:
        """Parse the lines that are whole now."""
        *whole, rest = block.split(LINE_END)
        if whole:
            whole[0] = b"".join((*self._held, whole[0]))
            self._held = []
            self._parse(whole)
        self._held.append(rest)
        self._last = block[-1:] or self._last

    def _parse(self, lines: list[bytes]) -> None:
        for line in lines:
            _parse(line, self._ends + 1, self._place)
            self._ends += 1
            self._place += len(line) + 1

    def close(self) -> None:
        """Parse the last line, which may lack its end."""
        if self._last != LINE_END:
            _parse(b"".join(self._held), self._ends + 1, self._place)
