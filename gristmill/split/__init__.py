"""Cutting a stage's input into chunks: an index of byte offsets, never a copy."""

from array import array

from gristmill import index, keys
from gristmill.errors import Refused
from gristmill.limits import GIB, SCAN_MAX_BYTES, TASKS_MAX
from gristmill.parameters import Values
from gristmill.records import RunRecord
from gristmill.source import Source, stage_source
from gristmill.spec.model import Size, Stage
from gristmill.split.lines import cut_by_bytes, cut_by_records
from gristmill.store import Store
from gristmill.words import RecordFormat


def ensure_index(store: Store, record: RunRecord, stage: Stage) -> index.Header:
    """Write the chunk index of a stage unless it is there; return its header.

    Raises Refused where cutting by records would have to scan more than one Split can.
    """
    key = keys.chunks(record.run, stage.name)
    if store.head(key) is None:
        store.put_new(key, _index(store, record, stage))
    return index.read_header(store, key)


def _index(store: Store, record: RunRecord, stage: Stage) -> bytes:
    source = stage_source(store, record, stage)
    if stage.split.records is RecordFormat.WHOLE:
        return index.pack([0, source.size])
    per_task = size_of(stage.split.records_per_task, record.parameters)
    if per_task is None:
        size = size_of(stage.split.bytes_per_task, record.parameters)
        if size is None:
            raise Refused([f"stage {stage.name}: neither a number of records nor of bytes per task is given"])
        return index.pack(_by_bytes(store, source, size))
    check_scan(source.size)
    with store.open_range(source.key, 0, source.size, source.version) as stream:
        cuts, records = cut_by_records(stream, per_task, check_tasks)
    return index.pack(cuts, records)


def _by_bytes(store: Store, source: Source, size: int) -> "array[int]":
    check_tasks(source.size // size)

    def read(start: int, end: int) -> bytes:
        return store.read(source.key, start, end, source.version)

    return cut_by_bytes(read, source.size, size)


def check_tasks(count: int) -> None:
    """Refuse to cut into more tasks than Merge and CheckOutput can hold in memory."""
    if count > TASKS_MAX:
        raise Refused(
            [f"the file would be cut into more than {TASKS_MAX:,} tasks, the most that a stage may have"],
            "Give each task more records or bytes.",
        )


def check_scan(size: int) -> None:
    """Refuse to cut by records what one Split cannot scan."""
    if size > SCAN_MAX_BYTES:
        raise Refused(
            [
                f"the file has {size / GIB:.0f} GiB; cutting by records scans it all, and one Split can scan "
                f"{SCAN_MAX_BYTES / GIB:.0f} GiB"
            ],
            "Give bytes_per_task instead: cutting by bytes looks only near the cuts.",
        )


def size_of(size: Size | None, parameters: Values) -> int | None:
    """Return a split's size, looked up among the run's parameters where it refers to one; None if not given."""
    if isinstance(size, str):
        value = parameters.get(size.removeprefix("params."))
        return value if isinstance(value, int) else None
    return size
