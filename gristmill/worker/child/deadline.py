"""A task's time limit, and the signal that ends a child. Both strike only while a job runs, never a commit."""

import math
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

from gristmill.errors import ExitCode, GristmillError
from gristmill.humanize import past_time_limit

_GRACE = 5.0  # seconds from the exception in the main thread to the end of the process
_EARLY = 0.05  # seconds by which an alarm may come before its time
_LOOK_EVERY = 0.25  # seconds
_install = signal.signal


class TimedOut(BaseException):
    """Raised in a job that ran past its time limit; no job's `except Exception` may swallow it."""


class OwnAlarm(GristmillError):
    """Raised in a job by a SIGALRM that came before its time limit: it has set an alarm itself."""


class Terminated(BaseException):
    """Raised in a job, or before the next, when the child gets SIGTERM."""


class TimeLimit:
    """Bound each call: raise an exception in the main thread and, if that does not help, end the process.

    One thread watches over all calls; it runs between `with` and its end. SIGALRM belongs to it meanwhile.
    """

    def __init__(self, seconds: float, grace: float = _GRACE) -> None:
        self._seconds = seconds
        self._grace = grace
        self._armed = False
        self._struck: BaseException | None = None  # what was last raised in the work that is called
        self._late_at = self._give_up_at = math.inf
        self._last_words: Callable[[str], None] = print
        self._over = threading.Event()
        self._interrupt = signal.getsignal(signal.SIGINT)

    def __enter__(self) -> Self:
        signal.signal(signal.SIGALRM, self._ring)
        signal.signal(signal.SIGINT, self._note_interrupt)
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._over.set()
        signal.signal(signal.SIGINT, self._interrupt)

    @property
    def is_interrupted(self) -> bool:
        """Return whether SIGINT (Ctrl-C) has struck the work that is called."""
        return isinstance(self._struck, KeyboardInterrupt)

    def call(self, work: Callable[[], None], last_words: Callable[[str], None]) -> None:
        """Call `work`; TimedOut after the limit. If it goes on all the same, call `last_words` and exit.

        What was raised in the work is how it ends, whatever a bare `except:` there has made of it.
        """
        self._last_words = last_words
        self._struck = None
        try:
            try:
                self._armed = True
                self._late_at = time.monotonic() + self._seconds
                self._give_up_at = self._late_at + self._grace
                signal.setitimer(signal.ITIMER_REAL, self._seconds)
                work()
            finally:
                self._armed = False  # the alarm may strike just here, but it strikes once: what follows is safe
                if self._struck is not None:
                    raise self._struck from None
        finally:
            self._give_up_at = math.inf
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _ring(self, _number: int, _frame: FrameType | None) -> None:
        if self._armed:
            early = self._late_at - time.monotonic()
            if early > _EARLY:
                signal.setitimer(signal.ITIMER_REAL, early)  # the job's alarm has taken the place of this one
                self._struck = OwnAlarm(
                    f"SIGALRM {early:.1f} s before its time limit of {self._seconds:g} s: the job's own",
                    "Set no alarm in a job: the limit needs it.",
                )
                raise self._struck
            self._armed = False
            # alone: the texts of exceptions under way are code of the job, and its time is over
            self._struck = TimedOut(self._reason)
            raise self._struck from None

    def _note_interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self._struck = KeyboardInterrupt()
        raise self._struck

    def _watch(self) -> None:
        while not self._over.wait(min(_LOOK_EVERY, self._grace)):
            if time.monotonic() > self._give_up_at:
                try:
                    self._last_words(f"{self._reason} and did not stop")
                finally:
                    os._exit(ExitCode.STOPPED)

    @property
    def _reason(self) -> str:
        return past_time_limit(self._seconds)


class Termination:
    """Raise SIGTERM as an exception inside `call`, and remember it elsewhere: a commit under way is finished first."""

    def __init__(self) -> None:
        self._received = False
        self._inside = False

    def listen(self) -> Self:
        """Handle SIGTERM from now on."""
        signal.signal(signal.SIGTERM, self._end)
        return self

    def call(self, work: Callable[[], None]) -> None:
        """Call `work`, unless the child got SIGTERM before; Terminated if it gets it, whatever `work` makes of it."""
        self._inside = True
        signal.signal = self._install_noted  # type: ignore[assignment]
        try:
            if not self._received:
                work()
        finally:
            signal.signal = _install
            self._inside = False
            if self._received:
                raise Terminated from None

    def _install_noted(self, number: int, handler: Any) -> Any:
        """Install a handler as `signal.signal` does; SIGTERM is noted before a job's own handler of it is called."""
        if number != signal.SIGTERM or not callable(handler):
            return _install(number, handler)

        def noted(received: int, frame: FrameType | None) -> None:
            self._received = True
            handler(received, frame)

        return _install(number, noted)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        first, self._received = not self._received, True
        if first and self._inside:
            raise Terminated from None
