"""Requests to AWS: each is one switch point, and may be late, fail, be repeated, or be done without an answer."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError, EndpointConnectionError

from tests.simulation.kernel import Killed, Process

if TYPE_CHECKING:
    from tests.simulation.world import World

_TRIES = 8  # of the clients in gristmill/aws_clients.py
_LATENCY = 0.02  # seconds
Answer = TypeVar("Answer")


def failure(code: str, status: int, operation: str, message: str = "") -> ClientError:
    answer = {"Error": {"Code": code, "Message": message or code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


class Wire:
    """What lies between a process and AWS."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._kernel = world.kernel

    def call(self, what: str, act: Callable[[], Answer], writes: bool = False) -> Answer:
        """Return what `act` returns, as its caller sees it; `what` names the operation and its object."""
        task = self._kernel.current
        if task is None:  # set-up
            return act()
        process, trouble, chance = task.process, self._world.trouble, self._kernel.chance
        process.calls += 1
        self._world.script.reach(process, what)
        is_out = chance(trouble.of("outages"))
        for attempt in range(_TRIES):
            is_last = attempt == _TRIES - 1
            self._kernel.sleep(self._latency(process))
            self._die(process, what, "before")
            if is_out or chance(trouble.of("stumbles")):
                if is_last:
                    self._kernel.log(f"{what} fails")
                    raise failure("SlowDown", 503, what.partition(" ")[0])
            else:
                self._kernel.log(what)
                answer = act()
                self._die(process, what, "after")
                if writes and chance(trouble.of("lost for good")):
                    self._kernel.log(f"{what} was done, and its answer is lost for good")
                    raise EndpointConnectionError(endpoint_url="https://aws")
                is_lost = process.loses_answer or chance(trouble.of("lost answers"))
                process.loses_answer = False
                if not writes or is_last or not is_lost:
                    self._kernel.sleep(self._latency(process) / 2)
                    return answer
                self._kernel.log(f"{what} was done, its answer is lost: the client repeats it")
            self._kernel.sleep(self._kernel.random.uniform(0, min(20.0, 2.0**attempt)))
        raise AssertionError("the last try returns or raises")

    def _latency(self, process: Process) -> float:
        return self._kernel.soon(_LATENCY) * process.slow

    def _die(self, process: Process, what: str, when: str) -> None:
        """End a process at the call that it is to die at: half of them before it is done, the others after it."""
        if process.fate is None or process.calls < process.fate:
            return
        if when == "before" and self._kernel.chance(0.5):
            return
        self._kernel.log(f"dies {when} {what}")
        self._kernel.kill(process)
        raise Killed
