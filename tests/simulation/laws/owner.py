"""Nothing twice, nothing lost: a run has one owner."""

from typing import TYPE_CHECKING

from gristmill import keys
from gristmill.enums import RunStatus
from gristmill.runs.records import RunRecord
from tests.simulation import vandal
from tests.simulation.facts import Answered, Notice, Put, Submitted, Terminated
from tests.simulation.laws.registry import law
from tests.simulation.seams import parse

if TYPE_CHECKING:
    from tests.simulation.world import World


@law(Put)
def run_records_never_regress(world: "World", put: Put) -> str | None:
    """A run's record changes its owner by a take-over alone, one after another, and is frozen otherwise.

    A take-over alone begins another generation, one after another, in which the pipeline may be another.
    """
    if not put.key.endswith("/run.json") or put.old is None:
        return None
    was, now = parse(RunRecord, put.old.body), parse(RunRecord, put.new.body)
    taken = now.execution != was.execution
    if now.resumes != was.resumes + taken or _fence(now) != _fence(was) + taken:
        return f"resumes {was.resumes} to {now.resumes}, fence {_fence(was)} to {_fence(now)}, owner changed: {taken}"
    if now.generation - was.generation not in (0, int(taken)):
        return f"generation {was.generation} to {now.generation}, owner changed: {taken}"
    frozen = ["run", "claimed_at", "owner", "input", "given", "max_cost"]
    frozen += ["pipeline", "parameters", "code"] if now.generation == was.generation else []
    changed = [name for name in frozen if getattr(was, name) != getattr(now, name)]
    return f"{changed} changed" if changed else None


def _fence(record: RunRecord) -> int:
    return int(getattr(record, "fence", record.resumes))


@law(Put)
def runs_are_taken_over_from_the_dead(world: "World", put: Put) -> str | None:
    """A run is taken over only from an execution that has ended, and never by one of which a stop was proved."""
    if not put.key.endswith("/run.json"):
        return None
    now = parse(RunRecord, put.new.body).execution
    was = parse(RunRecord, put.old.body).execution if put.old else None
    world.memory.owners.add(now)
    if was in (None, now):
        return None
    world.memory.lost_at[str(was)] = world.kernel.now
    old, new = world.states.executions[str(was)], world.states.executions[now]
    if old.status is RunStatus.RUNNING:
        return f"{new.label} takes the run from {old.label}, which goes on"
    return f"{new.label}, whose stop was proved, takes the run" if now in world.memory.proved else None


@law(Put)
def what_lost_its_run_changes_nothing(world: "World", put: Put) -> str | None:
    """A function whose sign comes after its execution has lost the run writes nothing else."""
    by, lost = world.by, world.memory.lost_at.get(world.by.execution)
    if by.kind == "function" and put.key.startswith(keys.signs(by.run)):
        by.began = world.kernel.now
        return None
    if by.kind != "function" or lost is None or by.began <= lost:
        return None
    return f"{put.key} by {by.name}"


@law(Submitted)
def jobs_are_submitted_by_the_owner(world: "World", submitted: Submitted) -> str | None:
    """Only the execution that owns a run submits jobs for it."""
    owner, job = world.owner(submitted.job.run), submitted.job
    by = world.states.executions[job.execution]
    if owner is None or owner is by or by.status is not RunStatus.RUNNING:
        return None
    return f"{job.name} of {by.label}, and the owner is {owner.label}"


@law(Put)
def results_are_replaced_by_the_owner(world: "World", put: Put) -> str | None:
    """Only the execution that owns a run puts other bytes in the place of a result."""
    run = next((run for run, drop in world.drops.items() if put.key in drop.right), None)
    owner = world.owner(run) if run else None
    is_same = put.old is None or put.old.body == put.new.body or world.by.kind == vandal.KIND
    if owner is None or world.by.execution == owner.arn or is_same:
        return None
    return f"{put.key} by {world.by.name}, and the owner is {owner.label}"


@law(Terminated)
def living_owners_keep_their_jobs(world: "World", terminated: Terminated) -> str | None:
    """No execution's end ends the jobs of another one that goes on."""
    by, job = world.by, terminated.job
    owner = world.states.executions[job.execution]
    is_wrong = by.kind == "function" and by.execution != job.execution and owner.status is RunStatus.RUNNING
    return f"{by.name} ends {job.id} of {owner.label}" if is_wrong else None


@law(Answered)
def duplicates_are_found(world: "World", answered: Answered) -> str | None:
    """What Split calls a duplicate does not own the run."""
    if answered.function != "split" or answered.answer["verdict"] != "DUPLICATE":
        return None
    world.memory.silent.add(answered.payload["execution"])
    owner = world.owner(answered.answer["run"])
    return "the owner itself is called a duplicate" if owner and owner.arn == answered.payload["execution"] else None


@law(Notice)
def duplicates_are_silent(world: "World", notice: Notice) -> str | None:
    """A duplicate tells nobody."""
    return "a duplicate sends a notice" if notice.execution in world.memory.silent else None
