"""List the containers of a run as Batch knows them: children of arrays, nodes of multi-node jobs, and jobs of one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gristmill import keys
from gristmill.batch.jobs import (
    ACTIVE,
    TERMINAL,
    WAITING,
    describe_jobs,
    end_reason,
    run_jobs,
    with_time_limits,
)
from gristmill.enums import JobStatus
from gristmill.runs.records import RunRecord


@dataclass(frozen=True)
class Container:
    """One container. Times are those of its last try in Unix seconds, None where it has not got so far."""

    job_id: str
    stage: str
    branch: str
    attempt: int  # the pipeline's, numbered through the run's resumes
    group: int
    index: int  # in its array, or among the nodes
    status: str
    created: float
    started: float | None
    stopped: float | None
    exit_code: int | None
    reason: str
    earlier: float = 0.0  # seconds of tries before the last; of nodes alone, for arrays have too many children

    @property
    def seconds(self) -> float:
        """Return how long its tries took; the last one counts once it has ended."""
        last = max(0.0, (self.stopped or 0) - self.started) if self.started else 0.0
        return self.earlier + last


def containers(batch: Any, queues: Sequence[str], record: RunRecord) -> Iterator[Container]:
    """Yield a run's containers, of all its executions that Batch remembers; a job that was not started has its own."""
    names = _branches(record)
    for job in run_jobs(batch, queues, record.run):
        named = keys.parse_job_name(job["jobName"])
        if named and named.head in names:
            for part in _parts(batch, job):
                yield _container(part, *names[named.head], named.attempt, named.group)


def _branches(record: RunRecord) -> Mapping[str, tuple[str, str]]:
    """Return stage and branch by what a job's name has before its attempt."""
    stages = record.pipeline.stages if record.pipeline else []
    return {
        keys.job_head(record.run, stage.name, branch.name): (stage.name, branch.name)
        for stage in stages
        for branch in stage.branches
    }


def _parts(batch: Any, job: dict[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the parts of a job, which ListJobs lists by status; a job that has ended has none that has not.

    The end of the main node ends the others, however well they were: in a job that has SUCCEEDED so have its nodes.
    """
    parent = "arrayJobId" if "arrayProperties" in job else "multiNodeJobId" if "nodeProperties" in job else ""
    if not parent:
        yield from with_time_limits(batch, [job])
        return
    statuses = TERMINAL if job["status"] in TERMINAL else (*WAITING, *ACTIVE, *TERMINAL)
    for status in statuses:
        for page in batch.get_paginator("list_jobs").paginate(**{parent: job["jobId"], "jobStatus": status}):
            parts = list(with_time_limits(batch, page["jobSummaryList"]))
            yield from _nodes(batch, job, parts) if "nodeProperties" in job else parts


def _nodes(batch: Any, job: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield a page of a job's nodes with the seconds of their tries before the last, which ListJobs does not give."""
    described = {node["jobId"]: node for node in describe_jobs(batch, [node["jobId"] for node in nodes])}
    for node in nodes:
        tries = described.get(node["jobId"], {}).get("attempts", [])
        times = [(attempt.get("startedAt", 0), attempt.get("stoppedAt", 0)) for attempt in tries]
        last = node.get("startedAt") or 0
        spent = sum(max(0, stopped - started) for started, stopped in times if 0 < started < last)
        status = job["status"] if job["status"] == JobStatus.SUCCEEDED else node["status"]
        yield {**node, "status": status, "earlier": spent / 1000}


def _container(job: Mapping[str, Any], stage: str, branch: str, attempt: int, group: int) -> Container:
    container = job.get("container") or {}
    properties = {**(job.get("arrayProperties") or {}), **(job.get("nodeProperties") or {})}
    return Container(
        job_id=job["jobId"],
        stage=stage,
        branch=branch,
        attempt=attempt,
        group=group,
        index=int(properties.get("index", properties.get("nodeIndex", 0))),
        status=job["status"],
        created=job["createdAt"] / 1000,
        started=seconds(job.get("startedAt")),
        stopped=seconds(job.get("stoppedAt")),
        exit_code=container.get("exitCode"),
        reason=container.get("reason") or end_reason(job),
        earlier=job.get("earlier", 0.0),
    )


def seconds(stamp: int | None) -> float | None:
    """Return a time of Batch's, Unix milliseconds, in seconds; 0 stands for none."""
    return stamp / 1000 if stamp else None
