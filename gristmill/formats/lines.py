"""Lines of text: a line ends with LF (so CRLF too); the last one may lack its end."""

from array import array

from gristmill.enums import RecordFormat
from gristmill.formats.head import NO_HEADER, read_head
from gristmill.formats.reader import Malformed, Read, View
from gristmill.formats.registry import PLAIN, Layout, Traits, register
from gristmill.formats.tokens import LINE_END, Looks, cut_by_bytes, cut_by_records
from gristmill.limits import HEADER_MAX


@register(RecordFormat.LINES, Traits(has_header=True))
class Lines:
    """Lines of text; the first may be a header. A CR within a line is a byte of it as any other."""

    scans = False

    def __init__(self, layout: Layout = PLAIN) -> None:
        self._header = layout.header

    def begin(self, view: View) -> int:
        """Return where the first line behind the header begins."""
        head = read_head(view)
        if not self._header:
            return 0
        end = head.find(LINE_END) + 1
        if not end and view.size > HEADER_MAX:
            raise Malformed(1, 0, f"expected a header line of at most {HEADER_MAX:,} bytes", NO_HEADER)
        return end or len(head)

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
