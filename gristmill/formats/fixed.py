"""Records of equally many bytes, maybe behind a header: cut by arithmetic alone."""

from array import array

from gristmill.enums import RecordFormat
from gristmill.formats.bounds import check_tasks
from gristmill.formats.reader import Malformed, View
from gristmill.formats.registry import PLAIN, Layout, Traits, register

_MEND = "Copy or make the file again, or set record_bytes and header_bytes to what it has."


@register(RecordFormat.FIXED, Traits(is_text=False, is_countable=False, has_layout=True))
class Fixed:
    """Records of equally many bytes behind a header of some."""

    scans = False

    def __init__(self, layout: Layout = PLAIN) -> None:
        self._size = layout.record_bytes
        self._header = layout.header_bytes

    def begin(self, view: View) -> int:
        """Refuse a file that does not end where a record does."""
        if view.size < self._header:
            wrong = f"expected a header of {self._header:,} bytes, the file has {view.size:,}"
            raise Malformed(None, view.size, wrong, _MEND)
        whole, rest = divmod(view.size - self._header, self._size)
        if rest:
            wrong = f"expected {self._size:,} bytes, the file ends after {rest:,}"
            raise Malformed(whole + 1, view.size - rest, wrong, _MEND)
        return self._header

    def by_records(self, view: View, start: int, per_task: int) -> tuple["array[int]", int]:
        """Reckon the cuts."""
        check_tasks((view.size - start) // (per_task * self._size))
        cuts = array("Q", range(start, view.size, per_task * self._size))
        cuts.append(view.size)
        return cuts, (view.size - start) // self._size

    def by_bytes(self, view: View, start: int, per_task: int) -> "array[int]":
        """Take the fewest records that have `per_task` bytes."""
        return self.by_records(view, start, -(-per_task // self._size))[0]

    def counter(self, start: int) -> "FixedCounter":
        """Return a counter of records."""
        return FixedCounter(start, self._size)


class FixedCounter:
    """Counts bytes."""

    def __init__(self, start: int, size: int) -> None:
        self._start = start
        self._size = size
        self._seen = 0

    @property
    def records(self) -> int:
        """Return how many records have passed, an unfinished last one included."""
        return -(-self._seen // self._size)

    def feed(self, block: bytes) -> None:
        """Count."""
        self._seen += len(block)

    def close(self) -> None:
        """Refuse a record that is not whole."""
        rest = self._seen % self._size
        if rest:
            wrong = f"expected {self._size:,} bytes, found {rest:,}"
            raise Malformed(self.records, self._start + self._seen - rest, wrong, _MEND)
