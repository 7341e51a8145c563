"""The registry of laws, and what laws remember of a history."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gristmill.enums import RunStatus
from tests.simulation.kernel import Process

if TYPE_CHECKING:
    from tests.simulation.world import World

Law = Callable[["World", Any], str | None]
ENDS = (RunStatus.SUCCEEDED, RunStatus.PARTIAL, RunStatus.FAILED, RunStatus.ABORTED, RunStatus.TIMED_OUT)
_laws: dict[type, list[tuple[str, Law]]] = {}


@dataclass
class Memory:
    """What laws remember of a history."""

    proved: set[str] = field(default_factory=set)  # executions of which a stop has proved that nothing lives
    valid: dict[tuple[str, str, str, int], set[int]] = field(default_factory=dict)  # tasks done as JobMap answered
    owners: set[str] = field(default_factory=set)  # executions that owned a run at some time
    succeeded: set[str] = field(default_factory=set)  # runs whose success was announced
    done_before: dict[Process, set[int]] = field(default_factory=dict)  # of a container that Batch tries again
    silent: set[str] = field(default_factory=set)  # executions that Split found to be duplicates
    lost_at: dict[str, float] = field(default_factory=dict)  # when executions lost their run to another one
    damaged: set[str] = field(default_factory=set)  # results that a vandal has removed or replaced, since their merge
    unentered: set[str] = field(default_factory=set)  # executions of which a write into the catalogue may be lost
    once_damaged: set[str] = field(default_factory=set)  # results that a vandal has ever removed or replaced
    seen_right: set[tuple[Process, str]] = field(default_factory=set)  # results, by who saw them last as they must be


def law(kind: type) -> Callable[[Law], Law]:
    """Hold a function against each fact of a kind."""

    def add(function: Law) -> Law:
        _laws.setdefault(kind, []).append((function.__name__, function))
        return function

    return add


def of(kind: type) -> list[tuple[str, Law]]:
    """Return the laws about a kind of fact, with their names."""
    return _laws.get(kind, [])


def all_names() -> list[str]:
    """Return the names of all laws."""
    return [name for laws in _laws.values() for name, _ in laws]
