"""Facts: what happened, as the laws see it. `by` is the process that did it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.simulation.executions import Execution
    from tests.simulation.jobs import Job
    from tests.simulation.objects import Object


@dataclass(frozen=True)
class Put:
    """An object was written."""

    key: str
    old: "Object | None"
    new: "Object"


@dataclass(frozen=True)
class Deleted:
    """An object was removed."""

    key: str


@dataclass(frozen=True)
class Looked:
    """Somebody looked whether an object is there, and found this."""

    key: str
    found: "Object | None"


@dataclass(frozen=True)
class Submitted:
    """Batch took a job."""

    job: "Job"


@dataclass(frozen=True)
class Terminated:
    """A job that had not ended was told to end."""

    job: "Job"


@dataclass(frozen=True)
class TaskBegun:
    """A container begins a task."""

    run: str
    stage: str
    branch: str
    attempt: int
    task: int


@dataclass(frozen=True)
class Notice:
    """SNS took a notice."""

    run: str
    status: str
    execution: str
    text: str


@dataclass(frozen=True)
class ExecutionEnded:
    """An execution has ended."""

    execution: "Execution"


@dataclass(frozen=True)
class StateEntered:
    """An execution entered a state with this input."""

    execution: "Execution"
    state: str
    given: Any


@dataclass(frozen=True)
class StopProved:
    """`stop` says that nothing of these executions lives, which were there when it began."""

    run: str
    executions: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """A function begins."""

    function: str
    payload: Any


@dataclass(frozen=True)
class Answered:
    """A function returned."""

    function: str
    payload: Any
    answer: Any


@dataclass(frozen=True)
class Entered:
    """A row was written into the catalogue."""

    key: tuple[str, str]
    old: Any
    new: Any


@dataclass(frozen=True)
class Rebuilt:
    """The catalogue was made anew."""


@dataclass(frozen=True)
class Over:
    """Nothing of the history is left to happen."""
