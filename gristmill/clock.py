"""Time as waits use it."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """Time in seconds, for waits that tests need not sit through."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
