"""The one interface of all record formats: where records end, found by ranged reads, and counted as they pass."""

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol, runtime_checkable

from gristmill.errors import GristmillError
from gristmill.limits import GIB, MIB
from gristmill.parallel import Together, together

UNKNOWN_SIZE = 2**62  # of what is decompressed only where it is looked at
Read = Callable[[int, int], bytes]  # bytes [start, end)
_LOCATE = 1 * GIB  # read again to name the first broken record; so much is read within seconds
_BLOCK = 1 * MIB


class Malformed(GristmillError):
    """Raised when bytes do not read as their format says: where, what is wrong, and how to mend it."""

    def __init__(self, record: int | None, byte: int, wrong: str, mend: str = "", of: str = "") -> None:
        """Take the record's number, counted from 1 (None: not known), and a byte, counted from 0: of the input, or `of`
        something else.
        """
        self.record, self.byte, self.wrong = record, byte, wrong
        place = f"{'' if record is None else f'record {record:,}, '}byte {byte}{of}"
        super().__init__(f"{place}: {wrong}", mend)

    def within(self, of: str) -> "Malformed":
        """Return the same of bytes that are counted in something else than the input."""
        return Malformed(self.record, self.byte, self.wrong, self.mend, of)


class Damaged(Malformed):
    """Raised when compressed bytes cannot be decompressed; the place is one of the file, not of its data."""


@dataclass(frozen=True)
class View:
    """What a reader sees of an input: its size in bytes, any range of it, and all that comes from a place on.

    `together` makes several of its reads at once.
    """

    size: int
    read: Read
    open: Callable[[int], BinaryIO]
    together: Together = together


class Counter(Protocol):
    """Counts the records of a chunk as its bytes pass, and finds the first broken one.

    What is broken is found wherever the input was cut: a chunk is sound if and only if each of its records is.
    """

    @property
    def records(self) -> int:
        """Return how many records have passed, an unfinished last one included."""

    def feed(self, block: bytes) -> None:
        """Take the next bytes; Malformed where they break the format."""

    def close(self) -> None:
        """Take the end; Malformed where the last record is not whole."""


class Reader(Protocol):
    """A record format. Cuts are fence-posts: the first where records begin, the last at the end of the input."""

    scans: bool  # cutting by bytes, too, must see all bytes before a cut

    def begin(self, view: View) -> int:
        """Return where the first record begins, behind a header; Malformed if the input does not begin as it must.

        It looks at the first HEADER_MAX bytes, and beyond them only where the view's size is known.
        """

    def by_records(self, view: View, start: int, per_task: int) -> tuple["array[int]", int]:
        """Cut after every `per_task` records; return the cuts and the number of records."""

    def by_bytes(self, view: View, start: int, per_task: int) -> "array[int]":
        """Cut at the first border at or after each multiple of `per_task` bytes."""

    def counter(self, start: int) -> Counter:
        """Return a counter for a chunk whose first byte is byte `start` of the input."""


@runtime_checkable
class NearReader(Reader, Protocol):
    """A format whose borders can be seen near them, whatever lies before."""

    def border(self, read: Read, target: int, size: int) -> int:
        """Return the first place at or after `target` (at least 1) where a record begins, else the end of the input."""


def locate_fault(counter: Counter, stream: BinaryIO) -> None:
    """Raise Malformed at the first broken record of a stream, if it lies within the first GiB."""
    for _ in range(_LOCATE // _BLOCK):
        block = stream.read(_BLOCK)
        if not block:
            counter.close()
            return
        counter.feed(block)
