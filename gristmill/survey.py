"""What a branch has to show: its committed segments, as the bucket has them now."""

from concurrent.futures import ThreadPoolExecutor

from pydantic import ValidationError

from gristmill import keys
from gristmill.cover import Committed, Cover, cover
from gristmill.errors import Corrupt
from gristmill.records import Receipt
from gristmill.store import ObjectInfo, Store

_READERS = 16


def survey(store: Store, run: str, stage: str, branch: str, tasks: int, first: int = 0) -> Cover:
    """Return the cover of tasks [first, tasks) of a branch: all of it by default.

    A receipt counts only with the very segment that it names.
    """
    segments = {one.key: one for one in store.list(keys.segments(run, stage, branch))}
    listed = [one.key for one in store.list(keys.receipts(run, stage, branch)) if _touches(one.key, first, tasks)]

    def read(key: str) -> Committed | None:
        receipt = _read(store, key)
        span = keys.Span(receipt.first, receipt.end)
        return _committed(segments.get(keys.segment(run, stage, branch, span)), receipt)

    with ThreadPoolExecutor(_READERS) as pool:
        return cover(tasks, filter(None, pool.map(read, listed)), first)


def _touches(key: str, first: int, end: int) -> bool:
    span = keys.parse_span(key)
    return span.first < end and first < span.end


def _read(store: Store, key: str) -> Receipt:
    try:
        return Receipt.model_validate_json(store.read(key))
    except ValidationError as error:
        raise Corrupt(f"{key} is no receipt: {error}") from error


def _committed(held: ObjectInfo | None, receipt: Receipt) -> Committed | None:
    """Return the segment with its receipt in little memory; None where that very segment is not there."""
    if held and held.size == receipt.offsets[-1] and held.etag == receipt.etag:
        return Committed.of(held.key, receipt)
    return None
