"""Leave out the stages that read a list of nothing: the run's record says so from then on."""

from collections.abc import Collection, Mapping

from gristmill.pipeline.decided import left_out
from gristmill.runs.at_work import check_fence
from gristmill.runs.records import RunRecord
from gristmill.runs.repository import revise_record
from gristmill.storage import Storage


def leave_out_readers(store: Storage, record: RunRecord, fence: int, empty: Collection[str]) -> RunRecord:
    """Record that branches list nothing, and which stages are left out for it; return the run's record.

    Superseded where the run has another owner by now.
    """
    if set(empty) <= set(record.empty):
        return record

    def leave_out(current: RunRecord) -> RunRecord:
        check_fence(current, fence)
        return with_empty(current, empty)

    return revise_record(store, record.run, leave_out)


def with_empty(record: RunRecord, empty: Collection[str]) -> RunRecord:
    """Return a record with more branches that list nothing, and without the stages that have nothing else to read."""
    if record.pipeline is None:
        return record
    known = sorted({*record.empty, *empty})
    skipped = left_out(record.pipeline, record.skipped, known)
    return with_skipped(record, skipped).model_copy(update={"empty": known})


def with_skipped(record: RunRecord, skipped: Mapping[str, str]) -> RunRecord:
    """Return a record that leaves out stages; the tasks that their branches once left out are none of the run's."""
    stages = [stage for stage in record.pipeline.stages if stage.name not in skipped] if record.pipeline else []
    there = {branch.name for stage in stages for branch in stage.branches}
    tasks = {name: left for name, left in record.left_out.items() if name in there}
    return record.model_copy(update={"skipped": dict(skipped), "left_out": tasks})
