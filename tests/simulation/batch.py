"""Batch in memory: arrays and multi-node jobs, retries of lost hosts, terminations, and listings of a moment ago."""

import fnmatch
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gristmill.batch.jobs import TERMINAL
from gristmill.enums import JobStatus
from tests.simulation.facts import Submitted, Terminated
from tests.simulation.kernel import Process, Signal

if TYPE_CHECKING:
    from tests.simulation.world import World

QUEUE = "arn:aws:batch:eu-central-1:123456789012:job-queue/cpu"
_TRIES = 3  # retryStrategy of the template's job definitions: a lost host alone is tried again
_QUEUED = 3.0  # seconds, on average
_GRACE = 30.0  # seconds from SIGTERM to SIGKILL
LOST, KILLED, ENDED = "Host EC2 (instance i-0) terminated.", 137, 143


@dataclass
class Container:
    """A child of an array, a node, or a job of one: its states with their times, and its tries."""

    index: int
    states: list[tuple[float, JobStatus]]
    tries: list[dict[str, Any]] = field(default_factory=list)
    process: Process | None = None
    reason: str = ""

    def status(self, at: float) -> JobStatus:
        return next((status for time, status in reversed(self.states) if time <= at), self.states[0][1])

    def first(self, status: JobStatus) -> int:
        """Return when it was first in a state, in Unix milliseconds; 0 if never."""
        return next((int(time * 1000) for time, was in self.states if was is status), 0)


@dataclass
class Job:
    """A job: one container, an array of them, or nodes."""

    id: str
    request: dict[str, Any]
    created: float
    execution: str
    run: str
    kind: str  # "", "array" or "node"
    ended: Signal
    containers: list[Container] = field(default_factory=list)
    stopped: str = ""  # why it was told to end

    @property
    def name(self) -> str:
        return str(self.request["jobName"])

    def status(self, at: float) -> JobStatus:
        """Return its state at a time; an array is PENDING until all its children have ended."""
        states = [container.status(at) for container in self.containers]
        if not all(state in TERMINAL for state in states):
            return JobStatus.PENDING if self.kind == "array" else states[0]
        return JobStatus.FAILED if JobStatus.FAILED in states else JobStatus.SUCCEEDED

    def is_over(self, at: float) -> bool:
        return self.status(at) in TERMINAL


class Batch:
    """The service; `run_container` is what a container does, and returns its exit code."""

    def __init__(self, world: "World", run_container: Callable[[Job, Container, int], int]) -> None:
        self._world, self._kernel = world, world.kernel
        self._run_container = run_container
        self.jobs: dict[str, Job] = {}

    def submit(self, request: dict[str, Any], execution: str, run: str) -> Job:
        """Take a job."""
        array, nodes = request.get("arrayProperties"), request.get("nodeOverrides")
        size = array["size"] if array else nodes["numNodes"] if nodes else 1
        kind = "array" if array else "node" if nodes else ""
        now = self._kernel.now
        job = Job(f"j{len(self.jobs) + 1}", request, now, execution, run, kind, Signal(self._kernel))
        job.containers = [Container(index, [(now, JobStatus.SUBMITTED)]) for index in range(size)]
        self.jobs[job.id] = job
        self._world.note(Submitted(job))
        if kind == "node":  # the main node does the work; the others come and go with it
            self._start(job, job.containers, size)
        else:
            for container in job.containers:
                self._start(job, [container], 1)
        return job

    def _start(self, job: Job, containers: list[Container], size: int) -> None:
        host = Process(f"batch {job.id}", "batch", job.run, job.execution)
        self._kernel.spawn(host, lambda: self._tries(job, containers, size), self._kernel.soon(_QUEUED))

    def _tries(self, job: Job, containers: list[Container], size: int) -> None:
        """Run a container until it ends, or until its host was lost too often."""
        main = containers[0]
        for nth in range(1, _TRIES + 1):
            if job.stopped:
                self._end(job, containers, False, job.stopped)
                return
            code = self._try(job, containers, nth)
            if code is not None:
                self._end(job, containers, code == 0, main.reason)
                return
            self._mark(containers, JobStatus.RUNNABLE)
            self._kernel.sleep(self._kernel.soon(_QUEUED))
        self._end(job, containers, False, LOST)

    def _try(self, job: Job, containers: list[Container], nth: int) -> int | None:
        """Run a container once; return its exit code, None where its host was lost."""
        world, main = self._world, containers[0]
        process = world.process(f"{job.id}:{main.index}#{nth}", "container", job.run, job.execution)
        if self._kernel.chance(world.trouble.of("deaths")):
            process.fate = self._kernel.random.randint(1, 20)
        main.process = process
        self._mark(containers, JobStatus.RUNNING)
        began = int(self._kernel.now * 1000)
        task = self._kernel.spawn(process, lambda: self._run_container(job, main, nth))
        if not self._kernel.wait(task, job.request["timeout"]["attemptDurationSeconds"]):
            main.reason = "Job attempt duration exceeded timeout"
            self._terminate(main)
            if process.is_cut_off:
                process.kind, process.signal = "zombie", None
            else:
                self._kernel.wait(task)
        code = task.result
        is_lost = code is None and not main.reason and not job.stopped and self._kernel.chance(0.6)
        if code is None:
            code = KILLED
        reason = {"exitCode": code, "logStreamName": f"log/{job.id}/{main.index}/{nth}"}
        main.tries.append({"container": reason, "startedAt": began, "stoppedAt": int(self._kernel.now * 1000)})
        return None if is_lost else code

    def _mark(self, containers: list[Container], status: JobStatus) -> None:
        for container in containers:
            container.states.append((self._kernel.now, status))

    def _end(self, job: Job, containers: list[Container], succeeded: bool, reason: str) -> None:
        fresh = [container for container in containers if container.states[-1][1] not in TERMINAL]
        for container in fresh:
            container.reason = container.reason or reason
        self._mark(fresh, JobStatus.SUCCEEDED if succeeded else JobStatus.FAILED)
        if job.status(self._kernel.now) in TERMINAL:
            job.ended.fire()

    def terminate(self, job: Job, reason: str) -> None:
        """End a job: what waits ends at once, what runs gets SIGTERM, and SIGKILL later."""
        if job.stopped or job.status(self._kernel.now) in TERMINAL:
            return
        self._world.note(Terminated(job))
        job.stopped = reason
        for container in job.containers:
            if container.process is None:
                self._end(job, [container], False, reason)
            else:
                self._terminate(container)
                if container.process.is_cut_off or self._kernel.chance(self._world.trouble.of("zombies")):
                    self._kernel.log(f"{container.process.name} is cut off: Batch has it ended, and it goes on")
                    container.process.kind, container.process.signal = "zombie", None
                    self._end(job, [container], False, reason)

    def _terminate(self, container: Container) -> None:
        process = container.process
        if process is None or process.is_over:
            return
        process.signal = self._world.children.handlers.get(process)

        def strike() -> None:
            if process.kind != "zombie" and not process.is_over:
                self._kernel.log(f"SIGKILL {process.name}")
                self._kernel.kill(process)

        self._kernel.spawn(Process("batch", "batch"), strike, _GRACE)

    # What its client does.

    def describe_jobs(self, *, jobs: list[str]) -> Any:
        return self._world.wire.call("DescribeJobs", lambda: {"jobs": [self._described(name) for name in jobs]})

    def terminate_job(self, *, jobId: str, reason: str) -> Any:
        return self._world.wire.call(f"TerminateJob {jobId}", lambda: self.terminate(self.jobs[jobId], reason), True)

    def get_paginator(self, name: str) -> "Batch":
        assert name == "list_jobs", name
        return self

    def paginate(self, **which: Any) -> Iterator[Any]:
        yield self._world.wire.call("ListJobs", lambda: {"jobSummaryList": list(self._listed(**which))})

    def _listed(self, **which: Any) -> Iterator[dict[str, Any]]:
        seen = self._kernel.now - self._world.trouble.lag
        parent = which.get("arrayJobId") or which.get("multiNodeJobId")
        if parent:
            job = self.jobs[parent]
            parts = (self._part(job, container, seen) for container in job.containers)
            yield from (part for part in parts if part["status"] == which["jobStatus"])
            return
        (pattern,) = which["filters"][0]["values"]
        for job in self.jobs.values():
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
        now = self._kernel.now
        job = self.jobs[name.replace("#", ":").partition(":")[0]]
        if name == job.id:
            whole = self._whole(job, now)
            if job.kind == "array":
                states = [container.status(now) for container in job.containers]
                summary = {str(state): states.count(state) for state in JobStatus}
                whole["arrayProperties"] = {"size": len(states), "statusSummary": summary}
            return whole if job.kind else {**whole, "attempts": job.containers[0].tries}
        container = job.containers[int(name.replace("#", ":").partition(":")[2])]
        return {**self._part(job, container, now), "attempts": container.tries}
