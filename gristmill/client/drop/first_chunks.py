"""The first chunks of a stage: as little of the dropped file is indexed as they need."""

from collections.abc import Iterator

from gristmill import keys
from gristmill.chunks import index
from gristmill.chunks.cutting import ensure_index, keep_cut, write_index, write_mates
from gristmill.errors import Refused
from gristmill.limits import MIB
from gristmill.pipeline.stage import Stage
from gristmill.runs.locations import stage_keys
from gristmill.runs.pinned import Cut, read_cut
from gristmill.runs.records import RunRecord, mates_of
from gristmill.storage.folder import FolderStorage

_FIRST_LOOK = 8 * MIB  # of the file; more where the chunks are larger
_MORE = 8  # times as much
_AHEAD = 2  # chunks beyond the last one wanted: the cut before the end of a look may be that look's own


def index_first(store: FolderStorage, record: RunRecord, stage: Stage, tasks: int) -> None:
    """Index the stage's first chunks, at most `tasks`."""
    place = stage_keys(record, stage.name)
    can_shorten = stage.reads is None and mates_of(record, stage) is None  # of pairs both are cut whole
    for size in _looks(record.input.size) if can_shorten else [record.input.size]:
        seen = _shortened(record, size)
        store.put(keys.run_record(record.run), seen.model_dump_json().encode())
        if _is_enough(store, seen, stage, tasks, whole=stage.reads is not None or size == record.input.size):
            break
        for key in (place.chunks, place.cut):
            store.delete(key)
    made = read_cut(store, place)
    if made.tasks > tasks:
        mates = made.mates and write_mates(store, place, made.mates.source, _first(store, made.mates, tasks))
        first = write_index(store, place, made.source, _first(store, made, tasks), mates=mates)
        keep_cut(store, place, first.model_copy(update={"joins": made.joins}))


def _first(store: FolderStorage, cut: Cut, tasks: int) -> bytes:
    """Return the index of the first tasks."""
    return index.pack(index.read_values(store, cut.index, 0, tasks + 1), None, cut.encoding)


def _is_enough(store: FolderStorage, seen: RunRecord, stage: Stage, tasks: int, *, whole: bool) -> bool:
    try:
        return ensure_index(store, seen, stage, whole=whole).values > tasks + _AHEAD or whole
    except Refused:
        if whole:
            raise
        return False  # the look may have cut a record


def _looks(size: int) -> Iterator[int]:
    """Yield how much of a file is looked at: little, then more, then all."""
    look = _FIRST_LOOK
    while look < size:
        yield look
        look *= _MORE
    yield size


def _shortened(record: RunRecord, size: int) -> RunRecord:
    return record.model_copy(update={"input": record.input.model_copy(update={"size": size})})
