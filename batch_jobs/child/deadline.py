"""A task's time limit, and the signal that ends a child."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from gristmill.errors import ExitCode

_GRACE = 5.0  # seconds from the exception in the main thread to the end of the process


class TimedOut(Exception):
    """Raised in a task that ran past its time limit."""


class Terminated(BaseException):
    """Raised when the child is told to end (SIGTERM); no job's `except Exception` may swallow it."""


@contextmanager
def deadline(seconds: float, last_words: Callable[[], None]) -> Iterator[None]:
    """Raise TimedOut in the main thread after `seconds`; where that does not help, say `last_words` and exit."""

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise TimedOut(f"ran past its timeout of {seconds:g} s")

    def give_up() -> None:
        try:
            last_words()
        finally:
            os._exit(ExitCode.STOPPED)

    watchdog = threading.Timer(seconds + _GRACE, give_up)
    watchdog.daemon = True
    signal.signal(signal.SIGALRM, ring)
    watchdog.start()
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        watchdog.cancel()


def end_on_sigterm() -> None:
    """Turn SIGTERM into Terminated, so that what is done gets sealed."""

    def end(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Terminated

    signal.signal(signal.SIGTERM, end)
