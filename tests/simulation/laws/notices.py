"""The cause is told: notices and reports contradict nothing."""

import json
from typing import TYPE_CHECKING

from gristmill.enums import RunStatus
from tests.simulation.facts import Notice, Put
from tests.simulation.laws.registry import ENDS, law

if TYPE_CHECKING:
    from tests.simulation.world import World


@law(Notice)
def notices_do_not_contradict(world: "World", notice: Notice) -> str | None:
    """A run's success is announced of one execution, and no failure after it; and no text contradicts its status."""
    earlier = {(other.execution, other.status) for other in world.mail.notices if other.run == notice.run}
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
    ended = [status for execution, status in earlier if execution == notice.execution and status in ENDS]
    if notice.status in ENDS and ended and notice.status not in ended and not world.mail.may_repeat(notice.execution):
        return f"{notice.status} of {world.states.executions[notice.execution].label} after {ended}"
    return None


@law(Notice)
def ends_are_announced_once(world: "World", notice: Notice) -> str | None:
    """An end is announced once, unless SNS's answer was lost: then twice is better than never."""
    if notice.status not in ENDS or world.mail.may_repeat(notice.execution):
        return None
    same = [
        other for other in world.mail.notices if (other.execution, other.status) == (notice.execution, notice.status)
    ]
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
