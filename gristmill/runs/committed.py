"""What a branch has to show: its committed segments, as the bucket has them now."""

from collections.abc import Mapping

from gristmill import keys
from gristmill.runs.coverage import Committed, Coverage, cover
from gristmill.runs.evidence import Receipt
from gristmill.runs.repository import find_receipt
from gristmill.storage import ObjectInfo, Storage

_READERS = 16


def committed_segments(store: Storage, branch: keys.BranchKeys) -> dict[keys.Span, dict[str, ObjectInfo]]:
    """Return the segments that have a receipt, by their tasks and outputs, and by keys alone; all else is left out.

    Of a branch with several outputs, tasks have a segment of each.
    """
    segments = {segment.key: segment for segment in store.list(branch.segments)}
    found = {}
    for receipt in store.list(branch.receipts):
        span = keys.parse_span(receipt.key)
        if span and receipt.key == branch.receipt(span):
            there = {name: segments.get(branch.segment_of(span, name)) for name in _names(branch)}
            held = {name: segment for name, segment in there.items() if segment}
            if len(held) == len(there):
                found[span] = held
    return found


def read_committed(store: Storage, branch: keys.BranchKeys, tasks: int, first: int = 0) -> Coverage:
    """Return the coverage of tasks [first, tasks) of a branch, or of the output that `branch` means: all by default.

    A receipt counts only with the very segments that it names, of each output one, and for the tasks that its key
    names. One that cannot be read commits nothing: its tasks are missing.
    """
    output = branch.output or _names(branch)[0]

    def read(place: tuple[keys.Span, dict[str, ObjectInfo]]) -> Committed | None:
        span, segments = place
        receipt = find_receipt(store, branch, span)
        is_sound = receipt is not None and _commits(receipt, span, segments)
        return Committed.of(segments[output].key, receipt, output) if receipt and is_sound else None

    held = committed_segments(store, branch)
    wanted = [(span, segments) for span, segments in held.items() if span.first < tasks and first < span.end]
    return cover(tasks, filter(None, store.together(read, wanted, _READERS)), first)


def _names(branch: keys.BranchKeys) -> tuple[str, ...]:
    """Return the outputs of a branch; the only one has no name."""
    return branch.outputs or ("",)


def _commits(receipt: Receipt, span: keys.Span, segments: Mapping[str, ObjectInfo]) -> bool:
    """Return whether a receipt is of these very segments."""
    named = {name: (written.offsets[-1], written.etag) for name, written in receipt.written.items()}
    there = {name: (segment.size, segment.etag) for name, segment in segments.items()}
    return (receipt.first, receipt.end) == (span.first, span.end) and named == there
