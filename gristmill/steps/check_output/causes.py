"""Find out why tasks have no output: from what children recorded, else from Batch and the logs."""

import re
import signal
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from gristmill import keys
from gristmill.batch.jobs import describe_jobs, end_reason, is_out_of_time
from gristmill.enums import JobStatus
from gristmill.humanize import signal_name
from gristmill.limits import BATCH_DESCRIBE_MAX
from gristmill.runs.cursor import Cursor
from gristmill.runs.evidence import Failure
from gristmill.runs.reading import find_readable
from gristmill.storage import Storage

SHOWN = 5  # failures per branch; the rest most often have the same reason
_SEARCHED = 10_000  # failure records looked at to find those
_AT_ONCE = 16  # of them read at once
_TAIL = 20  # log lines
# What Batch says of a job that fits nowhere, while it waits and when its queue's limit has cancelled it (user guide).
_MISCONFIGURED = re.compile(r"(Canceled by JobStateTimeLimit action due to reason: )?MISCONFIGURATION:")
# What a state machine wraps around the message of Batch itself.
_WRAPPING = re.compile(r"Error executing request, Exception : |, RequestId: .*| \(Service: .*", re.DOTALL)
_OUT_OF_MEMORY = "OutOfMemoryError"  # how ECS begins the reason of a container that the kernel ended for its memory
_NO_SECRET = re.compile("pull secrets|fetching secret", re.IGNORECASE)  # in what ECS says where it cannot read one
_REFUSED = "Batch did not accept its job"
_WRONG = f"{_REFUSED} (Batch.ClientException"


@dataclass(frozen=True)
class CauseClients:
    """The clients of Batch and the logs, the ARNs of the queues, and the log group of the jobs."""

    batch: Any
    logs: Any
    queues: list[str]
    log_group: str


def failures(
    store: Storage, clients: CauseClients, cursor: Cursor, place: keys.BranchKeys, missing: list[keys.Span]
) -> list[Failure]:
    """Return a handful of failures of this attempt that explain the missing tasks, recorded ones first.

    Of those, refusals come first: where a missing task was refused, one is among them.
    """
    recorded = _handful(_recorded(store, place, cursor.attempt, missing))
    if len(recorded) >= SHOWN or len(recorded) == sum(span.end - span.first for span in missing):
        return recorded
    known = {failure.job_id for failure in recorded}
    died = (failure for failure in _died(clients, cursor, place) if failure.job_id not in known)
    return recorded + list(islice(died, SHOWN - len(recorded)))


def is_out_of_memory(clients: CauseClients, cursor: Cursor, place: keys.BranchKeys) -> bool:
    """Return whether a container of an attempt at a branch was ended for its memory, as Batch says."""
    attempts = (
        attempt for job in _failed_jobs(clients, place, cursor.attempt) for attempt in job.get("attempts") or ()
    )
    reasons = (attempt.get("container", {}).get("reason") or "" for attempt in attempts)
    return any(reason.startswith(_OUT_OF_MEMORY) for reason in reasons)


def submit_failures(refused: list[dict[str, str]], cursor: Cursor, now: datetime) -> dict[str, Failure]:
    """Return a failure by branch for each job that Batch did not accept; `refused` has the state machine's answers."""
    return {
        rejected["branch"]: _submit_failure(cursor, rejected["branch"], rejected["refused"], now)
        for rejected in refused
    }


def _submit_failure(cursor: Cursor, branch: str, message: str, now: datetime) -> Failure:
    return Failure(
        stage=cursor.stage,
        branch=branch,
        task=None,
        attempt=cursor.attempt,
        reason=f"{_REFUSED} ({_WRAPPING.sub('', message)})",
        detail="",
        exit_code=None,
        job_id="",
        log_stream="",
        at=now,
    )


def is_hopeless(failure: Failure) -> bool:
    """Return whether a retry is in vain: the task was refused, or its job fits no machine or is invalid to Batch."""
    return failure.refused or _MISCONFIGURED.match(failure.reason) is not None or failure.reason.startswith(_WRONG)


def _handful(recorded: Iterable[Failure]) -> list[Failure]:
    """Return a few failures, refusals first, and of each kind one at least; the rest is read only for a refusal."""
    refusals: list[Failure] = []
    others: list[Failure] = []
    for failure in recorded:
        kind = refusals if failure.refused else others
        kind += [failure] if len(kind) < SHOWN else []
        if refusals and len(refusals) + len(others) >= SHOWN:
            break
    return [*refusals[: SHOWN - 1], *others, *refusals[SHOWN - 1 :]][:SHOWN]


def _recorded(store: Storage, place: keys.BranchKeys, attempt: int, missing: list[keys.Span]) -> Iterator[Failure]:
    """Yield the recorded failures of the missing tasks; a later try of the same job may have done the others."""
    listed = (item.key for item in islice(store.list(place.failures), _SEARCHED))
    wanted = (key for key in listed if _is_of(key, attempt, missing))
    while batch := list(islice(wanted, _AT_ONCE)):
        found = store.together(lambda key: find_readable(store, Failure, key), batch, _AT_ONCE)
        yield from (failure for failure in found if failure)


def _is_of(key: str, attempt: int, missing: list[keys.Span]) -> bool:
    failed = keys.parse_failure(key)
    if failed is None or failed.attempt != attempt:
        return False
    place = bisect_right(missing, failed.task, key=lambda span: span.first) - 1
    return place >= 0 and failed.task < missing[place].end


def _died(clients: CauseClients, cursor: Cursor, place: keys.BranchKeys) -> Iterator[Failure]:
    for job in _failed_jobs(clients, place, cursor.attempt):
        attempt = (job.get("attempts") or [{}])[-1]
        container = attempt.get("container") or job.get("container") or {}
        stream = container.get("logStreamName") or ""
        yield Failure(
            stage=cursor.stage,
            branch=place.branch,
            task=None,
            attempt=cursor.attempt,
            reason=_reason(job, container),
            detail=_tail(clients, stream),
            exit_code=container.get("exitCode"),
            job_id=job["jobId"],
            log_stream=stream,
            at=datetime.fromtimestamp(job.get("stoppedAt", 0) / 1000, UTC),
        )


def _reason(job: dict[str, Any], container: dict[str, Any]) -> str:
    """Return why a job died; of one that Batch ended at its time limit, nothing about the signal that ended it."""
    if is_out_of_time(job):
        return end_reason(job)
    return explain(container.get("exitCode"), container.get("reason"), end_reason(job))


def _failed_jobs(clients: CauseClients, place: keys.BranchKeys, attempt: int) -> Iterator[dict[str, Any]]:
    name = place.job_name(attempt, "*")  # which branches whose names go on with digits match as well
    for queue in clients.queues:
        named = _list(clients, jobQueue=queue, filters=[{"name": "JOB_NAME", "values": [name]}])
        own = (job for job in named if place.job_attempt(job["jobName"]) == attempt)
        for group in (job for job in own if job["status"] == JobStatus.FAILED):
            ids = [f"{group['jobId']}#0" if "nodeProperties" in group else group["jobId"]]  # the main node knows
            if "arrayProperties" in group:
                children = _list(clients, arrayJobId=group["jobId"], jobStatus=JobStatus.FAILED)
                ids = [child["jobId"] for child in islice(children, BATCH_DESCRIBE_MAX)] or ids
            yield from describe_jobs(clients.batch, ids)


def _list(clients: CauseClients, **which: Any) -> Iterator[dict[str, Any]]:
    for page in clients.batch.get_paginator("list_jobs").paginate(**which):
        yield from page["jobSummaryList"]


def explain(exit_code: int | None, reason: str | None, status_reason: str | None) -> str:
    """Explain the death of a child in one line: Batch's own reasons, and what its exit code means."""
    reasons = [text for text in (status_reason, reason) if text]
    if exit_code is not None and exit_code > 128:
        reasons.append(f"killed by {signal_name(exit_code - 128)} (exit code {exit_code})")
        if exit_code - 128 == signal.SIGKILL:
            reasons.append("perhaps out of memory: give the branch more `memory`")
    elif exit_code is not None:
        reasons.append(f"exit code {exit_code}")
    if any(_MISCONFIGURED.match(text) for text in reasons):
        reasons.append(
            "no host of its queue has the vCPUs, memory or GPUs that it asks for: ask for less in pipeline.yaml"
        )
    if any(_NO_SECRET.search(text) for text in reasons):
        reasons.append("a secret could not be read: put it where pipeline.yaml says, for SecretsRole to decrypt")
    return "; ".join(dict.fromkeys(reasons)) or "the job failed and gave no reason"


def _tail(clients: CauseClients, stream: str) -> str:
    if not stream:
        return ""
    try:
        answer = clients.logs.get_log_events(
            logGroupName=clients.log_group, logStreamName=stream, limit=_TAIL, startFromHead=False
        )
    except ClientError as error:  # a cause without its log is better than none
        return f"(the log {stream} cannot be read: {error.response['Error']['Code']})"
    return "\n".join(event["message"].rstrip("\n") for event in answer["events"])
