"""What a stop ended, and the proof that nothing lives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gristmill.batch.jobs import TERMINAL, describe_jobs
from gristmill.client.runs.still_at_work import Waiting
from gristmill.client.stack import Stack
from gristmill.enums import RunStatus


@dataclass(frozen=True)
class EndedJob:
    """A Batch job that a stop ended: its state then and now, and how many of its containers were alive then."""

    id: str
    name: str
    was: str
    containers: int
    status: str
    living: int  # containers that describing still shows alive

    @property
    def ended(self) -> bool:
        """Return whether the job and all its children have ended."""
        return self.status in TERMINAL and self.living == 0


@dataclass(frozen=True)
class Stopped:
    """What a stop ended, and the proof: executions, jobs and what else may work, as they were seen last."""

    run: str
    was: RunStatus
    status: RunStatus
    jobs: list[EndedJob]
    seconds: float
    waited_for: list[str]
    still: list[Waiting]  # what may be at work, executions and jobs apart
    items: int = 0  # of a batch, whose runs were going on

    @property
    def proved(self) -> bool:
        """Return whether nothing of the run lives any more."""
        return self.status is not RunStatus.RUNNING and all(job.ended for job in self.jobs) and not self.still


def describe_ended(stack: Stack, jobs: Mapping[str, dict[str, Any]]) -> list[EndedJob]:
    """Return what has become of jobs that a stop ended, given as they were before, by id."""
    now = {job["jobId"]: job for job in describe_jobs(stack.client("batch"), jobs)}
    return [_ended(job, now.get(job_id, job)) for job_id, job in jobs.items()]


def _ended(was: dict[str, Any], now: dict[str, Any]) -> EndedJob:
    return EndedJob(was["jobId"], was["jobName"], was["status"], _living(was), now["status"], _living(now))


def _living(job: dict[str, Any]) -> int:
    """Return how many of a job's containers have not ended; an array by its summary."""
    children = job.get("arrayProperties", {}).get("statusSummary")
    if children is None:
        return int(job["status"] not in TERMINAL)
    return sum(count for status, count in children.items() if status not in TERMINAL)
