"""Work that must not keep its caller back: bounded in time, its failure told."""

import threading
from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from gristmill.errors import GristmillError

T = TypeVar("T")


class Overdue(GristmillError):
    """Raised where the work took too long, or AWS did not answer it."""


def within(seconds: float, work: Callable[[], T]) -> T:
    """Return what `work` returns; Overdue after so many seconds, or where a call to AWS fails.

    What is overdue goes on in its thread and is heard no more; it must leave nothing half done.
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
    if failed and not isinstance(failed[0], BotoCoreError | ClientError):
        raise failed[0]
    if not done:
        raise Overdue(str(failed[0]) if failed else f"it took more than {seconds:g} s")
    return done[0]
