"""Never stuck, and told."""

from typing import TYPE_CHECKING

from gristmill.enums import RunStatus
from tests.simulation.drops import Dropped
from tests.simulation.facts import Over
from tests.simulation.laws.registry import ENDS, law

if TYPE_CHECKING:
    from tests.simulation.executions import Execution
    from tests.simulation.world import World


@law(Over)
def every_execution_ends(world: "World", _over: Over) -> str | None:
    """Every execution ends."""
    running = [
        execution.label for execution in world.states.executions.values() if execution.status is RunStatus.RUNNING
    ]
    return f"{running} never end" if running else None


@law(Over)
def every_job_ends(world: "World", _over: Over) -> str | None:
    """Every job ends."""
    living = [job.id for job in world.batch.jobs.values() if not job.is_over(world.kernel.now)]
    return f"{living} never end" if living else None


@law(Over)
def ends_are_announced(world: "World", _over: Over) -> str | None:
    """Of every execution that owned a run to its end, one end or another is announced."""
    announced = {notice.execution for notice in world.mail.notices if notice.status in ENDS}
    for execution in world.states.executions.values():
        if execution.arn in world.memory.owners - announced and not _superseded(world, execution):
            return f"{execution.label} has {execution.status}, and nobody is told"
    return None


def _superseded(world: "World", execution: "Execution") -> bool:
    """Return whether another execution owns the run by now: it speaks for the run."""
    owner = world.owner(execution.run)
    return owner is not None and owner.arn != execution.arn


@law(Over)
def what_is_healed_succeeds(world: "World", _over: Over) -> str | None:
    """Once nothing is in its way any more, a resume brings a claimed run to success, unless it was refused."""
    for run, drop in world.drops.items():
        record = world.record(run)
        if record is None or record.faults or _bytes_are_gone(world, drop):
            continue
        if drop.max_cost is None and drop.may_succeed and not (run in world.memory.succeeded and world.is_right(run)):
            ends = [
                f"{execution.label} {execution.status} {execution.cause[:200]}"
                for execution in world.states.executions.values()
            ]
            return f"it cannot be brought to success: {ends}"
    return None


def _bytes_are_gone(world: "World", drop: Dropped) -> bool:
    """Return whether a run says that it cannot go on, as it must: somebody has damaged what its last stage reads.

    Nobody can make that again, for the job that made it writes other bytes each time.
    """
    newest = [execution for execution in world.states.executions.values() if execution.run == drop.run][-1]
    is_damaged = drop.pipeline == "nodes" and f"{drop.prefix}solved.txt" in world.memory.once_damaged
    return is_damaged and "has other bytes than run" in newest.cause
