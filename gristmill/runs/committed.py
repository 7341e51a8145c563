"""What a branch has to show: its committed segments, as the bucket has them now."""

from gristmill import keys
from gristmill.runs.coverage import Committed, Coverage, cover
from gristmill.runs.evidence import Receipt
from gristmill.runs.repository import find_receipt
from gristmill.storage import ObjectInfo, Storage

_READERS = 16


def committed_segments(store: Storage, branch: keys.BranchKeys) -> dict[keys.Span, ObjectInfo]:
    """Return the segments that have a receipt, by their tasks and by keys alone; what else lies there is left out."""
    segments = {segment.key: segment for segment in store.list(branch.segments)}
    found = {}
    for receipt in store.list(branch.receipts):
        span = keys.parse_span(receipt.key)
        if span and receipt.key == branch.receipt(span):
            found[span] = segments.get(branch.segment(span))
    return {span: segment for span, segment in found.items() if segment}


def read_committed(store: Storage, branch: keys.BranchKeys, tasks: int, first: int = 0) -> Coverage:
    """Return the coverage of tasks [first, tasks) of a branch: all of it by default.

    A receipt counts only with the very segment that it names, and for the tasks that its key names. One that cannot
    be read commits nothing: its tasks are missing.
    """

    def read(place: tuple[keys.Span, ObjectInfo]) -> Committed | None:
        span, segment = place
        receipt = find_receipt(store, branch, span)
        return Committed.of(segment.key, receipt) if receipt and _commits(receipt, span, segment) else None

    held = committed_segments(store, branch)
    wanted = [(span, segment) for span, segment in held.items() if span.first < tasks and first < span.end]
    return cover(tasks, filter(None, store.together(read, wanted, _READERS)), first)


def _commits(receipt: Receipt, span: keys.Span, segment: ObjectInfo) -> bool:
    """Return whether a receipt is of this very segment."""
    found = (receipt.first, receipt.end, receipt.offsets[-1], receipt.etag)
    return found == (span.first, span.end, segment.size, segment.etag)
