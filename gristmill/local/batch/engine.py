"""The life of jobs: one scheduler thread that starts them; the runner's threads run them."""

import threading
from collections import OrderedDict
from collections.abc import Iterator

from gristmill.local import changes
from gristmill.local.batch.capacity import Capacity
from gristmill.local.batch.model import (
    PLACED,
    TERMINAL,
    Attempt,
    Definition,
    Environment,
    Job,
    Needs,
    Policy,
    Queue,
    Status,
    now,
)
from gristmill.local.batch.placing import next_to_start, why_never
from gristmill.local.batch.render import detail
from gristmill.local.batch.retry import is_retried
from gristmill.local.batch.runner import NEVER_STARTED, Runner
from gristmill.local.events import emit, is_wanted
from gristmill.local.settings import Settings

_MOST_KEPT = 50_000  # jobs, children included; the oldest ended ones are forgotten
_SOURCE = "aws.batch"
_DEPENDENCY_FAILED = "Dependent Job failed"
_CHILD_FAILED = "Array Child Job failed"


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
        self.jobs: OrderedDict[str, Job] = OrderedDict()
        self._dependents: dict[str, list[Job]] = {}
        self.capacity = Capacity(Needs(settings.vcpus, settings.memory_mib, settings.gpus))
        self._runner = Runner(settings, self.lock, self._move, self._over)
        self._closed = False
        self._thread = threading.Thread(target=self._schedule, name="batch-scheduler", daemon=True)
        self._thread.start()

    # ---- submitting
    def submit(self, job: Job) -> None:
        """Take in a job; an array comes with its children."""
        with self.lock:
            self._forget_oldest()
            for one in [job, *job.children, *job.nodes]:
                self.jobs[one.id] = one
            job.summary.update(child.status for child in job.children)
            if job.is_array:
                self._move(job, Status.PENDING)
            for one in job.children or [job]:
                self._admit(one)

    def _admit(self, job: Job) -> None:
        """Let a new job wait for others, or for room; one that waits for a failed job fails."""
        others = [self.jobs[one] for one in job.waits_for]
        job.waits_for = {one.id for one in others if one.status not in TERMINAL}
        for other in job.waits_for:
            self._dependents.setdefault(other, []).append(job)
        if any(one.status is Status.FAILED for one in others):
            self._finish(job, Status.FAILED, _DEPENDENCY_FAILED)
        else:
            self._move(job, Status.PENDING if job.waits_for else Status.RUNNABLE)

    def _forget_oldest(self) -> None:
        while len(self.jobs) > _MOST_KEPT:
            oldest = next(iter(self.jobs.values()))
            if (oldest.parent or oldest).status not in TERMINAL:
                return
            del self.jobs[oldest.id]

    # ---- ending from outside
    def end(self, job: Job, reason: str, *, terminate: bool) -> None:
        """Cancel what has not started; `terminate` ends what runs too. An array passes it on to its children.

        What waits for other jobs ends when these have ended, as on AWS. A node alone can only be ended while it runs.
        """
        with self.lock:
            if job.is_array and job.status not in TERMINAL:
                _mark(job, reason, terminate)
            for one in job.children or [job]:
                self._end_one(one, reason, terminate)

    def _end_one(self, job: Job, reason: str, terminate: bool) -> None:
        is_placed = job.status in PLACED
        if job.status in TERMINAL or (is_placed and not terminate) or (job.is_node and not is_placed):
            return
        _mark(job, reason, terminate)
        if is_placed:
            self._runner.stop(job)
        elif job.status is not Status.PENDING:
            job.queue.waiting.pop(job.id, None)
            self._finish(job, Status.FAILED, reason)

    # ---- scheduling
    def _schedule(self) -> None:
        with self._wake:
            while not self._closed:
                found = next_to_start(self._enabled_queues(), self.capacity.machine, self.capacity.used)
                if found is None:
                    self._wake.wait(self._cancel_overdue())
                else:
                    self._place(*found)

    def _enabled_queues(self) -> list[Queue]:
        return [queue for queue in self.queues.values() if queue.waiting]

    def _cancel_overdue(self) -> float | None:
        """Cancel jobs that can never start and have waited their time; return when to look again, in seconds."""
        soonest: float | None = None
        for queue in self.queues.values():
            for job in [one for one in queue.waiting.values() if one.status_reason]:
                left = self._time_left(job)
                if left is not None and left <= 0:
                    self._end_one(job, job.status_reason, terminate=False)
                elif left is not None:
                    soonest = left if soonest is None else min(soonest, left)
        return soonest

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
        for one in {job, job.main}:
            self._move(one, Status.STARTING)
        self._runner.start(job)

    def _over(self, job: Job, attempt: Attempt) -> None:
        """Go on from an attempt that has ended: the job's end, or the next attempt."""
        self.capacity.release(job)
        self._conclude(job, attempt)
        self._wake.notify_all()

    def _conclude(self, job: Job, attempt: Attempt) -> None:
        ended_by = job.ended_by if job.ended_by is not None else job.main.ended_by
        if ended_by is not None:
            self._finish(job, Status.FAILED, ended_by)
        elif attempt.exit_code == 0 and not attempt.is_timed_out:
            self._finish(job, Status.SUCCEEDED, attempt.status_reason)
        elif is_retried(attempt, len(job.attempts), job.tries, job.rules) and not self._closed:
            self._move(job, Status.RUNNABLE)
        else:
            self._finish(job, Status.FAILED, attempt.status_reason)

    # ---- transitions
    def _move(self, job: Job, status: Status) -> None:
        """Change a job's status, and what depends on it."""
        if job.is_child and job.parent:
            job.parent.summary[job.status] -= 1
            job.parent.summary[status] += 1
            job.parent.summarized_at = now()
        job.status = status
        if status in (Status.PENDING, Status.RUNNABLE):
            for node in job.nodes:
                node.status = status
        if status is Status.RUNNABLE:
            self._wait_for_room(job)
        if status is Status.RUNNING:
            job.started = job.attempts[-1].started
        if is_wanted(_SOURCE):
            emit(_SOURCE, "Batch Job State Change", detail(job), [job.arn])

    def _wait_for_room(self, job: Job) -> None:
        job.runnable_at = now()
        job.queue.waiting[job.id] = job
        job.status_reason = why_never(job, self.capacity.machine) or ""
        self._wake.notify_all()

    def _finish(self, job: Job, status: Status, reason: str) -> None:
        """End a job, and all that ends because of it: dependents that fail, an array whose last child this was."""
        ending = [(job, status, reason)]
        while ending:  # no recursion: a sequential array is a chain of up to 10,000 children
            one, status, reason = ending.pop()
            if one.status not in TERMINAL:
                self._finish_one(one, status, reason)
                ending.extend(self._consequences(one))

    def _finish_one(self, job: Job, status: Status, reason: str) -> None:
        job.stopped, job.status_reason = now(), reason
        for node in [one for one in job.nodes if one.status not in TERMINAL]:
            node.status, node.status_reason, node.stopped = Status.FAILED, NEVER_STARTED, job.stopped
        self._move(job, status)
        if job.parent is None:
            changes.batch.notify()

    def _consequences(self, job: Job) -> Iterator[tuple[Job, Status, str]]:
        """Yield what ends with a job that has ended; what waited for it only goes on."""
        for dependent in self._dependents.pop(job.id, []):
            dependent.waits_for.discard(job.id)
            if dependent.status is not Status.PENDING:
                continue
            if job.status is Status.FAILED:
                yield dependent, Status.FAILED, _DEPENDENCY_FAILED if dependent.ended_by is None else dependent.ended_by
            elif not dependent.waits_for and dependent.ended_by is not None:
                yield dependent, Status.FAILED, dependent.ended_by
            elif not dependent.waits_for:
                self._move(dependent, Status.RUNNABLE)
        array = job.parent if job.is_child else None
        if array is not None and all(array.summary[one] == 0 for one in Status if one not in TERMINAL):
            failed = array.summary[Status.FAILED] > 0
            yield array, Status.FAILED if failed else Status.SUCCEEDED, _CHILD_FAILED if failed else ""

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
