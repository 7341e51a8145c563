"""Stopping a run and proving it; going on with one that ended."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from botocore.exceptions import ClientError

from gristmill import keys
from gristmill.batch.jobs import end_jobs, live_jobs
from gristmill.client.outage import Patience
from gristmill.client.runs.changes import Changes
from gristmill.client.runs.executions import Execution, describe, describe_recent, unclaimed_resumes
from gristmill.client.runs.find import Run, record_or_lack
from gristmill.client.runs.still_at_work import Waiting, functions, notice, submitting
from gristmill.client.runs.stopped import Stopped, describe_ended
from gristmill.client.stack import Stack
from gristmill.clock import Clock
from gristmill.enums import RunKind, RunStatus
from gristmill.errors import GristmillError, Refused
from gristmill.runs.at_work import Stop, check_contract
from gristmill.runs.records import RunRecord
from gristmill.runs.request import resume_name

T = TypeVar("T")
STOP_SECONDS = 120.0  # Batch sends SIGTERM and, 30 s later, SIGKILL; the rest is for its own pace
_LOOK_SECONDS, _LOCAL_LOOK_SECONDS = 1.0, 0.25
_CLEAN_LOOKS = 2  # a job that was being submitted when the execution was stopped shows up at a second look


def stop(
    stack: Stack,
    run: Run,
    who: str,
    seconds: float = STOP_SECONDS,
    patience: Patience | None = None,
    clock: Clock | None = None,
    tell: Callable[[Waiting], None] = lambda _waiting: None,
) -> Stopped:
    """End the run's executions and every job that has not ended; look until nothing lives, `seconds` at most.

    A run that has ended already is swept all the same. `patience` waits out an outage; without, it ends the stop.
    `tell` gets each thing that is waited for, once.
    """
    clock, ask = clock or Clock(), patience.call if patience else _at_once
    reason, begun = f"stopped by {who}", clock.now()
    # looked at first: the state machine ends its own jobs as it stops, and what was ended is to be told
    living = ask(lambda: live_jobs(stack.client("batch"), stack.queues, run.run))
    ended = {job["jobId"]: job for job in living}
    waited: dict[str, Waiting] = {}
    clean = 0
    while True:
        executions, record = ask(lambda: halt(stack, run, who))
        fresh = ask(lambda: end_jobs(stack.client("batch"), stack.queues, run.run, reason))
        ended = {job["jobId"]: job for job in fresh} | ended
        still = ask(partial(_still, stack, run, executions))
        for waiting in still:
            if waiting.what not in waited:
                tell(waiting)
        waited |= {waiting.what: waiting for waiting in still}
        jobs = ask(partial(describe_ended, stack, ended))
        status = _status(executions, record)
        stopped = Stopped(run.run, run.status, status, jobs, clock.now() - begun, list(waited), still)
        clean = clean + 1 if stopped.proved and not fresh else 0
        if clean >= _CLEAN_LOOKS or clock.now() - begun > seconds:
            return stopped
        clock.sleep(_LOCAL_LOOK_SECONDS if stack.target.local else _LOOK_SECONDS)


def _at_once(work: Callable[[], T]) -> T:
    return work()


def _status(executions: Sequence[Execution], record: RunRecord | None) -> RunStatus:
    """Return the status of a run by its executions, of which the last one counts, and by its record."""
    if any(execution.status is RunStatus.RUNNING for execution in executions):
        return RunStatus.RUNNING
    return RunStatus.SUCCEEDED if record and record.complete else executions[-1].status


def halt(stack: Stack, run: Run, who: str) -> tuple[list[Execution], RunRecord | None]:
    """Stop each execution that may be at work on a run, and note that it was.

    Return them, the one of `run` last, and the run's record. Beside that one, which was seen a while ago, another may
    have claimed the run, or been started to resume it.
    """
    record, _ = record_or_lack(stack, run.run)
    owner = describe_recent(stack, record.execution) if record else None
    unclaimed = unclaimed_resumes(stack, record) if record else []
    resumes = [execution for execution in unclaimed if execution.run == run.run]
    seen = describe(stack, run.execution.arn) or run.execution
    found = {execution.arn: execution for execution in [owner, *resumes, seen] if execution}
    found[seen.arn] = found.pop(seen.arn)
    return [_halted(stack, run.run, execution, who) for execution in found.values()], record


def _halted(stack: Stack, run: str, execution: Execution, who: str) -> Execution:
    """Stop an execution that runs, and note that it was stopped: what of it begins afterwards does nothing."""
    if execution.status is RunStatus.SUCCEEDED:
        return execution
    if execution.status is RunStatus.RUNNING:
        cause = f"stopped by {who}"
        states = stack.client("stepfunctions")
        states.stop_execution(executionArn=execution.arn, error="Gristmill.Stopped", cause=cause)
    note = Stop(by=who, at=datetime.now(UTC)).model_dump_json().encode()
    stack.store.put_new(keys.stop(run, execution.arn.rpartition(":")[2]), note)
    return describe(stack, execution.arn) or execution


def _still(stack: Stack, run: Run, executions: Sequence[Execution]) -> list[Waiting]:
    """Return what may be at work on the run, executions and known jobs apart."""
    found, now = functions(stack, run.run)
    for execution in (known for known in executions if not known.is_gone):
        found += submitting(stack, run.run, execution, now)
        found += notice(stack, run.run, execution, now)
    return found


def resume(stack: Stack, run: Run, changes: Callable[[RunRecord], Changes] | None = None) -> Execution:
    """Start an execution that goes on with what is missing; Refused where there is nothing to go on with.

    Without `changes` it goes on as it was; with them, which refuse what cannot be run, as its pipeline is by now.
    """
    record = _resumable(_with_owner(stack, run), with_changes=changes is not None)
    earlier = unclaimed_resumes(stack, record)
    if any(execution.status is RunStatus.RUNNING and execution.run == run.run for execution in earlier):
        raise _goes_on(run.run)
    wanted = {"run": run.run, "fence": record.fence, **({"changes": changes(record).request} if changes else {})}
    name = resume_name(record.run, record.fence, len(earlier))
    try:
        started = stack.client("stepfunctions").start_execution(
            stateMachineArn=stack.machine, name=name, input=json.dumps({"resume": wanted})
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ExecutionAlreadyExists":
            raise _goes_on(run.run) from error
        raise
    execution = describe_recent(stack, started["executionArn"])
    if execution is None:
        raise GristmillError(f"{started['executionArn']} was started, but is not to be found.", "Repeat in a moment.")
    return execution


def _with_owner(stack: Stack, run: Run) -> Run:
    """Return a run with the execution that owns it, where another one was seen in its place."""
    if run.record is None or run.execution.arn == run.record.execution or run.going:
        return run
    owner = describe_recent(stack, run.record.execution)
    return replace(run, execution=owner) if owner else run


def _resumable(run: Run, *, with_changes: bool) -> RunRecord:
    if run.going:
        raise _goes_on(run.run)
    if run.status is RunStatus.SUCCEEDED:
        raise Refused([f"run {run.run} has SUCCEEDED: nothing is missing."], "To do it anew, drop the file again.")
    if run.record is None:
        why = f"cannot be resumed: {run.lack}" if run.lack else "failed before it was claimed"
        raise Refused([f"run {run.run} {why}."], "Drop the file again.")
    if run.record.faults and not (with_changes and run.record.generation):  # else it was the drop that was refused
        raise Refused([f"run {run.run} was refused: {'; '.join(run.record.faults)}."], "Mend that, and drop it again.")
    if with_changes:
        _refuse_batch(run.record)
    check_contract(run.record)
    return run.record


def _refuse_batch(record: RunRecord) -> None:
    """Refuse what only an item of a batch can do: the batch has frozen the code for all of them."""
    if record.kind is RunKind.BATCH:
        raise Refused(
            [f"run {record.run} is a batch, and its items go on as they were frozen."],
            f"Resume an item with the change: gristmill compare {record.run}, then gristmill resume ITEM "
            "--with-changes; or start another batch.",
        )


def _goes_on(run: str) -> Refused:
    return Refused(
        [f"run {run} is still going."], f"Follow it with: gristmill watch {run}; or first: gristmill stop {run}"
    )
