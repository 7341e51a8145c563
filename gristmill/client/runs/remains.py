"""What is left of a run whose record or execution has expired: its outcome, its results and their report."""

from datetime import datetime, timedelta
from functools import partial
from itertools import islice

from botocore.exceptions import ClientError

from gristmill import keys
from gristmill.client.runs.executions import Execution, execution_arn
from gristmill.client.stack import Stack
from gristmill.enums import RunStatus
from gristmill.errors import NotFound
from gristmill.report.model import Report
from gristmill.runs.drop import Drop
from gristmill.runs.reading import find_readable
from gristmill.runs.records import RunRecord
from gristmill.runs.repository import find_outcome, find_readable_record

_LOOKED_THROUGH = 200_000  # results, a thousand in a request
_READERS = 8  # records read at once
_CUT_OFF = "it ended with the stack, which was deleted while it was under way"
_gone = partial(Execution, is_gone=True)
DELETED = "its execution went with the state machine of the stack that is being deleted: this is what is left of it"
NO_EXECUTION = "its execution has expired (Step Functions keeps one for 90 days): this is what its notice told"
NO_RECORD = "its record and its execution have expired: this is what its report says"


def expired(execution: Execution, days: int | None, now: datetime) -> str:
    """Return that a run's record has expired; empty where it may never have had one. Pure."""
    kept = "" if days is None else f" for {days} days"
    rule = f"what lies under {keys.RUNS} and {keys.WORK} is kept{kept} (the bucket's lifecycle rule `intermediates`)"
    old = days is not None and execution.ended is not None and execution.ended + timedelta(days=days) < now
    if old:
        return f"its record has expired: {rule}"
    return f"its record is gone, deleted or expired: {rule}" if execution.status is RunStatus.SUCCEEDED else ""


def of_outcome(stack: Stack, record: RunRecord) -> Execution | None:
    """Return the execution that owns a run as its outcome tells of it."""
    found = find_outcome(stack.store, record.run, record.execution)
    if found is None:
        return None
    return _gone(record.execution, found.status, found.started_at, found.ended_at, None, found.reason)


def cut_off(record: RunRecord) -> Execution:
    """Return the execution of a run without an outcome, of a stack that is being deleted."""
    return _gone(record.execution, RunStatus.ABORTED, record.claimed_at, record.claimed_at, None, _CUT_OFF)


def recorded(stack: Stack) -> list[RunRecord]:
    """Return the records of all runs in the bucket, the newest first."""
    runs = map(keys.parse_run, stack.store.folders(keys.RUNS))
    store = stack.store
    found = store.together(lambda run: find_readable_record(store, run), runs, _READERS)
    return sorted(filter(None, found), key=lambda record: record.claimed_at, reverse=True)


def of_report(stack: Stack, run: str, dropped: keys.Dropped | None) -> Execution | None:
    """Return the last execution of a run as the report among its results tells of it; None where there are no results.

    NotFound, with their place, where there are results without a report that can be read. What was dropped says where
    they lie; where that is not known either, all results are looked through.
    """
    place = keys.results_prefix(dropped.pipeline, dropped.name, run) if dropped else keys.RESULTS
    listed = islice(stack.store.list(place), _LOOKED_THROUGH)
    found = next((result.key for result in listed if f"/{run}/" in result.key), None)
    if found is None:
        return None
    prefix = found[: found.index(f"/{run}/") + len(run) + 2]
    report = _read(stack, f"{prefix}{keys.REPORT}.json")
    if report is None or report.run != run:
        raise NotFound(
            f"run {run} is known by its results alone, without a report that can be read: s3://{stack.store.bucket}/{prefix}",
            f"List them with: aws s3 ls --recursive s3://{stack.store.bucket}/{prefix}",
        )
    last, given = report.executions[-1], report.input
    key = keys.input_key(report.pipeline, report.name)
    drop = Drop(stack.store.bucket, key, given.version, given.etag, given.size, "", report.owner)
    arn = execution_arn(stack, last.name)
    return _gone(arn, report.status, last.started, last.ended, drop, report.reason, warnings=report.warnings)


def _read(stack: Stack, key: str) -> Report | None:
    try:
        return find_readable(stack.store, Report, key)
    except ClientError as error:
        if error.response["Error"]["Code"] == "InvalidObjectState":  # it lies in the archive
            return None
        raise
