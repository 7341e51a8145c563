"""What stages, branches and containers did, as `report.json` has it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from gristmill.enums import CheckVerdict
from gristmill.runs.evidence import Failure
from gristmill.runs.findings import Counts
from gristmill.runs.schema import Record
from gristmill.runs.usage import Software


class Spread(Record):
    """The least, the middle and the most of a figure over the containers that have it."""

    count: int
    least: float
    median: float
    most: float
    total: float


class Try(Record):
    """One try of a container by Batch: all but the last failed for a cause that Batch retries."""

    started: datetime | None
    stopped: datetime | None
    exit_code: int | None
    reason: str


class Child(Record):
    """One container. Batch knows when it was queued, started and stopped; its program leaves the rest as it ends."""

    attempt: int
    group: int
    index: int
    status: str
    job_id: str
    queued: datetime
    started: datetime | None
    began: datetime | None  # its program
    stopped: datetime | None
    seconds: float | None  # from started to stopped
    tasks_done: int | None
    tasks_failed: int | None
    bytes_in: int | None
    bytes_out: int | None
    records_in: int | None
    records_out: int | None
    cpu_seconds: float | None
    peak_memory: int | None
    exit_code: int | None
    reason: str
    tries: list[Try]  # where there were several, or one that failed


class Attempt(Record):
    """One pass over what was missing of a stage, as CheckOutput judged it for one branch."""

    number: int  # through the run's resumes
    nth: int  # as people count, from 1, anew in each resume
    execution: int  # which of the report's executions, from 0
    verdict: CheckVerdict
    reason: str
    done: int
    missing: int
    left_out: int = 0
    children: int
    children_failed: int
    failures: list[Failure]


class BranchReport(Counts):
    """A branch: its request, and what its containers did in all known attempts."""

    name: str
    job: str  # the callable, the command or the script
    kind: Literal["run", "command", "script", "mpi"]
    compute: str
    vcpus: int
    memory: int  # bytes that a container may hold
    left_out: int = 0  # tasks that failed, as many as the pipeline tolerates
    reused: str = ""  # the run whose output this is a copy of
    saved: float = 0  # dollars that computing it had cost
    output: str | None
    job_definition: str | None
    image: str | None
    software: Software | None  # of one container; most often the same for all
    began: datetime | None  # first container queued
    ended: datetime | None  # last container stopped
    bytes_per_second: float | None  # read by the branch from the first container's start to the last one's stop
    records_per_second: float | None
    children: int
    children_by_status: dict[str, int]
    retried_by_batch: int  # containers that ran more than once
    queued: Spread | None  # seconds from submission to the container's start
    starting: Spread | None  # seconds from there to the program's begin
    running: Spread | None  # seconds from the program's begin to the container's stop
    peak_memory: Spread | None
    cpu_seconds: Spread | None
    cpu_share: float | None  # processor time by what the vCPUs of the containers could have given meanwhile
    attempts: list[Attempt]
    children_shown: list[Child]  # failed ones, then slow ones, then others; all where they are few
    problem: str | None


class StageReport(Record):
    """A stage and its branches."""

    name: str
    skipped: str = ""  # why the stage was left out
    input: str | None  # the branch that it reads; None: the dropped file
    records: str  # the format
    branches: list[BranchReport]
    warnings: list[str]


def spread(values: Sequence[float]) -> Spread | None:
    """Return the spread of values, None of none."""
    if not values:
        return None
    ordered = sorted(values)
    middle = ordered[len(ordered) // 2]
    return Spread(count=len(ordered), least=ordered[0], median=middle, most=ordered[-1], total=sum(ordered))
