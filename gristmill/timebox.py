"""Bound calls in time, so that they cannot hold up their caller."""

import threading
from collections.abc import Callable
from typing import NoReturn, TypeVar

from gristmill.errors import GristmillError

T = TypeVar("T")


class NoAnswer(GristmillError):
    """Raised when a call takes too long, or when AWS fails a request that it makes."""


def call_with_timeout(seconds: float, work: Callable[[], T]) -> T:
    """Return what `work` returns; NoAnswer after `seconds`, or when a request to AWS fails.

    After the timeout `work` goes on in its daemon thread and its result is dropped: it must leave nothing half done.
    """
    done: list[T] = []
    failed: list[Exception] = []

    def go() -> None:
        try:
            done.append(work())
        except Exception as error:  # noqa: BLE001 - raised in the caller's thread
            failed.append(error)

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        _raise(failed[0])
    if not done:
        raise NoAnswer(f"it took more than {seconds:g} s")
    return done[0]


def _raise(error: Exception) -> NoReturn:
    from botocore.exceptions import BotoCoreError, ClientError  # heavy, and needed where a call has failed alone

    raise NoAnswer(str(error)) if isinstance(error, BotoCoreError | ClientError) else error
