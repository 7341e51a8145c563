"""The statuses of jobs: each change, and what follows from it for dependents, arrays and queues."""

from collections import OrderedDict
from collections.abc import Callable, Iterator

from embedded_aws.services.batch.engine.runner import NEVER_STARTED
from embedded_aws.services.batch.engine.scheduling import why_never
from embedded_aws.services.batch.model.describe import detail
from embedded_aws.services.batch.model.model import TERMINAL, Job, Status, now
from embedded_aws.services.batch.model.resources import Needs
from embedded_aws.services.events import emit, is_wanted
from embedded_aws.settings import changes

_MOST_KEPT = 50_000  # jobs, children included; the oldest ended ones are forgotten
_SOURCE = "aws.batch"
_DEPENDENCY_FAILED = "Dependent Job failed"
_CHILD_FAILED = "Array Child Job failed"


class Lifecycle:
    """All jobs. Its users hold the engine's lock; `waits` is called when a job has begun to wait for room."""

    def __init__(self, machine: Needs, waits: Callable[[], None]) -> None:
        self.jobs: OrderedDict[str, Job] = OrderedDict()
        self._dependents: dict[str, list[Job]] = {}
        self._machine = machine
        self._waits = waits

    def submit(self, job: Job) -> None:
        """Take in a job; an array comes with its children."""
        self._forget_oldest()
        for member in [job, *job.children, *job.nodes]:
            self.jobs[member.id] = member
        job.summary.update(child.status for child in job.children)
        if job.is_array:
            self.move(job, Status.PENDING)
        for child in job.children or [job]:
            self._admit(child)

    def _admit(self, job: Job) -> None:
        """Let a new job wait for others, or for room; one that waits for a failed job fails."""
        others = [self.jobs[waited_for] for waited_for in job.waits_for]
        job.waits_for = {other.id for other in others if other.status not in TERMINAL}
        for other in job.waits_for:
            self._dependents.setdefault(other, []).append(job)
        if any(other.status is Status.FAILED for other in others):
            self.finish(job, Status.FAILED, _DEPENDENCY_FAILED)
        else:
            self.move(job, Status.PENDING if job.waits_for else Status.RUNNABLE)

    def _forget_oldest(self) -> None:
        while len(self.jobs) > _MOST_KEPT:
            oldest = next(iter(self.jobs.values()))
            if (oldest.parent or oldest).status not in TERMINAL:
                return
            del self.jobs[oldest.id]

    def move(self, job: Job, status: Status) -> None:
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

    def tell_blocked(self, job: Job) -> None:
        """Tell that a job blocks its queue, with the reason (AWS Batch user guide, "Job queue blocked events")."""
        if is_wanted(_SOURCE):
            emit(_SOURCE, "Batch Job Queue Blocked", detail(job), [job.arn, job.queue.arn])

    def _wait_for_room(self, job: Job) -> None:
        job.runnable_at = now()
        job.queue.waiting[job.id] = job
        job.status_reason = why_never(job, self._machine) or ""
        self._waits()

    def finish(self, job: Job, status: Status, reason: str) -> None:
        """End a job, and all that ends because of it: dependents that fail, an array whose last child this was."""
        ending = [(job, status, reason)]
        while ending:  # no recursion: a sequential array is a chain of up to 10,000 children
            ended, status, reason = ending.pop()
            if ended.status not in TERMINAL:
                self._finish_one(ended, status, reason)
                ending.extend(self._consequences(ended))

    def _finish_one(self, job: Job, status: Status, reason: str) -> None:
        job.stopped, job.status_reason = now(), reason
        for node in [node for node in job.nodes if node.status not in TERMINAL]:
            node.status, node.status_reason, node.stopped = Status.FAILED, NEVER_STARTED, job.stopped
        self.move(job, status)
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
                self.move(dependent, Status.RUNNABLE)
        array = job.parent if job.is_child else None
        if array is not None and all(array.summary[status] == 0 for status in Status if status not in TERMINAL):
            failed = array.summary[Status.FAILED] > 0
            yield array, Status.FAILED if failed else Status.SUCCEEDED, _CHILD_FAILED if failed else ""
