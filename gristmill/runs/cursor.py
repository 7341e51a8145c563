"""Where a run stands. Apart from all that is done there: a node of a multi-node job starts without it."""

from dataclasses import dataclass
from typing import Any

from gristmill.limits import ATTEMPTS_MAX


@dataclass(frozen=True)
class Cursor:
    """A stage of a run, and an attempt at it (numbered on from one owner of the run to the next)."""

    run: str
    stage: str
    attempt: int

    @property
    def fence(self) -> int:
        """Return the fence of the execution that makes the attempt."""
        return fence_of(self.attempt)

    def as_json(self) -> dict[str, Any]:
        """Return the cursor as the state machine carries it."""
        return {"run": self.run, "stage": self.stage, "attempt": self.attempt}


def first_attempt(fence: int) -> int:
    """Return the number of the first attempt that the owner with this fence makes at a stage."""
    return (fence - 1) * ATTEMPTS_MAX


def fence_of(attempt: int) -> int:
    """Return the fence of the owner that makes an attempt: keys and names of jobs carry it with the attempt."""
    return attempt // ATTEMPTS_MAX + 1


def nth_attempt(attempt: int) -> int:
    """Return an attempt as people count it: from 1, anew in each resume."""
    return attempt % ATTEMPTS_MAX + 1
