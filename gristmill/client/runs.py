"""Runs: found by listing executions or by id, and what stands of them.

The execution that owns a run (the one in its record) tells its status: a duplicate that ended well says nothing.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from pydantic import ValidationError

from gristmill import keys
from gristmill.client.executions import Execution, describe, executions, unclaimed_resumes
from gristmill.client.stack import Mill
from gristmill.drop import RUN_DIGITS, read_drop
from gristmill.errors import Corrupt, NotFound
from gristmill.records import RunRecord
from gristmill.words import RunStatus

_READERS = 8  # records read at once
_SEARCHED = 1000  # executions looked at to find runs that were never claimed
_AMBIGUOUS_SHOWN = 5


@dataclass(frozen=True)
class Run:
    """A run as it stands; `record` is None until Split has claimed it."""

    run: str
    execution: Execution
    record: RunRecord | None

    @property
    def status(self) -> RunStatus:
        """Return the status of the execution that counts."""
        return self.execution.status

    @property
    def going(self) -> bool:
        """Tell whether the run has not ended."""
        return self.status is RunStatus.RUNNING

    @property
    def dropped(self) -> keys.Dropped:
        """Return pipeline and file name."""
        if self.record:
            return keys.parse_input(self.record.input.key)
        if "resume" in self.execution.event:
            return keys.Dropped("", "")
        return keys.parse_input(read_drop(self.execution.event).key)

    @property
    def title(self) -> str:
        """Return pipeline and file name in one."""
        return f"{self.dropped.pipeline}/{self.dropped.name}"


def list_runs(mill: Mill, limit: int) -> list[Run]:
    """Return the newest runs, each once, newest first."""
    newest: dict[str, Execution] = {}
    for one in executions(mill):
        newest.setdefault(one.run, one)
        if len(newest) >= limit:
            break
    with ThreadPoolExecutor(_READERS) as pool:
        return list(pool.map(lambda one: _current(mill, one.run, one), newest.values()))


def find_run(mill: Mill, text: str) -> Run:
    """Return the run whose id starts with `text`; NotFound where there is none or there are several."""
    run = text if len(text) == RUN_DIGITS else _complete(mill, text)
    record = read_record(mill, run)
    if record is not None:
        owner = describe(mill, record.execution)
        if owner is not None:
            return _current(mill, run, owner)
    one = next((one for one in islice(executions(mill), _SEARCHED) if one.run == run), None)
    if one is None:
        gone = " any more: its execution has expired" if record else ""
        raise NotFound(f"there is no run {run}{gone}.", "See which there are with: gristmill runs")
    return _current(mill, run, one)


def newest_run(mill: Mill) -> Run:
    """Return the run that was started last."""
    runs = list_runs(mill, 1)
    if not runs:
        raise NotFound("there are no runs yet.", "Start one with: gristmill run PIPELINE FILE")
    return runs[0]


def read_record(mill: Mill, run: str) -> RunRecord | None:
    """Return a run's record, None before its claim."""
    key = keys.run_record(run)
    raw = mill.store.find(key)
    if raw is None:
        return None
    try:
        return RunRecord.model_validate_json(raw)
    except ValidationError as error:
        raise Corrupt(f"{key} is not a record of this version's making: {error}") from error


def _current(mill: Mill, run: str, seen: Execution) -> Run:
    """Return the run with the execution that counts: a resume under way, else the owner, else the one seen."""
    record = read_record(mill, run)
    if record is None or seen.arn == record.execution:
        resumes = unclaimed_resumes(mill, record) if record and seen.status is not RunStatus.RUNNING else []
        going = [one for one in resumes if one.status is RunStatus.RUNNING]
        return Run(run, going[-1] if going else seen, record)
    if "resume" in seen.event and seen.status is RunStatus.RUNNING:
        return Run(run, seen, record)
    return Run(run, describe(mill, record.execution) or seen, record)


def _complete(mill: Mill, text: str) -> str:
    if not re.fullmatch(rf"[0-9a-f]{{1,{RUN_DIGITS}}}", text):
        raise NotFound(f"{text!r} is no run id: that is up to {RUN_DIGITS} of 0-9, a-f.", "See: gristmill runs")
    names = {"Bucket": mill.store.bucket, "Prefix": keys.run_prefix(text)[:-1], "Delimiter": "/"}
    answer = mill.client("s3").list_objects_v2(**names, MaxKeys=_AMBIGUOUS_SHOWN)
    runs: list[str] = [one["Prefix"].removeprefix(keys.RUNS).rstrip("/") for one in answer.get("CommonPrefixes", [])]
    if not runs:
        runs = sorted({one.run for one in islice(executions(mill), _SEARCHED) if one.run.startswith(text)})
    if not runs:
        raise NotFound(f"there is no run {text}.", "See which there are with: gristmill runs")
    if len(runs) > 1:
        raise NotFound(f"{text} may mean {', '.join(runs[:_AMBIGUOUS_SHOWN])}.", "Give more of the run id.")
    return runs[0]
