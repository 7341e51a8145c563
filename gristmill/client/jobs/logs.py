"""What single jobs write: the lines of an attempt, from its beginning, and on as they come."""

from collections.abc import Iterator
from typing import Any

from gristmill.batch.jobs import TERMINAL
from gristmill.client.jobs.jobs import JobKind, describe, kind_of
from gristmill.client.outage import Patience
from gristmill.client.stack import Stack
from gristmill.client.tail import LATE_SECONDS, Follower, Line, Stream
from gristmill.errors import NotFound

DEFAULT_GROUP = "/aws/batch/job"


def lines(stack: Stack, job_id: str, attempt: int | None, patience: Patience | None) -> Iterator[Line]:
    """Yield the lines of an attempt, the newest one by default; with `patience` go on until the job has ended."""
    follow = patience is not None
    first = _described(stack, job_id)

    def look(_closed: set[str]) -> tuple[list[Stream], bool]:
        job = _described(stack, job_id) if follow else first
        goes_on = follow and job["status"] not in TERMINAL
        name = _stream(job, attempt)
        return ([Stream(name, job_id, job_id, not goes_on)] if name else []), goes_on

    late = LATE_SECONDS if follow and not stack.target.local else 0.0
    return Follower(lambda: stack.client("logs"), _group(first), look, late, patience).lines()


def _described(stack: Stack, job_id: str) -> dict[str, Any]:
    """Return a job as Batch describes it; NotFound where it writes nothing itself."""
    (job,) = describe(stack, [job_id])
    kind = kind_of(job)
    if kind is JobKind.ARRAY:
        raise NotFound(f"{job_id} is an array, which writes nothing itself.", f"Name a child: {job_id}:0")
    if kind is JobKind.MULTINODE:
        raise NotFound(f"{job_id} is a multi-node job, which writes nothing itself.", f"Name a node: '{job_id}#0'")
    return job


def _stream(job: dict[str, Any], attempt: int | None) -> str | None:
    """Return the log stream of an attempt; None before it is there."""
    names = [attempt.get("container", {}).get("logStreamName") for attempt in job.get("attempts", [])]
    if attempt is None:
        current: str | None = job.get("container", {}).get("logStreamName")
        return current or (names[-1] if names else None)
    if not 1 <= attempt <= len(names):
        raise NotFound(f"job {job['jobId']} has no attempt {attempt}.", f"It has had {len(names)}.")
    named: str | None = names[attempt - 1]
    return named


def _group(job: dict[str, Any]) -> str:
    options = job.get("container", {}).get("logConfiguration", {}).get("options", {})
    return str(options.get("awslogs-group", DEFAULT_GROUP))
