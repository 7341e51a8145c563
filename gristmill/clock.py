"""Time and chance as the code takes them: as an argument, so that tests and simulations can give their own."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from gristmill.timebox import call_with_timeout

Result = TypeVar("Result")


class CallWithTimeout(Protocol):
    """What `call_with_timeout` does: against real time, or as a simulation likes it."""

    def __call__(self, seconds: float, work: Callable[[], Result]) -> Result:
        """Return what `work` returns; NoAnswer after `seconds`, or when a request to AWS fails."""


@dataclass(frozen=True)
class Clock:
    """Time in seconds, and the jitter of waits; the real ones by default."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform
    unix: Callable[[], float] = time.time
    call_with_timeout: CallWithTimeout = call_with_timeout

    def utc(self) -> datetime:
        """Return the date and the time of day."""
        return datetime.fromtimestamp(self.unix(), UTC)


def seldom(act: Callable[[], None], clock: Clock, seconds: float = 1.0) -> Callable[[], None]:
    """Return what does `act`, once in so many seconds however often it is called."""
    last: list[float] = []

    def due() -> None:
        now = clock.now()
        if not last or now - last[-1] >= seconds:
            last[:] = [now]
            act()

    return due


REAL = Clock()
