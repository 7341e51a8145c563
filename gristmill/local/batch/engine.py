"""The life of jobs: one scheduler thread that starts them, one thread an attempt that runs it."""

import threading
import uuid
from collections import OrderedDict
from pathlib import Path

from gristmill.local import changes
from gristmill.local.batch.logs import LogStream
from gristmill.local.batch.model import (
    PLACED,
    TERMINAL,
    Attempt,
    Definition,
    Environment,
    Job,
    Needs,
    Queue,
    Status,
    now,
)
from gristmill.local.batch.placing import next_to_start, why_never
from gristmill.local.batch.process import JobProcess
from gristmill.local.batch.render import detail
from gristmill.local.batch.retry import is_retried
from gristmill.local.batch.start import Starter
from gristmill.local.events import emit
from gristmill.local.settings import Settings

_MOST_KEPT = 50_000  # jobs, children included; the oldest ended ones are forgotten
_SHORTEST_LIMIT = 600.0  # seconds in RUNNABLE before a job that can never start is cancelled, unless set otherwise


class Engine:
    """All queues and jobs. Every change happens under one lock; `_wake` tells the scheduler."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lock = threading.RLock()
        self._wake = threading.Condition(self.lock)
        self.environments: dict[str, Environment] = {}
        self.queues: dict[str, Queue] = {}
        self.definitions: dict[str, Definition] = {}
        self.jobs: OrderedDict[str, Job] = OrderedDict()
        self._dependents: dict[str, list[Job]] = {}
        self._processes: dict[str, JobProcess] = {}
        self._used = Needs()
        self._free_gpus = set(range(settings.gpus))
        self._closed = False
        self._starter = Starter(settings)
        self._thread = threading.Thread(target=self._schedule, name="batch-scheduler", daemon=True)
        self._thread.start()

    @property
    def machine(self) -> Needs:
        """Return what this machine has for jobs."""
        return Needs(self.settings.vcpus, self.settings.memory_mib, self.settings.gpus)

    # ---- submitting
    def submit(self, job: Job) -> None:
        """Take in a job; an array comes with its children."""
        with self.lock:
            self._forget_oldest()
            for one in [job, *job.children]:
                self.jobs[one.id] = one
            job.summary.update(child.status for child in job.children)
            if job.is_array:
                self._move(job, Status.PENDING)
            for one in job.children or [job]:
                for other in one.waits_for:
                    self._dependents.setdefault(other, []).append(one)
                self._move(one, Status.PENDING if one.waits_for else Status.RUNNABLE)

    def _forget_oldest(self) -> None:
        while len(self.jobs) > _MOST_KEPT:
            oldest = next(iter(self.jobs.values()))
            if (oldest.parent or oldest).status not in TERMINAL:
                return
            del self.jobs[oldest.id]

    # ---- ending from outside
    def end(self, job: Job, reason: str, *, terminate: bool) -> None:
        """Cancel what has not started; `terminate` ends what runs too. An array passes it on to its children."""
        with self.lock:
            for one in job.children or [job]:
                self._end_one(one, reason, terminate)

    def _end_one(self, job: Job, reason: str, terminate: bool) -> None:
        if job.status in TERMINAL or (job.status in PLACED and not terminate):
            return
        job.ended_by, job.is_terminated, job.is_cancelled = reason, terminate, not terminate
        if job.status in PLACED:
            process = self._processes.get(job.id)
            if process is not None:
                process.stop()
        else:
            job.queue.waiting.pop(job.id, None)
            self._finish(job, Status.FAILED, reason)

    # ---- scheduling
    def _schedule(self) -> None:
        with self._wake:
            while not self._closed:
                found = next_to_start(self._enabled_queues(), self.machine, self._used)
                if found is None:
                    self._wake.wait(self._cancel_overdue())
                else:
                    self._place(*found)

    def _enabled_queues(self) -> list[Queue]:
        return [queue for queue in self.queues.values() if queue.waiting]

    def _cancel_overdue(self) -> float | None:
        """Cancel jobs that can never start and have waited their time; return when to look again, in seconds."""
        soonest: float | None = None
        limit = self.settings.runnable_seconds or _SHORTEST_LIMIT
        for queue in self.queues.values():
            for job in [one for one in queue.waiting.values() if one.status_reason]:
                left = limit - (now() - job.runnable_at) / 1000
                if left <= 0:
                    self._end_one(job, job.status_reason, terminate=False)
                else:
                    soonest = left if soonest is None else min(soonest, left)
        return soonest

    def _place(self, job: Job, environment: Environment) -> None:
        del job.queue.waiting[job.id]
        job.environment = environment
        environment.used += job.needs
        self._used += job.needs
        job.gpus = tuple(sorted(self._free_gpus)[: job.needs.gpus])
        self._free_gpus -= set(job.gpus)
        self._move(job, Status.STARTING)
        threading.Thread(target=self._attempt, args=(job,), name=f"batch-{job.id}", daemon=True).start()

    def _release(self, job: Job) -> None:
        if job.environment is not None:
            job.environment.used -= job.needs
        self._used -= job.needs
        self._free_gpus |= set(job.gpus)
        job.environment, job.gpus = None, ()

    # ---- an attempt, in its own thread
    def _attempt(self, job: Job) -> None:
        stream = f"{self._stream_prefix(job)}/default/{uuid.uuid4().hex}"
        log = LogStream(self.settings, log_group(job), stream)
        process = JobProcess(self._starter, job.container["command"], self._environment(job), self._folder(job))
        attempt = Attempt(stream, now())
        with self.lock:
            self._processes[job.id] = process
            job.attempts.append(attempt)
            job.started = attempt.started
            self._move(job, Status.RUNNING)
            if job.ended_by is not None:
                process.stop()
        timed_out = self._run(job, process, log, attempt)
        with self.lock:
            del self._processes[job.id]
            self._release(job)
            self._conclude(job, attempt, timed_out)
            self._wake.notify_all()

    def _run(self, job: Job, process: JobProcess, log: LogStream, attempt: Attempt) -> bool:
        try:
            ended = process.run(job.timeout, log.write)
        except OSError as error:
            attempt.reason = f"CannotStartContainerError: {error}"
            attempt.status_reason = "Task failed to start"
            timed_out = False
        else:
            timed_out = ended.timed_out
            attempt.exit_code = ended.exit_code
            attempt.status_reason = (
                "Job attempt duration exceeded timeout" if timed_out else "Essential container in task exited"
            )
            if ended.exit_code == 137 and not timed_out and job.ended_by is None:
                attempt.reason = "OutOfMemoryError: Container killed, perhaps due to memory usage"
        log.close()
        attempt.stopped = now()
        return timed_out

    def _conclude(self, job: Job, attempt: Attempt, timed_out: bool) -> None:
        if job.ended_by is not None:
            self._finish(job, Status.FAILED, job.ended_by)
        elif attempt.exit_code == 0 and not timed_out:
            self._finish(job, Status.SUCCEEDED, attempt.status_reason)
        elif is_retried(attempt, len(job.attempts), job.tries, job.rules, timed_out) and not self._closed:
            self._move(job, Status.RUNNABLE)
        else:
            self._finish(job, Status.FAILED, attempt.status_reason)

    def _environment(self, job: Job) -> dict[str, str]:
        given = {one["name"]: one.get("value", "") for one in job.container.get("environment", [])}
        own = {
            "AWS_BATCH_JOB_ID": job.id,
            "AWS_BATCH_JOB_ATTEMPT": str(len(job.attempts) + 1),
            "AWS_BATCH_JQ_NAME": job.queue.name,
            "AWS_BATCH_CE_NAME": job.environment.name if job.environment else "",
        }
        if job.parent is not None:
            own["AWS_BATCH_JOB_ARRAY_INDEX"] = str(job.index)
            own["AWS_BATCH_JOB_ARRAY_SIZE"] = str(len(job.parent.children))
        gpus = {"CUDA_VISIBLE_DEVICES": ",".join(map(str, job.gpus))} if job.needs.gpus else {}
        return {**self.settings.job_environment(), **given, **gpus, **own}

    def _folder(self, job: Job) -> Path:
        return self.settings.data / "jobs" / f"{job.id.replace(':', '_')}-{len(job.attempts) + 1}"

    @staticmethod
    def _stream_prefix(job: Job) -> str:
        options = job.container.get("logConfiguration", {}).get("options", {})
        return str(options.get("awslogs-stream-prefix", job.definition.name))

    # ---- transitions
    def _move(self, job: Job, status: Status) -> None:
        """Change a job's status, and what depends on it."""
        if job.parent is not None:
            job.parent.summary[job.status] -= 1
            job.parent.summary[status] += 1
        job.status = status
        if status is Status.RUNNABLE:
            job.runnable_at = now()
            job.queue.waiting[job.id] = job
            job.status_reason = why_never(job, self.machine) or ""
            self._wake.notify_all()
        if job.parent is None:
            emit("aws.batch", "Batch Job State Change", detail(job), [job.arn])

    def _finish(self, job: Job, status: Status, reason: str) -> None:
        job.stopped, job.status_reason = now(), reason
        self._move(job, status)
        for dependent in self._dependents.pop(job.id, []):
            self._after(job, dependent)
        if job.parent is None:
            changes.batch.notify()
        elif all(job.parent.summary[one] == 0 for one in Status if one not in TERMINAL):
            failed = job.parent.summary[Status.FAILED] > 0
            reason = "Array Child Job failed" if failed else ""
            self._finish(job.parent, Status.FAILED if failed else Status.SUCCEEDED, reason)

    def _after(self, job: Job, dependent: Job) -> None:
        """Let a job go on that waited for this one, or fail with it."""
        if dependent.status in TERMINAL:
            return
        if job.status is Status.FAILED:
            self._finish(dependent, Status.FAILED, "Dependent Job failed")
            return
        dependent.waits_for.discard(job.id)
        if not dependent.waits_for:
            self._move(dependent, Status.RUNNABLE)

    def close(self) -> None:
        """End the scheduler and every process."""
        with self._wake:
            self._closed = True
            for queue in self.queues.values():
                queue.waiting.clear()
            processes = list(self._processes.values())
            self._wake.notify_all()
        for process in processes:
            process.stop(now=True)
        self._starter.close()


def log_group(job: Job) -> str:
    """Return the log group that a job's definition names, or AWS's own."""
    options = job.container.get("logConfiguration", {}).get("options", {})
    return str(options.get("awslogs-group", "/aws/batch/job"))
