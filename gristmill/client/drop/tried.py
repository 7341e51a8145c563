"""What became of the first tasks of a branch, or of a single task."""

from dataclasses import dataclass
from typing import Any, Self

from gristmill.enums import Encoding, FigureVerdict
from gristmill.formats.registry import traits_of
from gristmill.limits import MIB
from gristmill.pipeline.branch import Branch
from gristmill.pipeline.stage import Stage
from gristmill.runs.checks import CheckResult
from gristmill.runs.coverage import Coverage
from gristmill.runs.evidence import Failure
from gristmill.runs.pinned import StageCut
from gristmill.storage import Storage

HEAD = 4096  # bytes kept of what a branch made


@dataclass(frozen=True)
class Fault:
    """A failed task, and the line of its stage's input where it begins (None: lines mean nothing there)."""

    failure: Failure
    line: int | None


@dataclass(frozen=True)
class Tried:
    """What became of a branch's first tasks; `head` is how its output begins, `left_out` says why it was not tried."""

    stage: str
    branch: str
    tasks: int = 0
    failed: int = 0
    records_in: int = 0
    bytes_in: int = 0
    records_out: int = 0
    bytes_out: int = 0
    seconds: float = 0
    head: bytes = b""
    faults: tuple[Fault, ...] = ()
    problem: str | None = None  # what CheckOutput would say of tasks that are all done
    checks: tuple[CheckResult, ...] = ()  # of its figures, as these tasks wrote them
    left_out: str = ""

    @classmethod
    def of(cls, stage: Stage, branch: Branch, held: Coverage, **more: Any) -> Self:
        """Return what became of tasks by their receipts; `more` has the other fields."""
        return cls(
            stage.name,
            branch.name,
            records_in=held.records_in,
            bytes_in=held.bytes_in,
            records_out=held.records_out,
            bytes_out=held.size,
            **more,
        )

    @property
    def is_done(self) -> bool:
        """Return whether a later stage can read it."""
        return not (self.failed or self.problem or self.left_out or self.is_doubted)

    @property
    def is_doubted(self) -> bool:
        """Return whether a figure failed its check."""
        return any(result.verdict is FigureVerdict.FAILED for result in self.checks)


def line_of(store: Storage, stage: Stage, cut: StageCut, place: int) -> int | None:
    """Return the line of a stage's input that a byte lies in, None where lines mean nothing there."""
    if cut.encoding is not Encoding.PLAIN or not traits_of(stage.split.records).is_text:
        return None
    with cut.source.open(store, 0, place) as stream:
        return 1 + sum(block.count(b"\n") for block in iter(lambda: stream.read(MIB), b""))
