"""Queues and jobs: one scheduler thread starts jobs where there is room; the runner's threads run them."""

import threading
from collections.abc import Mapping

from embedded_aws.services.batch.engine.capacity import Capacity
from embedded_aws.services.batch.engine.lifecycle import Lifecycle
from embedded_aws.services.batch.engine.retry import counted, is_retried
from embedded_aws.services.batch.engine.runner import Runner
from embedded_aws.services.batch.engine.scheduling import next_to_start, why_never
from embedded_aws.services.batch.model.model import PLACED, TERMINAL, Attempt, Job, Queue, Status, now
from embedded_aws.services.batch.model.resources import Definition, Environment, Needs, Policy
from embedded_aws.settings.settings import Settings

# AWS Batch user guide, "Jobs stuck in a RUNNABLE status"
_OVERDUE = "Canceled by JobStateTimeLimit action due to reason: "


class Engine:
    """All queues and jobs. Every change happens under one lock; `_wake` tells the scheduler."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lock = threading.RLock()
        self._wake = threading.Condition(self.lock)
        self.environments: dict[str, Environment] = {}
        self.queues: dict[str, Queue] = {}
        self.policies: dict[str, Policy] = {}
        self.definitions: dict[str, Definition] = {}
        self.capacity = Capacity(Needs(settings.vcpus, settings.memory_mib, settings.gpus))
        self._lifecycle = Lifecycle(self.capacity.machine, self._wake.notify_all)
        self._runner = Runner(settings, self.lock, self._lifecycle.move, self._over)
        self._closed = False
        self._thread = threading.Thread(target=self._schedule, name="batch-scheduler", daemon=True)
        self._thread.start()

    @property
    def jobs(self) -> Mapping[str, Job]:
        """Return all jobs, array children and nodes included, by id, oldest first."""
        return self._lifecycle.jobs

    def submit(self, job: Job) -> None:
        """Take in a job; an array comes with its children."""
        with self.lock:
            self._lifecycle.submit(job)

    def end(self, job: Job, reason: str, *, terminate: bool) -> None:
        """Cancel what has not started; `terminate` ends what runs too. An array passes it on to its children.

        What waits for other jobs ends when these have ended, as on AWS. A node alone can only be ended while it runs.
        """
        with self.lock:
            if job.is_array and job.status not in TERMINAL:
                _mark(job, reason, terminate)
            for member in job.children or [job]:
                self._end_one(member, reason, terminate)

    def _end_one(self, job: Job, reason: str, terminate: bool) -> None:
        is_placed = job.status in PLACED
        if job.status in TERMINAL or (is_placed and not terminate) or (job.is_node and not is_placed):
            return
        _mark(job, reason, terminate)
        if is_placed:
            self._runner.stop(job)
        elif job.status is not Status.PENDING:
            job.queue.waiting.pop(job.id, None)
            self._lifecycle.finish(job, Status.FAILED, reason)
            self._wake.notify_all()  # another one heads the queue now

    def _schedule(self) -> None:
        with self._wake:
            while not self._closed:
                found = next_to_start(self._enabled_queues(), self.capacity.machine, self.capacity.used)
                if found is None:
                    overdue = self._cancel_overdue()
                    self._tell_of_blocked_queues()
                    self._wake.wait(overdue)
                else:
                    self._place(*found)

    def _enabled_queues(self) -> list[Queue]:
        return [queue for queue in self.queues.values() if queue.waiting]

    def _cancel_overdue(self) -> float | None:
        """Cancel jobs that can never start and have waited their time; return when to look again, in seconds."""
        soonest: float | None = None
        for queue in self.queues.values():
            for job in [job for job in queue.waiting.values() if job.status_reason]:
                left = self._time_left(job)
                if left is not None and left <= 0:
                    self._end_one(job, _OVERDUE + job.status_reason, terminate=False)
                elif left is not None:
                    soonest = left if soonest is None else min(soonest, left)
        return soonest

    def _tell_of_blocked_queues(self) -> None:
        """Tell once of each job that can never start and has come to the head of its queue."""
        for queue in self.queues.values():
            head = next(iter(queue.waiting.values()), None)
            if head is not None and head.status_reason and queue.blocked_by != head.id:
                queue.blocked_by = head.id
                self._lifecycle.tell_blocked(head)

    def _time_left(self, job: Job) -> float | None:
        """Return the seconds that a job may go on waiting; None: for ever, as its queue sets no limit."""
        limit = job.queue.limit(job.status_reason)
        if limit is None:
            return None
        shortened = self.settings.runnable_seconds
        return (limit if shortened is None else min(limit, shortened)) - (now() - job.runnable_at) / 1000

    def capacity_changed(self) -> None:
        """Look again at what waits: an environment or a queue has changed."""
        for queue in self.queues.values():
            for job in queue.waiting.values():
                job.status_reason = why_never(job, self.capacity.machine) or ""
        self._wake.notify_all()

    def _place(self, job: Job, environment: Environment) -> None:
        del job.queue.waiting[job.id]
        self.capacity.take(job, environment)
        for started in {job, job.main}:
            self._lifecycle.move(started, Status.STARTING)
        self._runner.start(job)

    def _over(self, job: Job, attempt: Attempt) -> None:
        """Go on from an attempt that has ended: the job's end, or the next attempt."""
        self.capacity.release(job)
        self._conclude(job, attempt)
        self._wake.notify_all()

    def _conclude(self, job: Job, attempt: Attempt) -> None:
        ended_by = job.ended_by if job.ended_by is not None else job.main.ended_by
        if ended_by is not None:
            self._lifecycle.finish(job, Status.FAILED, ended_by)
        elif attempt.exit_code == 0 and not attempt.is_timed_out:
            self._lifecycle.finish(job, Status.SUCCEEDED, attempt.status_reason)
        elif is_retried(attempt, counted(job.attempts), job.tries, job.rules) and not self._closed:
            self._lifecycle.move(job, Status.RUNNABLE)
        else:
            self._lifecycle.finish(job, Status.FAILED, attempt.status_reason)

    def close(self) -> None:
        """End the scheduler and every process."""
        with self._wake:
            self._closed = True
            for queue in self.queues.values():
                queue.waiting.clear()
            self._wake.notify_all()
        self._runner.close()


def _mark(job: Job, reason: str, terminate: bool) -> None:
    if job.ended_by is None:
        job.ended_by, job.is_terminated, job.is_cancelled = reason, terminate, not terminate
