"""Scripts: histories in words, which hold a process at a request until something is so."""

import fnmatch
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.simulation import vandal
from tests.simulation.kernel import Process
from tests.simulation.wire import failure

if TYPE_CHECKING:
    from tests.simulation.world import World

_LOOK = 0.05  # seconds
_LONGEST = 100_000.0  # seconds after which a script gives up, and its test with it
Until = Callable[["World"], bool]


@dataclass
class Act:
    """What happens to a process once, before the `nth` of its requests that match `before`."""

    who: str
    before: str
    do: Callable[["World", Process], None]
    nth: int = 1
    seen: int = 0
    always: bool = False  # at each such request, whichever process it is of

    def reach(self, world: "World", process: Process, what: str) -> None:
        if not fnmatch.fnmatchcase(process.name, self.who) or not fnmatch.fnmatchcase(what, self.before):
            return
        self.seen += 1
        if self.seen == self.nth or self.always:
            world.kernel.log(f"the script strikes before {what}")
            self.do(world, process)


class Script:
    """The acts of a history, none by default."""

    world: "World"

    def __init__(self, *acts: Act) -> None:
        self.acts = acts

    def reach(self, process: Process, what: str) -> None:
        """See to it that what the script has for a process happens before a request of it."""
        for act in self.acts:
            act.reach(self.world, process, what)

    @property
    def is_played(self) -> bool:
        """Return whether every act has happened."""
        return all(act.seen >= act.nth for act in self.acts)


def park(who: str, before: str, until: Until, nth: int = 1) -> Act:
    """Hold a process before a request until something is so."""

    def do(world: "World", _process: Process) -> None:
        end = world.kernel.now + _LONGEST
        while not until(world):
            assert world.kernel.now < end, f"{who} waits in vain"
            world.kernel.sleep(_LOOK)

    return Act(who, before, do, nth)


def crash(who: str, before: str, nth: int = 1) -> Act:
    """End a process before a request of it is done."""

    def do(world: "World", process: Process) -> None:
        world.kernel.kill(process)

    return Act(who, before, do, nth)


def lose_host(who: str, before: str, nth: int = 1) -> Act:
    """End a container before a request of it is done, and have Batch take its host for lost."""

    def do(world: "World", process: Process) -> None:
        process.loses_host = True
        world.kernel.kill(process)

    return Act(who, before, do, nth)


def crash_each(who: str, before: str) -> Act:
    """End every such process before a request of it is done."""
    return replace(crash(who, before), always=True)


def lose_answer(who: str, before: str, nth: int = 1) -> Act:
    """Have a request done, and its answer lost: whoever made it makes it again."""

    def do(_world: "World", process: Process) -> None:
        process.loses_answer = True

    return Act(who, before, do, nth)


def refuse(who: str, before: str, nth: int = 1) -> Act:
    """Have Batch refuse a job for good."""

    def do(_world: "World", _process: Process) -> None:
        raise failure("ClientException", 400, "SubmitJob")

    return Act(who, before, do, nth)


def throttle(who: str, before: str, nth: int = 1) -> Act:
    """Have a table refuse a write for good."""

    def do(_world: "World", _process: Process) -> None:
        raise failure("ThrottlingException", 400, "PutItem")

    return Act(who, before, do, nth)


def damage(who: str, before: str, key: str, body: bytes | None, nth: int = 1) -> Act:
    """Have a vandal replace a run's result, or remove it where there is no `body`."""

    def do(world: "World", _process: Process) -> None:
        (drop,) = world.drops.values()
        strike = world.kernel.spawn(
            Process(vandal.KIND, vandal.KIND, drop.run), lambda: vandal.damage(world, f"{drop.prefix}{key}", body)
        )
        world.kernel.wait(strike)

    return Act(who, before, do, nth)


def cut_off(who: str, before: str, nth: int = 1) -> Act:
    """Let a container go on when Batch ends it."""

    def do(_world: "World", process: Process) -> None:
        process.is_cut_off = True

    return Act(who, before, do, nth)


def owned_by(label: str) -> Until:
    """Wait until an execution owns the run."""

    def is_so(world: "World") -> bool:
        owners = [world.owner(run) for run in world.drops]
        return any(owner is not None and owner.label == label for owner in owners)

    return is_so


def ended(label: str) -> Until:
    """Wait until an execution has ended."""
    return lambda world: any(
        execution.label == label and execution.ended for execution in world.states.executions.values()
    )


def announced(status: str) -> Until:
    """Wait until a notice with a status was sent."""
    return lambda world: any(notice.status == status for notice in world.mail.notices)


def written(pattern: str, times: int = 1) -> Until:
    """Wait until objects whose keys match were written so often."""
    return lambda world: sum(fnmatch.fnmatchcase(key, pattern) for key in world.bucket.writes) >= times


def submitted(label: str) -> Until:
    """Wait until Batch has a job of an execution."""

    def is_so(world: "World") -> bool:
        executions = world.states.executions
        return any(executions[job.execution].label == label for job in world.batch.jobs.values())

    return is_so


def answered(name: str, times: int = 1) -> Until:
    """Wait until so many invocations of an execution's function have answered."""

    def is_so(world: "World") -> bool:
        found = (invocation for invocation in world.functions.invocations if invocation.process.name == name)
        return sum(invocation.is_answered for invocation in found) >= times

    return is_so
