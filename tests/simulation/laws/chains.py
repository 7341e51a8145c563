"""What comes after a run is started once, and only after a success."""

from typing import TYPE_CHECKING

from gristmill import keys
from gristmill.runs.note import DropNote
from tests.simulation.facts import Over, Put
from tests.simulation.laws.registry import law
from tests.simulation.seams import parse

if TYPE_CHECKING:
    from tests.simulation.world import World


@law(Put)
def a_chain_starts_once(world: "World", put: Put) -> str | None:
    """A function drops a note where none lies, and each of a run that is recorded as complete."""
    if world.by.kind != "function" or not put.key.startswith(keys.INPUTS):
        return None
    if put.old is not None:
        return f"{world.by.name} drops {put.key} a second time"
    note = parse(DropNote, put.new.body)
    led = [world.record(ancestor.run) for ancestor in note.origin]
    return (
        f"{world.by.name} drops {put.key} before a success" if any(not run or not run.complete for run in led) else None
    )


@law(Over)
def what_has_succeeded_starts_what_comes_after(world: "World", _over: Over) -> str | None:
    """At the end there is a note of each run that a run was to start which has succeeded, and none of any other."""
    for run, drop in world.drops.items():
        record = world.record(run)
        wanted = record.pipeline.then if record and record.pipeline and run in world.memory.succeeded else []
        dropped = [key for key in world.bucket.objects if keys.is_note(key) and f"-{run}-" in key]
        if len(dropped) != len(wanted):
            return f"{drop.pipeline} has dropped {dropped}, and was to start {[chain.pipeline for chain in wanted]}"
    return None
