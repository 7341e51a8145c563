"""What is left of a run whose record or execution has expired: its outcome, its results and their report."""

from datetime import datetime, timedelta
from itertools import islice

from botocore.exceptions import ClientError

from gristmill import keys
from gristmill.client.executions import Execution, execution_arn
from gristmill.client.stack import Mill
from gristmill.drop import Drop
from gristmill.errors import NotFound
from gristmill.news import outcome_key
from gristmill.reading import find_readable
from gristmill.records import Outcome, RunRecord
from gristmill.report.model import Report
from gristmill.words import RunStatus

_LOOKED_THROUGH = 200_000  # results, a thousand in a request
NO_EXECUTION = "its execution has expired (Step Functions keeps one for 90 days): this is what its notice told"
NO_RECORD = "its record and its execution have expired: this is what its report says"


def expired(execution: Execution, days: int | None, now: datetime) -> str:
    """Return that a run's record has expired; empty where it may never have had one. Pure."""
    kept = "" if days is None else f" for {days} days"
    rule = f"what lies under {keys.RUNS} is kept{kept} (the bucket's lifecycle rule `intermediates`)"
    old = days is not None and execution.ended is not None and execution.ended + timedelta(days=days) < now
    if old:
        return f"its record has expired: {rule}"
    return f"its record is gone, deleted or expired: {rule}" if execution.status is RunStatus.SUCCEEDED else ""


def of_outcome(mill: Mill, record: RunRecord) -> Execution | None:
    """Return the execution that owns a run as its outcome tells of it."""
    found = find_readable(mill.store, Outcome, outcome_key(record.run, record.execution))
    if found is None:
        return None
    return Execution(record.execution, found.status, found.started_at, found.ended_at, None, found.reason)


def of_report(mill: Mill, run: str) -> Execution | None:
    """Return the last execution of a run as the report among its results tells of it; None where there are no results.

    NotFound, with their place, where there are results without a report that can be read.
    """
    listed = islice(mill.store.list(keys.RESULTS), _LOOKED_THROUGH)
    found = next((one.key for one in listed if f"/{run}/" in one.key), None)
    if found is None:
        return None
    prefix = found[: found.index(f"/{run}/") + len(run) + 2]
    report = _read(mill, f"{prefix}{keys.REPORT}.json")
    if report is None or report.run != run:
        raise NotFound(
            f"run {run} is known by its results alone, without a report that can be read: s3://{mill.store.bucket}/{prefix}",
            f"List them with: aws s3 ls --recursive s3://{mill.store.bucket}/{prefix}",
        )
    last, given = report.executions[-1], report.input
    key = keys.input_key(report.pipeline, report.name)
    drop = Drop(mill.store.bucket, key, given.version, given.etag, given.size, "", report.owner)
    arn = execution_arn(mill, last.name)
    return Execution(arn, report.status, last.started, last.ended, drop, report.reason)


def _read(mill: Mill, key: str) -> Report | None:
    try:
        return find_readable(mill.store, Report, key)
    except ClientError as error:
        if error.response["Error"]["Code"] == "InvalidObjectState":  # it lies in the archive
            return None
        raise
