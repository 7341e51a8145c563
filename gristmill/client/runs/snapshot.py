"""What a look at a run shows: its stages, their branches, the containers at work."""

from dataclasses import dataclass

from gristmill.client.runs.find import Run
from gristmill.runs.findings import Finding

FAILURES_COUNTED = 1000  # one page of a listing; beyond it, `failed` is a lower bound


@dataclass(frozen=True)
class Children:
    """How many of a branch's containers wait, run and have ended in the attempt that goes on."""

    waiting: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        """Return all of them."""
        return self.waiting + self.running + self.succeeded + self.failed


@dataclass(frozen=True)
class BranchLook:
    """A branch: its tasks (None: not cut yet), how many are done and failed, its children, why jobs wait."""

    branch: str
    tasks: int | None = None
    done: int = 0
    failed: int = 0
    children: Children = Children()
    waits: tuple[str, ...] = ()


@dataclass(frozen=True)
class StageLook:
    """A stage: the attempt that goes on (from 1, None: not begun), the last verdict on it, its branches."""

    stage: str
    attempt: int | None
    finding: Finding | None
    branches: tuple[BranchLook, ...]

    @property
    def complete(self) -> bool:
        """Return whether CheckOutput found everything."""
        return self.finding is not None and self.finding.verdict.is_complete


@dataclass(frozen=True)
class ItemsLook:
    """A batch: how many items it has, and how many of them were fed, run, have ended, and ended without success."""

    total: int
    fed: int
    running: int
    ended: int
    failed: int

    def left(self, elapsed: float) -> float | None:
        """Return the seconds that the rest is expected to take, by what has ended so far; None where nothing has."""
        return elapsed * (self.total - self.ended) / self.ended if self.ended else None

    @property
    def words(self) -> str:
        """Return the counts in words."""
        failed = f", {self.failed:,} of them without success" if self.failed else ""
        return f"{self.ended:,} of {self.total:,} items ended{failed}, {self.running:,} running, {self.fed:,} fed"


@dataclass(frozen=True)
class Look:
    """A run and how far it is, as seen at one moment; `phase` says what goes on where no container is at work."""

    run: Run
    stages: tuple[StageLook, ...]
    phase: str = ""
    items: "ItemsLook | None" = None  # of a batch

    @property
    def is_awaited(self) -> bool:
        """Return whether containers work that have not committed all their tasks yet."""
        branches = [branch for stage in self.stages for branch in stage.branches]
        return any(branch.children.running and branch.done < (branch.tasks or 0) for branch in branches)
