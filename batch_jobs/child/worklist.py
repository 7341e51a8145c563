"""A child's tasks: read by one ranged request, as contiguous stretches of the input."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from batch_jobs.child.setting import Setting
from gristmill import index, keys
from gristmill.plan import Places, child_places
from gristmill.store import Store


@dataclass(frozen=True)
class Stretch:
    """Consecutive tasks from `first`; task first + i is bytes [offsets[i], offsets[i + 1]) of the input."""

    first: int
    offsets: "array[int]"

    @property
    def end(self) -> int:
        """Return the task after the last."""
        return self.first + len(self.offsets) - 1


def stretches(store: Store, setting: Setting) -> Iterator[Stretch]:
    """Yield what the child has to do; a second try of the same job leaves out what its first one committed."""
    chunks = keys.chunks(setting.cursor.run, setting.cursor.stage)
    committed = _committed(store, setting) if setting.job_attempt > 1 else set()
    for first, end in _runs(task for task in _tasks(store, setting, chunks) if task not in committed):
        yield Stretch(first, index.read_values(store, chunks, first, end + 1))


def _tasks(store: Store, setting: Setting, chunks: str) -> "range | array[int]":
    cursor = setting.cursor
    listed = keys.tasks(cursor.run, cursor.stage, setting.branch, cursor.attempt)
    if store.head(listed) is None:
        places = _places(setting, index.read_header(store, chunks).values - 1)
        return range(places.first, places.end)
    places = _places(setting, index.read_header(store, listed).values)
    return index.read_values(store, listed, places.first, places.end)


def _places(setting: Setting, todo: int) -> Places:
    return child_places(todo, setting.group, setting.groups, setting.child, setting.children)


def _committed(store: Store, setting: Setting) -> set[int]:
    prefix = keys.receipts(setting.cursor.run, setting.cursor.stage, setting.branch)
    spans = (keys.parse_span(one.key) for one in store.list(prefix))
    return {task for span in spans for task in range(span.first, span.end)}


def _runs(tasks: Iterator[int]) -> Iterator[tuple[int, int]]:
    """Join consecutive task numbers into [first, end)."""
    first = end = -1
    for task in tasks:
        if task != end:
            if end > first:
                yield first, end
            first = task
        end = task + 1
    if end > first:
        yield first, end
