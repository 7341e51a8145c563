"""Records of equally many bytes, maybe behind a header: cut by arithmetic alone."""

from array import array

from gristmill.formats.bounds import check_tasks
from gristmill.formats.reader import Malformed, View


class Fixed:
    """Records of `size` bytes behind `header` bytes."""

    scans = False

    def __init__(self, size: int, header: int) -> None:
        self._size = size
        self._header = header

    def begin(self, view: View) -> int:
        """Refuse a file that does not end where a record does."""
        if view.size < self._header:
            raise Malformed(None, 0, f"expected a header of {self._header:,} bytes, the file has {view.size:,}")
        whole, rest = divmod(view.size - self._header, self._size)
        if rest:
            raise Malformed(whole + 1, view.size - rest, f"expected {self._size:,} bytes, the file ends after {rest:,}")
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
            raise Malformed(self.records, self._start + self._seen - rest, f"expected {self._size} bytes, found {rest}")
