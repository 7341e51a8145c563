"""Never falsely green."""

import json
from typing import TYPE_CHECKING

from gristmill import keys
from gristmill.enums import RunStatus
from gristmill.runs.evidence import Receipt
from tests.simulation import vandal
from tests.simulation.facts import Answered, ExecutionEnded, Looked, Notice, Put
from tests.simulation.laws.registry import law
from tests.simulation.seams import parse

if TYPE_CHECKING:
    from tests.simulation.objects import Object
    from tests.simulation.world import World


@law(Put)
def results_are_right_at_every_moment(world: "World", put: Put) -> str | None:
    """No wrong byte ever stands in the results."""
    if world.by.kind == vandal.KIND:
        return None
    world.memory.damaged.discard(put.key)
    drop = next((drop for drop in world.drops.values() if put.key in drop.right), None)
    return (
        None
        if drop is None or not drop.may_succeed or drop.is_fit(put.key, put.new.body)
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


@law(Notice)
def what_is_left_out_is_told(world: "World", notice: Notice) -> str | None:
    """PARTIAL, and no success, is announced of results that lack what the list and the mail name, and that may."""
    record = world.record(notice.run)
    if record is None or notice.status not in (RunStatus.SUCCEEDED, RunStatus.PARTIAL):
        return None
    drop, objects = world.drops[notice.run], world.bucket.objects
    listed = objects.get(keys.left_out(notice.run))
    tasks = [json.loads(line)["task"] for line in (listed.body if listed else b"").splitlines()]
    if notice.status == RunStatus.SUCCEEDED:
        return "SUCCEEDED is announced, and tasks are left out" if tasks or record.left_out else None
    whole = [
        key for key, fits in drop.lacking.items() if key not in world.memory.damaged and not fits(objects[key].body)
    ]
    is_told = tasks == [0] and sum(left.count for left in record.left_out.values()) == 1 and "Left out" in notice.text
    return (
        None if is_told and drop.lacking and not whole else f"PARTIAL is announced: listed {tasks}, not lacking {whole}"
    )


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
    head = put.key.replace("/receipts/", "/segments/").removesuffix(".json")
    named = {f"{head}{output and f'.{output}'}": written.etag for output, written in receipt.written.items()}
    there = {segment: world.bucket.objects.get(segment) for segment in named}
    lost = [segment for segment, etag in named.items() if not _was(world, segment, there[segment], etag)]
    return f"{put.key} names segments that were never written: {lost}" if lost else None


def _was(world: "World", segment: str, there: "Object | None", etag: str) -> bool:
    return there is not None and (there.etag == etag or world.bucket.ever(segment, etag))
