"""What the client of Batch shows: jobs as they were a moment ago, and as they are."""

import fnmatch
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from gristmill.batch.jobs import TERMINAL
from gristmill.enums import JobStatus
from tests.simulation.jobs import Container, Job

if TYPE_CHECKING:
    from tests.simulation.world import World


class BatchClient:
    """The client, by the calls that are made of it."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def describe_jobs(self, *, jobs: list[str]) -> Any:
        return self._world.wire.call("DescribeJobs", lambda: {"jobs": [self._described(name) for name in jobs]})

    def terminate_job(self, *, jobId: str, reason: str) -> Any:
        batch = self._world.batch
        return self._world.wire.call(f"TerminateJob {jobId}", lambda: batch.terminate(batch.jobs[jobId], reason), True)

    def get_paginator(self, name: str) -> Any:
        if name == "describe_job_definitions":
            return SimpleNamespace(paginate=self._definitions)
        assert name == "list_jobs", name
        return self

    def _definitions(self, jobDefinitionName: str, status: str) -> Iterator[Any]:
        found = {"jobDefinitionArn": jobDefinitionName, "revision": 1, "status": status, "containerProperties": {}}
        yield self._world.wire.call("DescribeJobDefinitions", lambda: {"jobDefinitions": [found]})

    def paginate(self, **which: Any) -> Iterator[Any]:
        yield self._world.wire.call("ListJobs", lambda: {"jobSummaryList": list(self._listed(**which))})

    def _listed(self, **which: Any) -> Iterator[dict[str, Any]]:
        seen = self._world.kernel.now - self._world.trouble.lag
        parent = which.get("arrayJobId") or which.get("multiNodeJobId")
        if parent:
            job = self._world.batch.jobs[parent]
            parts = (self._part(job, container, seen) for container in job.containers)
            yield from (part for part in parts if part["status"] == which["jobStatus"])
            return
        (pattern,) = which["filters"][0]["values"]
        for job in self._world.batch.jobs.values():
            in_queue = job.request["jobQueue"] == which["jobQueue"] and job.created <= seen
            if in_queue and fnmatch.fnmatchcase(job.name, pattern):
                yield self._whole(job, seen)

    def _whole(self, job: Job, at: float) -> dict[str, Any]:
        main, more = job.containers[0], {}
        if job.kind == "array":
            more = {"arrayProperties": {"size": len(job.containers)}}
        elif job.kind == "node":
            more = {"nodeProperties": {"numNodes": len(job.containers), "isMainNode": False}}
        return {**self._part(job, main, at), "jobId": job.id, "status": job.status(at), **more}

    def _part(self, job: Job, container: Container, at: float) -> dict[str, Any]:
        separator, kind = ("#", "nodeIndex") if job.kind == "node" else (":", "index")
        stopped = max(container.first(status) for status in TERMINAL)
        last = container.tries[-1]["container"] if container.tries else {}
        return {
            "jobId": f"{job.id}{separator}{container.index}" if job.kind else job.id,
            "jobName": job.name,
            "createdAt": int(job.created * 1000),
            "status": container.status(at),
            "startedAt": container.first(JobStatus.RUNNING),
            "stoppedAt": stopped,
            "statusReason": container.reason,
            "container": {name: value for name, value in last.items() if name == "exitCode"},
            **({f"{job.kind}Properties": {kind: container.index}} if job.kind else {}),
        }

    def _described(self, name: str) -> dict[str, Any]:
        now = self._world.kernel.now
        job = self._world.batch.jobs[name.replace("#", ":").partition(":")[0]]
        if name == job.id:
            whole = self._whole(job, now)
            if job.kind == "array":
                states = [container.status(now) for container in job.containers]
                summary = {str(state): states.count(state) for state in JobStatus}
                whole["arrayProperties"] = {"size": len(states), "statusSummary": summary}
            return whole if job.kind else {**whole, "attempts": job.containers[0].tries}
        container = job.containers[int(name.replace("#", ":").partition(":")[2])]
        return {**self._part(job, container, now), "attempts": container.tries}
