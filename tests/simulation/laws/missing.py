"""Only what is missing is redone, a bounded number of times."""

from typing import TYPE_CHECKING

from gristmill.limits import ATTEMPTS_MAX
from tests.simulation.facts import Answered, Asked, Over, TaskBegun
from tests.simulation.laws.registry import law

if TYPE_CHECKING:
    from tests.simulation.world import World


@law(Asked)
def job_map_is_asked(world: "World", asked: Asked) -> str | None:
    """What is done before JobMap looks is there to be seen; what is done meanwhile it may miss."""
    record = world.record(asked.payload["run"]) if asked.function == "job_map" else None
    if record is not None and record.pipeline is not None:
        at = asked.payload
        for branch in record.pipeline.stage(at["stage"]).branches:
            done = world.committed(at["run"], at["stage"], branch.name)
            place = (at["run"], at["stage"], branch.name, at["attempt"])
            world.memory.valid[place] = world.memory.valid.get(place, done) & done
    return None


@law(Answered)
def job_map_plans_what_is_missing(world: "World", answered: Answered) -> str | None:
    """JobMap notes what is done, and plans no more containers than tasks are missing."""
    if answered.function != "job_map":
        return None
    at = answered.answer
    for branch in at["arrays"]:
        name = branch["branch"]
        done = world.committed(at["run"], at["stage"], name)
        place = (at["run"], at["stage"], name, at["attempt"])
        world.memory.valid[place] = world.memory.valid.get(place, set()) & done
    return None


@law(TaskBegun)
def valid_tasks_are_not_redone(world: "World", begun: TaskBegun) -> str | None:
    """A task is not done again that had a valid output when JobMap planned, or when Batch tried its container again."""
    valid = world.memory.valid.get((begun.run, begun.stage, begun.branch, begun.attempt), set())
    if world.by in world.memory.done_before:
        valid = valid | (world.memory.done_before[world.by] & world.committed(begun.run, begun.stage, begun.branch))
    return f"task {begun.task} of {begun.branch}, attempt {begun.attempt}" if begun.task in valid else None


@law(TaskBegun)
def attempts_are_bounded(world: "World", begun: TaskBegun) -> str | None:
    """No stage has more attempts in an execution than its branches allow."""
    record = world.record(begun.run)
    if record is None or record.pipeline is None:
        return "a task runs without a record"
    allowed = max(branch.attempts for branch in record.pipeline.stage(begun.stage).branches)
    nth = begun.attempt % ATTEMPTS_MAX + 1
    return f"attempt {nth} of {allowed} at {begun.stage}" if nth > allowed else None


@law(Over)
def hosts_are_lost_thrice_at_most(world: "World", _over: Over) -> str | None:
    """Batch tries a container again where its host was lost, three times in all."""
    tries = max((len(container.tries) for job in world.batch.jobs.values() for container in job.containers), default=0)
    return f"{tries} tries of a container" if tries > 3 else None
