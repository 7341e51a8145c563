"""Stopping a run and proving it; going on with one that ended."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from gristmill.client.clock import Clock
from gristmill.client.executions import Execution, describe, resume_name, unclaimed_resumes
from gristmill.client.outage import Patience
from gristmill.client.runs import Run
from gristmill.client.stack import Mill
from gristmill.errors import GristmillError, Refused
from gristmill.jobs import TERMINAL, end_jobs, live_jobs
from gristmill.limits import BATCH_DESCRIBE_MAX
from gristmill.records import RunRecord
from gristmill.words import RunStatus

T = TypeVar("T")
STOP_SECONDS = 120.0  # Batch sends SIGTERM and, 30 s later, SIGKILL; the rest is for its own pace
_LOOK_SECONDS = 0.25
_CLEAN_LOOKS = 2  # a job that was being submitted when the execution was stopped shows up at a second look


@dataclass(frozen=True)
class EndedJob:
    """A Batch job that was told to end: its state then and now, and how many of its containers were alive then."""

    id: str
    name: str
    was: str
    containers: int
    status: str
    living: int  # containers that describing still shows alive

    @property
    def ended(self) -> bool:
        """Tell whether the job and all its children have ended."""
        return self.status in TERMINAL and self.living == 0


@dataclass(frozen=True)
class Stopped:
    """What a stop ended, and the proof: the execution and every job as they were described last."""

    run: str
    was: RunStatus
    status: RunStatus
    jobs: list[EndedJob]
    seconds: float

    @property
    def proved(self) -> bool:
        """Tell whether nothing of the run lives any more."""
        return self.status is not RunStatus.RUNNING and all(job.ended for job in self.jobs)


def stop(
    mill: Mill,
    run: Run,
    who: str,
    seconds: float = STOP_SECONDS,
    patience: Patience | None = None,
    clock: Clock | None = None,
) -> Stopped:
    """End the run's execution and every job that has not ended; look until nothing lives, `seconds` at most.

    A run that has ended already is swept all the same. `patience` waits out an outage; without, it ends the stop.
    """
    clock, ask = clock or Clock(), patience.call if patience else _at_once
    reason, begun = f"stopped by {who}", clock.now()
    # looked at first: the state machine ends its own jobs as it stops, and what was ended is to be told
    living = ask(lambda: live_jobs(mill.client("batch"), mill.queues, run.run))
    told = {job["jobId"]: job for job in living}
    if run.going:
        ask(lambda: _stop_execution(mill, run, reason))
    clean = 0
    while True:
        fresh = ask(lambda: end_jobs(mill.client("batch"), mill.queues, run.run, reason))
        told = {job["jobId"]: job for job in fresh} | told
        stopped = ask(partial(_look, mill, run, told, clock.now() - begun))
        clean = clean + 1 if stopped.proved and not fresh else 0
        if clean >= _CLEAN_LOOKS or clock.now() - begun > seconds:
            return stopped
        clock.sleep(_LOOK_SECONDS)


def _at_once(work: Callable[[], T]) -> T:
    return work()


def _stop_execution(mill: Mill, run: Run, reason: str) -> None:
    mill.client("stepfunctions").stop_execution(executionArn=run.execution.arn, error="Gristmill.Stopped", cause=reason)


def _look(mill: Mill, run: Run, told: dict[str, dict[str, Any]], seconds: float) -> Stopped:
    execution = describe(mill, run.execution.arn) or run.execution
    now = {job["jobId"]: job for job in _described(mill, list(told))}
    jobs = [_ended(job, now.get(one, job)) for one, job in told.items()]
    return Stopped(run.run, run.status, execution.status, jobs, seconds)


def _described(mill: Mill, ids: list[str]) -> list[dict[str, Any]]:
    pages = [ids[start : start + BATCH_DESCRIBE_MAX] for start in range(0, len(ids), BATCH_DESCRIBE_MAX)]
    return [job for page in pages for job in mill.client("batch").describe_jobs(jobs=page)["jobs"]]


def _ended(was: dict[str, Any], now: dict[str, Any]) -> EndedJob:
    return EndedJob(was["jobId"], was["jobName"], was["status"], _living(was), now["status"], _living(now))


def _living(job: dict[str, Any]) -> int:
    """Return how many of a job's containers have not ended; an array tells by its summary."""
    children = job.get("arrayProperties", {}).get("statusSummary")
    if children is None:
        return int(job["status"] not in TERMINAL)
    return sum(count for status, count in children.items() if status not in TERMINAL)


def resume(mill: Mill, run: Run) -> Execution:
    """Start an execution that goes on with what is missing; Refused where there is nothing to go on with."""
    record = _resumable(run)
    earlier = unclaimed_resumes(mill, record)
    if any(one.status is RunStatus.RUNNING and one.run == run.run for one in earlier):
        raise _goes_on(run.run)
    name = resume_name(record, len(earlier))
    try:
        started = mill.client("stepfunctions").start_execution(
            stateMachineArn=mill.machine, name=name, input=json.dumps({"resume": {"run": run.run}})
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ExecutionAlreadyExists":
            raise _goes_on(run.run) from error
        raise
    execution = describe(mill, started["executionArn"])
    if execution is None:
        raise GristmillError(f"{started['executionArn']} was started, but is not to be found.", "Repeat in a moment.")
    return execution


def _resumable(run: Run) -> RunRecord:
    if run.going:
        raise _goes_on(run.run)
    if run.status is RunStatus.SUCCEEDED:
        raise Refused([f"run {run.run} has SUCCEEDED: nothing is missing."], "To do it anew, drop the file again.")
    if run.record is None:
        why = f"cannot be resumed: {run.lack}" if run.lack else "failed before it was claimed"
        raise Refused([f"run {run.run} {why}."], "Drop the file again.")
    if run.record.faults:
        raise Refused([f"run {run.run} was refused: {'; '.join(run.record.faults)}."], "Mend that, and drop it again.")
    return run.record


def _goes_on(run: str) -> Refused:
    return Refused(
        [f"run {run} is still going."], f"Follow it with: gristmill watch {run}; or first: gristmill stop {run}"
    )
