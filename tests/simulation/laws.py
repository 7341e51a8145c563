"""The laws: what Gristmill promises, a function each. It gets the world and a fact, and returns how the fact breaks it.

The first line of each docstring is the law; docs/protocol.md says which promise it comes from.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gristmill import keys
from gristmill.enums import RunStatus
from gristmill.limits import ATTEMPTS_MAX
from gristmill.runs.evidence import Receipt
from gristmill.runs.records import RunRecord
from tests.simulation import vandal
from tests.simulation.facts import (
    Answered,
    ExecutionEnded,
    Looked,
    Notice,
    Over,
    Put,
    StateEntered,
    StopProved,
    Submitted,
    TaskBegun,
    Terminated,
)
from tests.simulation.kernel import Process
from tests.simulation.seams import parse

if TYPE_CHECKING:
    from tests.simulation.states import Execution
    from tests.simulation.world import World

Law = Callable[["World", Any], str | None]
_PAYLOAD_MAX = 32 * 1024  # bytes
_EVENTS_MAX = 2_000  # of an execution with a handful of tasks
_ENDS = (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.ABORTED, RunStatus.TIMED_OUT)
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
    damaged: set[str] = field(default_factory=set)  # results that a vandal has removed or replaced, since their merge
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


# Green means right.


@law(Put)
def results_are_right_at_every_moment(world: "World", put: Put) -> str | None:
    """No wrong byte ever stands in the results."""
    if world.by.kind == vandal.KIND:
        return None
    world.memory.damaged.discard(put.key)
    drop = next((drop for drop in world.drops.values() if put.key in drop.right), None)
    return (
        None
        if drop is None or not drop.may_succeed or drop.right[put.key](put.new.body)
        else f"{put.key} has {put.new.body!r}"
    )


@law(Looked)
def results_are_looked_at(world: "World", looked: Looked) -> str | None:
    """Whoever looks at a result sees it right, or does not: no law by itself, but kept for the next one."""
    right = next((drop.right[looked.key] for drop in world.drops.values() if looked.key in drop.right), None)
    if right is not None:
        sight = (world.by, looked.key)
        is_right = looked.found is not None and right(looked.found.body)
        (world.memory.seen_right.add if is_right else world.memory.seen_right.discard)(sight)
    return None


@law(Answered)
def success_is_checked_on_all_results(world: "World", answered: Answered) -> str | None:
    """Success takes a CheckOutput that has seen all results of all stages right, each when it last looked at it."""
    answer = answered.answer
    if answered.function != "check_output" or answer["verdict"] != "COMPLETE" or not answer["last"]:
        return None
    drop = world.drops[answer["run"]]
    unseen = [key for key in drop.right if (world.by, key) not in world.memory.seen_right]
    return f"COMPLETE, and not seen right: {unseen}" if unseen and drop.may_succeed else None


@law(Notice)
def success_is_announced_of_right_results(world: "World", notice: Notice) -> str | None:
    """A notice of success means that every result is there, and right."""
    is_wrong = notice.status == RunStatus.SUCCEEDED and not world.is_right(notice.run)
    return "SUCCEEDED is announced, and results are missing or wrong" if is_wrong else None


@law(ExecutionEnded)
def success_ends_in_right_results(world: "World", ended: ExecutionEnded) -> str | None:
    """An execution that succeeds leaves every result there, and right, unless it was a duplicate."""
    execution = ended.execution
    if execution.status is not RunStatus.SUCCEEDED or execution.arn in world.memory.silent:
        return None
    return None if world.is_right(execution.run) else f"{execution.label} has SUCCEEDED without right results"


@law(Put)
def receipts_commit_what_is_there(world: "World", put: Put) -> str | None:
    """A receipt is written after the segment that it names."""
    if "/receipts/" not in put.key:
        return None
    receipt = parse(Receipt, put.new.body)
    segment = put.key.replace("/receipts/", "/segments/").removesuffix(".json")
    there = world.bucket.objects.get(segment)
    was = there is not None and (there.etag == receipt.etag or world.bucket.ever(segment, receipt.etag))
    return None if was else f"{put.key} names a segment that was never written"


# Never stuck, and told.


@law(Over)
def every_execution_ends(world: "World", _over: Over) -> str | None:
    """Every execution ends."""
    running = [one.label for one in world.states.executions.values() if one.status is RunStatus.RUNNING]
    return f"{running} never end" if running else None


@law(Over)
def every_job_ends(world: "World", _over: Over) -> str | None:
    """Every job ends."""
    living = [job.id for job in world.batch.jobs.values() if not job.is_over(world.kernel.now)]
    return f"{living} never end" if living else None


@law(Over)
def ends_are_announced(world: "World", _over: Over) -> str | None:
    """Of every execution that owned a run to its end, one end or another is announced."""
    announced = {notice.execution for notice in world.mail.notices if notice.status in _ENDS}
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
        if record is None or record.faults:
            continue
        if drop.max_cost is None and drop.may_succeed and not (run in world.memory.succeeded and world.is_right(run)):
            ends = [f"{one.label} {one.status} {one.cause[:200]}" for one in world.states.executions.values()]
            return f"it cannot be brought to success: {ends}"
    return None


# Nothing twice, nothing lost; one owner.


@law(Put)
def run_records_never_regress(world: "World", put: Put) -> str | None:
    """A run's record changes its owner by a take-over alone, one after another, and is frozen otherwise."""
    if not put.key.endswith("/run.json") or put.old is None:
        return None
    was, now = parse(RunRecord, put.old.body), parse(RunRecord, put.new.body)
    taken = now.execution != was.execution
    if now.resumes != was.resumes + taken or _fence(now) != _fence(was) + taken:
        return f"resumes {was.resumes} to {now.resumes}, fence {_fence(was)} to {_fence(now)}, owner changed: {taken}"
    frozen = ("run", "claimed_at", "owner", "input", "pipeline", "parameters", "max_cost")
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
    old, new = world.states.executions[str(was)], world.states.executions[now]
    if old.status is RunStatus.RUNNING:
        return f"{new.label} takes the run from {old.label}, which goes on"
    return f"{new.label}, whose stop was proved, takes the run" if now in world.memory.proved else None


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


# Only what is missing is redone, a bounded number of times.


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
        world.memory.valid[place] = world.memory.valid.get(place, done) & done
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


# Stop stops.


@law(StopProved)
def stops_are_proved_of_the_dead(world: "World", stop: StopProved) -> str | None:
    """When a stop is proved, no execution of the run goes on but duplicates that do nothing, and no job of it lives."""
    known = [world.states.executions[arn] for arn in stop.executions]
    world.memory.proved.update(one.arn for one in known if one.ended)
    owner = world.owner(stop.run)
    going = [one.label for one in known if not one.ended and (one is owner or one.is_resume)]
    jobs = [job for job in world.batch.jobs.values() if job.execution in stop.executions]
    living = [job.id for job in jobs if not job.is_over(world.kernel.now)]
    return f"executions {going} go on, jobs {living} live" if going or living else None


@law(Put)
def nothing_is_written_after_a_proved_stop(world: "World", put: Put) -> str | None:
    """After a proved stop, nothing of the stopped executions writes a result or a record.

    An event of the end that comes later than a stop waits for has its notice, report and outcome all the same.
    """
    by = world.by
    is_sign = put.key.startswith(keys.signs(by.run)) if by.run else True
    is_notice = by.name.endswith(".settle") and ("/report." in put.key or put.key.startswith(keys.outcomes(by.run)))
    if by.execution not in world.memory.proved or by.kind != "function" or is_sign or is_notice:
        return None
    return f"{put.key} by {by.name}"


@law(Submitted)
def nothing_is_submitted_after_a_proved_stop(world: "World", submitted: Submitted) -> str | None:
    """After a proved stop, no job of the stopped executions reaches Batch."""
    return submitted.job.name if submitted.job.execution in world.memory.proved else None


# State is small.


@law(StateEntered)
def state_is_small(world: "World", entered: StateEntered) -> str | None:
    """No state gets more than 32 KiB, and no execution has more than its events."""
    size, events = len(json.dumps(entered.given)), len(entered.execution.history)
    return (
        f"{entered.state} gets {size} bytes after {events} events"
        if size > _PAYLOAD_MAX or events > _EVENTS_MAX
        else None
    )


# Ceilings, and who writes what.


@law(Submitted)
def ceilings_hold(world: "World", submitted: Submitted) -> str | None:
    """No job of a run that would cost more than it may reaches Batch."""
    ceiling = world.drops[submitted.job.run].max_cost
    return None if ceiling is None else f"{submitted.job.name} although the run may cost ${ceiling} at most"


@law(Put)
def records_are_written_by_functions(world: "World", put: Put) -> str | None:
    """Containers write below work/ alone, functions below the run's own prefixes, people the stop alone."""
    by, run = world.by, world.by.run
    if by.kind in ("container", "zombie"):
        allowed: tuple[str, ...] = (keys.work_prefix(run),)
    elif by.kind == "user":
        allowed = (keys.stops(run),)
    elif by.kind == "function":
        allowed = (keys.run_prefix(run), keys.work_prefix(run), world.drops[run].prefix)
    else:
        return None
    return None if put.key.startswith(allowed) else f"{put.key} by {by.name}"


# Notices.


@law(Notice)
def notices_do_not_contradict(world: "World", notice: Notice) -> str | None:
    """A run's success is announced of one execution, and no failure after it; and no text contradicts its status."""
    earlier = {(one.execution, one.status) for one in world.mail.notices if one.run == notice.run}
    if notice.status == RunStatus.SUCCEEDED:
        world.memory.succeeded.add(notice.run)
        others = [
            execution for execution, status in earlier if status == notice.status and execution != notice.execution
        ]
        if others:
            return f"SUCCEEDED of {world.states.executions[notice.execution].label}, and of another one before"
        return "the mail of a success says that nothing was run" if "nothing was run" in notice.text else None
    if notice.run in world.memory.succeeded:
        return f"{notice.status} of {world.states.executions[notice.execution].label} after SUCCEEDED"
    ended = [status for execution, status in earlier if execution == notice.execution and status in _ENDS]
    if notice.status in _ENDS and ended and notice.status not in ended and not world.mail.may_repeat(notice.execution):
        return f"{notice.status} of {world.states.executions[notice.execution].label} after {ended}"
    return None


@law(Notice)
def ends_are_announced_once(world: "World", notice: Notice) -> str | None:
    """An end is announced once, unless SNS's answer was lost: then twice is better than never."""
    if notice.status not in _ENDS or world.mail.may_repeat(notice.execution):
        return None
    same = [one for one in world.mail.notices if (one.execution, one.status) == (notice.execution, notice.status)]
    label = world.states.executions[notice.execution].label
    return f"{notice.status} of {label} a second time" if same else None


@law(Put)
def reports_of_success_stand(world: "World", put: Put) -> str | None:
    """No report of a failure is written once a run's success was announced."""
    drop = next((drop for drop in world.drops.values() if put.key == f"{drop.prefix}report.json"), None)
    if drop is None or drop.run not in world.memory.succeeded:
        return None
    status = json.loads(put.new.body)["status"]
    return None if status == RunStatus.SUCCEEDED else f"{world.by.name} reports {status}"


@law(Over)
def hosts_are_lost_thrice_at_most(world: "World", _over: Over) -> str | None:
    """Batch tries a container again where its host was lost, three times in all."""
    tries = max((len(one.tries) for job in world.batch.jobs.values() for one in job.containers), default=0)
    return f"{tries} tries of a container" if tries > 3 else None
