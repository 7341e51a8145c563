"""Jobs of Batch, and their containers."""

from dataclasses import dataclass, field
from typing import Any

from gristmill.batch.jobs import TERMINAL
from gristmill.enums import JobStatus
from tests.simulation.kernel import Process, Signal

QUEUE = "arn:aws:batch:eu-central-1:123456789012:job-queue/cpu"


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
        """Return its state at a time; an array is PENDING until all its children have ended; the main node decides."""
        states = [container.status(at) for container in self.containers]
        if self.kind == "node":
            return states[0]
        if not all(state in TERMINAL for state in states):
            return JobStatus.PENDING if self.kind == "array" else states[0]
        return JobStatus.FAILED if JobStatus.FAILED in states else JobStatus.SUCCEEDED

    def is_over(self, at: float) -> bool:
        return self.status(at) in TERMINAL
