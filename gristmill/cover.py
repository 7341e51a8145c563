"""Which committed segments make up a branch's output: one exact cover of its tasks, the same each time."""

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heappop, heappush

from gristmill.keys import Span
from gristmill.records import Receipt


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


@dataclass(frozen=True)
class Cover:
    """The slices in task order, and the spans of tasks that no committed segment holds."""

    slices: list[Slice]
    missing: list[Span]

    @property
    def tasks_missing(self) -> int:
        """Return how many tasks have no output."""
        return sum(span.end - span.first for span in self.missing)

    @property
    def size(self) -> int:
        """Return the bytes of the output."""
        return sum(part.end - part.start for part in self.slices)


def cover(tasks: int, receipts: Iterable[tuple[str, Receipt]], first: int = 0) -> Cover:
    """Cover tasks [first, tasks) from (segment key, receipt) pairs.

    The choice is greedy: of the segments that hold the next task, the one reaching
    furthest. A late child can leave overlapping segments, so a slice may be a part of one.
    """
    waiting = sorted(receipts, key=lambda pair: (pair[1].first, pair[1].end, pair[0]), reverse=True)
    reaching: list[tuple[int, str, Receipt]] = []
    found, missing, task = [], [], first
    while task < tasks:
        while waiting and waiting[-1][1].first <= task:
            key, receipt = waiting.pop()
            heappush(reaching, (-receipt.end, key, receipt))
        if reaching and -reaching[0][0] > task:
            _, key, receipt = heappop(reaching)
            found.append(cut(key, receipt, task))
            task = receipt.end
        else:
            upto = min(waiting[-1][1].first, tasks) if waiting else tasks
            missing.append(Span(task, upto))
            task = upto
    return Cover(found, missing)


def cut(key: str, receipt: Receipt, first: int) -> Slice:
    """Return the slice of a segment from task `first` to its end."""
    skip = first - receipt.first
    return Slice(
        Span(first, receipt.end),
        key,
        receipt.offsets[skip],
        receipt.offsets[-1],
        sum(receipt.bytes_in[skip:]),
        sum(receipt.records_in[skip:]),
        sum(receipt.records_out[skip:]),
    )
