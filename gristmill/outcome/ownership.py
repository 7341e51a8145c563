"""What an execution may still do for its run when it ends: report on it, and end the jobs that it left over."""

from gristmill.errors import Superseded
from gristmill.outcome.event import ExecutionEvent
from gristmill.runs.records import RunRecord
from gristmill.runs.repository import find_readable_record
from gristmill.runs.request import Resume
from gristmill.storage import Storage


def may_report(event: ExecutionEvent, record: RunRecord | None) -> bool:
    """Return whether an execution may report on its run: it owns it, or failed before it could own it.

    Any other is a duplicate, was superseded by the run's owner, or is to resume a run that needs no resume.
    """
    resume = isinstance(event.request, Resume)
    if record is None:
        return not resume
    return owns(event, record) or (resume and event.fence == record.fence + 1 and not record.complete)


def check_may_report(store: Storage, event: ExecutionEvent) -> RunRecord | None:
    """Return the run's record, if there is one that can be read; Superseded where the execution may not report."""
    record = find_readable_record(store, event.run)
    if not may_report(event, record):
        raise Superseded(f"run {event.run} is not the execution's to report on.")
    return record


def owns(event: ExecutionEvent, record: RunRecord) -> bool:
    """Return whether the execution is the run's owner."""
    return record.execution == event.execution


def left_over(event: ExecutionEvent, record: RunRecord | None) -> int:
    """Return up to which fence the jobs of a run are left over by an execution that has ended; 0: it leaves none.

    Its own are, and those of owners before it; never those of whoever owns the run by now.
    """
    if record is None:
        return event.fence if may_report(event, record) else 0
    return record.fence if owns(event, record) else min(event.fence, record.fence - 1)
