"""Stop stops."""

import json
from typing import TYPE_CHECKING

from gristmill import keys
from tests.simulation.facts import Put, StopProved, Submitted
from tests.simulation.laws.registry import law

if TYPE_CHECKING:
    from tests.simulation.world import World


@law(StopProved)
def stops_are_proved_of_the_dead(world: "World", stop: StopProved) -> str | None:
    """When a stop is proved, no execution of the run goes on but duplicates that do nothing, and no job of it lives."""
    known = [world.states.executions[arn] for arn in stop.executions]
    world.memory.proved.update(execution.arn for execution in known if execution.ended)
    owner = world.owner(stop.run)
    going = [
        execution.label for execution in known if not execution.ended and (execution is owner or execution.is_resume)
    ]
    jobs = [job for job in world.batch.jobs.values() if job.execution in stop.executions]
    living = [job.id for job in jobs if not job.is_over(world.kernel.now)]
    return f"executions {going} go on, jobs {living} live" if going or living else None


@law(Put)
def nothing_is_written_after_a_proved_stop(world: "World", put: Put) -> str | None:
    """After a proved stop, nothing of the stopped executions writes a result or a record.

    An event of the end that comes later than a stop waits for has its notice, report and outcome all the same, and
    closes the record to a success that is later still.
    """
    by = world.by
    is_sign = put.key.startswith(keys.signs(by.run)) if by.run else True
    is_notice = by.name.endswith(".settle") and (
        "/report." in put.key or put.key.startswith(keys.outcomes(by.run)) or _only_closes(put)
    )
    if by.execution not in world.memory.proved or by.kind != "function" or is_sign or is_notice:
        return None
    return f"{put.key} by {by.name}"


def _only_closes(put: Put) -> bool:
    """Return whether a write changes nothing of a run's record but that it is closed."""
    if put.old is None or not put.key.endswith("/run.json"):
        return False
    was, now = (json.loads(made.body) for made in (put.old, put.new))
    return bool(now == was | {"closed": True})


@law(Submitted)
def nothing_is_submitted_after_a_proved_stop(world: "World", submitted: Submitted) -> str | None:
    """After a proved stop, no job of the stopped executions reaches Batch."""
    return submitted.job.name if submitted.job.execution in world.memory.proved else None
