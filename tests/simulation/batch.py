"""Batch in memory: arrays and multi-node jobs, retries of lost hosts, and terminations."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gristmill.batch.jobs import TERMINAL
from gristmill.enums import JobStatus
from gristmill.errors import ExitCode
from tests.simulation.facts import Submitted, Terminated
from tests.simulation.jobs import Container, Job
from tests.simulation.kernel import Process, Signal, Task

if TYPE_CHECKING:
    from tests.simulation.world import World

_TRIES = 3  # retryStrategy of the template's job definitions: a lost host alone is tried again,
_AGAIN = (ExitCode.NODE_MISSING, ExitCode.NODE_LOST)  # and, of multi-node jobs, these exit codes
_QUEUED = 3.0  # seconds, on average
_GRACE = 30.0  # seconds from SIGTERM to SIGKILL
_LOST = "Host EC2 (instance i-0) terminated."
_KILLED = 137
_LAST_CALL = {"": 20, "array": 20, "node": 40}  # a container dies at any of its first calls


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
        for together in [job.containers] if kind == "node" else [[container] for container in job.containers]:
            host = Process(f"batch {job.id}", "batch", run, execution)
            wait = self._kernel.soon(_QUEUED)
            self._kernel.spawn(host, lambda together=together: self._tries(job, together), wait)
        return job

    def _tries(self, job: Job, containers: list[Container]) -> None:
        """Run a container, or all nodes, until the first of them ends, or until its host was lost too often."""
        main, nth = containers[0], 0
        while not job.stopped:
            nth += 1
            code, is_lost = self._try(job, containers, nth)
            if nth == _TRIES or not (is_lost or (job.kind == "node" and code in _AGAIN)):
                self._end(job, containers, code == ExitCode.OK, _LOST if is_lost else main.reason)
                return
            self._mark(containers, JobStatus.RUNNABLE)
            self._kernel.sleep(self._kernel.soon(_QUEUED))
        self._end(job, containers, False, job.stopped)

    def _try(self, job: Job, containers: list[Container], nth: int) -> tuple[int, bool]:
        """Run a container once, the other nodes with it; return its exit code, and whether its host was lost."""
        main, *others = containers
        task, *more = [self._begin(job, container, nth) for container in containers]
        if not self._kernel.wait(task, job.request["timeout"]["attemptDurationSeconds"]):
            main.reason = "Job attempt duration exceeded timeout"
            self._end_at_limit(main, task)
        for other, its in zip(others, more, strict=True):
            self._end_at_limit(other, its)
        code = task.result
        is_killed = code is None and not main.reason and not job.stopped
        assert main.process is not None
        is_lost = is_killed and (main.process.loses_host or self._kernel.chance(0.6))
        return _KILLED if code is None else code, is_lost

    def _begin(self, job: Job, container: Container, nth: int) -> Task:
        """Begin a try of a container."""
        world, kernel = self._world, self._kernel
        process = world.process(f"{job.id}:{container.index}#{nth}", "container", job.run, job.execution)
        if kernel.chance(world.trouble.of("deaths")):
            process.fate = kernel.random.randint(1, _LAST_CALL[job.kind])
        container.process = process
        self._mark([container], JobStatus.RUNNING)
        began = int(kernel.now * 1000)

        def live() -> int:
            code = _KILLED
            try:
                code = self._run_container(job, container, nth)
            finally:
                reason = {"exitCode": code, "logStreamName": f"log/{job.id}/{container.index}/{nth}"}
                container.tries.append({"container": reason, "startedAt": began, "stoppedAt": int(kernel.now * 1000)})
            return code

        return kernel.spawn(process, live)

    def _end_at_limit(self, container: Container, task: Task) -> None:
        """End a container from outside; what is cut off goes on without Batch."""
        process = container.process
        assert process is not None
        if process.kind == "zombie":
            return
        self._terminate(container)
        if process.is_cut_off:
            process.kind, process.signal = "zombie", None
        else:
            self._kernel.wait(task)

    def _mark(self, containers: list[Container], status: JobStatus) -> None:
        for container in containers:
            container.states.append((self._kernel.now, status))

    def _end(self, job: Job, containers: list[Container], succeeded: bool, reason: str) -> None:
        fresh = [container for container in containers if container.states[-1][1] not in TERMINAL]
        for container in fresh:
            container.reason = container.reason or reason
        self._mark(fresh, JobStatus.SUCCEEDED if succeeded else JobStatus.FAILED)
        if job.is_over(self._kernel.now):
            job.ended.fire()

    def terminate(self, job: Job, reason: str) -> None:
        """End a job: what waits ends at once, what runs gets SIGTERM, and SIGKILL later."""
        if job.stopped or job.is_over(self._kernel.now):
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
