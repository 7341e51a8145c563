"""State is small, ceilings hold, and each writes where it may."""

import json
from typing import TYPE_CHECKING

from gristmill import keys
from tests.simulation.facts import Put, StateEntered, Submitted
from tests.simulation.laws.registry import law

if TYPE_CHECKING:
    from tests.simulation.world import World

_PAYLOAD_MAX = 32 * 1024  # bytes
_EVENTS_MAX = 2_000  # of an execution with a handful of tasks


@law(StateEntered)
def state_is_small(world: "World", entered: StateEntered) -> str | None:
    """No state gets more than 32 KiB, and no execution has more than its events."""
    size, events = len(json.dumps(entered.given)), len(entered.execution.history)
    return (
        f"{entered.state} gets {size} bytes after {events} events"
        if size > _PAYLOAD_MAX or events > _EVENTS_MAX
        else None
    )


@law(Submitted)
def ceilings_hold(world: "World", submitted: Submitted) -> str | None:
    """No job of a run that would cost more than it may reaches Batch."""
    ceiling = world.drops[submitted.job.run].max_cost
    return None if ceiling is None else f"{submitted.job.name} although the run may cost ${ceiling} at most"


@law(Put)
def records_are_written_by_functions(world: "World", put: Put) -> str | None:
    """Containers write below work/ alone, functions below the run's own prefixes and notes, people the stop alone."""
    by, run = world.by, world.by.run
    if by.kind in ("container", "zombie"):
        allowed: tuple[str, ...] = (keys.work_prefix(run),)
    elif by.kind == "user":
        allowed = (keys.stops(run),)
    elif by.kind == "function":
        allowed = (keys.run_prefix(run), keys.work_prefix(run), world.drops[run].prefix)
    else:
        return None
    if by.kind == "function" and put.key.startswith(keys.INPUTS) and keys.is_note(put.key):
        return None  # what the laws of chains are about
    return None if put.key.startswith(allowed) else f"{put.key} by {by.name}"
