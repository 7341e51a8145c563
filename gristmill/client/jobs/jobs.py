"""Single Batch jobs: what there are, and ending them. Runs are made of such jobs too."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum, unique
from typing import Any

from gristmill.batch.jobs import TERMINAL, describe_jobs, end_reason, with_time_limits
from gristmill.client.stack import Stack
from gristmill.enums import JobStatus
from gristmill.errors import NotFound

STATUSES: tuple[str, ...] = tuple(JobStatus)


@unique
class JobKind(StrEnum):
    """What a job is: one container, several of the same, or one program on several nodes; or a part of these."""

    SIMPLE = "simple"
    ARRAY = "array"
    MULTINODE = "multi-node"
    CHILD = "child"
    NODE = "node"


@dataclass(frozen=True)
class JobLook:
    """A job as a list shows it; `size` counts an array's children or a multi-node job's nodes."""

    id: str
    name: str
    kind: JobKind
    size: int | None
    status: str
    queue: str
    created: datetime | None
    started: datetime | None
    stopped: datetime | None
    exit_code: int | None
    reason: str

    @property
    def going(self) -> bool:
        """Return whether it has not ended."""
        return self.status not in TERMINAL


def queues(stack: Stack) -> dict[str, str]:
    """Return the ARNs of the stack's queues by their names."""
    return {arn.rpartition("/")[2]: arn for arn in stack.queues}


def queue_of(stack: Stack, name: str) -> str:
    """Return the ARN of one of the stack's queues by its name or the end of it; NotFound without one."""
    found = [arn for known, arn in queues(stack).items() if known == name or arn == name]
    if not found:
        raise NotFound(f"there is no queue {name}.", f"There are: {', '.join(queues(stack))}")
    return found[0]


def list_jobs(
    stack: Stack, arns: Iterable[str], statuses: Sequence[str], name: str | None, children: bool
) -> Iterator[JobLook]:
    """Yield the jobs of queues, newest first in each queue; with `children` each is followed by its parts."""
    for arn in arns:
        found = sorted(_summaries(stack, arn, statuses, name), key=lambda job: -job["createdAt"])
        for job in found:
            seen = look(job, arn.rpartition("/")[2])
            yield seen
            if children and seen.kind in (JobKind.ARRAY, JobKind.MULTINODE):
                yield from parts(stack, seen, statuses)


def _summaries(stack: Stack, arn: str, statuses: Sequence[str], name: str | None) -> Iterator[dict[str, Any]]:
    if name is not None:
        named = _pages(stack, jobQueue=arn, filters=[{"name": "JOB_NAME", "values": [name]}])
        yield from (job for job in named if job["status"] in statuses)
        return
    for status in statuses:
        yield from _pages(stack, jobQueue=arn, jobStatus=status)


def _pages(stack: Stack, **which: Any) -> Iterator[dict[str, Any]]:
    batch = stack.client("batch")
    for page in batch.get_paginator("list_jobs").paginate(**which):
        yield from with_time_limits(batch, page["jobSummaryList"])


def parts(stack: Stack, job: JobLook, statuses: Sequence[str] = STATUSES) -> list[JobLook]:
    """Return an array's children or a multi-node job's nodes, by index."""
    parent = "arrayJobId" if job.kind is JobKind.ARRAY else "multiNodeJobId"
    found = [
        look(part, job.queue) for status in statuses for part in _pages(stack, **{parent: job.id, "jobStatus": status})
    ]
    return sorted(found, key=lambda part: int(part.id.replace("#", ":").rpartition(":")[2]))


def describe(stack: Stack, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return jobs as Batch describes them, in the order asked; NotFound names those that do not exist."""
    found = {job["jobId"]: job for job in describe_jobs(stack.client("batch"), ids)}
    missing = [job for job in ids if job not in found]
    if missing:
        raise NotFound(f"there is no job {', '.join(missing)}.", "See which there are with: gristmill jobs")
    return [found[job] for job in ids]


def look(job: dict[str, Any], queue: str = "") -> JobLook:
    """Return a job from a summary or a description of it."""
    kind = kind_of(job)
    container = job.get("container") or {}
    return JobLook(
        id=job["jobId"],
        name=job["jobName"],
        kind=kind,
        size=_size(job, kind),
        status=job["status"],
        queue=queue or job.get("jobQueue", "").rpartition("/")[2],
        created=moment(job.get("createdAt")),
        started=moment(job.get("startedAt")),
        stopped=moment(job.get("stoppedAt")),
        exit_code=container.get("exitCode"),
        reason=container.get("reason") or end_reason(job),
    )


def kind_of(job: dict[str, Any]) -> JobKind:
    """Return the kind of a job; parts are known by their ids."""
    if ":" in job["jobId"]:
        return JobKind.CHILD
    if "#" in job["jobId"]:
        return JobKind.NODE
    if job.get("arrayProperties", {}).get("size"):
        return JobKind.ARRAY
    return JobKind.MULTINODE if job.get("nodeProperties") else JobKind.SIMPLE


def _size(job: dict[str, Any], kind: JobKind) -> int | None:
    if kind is JobKind.ARRAY:
        return int(job["arrayProperties"]["size"])
    return int(job["nodeProperties"]["numNodes"]) if kind is JobKind.MULTINODE else None


def moment(stamp: int | None) -> datetime | None:
    """Return a time of Batch's, Unix milliseconds; 0 stands for none."""
    return datetime.fromtimestamp(stamp / 1000, UTC) if stamp else None


def kill(stack: Stack, ids: Sequence[str], reason: str) -> list[JobLook]:
    """End jobs, children and nodes included; return them as they were. What has ended already is left as it is."""
    found = [look(job) for job in describe(stack, ids)]
    for job in found:
        if job.going:
            stack.client("batch").terminate_job(jobId=job.id, reason=reason)
    return found
