"""Runs: found by listing executions or by id, and what stands of them.

The execution that owns a run (the one in its record) tells its status: a duplicate that ended well says nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice

from botocore.exceptions import ClientError

from gristmill import keys
from gristmill.catalogue.entry import Entry
from gristmill.catalogue.table import is_no_catalogue
from gristmill.client.runs.executions import (
    Execution,
    describe,
    executions,
    going,
    resumed_by,
    unclaimed_resumes,
)
from gristmill.client.runs.remains import (
    DELETED,
    NO_EXECUTION,
    NO_RECORD,
    cut_off,
    expired,
    of_outcome,
    of_report,
    recorded,
)
from gristmill.client.stack import Stack
from gristmill.enums import RunStatus
from gristmill.errors import Corrupt, NotFound
from gristmill.runs.drop import RUN_DIGITS, Drop
from gristmill.runs.records import RunRecord
from gristmill.runs.repository import find_record

_READERS = 8  # records read at once
_LISTED = 1000  # run ids with the same beginning
_SEARCHED = 1000  # executions looked at to find runs that were never claimed
_FRESH = 8  # executions looked at that began a moment ago
CLAIM_SECONDS = 120.0  # an event takes about a second, a cold function a few more, a throttled one minutes
_AMBIGUOUS_SHOWN = 5
_RUN = rf"[0-9a-f]{{{RUN_DIGITS}}}"


@dataclass(frozen=True)
class Run:
    """A run as it stands; `record` is None until Split has claimed it; `lack` says what of it is not to be had."""

    run: str
    execution: Execution
    record: RunRecord | None
    lack: str = ""

    @property
    def status(self) -> RunStatus:
        """Return the status of the execution that counts; a success that is recorded stays one, however that ended."""
        if self.record and self.record.complete and self.execution.status is not RunStatus.RUNNING:
            return RunStatus.SUCCEEDED
        return self.execution.status

    @property
    def going(self) -> bool:
        """Return whether the run has not ended."""
        return self.status is RunStatus.RUNNING

    @property
    def dropped(self) -> keys.Dropped:
        """Return pipeline and file name."""
        if self.record:
            return self.record.dropped
        request = self.execution.request
        return keys.parse_input(request.key) if isinstance(request, Drop) else keys.Dropped("", "")

    @property
    def title(self) -> str:
        """Return pipeline and file name in one."""
        return f"{self.dropped.pipeline}/{self.dropped.name}"


def list_runs(stack: Stack, limit: int) -> list[Run]:
    """Return the newest runs, each once, newest first."""
    found: dict[str, Run] = {}
    waiting = executions(stack)
    while len(found) < limit and (batch := list(islice(waiting, min(limit - len(found), _READERS)))):
        unseen = [execution for execution in batch if execution.run not in found]
        for run in filter(None, stack.store.together(partial(_current, stack), unseen, _READERS)):
            found.setdefault(run.run, run)
    if stack.is_leaving:  # its executions go before its records
        remains = (_remains(stack, record.run, record, record.dropped) for record in recorded(stack)[:limit])
        found = {run.run: run for run in remains if run} | found
    return list(found.values())[:limit]


def find_run(stack: Stack, text: str, thorough: bool = False) -> Run:
    """Return the run whose id starts with `text`; NotFound where there is none or there are several.

    The catalogue only says where to look for a run that has no record. One that it does not know either may be about to
    be claimed: it is looked for among the executions that began a moment ago; with `thorough` among all that run.
    """
    run = text if len(text) == RUN_DIGITS else _complete(stack, text, thorough)
    record, lack = record_or_lack(stack, run)
    owner = describe(stack, record.execution) if record else None
    if record and owner:
        return _owned(stack, record, owner)
    found = _without_owner(stack, record) if record else _without_record(stack, run, lack, thorough)
    if found is None:
        raise NotFound(f"there is no run {run}, or nothing of it any more.", "See which there are with: gristmill runs")
    return found


def _without_owner(stack: Stack, record: RunRecord) -> Run | None:
    """Return a run whose owner is gone: as a resume that goes on has it, else as its outcome or its report tells."""
    resumes = [seen for seen in unclaimed_resumes(stack, record) if seen.status is RunStatus.RUNNING]
    found = next((seen for seen in reversed(resumes) if seen.run == record.run), None)
    return Run(record.run, found, record) if found else _remains(stack, record.run, record, record.dropped)


def _without_record(stack: Stack, run: str, lack: str, thorough: bool) -> Run | None:
    """Return a run that has no record, or none that can be read: as its execution, or its report, tells of it."""
    is_known, entry = _entry(stack, run)
    if not is_known:
        about = (seen for seen in islice(executions(stack), _SEARCHED) if seen.run == run)
        found = next(filter(None, (_current(stack, seen) for seen in about)), None)
        return found or _remains(stack, run, None, None)
    if entry is None:
        seen = next((seen for seen in _unclaimed(stack, thorough) if seen.run == run), None)
        return Run(run, seen, None, lack) if seen else None
    execution = describe(stack, entry.execution)
    if execution is None:
        return _remains(stack, run, None, keys.Dropped(entry.pipeline, entry.name))
    return Run(run, execution, None, lack or expired(execution, _kept(stack), datetime.now(UTC)))


def _entry(stack: Stack, run: str) -> tuple[bool, Entry | None]:
    """Return whether there is a catalogue that can be asked, and its entry of a run, if it has one."""
    if stack.catalogue is None:
        return False, None
    try:
        return True, stack.catalogue.find(run)
    except ClientError as error:
        if not is_no_catalogue(error):
            raise
        return False, None


def _unclaimed(stack: Stack, thorough: bool) -> Iterator[Execution]:
    """Yield executions that may be about to claim a run: those that began a moment ago, or with `thorough` all."""
    since = stack.store.clock.utc() - timedelta(seconds=CLAIM_SECONDS)
    found = [seen.arn for seen in going(stack) if not resumed_by(seen.name) and (thorough or seen.started > since)]
    yield from filter(None, (describe(stack, arn) for arn in found[: None if thorough else _FRESH]))


def _remains(stack: Stack, run: str, record: RunRecord | None, dropped: keys.Dropped | None) -> Run | None:
    """Return a run without an execution as its outcome or its report tells of it."""
    execution = of_outcome(stack, record) if record else None
    if execution:
        return Run(run, execution, record, DELETED if stack.is_leaving else NO_EXECUTION)
    if record and stack.is_leaving:
        return Run(run, cut_off(record), record, DELETED)
    reported = of_report(stack, run, dropped)
    return Run(run, reported, record, NO_RECORD) if reported else None


def newest_run(stack: Stack) -> Run:
    """Return the run that was started last."""
    runs = list_runs(stack, 1)
    if not runs:
        raise NotFound("there are no runs yet.", "Start one with: gristmill run PIPELINE FILE")
    return runs[0]


def record_or_lack(stack: Stack, run: str) -> tuple[RunRecord | None, str]:
    """Return a run's record, or why it cannot be had: one that is broken keeps no other run from view."""
    try:
        return find_record(stack.store, run), ""
    except Corrupt as error:
        return None, error.what


def _current(stack: Stack, seen: Execution) -> Run | None:
    """Return the run of an execution as it stands; None for a resume of a run that has no record."""
    if seen.run is None:
        return None
    record, lack = record_or_lack(stack, seen.run)
    if record is not None:
        return _owned(stack, record, seen)
    return None if seen.is_resume else Run(seen.run, seen, None, lack or expired(seen, _kept(stack), datetime.now(UTC)))


def _kept(stack: Stack) -> int | None:
    """Return the days that records are kept; None where a stack of an earlier version does not say."""
    days = stack.outputs.get("IntermediateDays")
    return int(days) if days else None


def _owned(stack: Stack, record: RunRecord, seen: Execution) -> Run:
    """Return a run with the execution that counts: a resume under way, else the owner, else the one seen."""
    run = record.run
    if seen.arn == record.execution:
        resumes = unclaimed_resumes(stack, record) if seen.status is not RunStatus.RUNNING else []
        going = [resume for resume in resumes if resume.status is RunStatus.RUNNING and resume.run == run]
        return Run(run, going[-1] if going else seen, record)
    if seen.is_resume and seen.status is RunStatus.RUNNING:
        return Run(run, seen, record)
    return Run(run, describe(stack, record.execution) or seen, record)


def _complete(stack: Stack, text: str, thorough: bool) -> str:
    if not re.fullmatch(rf"[0-9a-f]{{1,{RUN_DIGITS}}}", text):
        raise NotFound(f"{text!r} is no run id: that is up to {RUN_DIGITS} of 0-9, a-f.", "See: gristmill runs")
    listed = (keys.parse_run(folder) for folder in islice(stack.store.folders(keys.run_prefix(text)[:-1]), _LISTED))
    runs = [run for run in listed if re.fullmatch(_RUN, run)] or _without_folder(stack, text, thorough)
    if not runs:
        raise NotFound(f"there is no run {text}.", "See which there are with: gristmill runs")
    if len(runs) > 1:
        raise NotFound(f"{text} may mean {', '.join(runs[:_AMBIGUOUS_SHOWN])}.", "Give more of the run id.")
    return runs[0]


def _without_folder(stack: Stack, text: str, thorough: bool) -> list[str]:
    """Return the runs whose ids start with some digits, of which S3 has no record."""
    try:
        entered = stack.catalogue.starting_with(text, _AMBIGUOUS_SHOWN) if stack.catalogue else None
    except ClientError as error:
        if not is_no_catalogue(error):
            raise
        entered = None
    if entered:
        return [entry.run for entry in entered]
    seen = islice(executions(stack), _SEARCHED) if entered is None else _unclaimed(stack, thorough)
    return sorted({found.run for found in seen if found.run and found.run.startswith(text)})
