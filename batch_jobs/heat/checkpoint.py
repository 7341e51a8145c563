"""The last state of a run, kept where a new attempt finds it. An object appears whole or not at all."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np

from gristmill.storage import Storage
from gristmill.task import Task

from .problem import Field, Problem


@dataclass(frozen=True)
class State:
    """The field after `step` steps, and the largest changes noted up to there as (step, change)."""

    step: int
    field: Field
    changes: list[tuple[int, float]]

    def fits(self, problem: Problem) -> bool:
        """Return whether the state can be one of the problem's: another would give a wrong end."""
        return (
            self.field.shape == problem.initial.shape
            and 0 <= self.step <= problem.steps
            and bool(np.isfinite(self.field).all())
        )


class Checkpoints:
    """The checkpoint of one branch of a run."""

    def __init__(self, store: Storage, task: Task) -> None:
        self._store = store
        self._key = f"{task.prefix}{task.stage}/{task.branch}/checkpoint.npz"

    def save(self, state: State) -> None:
        """Replace the checkpoint."""
        self._store.put(self._key, pack(state))

    def load(self) -> State | None:
        """Return the last state that was saved, None without one."""
        raw = self._store.find(self._key)
        return unpack(raw) if raw is not None else None


def pack(state: State, **more: Any) -> bytes:
    """Return a state, and maybe more arrays, as the bytes of an NPZ."""
    buffer = io.BytesIO()
    changes = np.array(state.changes, dtype=np.float64).reshape(-1, 2)
    np.savez_compressed(buffer, field=state.field, step=state.step, changes=changes, **more)
    return buffer.getvalue()


def unpack(raw: bytes) -> State:
    """Read a state from the bytes of an NPZ."""
    with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
        changes = [(int(step), float(change)) for step, change in arrays["changes"]]
        return State(int(arrays["step"]), arrays["field"], changes)
