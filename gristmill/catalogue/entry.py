"""An entry of the catalogue: what a list of runs shows of one, made of its record and its outcome. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from gristmill.enums import RunKind, RunStatus
from gristmill.keys import Dropped
from gristmill.limits import FENCE_MAX
from gristmill.printable import short
from gristmill.runs.records import Outcome, RunRecord
from gristmill.runs.schema import Record, Words

_WARNINGS_KEPT, _WARNING_MAX = 3, 300  # and characters of each; the run's report has them all


class Entry(Record):
    """A run as it stood when its record was last changed; its size does not grow with the run's."""

    contract: Literal[1] = 1
    run: str
    fence: Annotated[int, Field(ge=0, le=FENCE_MAX)]  # of its record; 0 where it failed before it was claimed
    status: RunStatus
    execution: str  # ARN of the execution that owned the run
    pipeline: str
    name: str
    owner: Words
    size: int  # bytes of the dropped object
    claimed_at: AwareDatetime
    first_started_at: AwareDatetime
    started_at: AwareDatetime  # of the last execution
    ended_at: AwareDatetime | None = None
    worked_before: float = 0.0  # seconds of the executions before the last
    warnings: list[Words] = Field(default_factory=list)  # the first few figures that are out of their bounds
    warning_count: int = 0
    tags: dict[str, str] = Field(default_factory=dict)
    batch: str | None = None
    kind: RunKind = RunKind.RUN

    @property
    def version(self) -> int:
        """Return a number that grows with each change of a run: an owner begins, it ends, the next one begins."""
        return 2 * self.fence + (self.status is not RunStatus.RUNNING)

    @property
    def resumes(self) -> int:
        """Return how often an execution has taken the run over."""
        return max(0, self.fence - 1)

    def took(self, now: datetime) -> float:
        """Return the seconds of the last execution, until now if it goes on."""
        return ((self.ended_at or now) - self.started_at).total_seconds()

    @property
    def title(self) -> str:
        """Return pipeline and file name in one."""
        return f"{self.pipeline}/{self.name}" if self.pipeline else self.name


def begun(record: RunRecord, now: datetime, earlier: Iterable[Outcome] = ()) -> Entry:
    """Return the entry of a run whose owner has just claimed it, or taken it over after `earlier` executions."""
    spans = [(outcome.started_at, outcome.ended_at) for outcome in earlier]
    return Entry(
        run=record.run,
        fence=record.fence,
        status=RunStatus.RUNNING,
        execution=record.execution,
        pipeline=record.dropped.pipeline,
        name=record.dropped.name,
        owner=record.owner,
        size=record.input.size,
        claimed_at=record.claimed_at,
        first_started_at=min([start for start, _ in spans], default=record.claimed_at),
        started_at=now if record.resumes else record.claimed_at,
        worked_before=sum((end - start).total_seconds() for start, end in spans),
        tags=record.tags,
        batch=record.batch,
        kind=record.kind,
    )


def unclaimed(run: str, execution: str, dropped: Dropped, owner: str, size: int, started: datetime) -> Entry:
    """Return the entry of a run that has no record: it failed before its claim, or its record has expired."""
    return Entry(
        run=run,
        fence=0,
        status=RunStatus.RUNNING,
        execution=execution,
        pipeline=dropped.pipeline,
        name=dropped.name,
        owner=owner,
        size=size,
        claimed_at=started,
        first_started_at=started,
        started_at=started,
    )


def ended(entry: Entry, outcome: Outcome) -> Entry:
    """Return an entry with what the execution that owns the run came to."""
    first = entry.first_started_at if entry.worked_before else outcome.started_at
    return entry.model_copy(
        update={
            "status": outcome.status,
            "first_started_at": min(first, outcome.started_at),
            "started_at": outcome.started_at,
            "ended_at": outcome.ended_at,
            "warnings": [short(warning, _WARNING_MAX) for warning in outcome.warnings[:_WARNINGS_KEPT]],
            "warning_count": len(outcome.warnings),
        }
    )
