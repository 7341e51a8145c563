"""Functions at work on a run: each shows a sign while it works, and does nothing for an execution that was stopped.

A stop is written first, and then signs are looked for; a function writes its sign first, and then looks for a stop. S3
shows what was written to whoever looks afterwards, so one of the two sees the other: what begins after a stop was
proved does nothing. A function that dies leaves its sign, which says how long Lambda lets it run at most.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import Any

from pydantic import AwareDatetime

from gristmill import keys
from gristmill.errors import Refused, Superseded
from gristmill.runs.cursor import Cursor
from gristmill.runs.reading import find
from gristmill.runs.records import CONTRACT, RunRecord
from gristmill.runs.repository import read_record
from gristmill.runs.schema import Record
from gristmill.storage import Storage

CLOCKS_APART = 5  # seconds; hosts of Lambda keep time by NTP: their clocks differ, by far less


class Stop(Record):
    """`_stops/<execution>.json`: an execution was stopped; written by the command line, never taken back."""

    by: str
    at: AwareDatetime


@dataclass(frozen=True)
class Invocation:
    """One invocation of a function: name, request, and the Unix second at which it has ended, by any host's clock."""

    function: str
    request: str
    until: int


def invocation(context: Any, function: str, now: Callable[[], float]) -> Invocation:
    """Return what Lambda's context says of an invocation; `now` gives the Unix time in seconds."""
    left = context.get_remaining_time_in_millis() / 1000
    return Invocation(function, context.aws_request_id, ceil(now() + left) + CLOCKS_APART)


@contextmanager
def at_work(store: Storage, run: str, work: Invocation) -> Iterator[None]:
    """Show a sign of an invocation as long as it works on a run."""
    key = keys.sign(run, work.function, work.until, work.request)
    store.put(key, b"")
    try:
        yield
    finally:
        store.delete(key)


def check_may_begin(store: Storage, run: str, execution: str) -> None:
    """Refuse a drop's execution that was stopped, or whose run was stopped before any execution had claimed it."""
    stopped = [listed.key for listed in store.list(keys.stops(run))]
    if stopped and (_stop(run, execution) in stopped or store.head(keys.run_record(run)) is None):
        raise Refused([f"run {run} was stopped"], "Go on with: gristmill resume; or drop the file again.")


def is_stopped(store: Storage, run: str, execution: str) -> bool:
    """Return whether an execution was stopped."""
    return store.head(_stop(run, execution)) is not None


def _stop(run: str, execution: str) -> str:
    return keys.stop(run, execution.rpartition(":")[2])


def check_going(store: Storage, cursor: Cursor) -> None:
    """Refuse work for an execution that was stopped, or of an earlier version; Superseded where it lost its run."""
    record = read_record(store, cursor.run)
    check_fence(record, cursor.fence)
    check_contract(record)
    check_not_stopped(store, cursor.run, record.execution)


def check_owner(store: Storage, record: RunRecord) -> None:
    """Raise Superseded where another execution has taken the run over since its record was read."""
    found = find(store, RunRecord, keys.run_record(record.run))
    if found is not None:  # there is none where a run is only planned
        check_fence(found, record.fence)


def check_fence(record: RunRecord, fence: int) -> None:
    """Raise Superseded unless the run's owner has this fence."""
    if record.fence != fence:
        raise Superseded(f"run {record.run} belongs to {record.execution} by now.")


def check_contract(record: RunRecord) -> None:
    """Refuse to go on with a run whose objects an earlier version has laid out in another way."""
    if record.contract != CONTRACT:
        raise Refused([f"run {record.run} was begun by an earlier version of Gristmill"], "Drop the file again.")


def check_fingerprint(record: RunRecord, place: keys.BranchKeys) -> None:
    """Raise Superseded where the run computes a branch otherwise by now than a job was told when it was submitted."""
    now = record.fingerprints.get(place.branch)
    if now != place.fingerprint:
        what = f"{place.stage}/{place.branch} of run {place.run}"
        raise Superseded(
            f"{what} was changed: this job is of {place.fingerprint}, the run is at {now or 'none'} by now."
        )


def check_not_stopped(store: Storage, run: str, execution: str) -> None:
    """Refuse work for an execution that was stopped."""
    if is_stopped(store, run, execution):
        raise Refused([f"{execution} was stopped"], f"Go on with: gristmill resume {run}")
