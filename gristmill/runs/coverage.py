"""Which committed segments make up a branch's output: one exact cover of its tasks, the same each time."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heappop, heappush
from sys import intern
from typing import Self

from gristmill.keys import Span
from gristmill.runs.evidence import Receipt


@dataclass(frozen=True)
class Committed:
    """A segment and what its receipt says of each task: 32 bytes each, where the receipt itself takes 150."""

    segment: str
    span: Span
    offsets: "array[int]"
    bytes_in: "array[int]"
    records_in: "array[int]"
    records_out: "array[int]"
    header: str
    etag: str = ""  # of the segment

    @classmethod
    def of(cls, segment: str, receipt: Receipt, output: str = "") -> Self:
        """Return what the receipt of `segment`, which has an output, says."""
        written = receipt.written[output]
        return cls(
            segment,
            Span(receipt.first, receipt.end),
            array("Q", written.offsets),
            array("Q", receipt.bytes_in),
            array("Q", receipt.records_in),
            array("Q", written.records_out),
            intern(written.header),
            written.etag,
        )


@dataclass(frozen=True)
class Slice:
    """The outputs of tasks `span`: bytes [start, end) of a segment, and what was counted for them."""

    span: Span
    segment: str
    start: int
    end: int
    bytes_in: int
    records_in: int
    records_out: int
    header: str
    etag: str = ""  # of the segment


@dataclass(frozen=True)
class Coverage:
    """The slices in task order, and the spans of tasks that no committed segment holds."""

    slices: list[Slice]
    missing: list[Span]

    @property
    def tasks(self) -> int:
        """Return the task after the last one, done or missing."""
        return max(
            (*(part.span.end for part in self.slices[-1:]), *(span.end for span in self.missing[-1:])), default=0
        )

    @property
    def tasks_missing(self) -> int:
        """Return how many tasks have no output."""
        return sum(span.end - span.first for span in self.missing)

    @property
    def headers(self) -> list[str]:
        """Return the headers of the slices that have any output; more than one is a fault.

        Of those that differ in how they end alone, it is the last in order, however tasks are shared out to slices.
        """
        found: list[str] = []
        for header in sorted({part.header for part in self.slices if part.header or part.end > part.start}):
            found = [other for other in found if not is_same_header(other, header)] + [header]
        return found

    @property
    def size(self) -> int:
        """Return the bytes of the output, its header apart."""
        return sum(part.end - part.start for part in self.slices)

    @property
    def bytes_in(self) -> int:
        """Return the bytes that its tasks read."""
        return sum(part.bytes_in for part in self.slices)

    @property
    def records_in(self) -> int:
        """Return the records that its tasks read."""
        return sum(part.records_in for part in self.slices)

    @property
    def records_out(self) -> int:
        """Return the records that its tasks wrote."""
        return sum(part.records_out for part in self.slices)


def is_same_header(header: str, other: str) -> bool:
    """Return whether two headers are the same record, with whichever line end."""
    return header.rstrip("\r\n") == other.rstrip("\r\n")


def cover(tasks: int, segments: Iterable[Committed], first: int = 0) -> Coverage:
    """Cover tasks [first, tasks) from committed segments.

    The choice is greedy: of the segments that hold the next task, the one reaching
    furthest. A late child can leave overlapping segments, so a slice may be a part of one.
    """
    waiting = sorted(segments, key=lambda held: (held.span.first, held.span.end, held.segment), reverse=True)
    reaching: list[tuple[int, str, Committed]] = []
    found, missing, task = [], [], first
    while task < tasks:
        while waiting and waiting[-1].span.first <= task:
            held = waiting.pop()
            heappush(reaching, (-held.span.end, held.segment, held))
        if reaching and -reaching[0][0] > task:
            _, _, held = heappop(reaching)
            found.append(cut(held, task))
            task = held.span.end
        else:
            upto = min(waiting[-1].span.first, tasks) if waiting else tasks
            missing.append(Span(task, upto))
            task = upto
    return Coverage(found, missing)


def cut(held: Committed, first: int) -> Slice:
    """Return the slice of a segment from task `first` to its end."""
    skip = first - held.span.first
    return Slice(
        Span(first, held.span.end),
        held.segment,
        held.offsets[skip],
        held.offsets[-1],
        sum(held.bytes_in[skip:]),
        sum(held.records_in[skip:]),
        sum(held.records_out[skip:]),
        held.header,
        held.etag,
    )
