"""Read a child's tasks in few ranged requests, as contiguous stretches of the input."""

from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gristmill.chunks import index
from gristmill.keys import Span
from gristmill.limits import INDEX_WINDOW
from gristmill.runs.committed import read_committed
from gristmill.runs.pinned import ObjectVersion, StageCut
from gristmill.sharing import Places, child_places
from gristmill.storage import Storage
from gristmill.worker.child.setting import ChildSetting


@dataclass(frozen=True)
class Stretch:
    """Consecutive tasks from `first`; task first + i is what lies between offsets i and i + 1 of the input."""

    first: int
    offsets: "array[int]"

    def tasks(self) -> Iterator[tuple[int, int, int]]:
        """Yield each task with where its input begins and ends."""
        for place, (start, end) in enumerate(pairwise(self.offsets)):
            yield self.first + place, start, end


def stretches(store: Storage, setting: ChildSetting, cut: StageCut) -> Iterator[Stretch]:
    """Yield what the child has to do; a second try of the same job leaves out what its first one committed."""
    spans = list(_todo(store, setting, cut))
    if setting.job_attempt > 1 and spans:
        spans = list(_common(spans, _uncommitted(store, setting, spans)))
    for window in _windows(spans):
        base, end = window[0].first, window[-1].end
        offsets = index.read_values(store, cut.index, base, end + 1)
        for span in window:
            yield Stretch(span.first, offsets[span.first - base : span.end + 1 - base])


def _todo(store: Storage, setting: ChildSetting, cut: StageCut) -> Iterator[Span]:
    there = store.head(setting.keys.tasks(setting.cursor.attempt))
    if there is None:
        places = _places(setting, cut.tasks)
        return iter([Span(places.first, places.end)] if places.count else [])
    listed = ObjectVersion.of(there)
    places = _places(setting, index.read_header(store, listed).values)
    return _runs(index.read_values(store, listed, places.first, places.end))


def _places(setting: ChildSetting, todo: int) -> Places:
    return child_places(todo, setting.group, setting.groups, setting.child, setting.children)


def _uncommitted(store: Storage, setting: ChildSetting, spans: list[Span]) -> list[Span]:
    return read_committed(store, setting.keys, spans[-1].end, spans[0].first).missing


def _runs(tasks: Iterable[int]) -> Iterator[Span]:
    """Join consecutive task numbers."""
    first = end = -1
    for task in tasks:
        if task != end:
            if end > first:
                yield Span(first, end)
            first = task
        end = task + 1
    if end > first:
        yield Span(first, end)


def _common(some: Sequence[Span], others: Sequence[Span]) -> Iterator[Span]:
    """Yield what two ascending sequences of spans have in common."""
    left, right = deque(some), deque(others)
    while left and right:
        first, end = max(left[0].first, right[0].first), min(left[0].end, right[0].end)
        if first < end:
            yield Span(first, end)
        (left if left[0].end <= right[0].end else right).popleft()


def _windows(spans: Iterable[Span]) -> Iterator[list[Span]]:
    """Gather spans that lie so close that one small read of the index serves them; cut those that are longer."""
    window: list[Span] = []
    for span in spans:
        for first in range(span.first, span.end, INDEX_WINDOW):
            piece = Span(first, min(first + INDEX_WINDOW, span.end))
            if window and piece.end - window[0].first > INDEX_WINDOW:
                yield window
                window = []
            window.append(piece)
    if window:
        yield window
