"""The catalogue tells of runs what their records say: never ahead of them, and once all is calm, not behind."""

from typing import TYPE_CHECKING

from gristmill.catalogue.rows import RUN, entry_in, rows
from gristmill.enums import RunStatus
from tests.simulation.facts import Entered, Over, Rebuilt
from tests.simulation.laws.registry import ENDS, law

if TYPE_CHECKING:
    from tests.simulation.world import World


@law(Entered)
def the_catalogue_never_regresses(world: "World", entered: Entered) -> str | None:
    """No row is replaced by what was so before: a late function changes nothing."""
    was, now = (entry_in(row) if row else None for row in (entered.old, entered.new))
    if now is None:
        return f"{world.by.name} writes what is no entry"
    if now.status is not RunStatus.RUNNING:
        world.memory.unentered.discard(now.execution)
    if was is None or was.version <= now.version or world.by.kind == "user":
        return None
    return f"{world.by.name} enters {now.status} of fence {now.fence} over {was.status} of fence {was.fence}"


@law(Entered)
def the_catalogue_is_not_ahead(world: "World", entered: Entered) -> str | None:
    """What is entered of a run is in its record by then."""
    entry = entry_in(entered.new)
    record = world.record(entry.run) if entry else None
    if entry is None or (record is None and entry.fence == 0):
        return None
    if record is None or entry.fence > record.fence:
        return f"{world.by.name} enters fence {entry.fence}"
    is_wrong = entry.status is RunStatus.SUCCEEDED and not record.complete
    return f"{world.by.name} enters a success that is not recorded" if is_wrong else None


@law(Over)
def the_catalogue_agrees_once_all_is_calm(world: "World", _over: Over) -> str | None:
    """At the end, every run whose last writes were not lost stands in the catalogue as in its record."""
    return _differs(world, set(world.drops) - _lost(world))


@law(Rebuilt)
def the_rebuilt_catalogue_agrees(world: "World", _rebuilt: Rebuilt) -> str | None:
    """A rebuilt catalogue has every run as its record has it, whatever was lost before."""
    return _differs(world, set(world.drops))


def _lost(world: "World") -> set[str]:
    """Return the runs of whose last owner a function died, or failed to write into the catalogue."""
    return {run for run in world.drops if (owner := world.owner(run)) and owner.arn in world.memory.unentered}


def _differs(world: "World", runs: set[str]) -> str | None:
    for run in sorted(runs):
        record = world.record(run)
        row = world.table.rows.get((RUN, run))
        entry = entry_in(row) if row else None
        if record is None:
            continue
        if entry is None:
            return f"{run} is not in it"
        if (entry.fence, entry.execution) != (record.fence, record.execution):
            return f"it has fence {entry.fence}, the record {record.fence}"
        ends = [status for status in ENDS if (status is RunStatus.SUCCEEDED) == record.complete]
        if entry.status not in ends:
            return f"it has {entry.status}, the record complete: {record.complete}, closed: {record.closed}"
        copies = [(copy["kind"]["S"], copy["id"]["S"]) for copy in rows(entry)[1:]]
        if any(entry_in(world.table.rows.get(key, {})) != entry for key in copies):
            return f"the copies for tags of {run} differ from it"
    return None
