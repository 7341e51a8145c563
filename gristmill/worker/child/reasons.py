"""Why a task failed, in a line: what went wrong and how to mend it, for each exception that a task may end with.

And whether it is a refusal, which another attempt would only repeat.
"""

import errno
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from gristmill.errors import GristmillError, Refused
from gristmill.formats.reader import Malformed
from gristmill.worker.child.deadline import TimedOut

MORE_TIME = "Raise `timeout` in pipeline.yaml, or give each task less."
MORE_MEMORY = "Raise `memory` in pipeline.yaml, or give each task less."
_MORE_DISK = "Give each task less, write less beside the output, or give the machine a larger disk."


def reason_of(error: BaseException) -> str:
    """Return why a task failed. The text of a job's own exception is that exception's code, and may raise anything."""
    for kinds, say in _SAY:
        if isinstance(error, kinds):
            return say(error)
    return _own(error)


def is_refusal(error: BaseException) -> bool:
    """Return whether a task refuses what it reads or writes, as it would each time, rather than failing at it."""
    return isinstance(error, Refused | Malformed)


def _own(error: BaseException) -> str:
    """Return the text of an exception of the job's own; one without a text is named by its place."""
    text, kind = str(error), type(error).__name__
    if text:
        return f"{kind}: {text}"
    frames = traceback.extract_tb(error.__traceback__)
    return (
        f"{kind}, without a message, at {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else kind
    )


def _of_exit(error: Any) -> str:
    return f"the job called sys.exit({error.code!r}). Return where a task is done, and raise where it is not."


def _of_system(error: Any) -> str:
    place = f" ({error.filename})" if error.filename else ""
    return f"the disk is full{place}. {_MORE_DISK}" if error.errno == errno.ENOSPC else _own(error)


def _of_aws(error: Any) -> str:
    answer = error.response.get("Error", {})
    code, message = answer.get("Code", "an error"), answer.get("Message", "no reason given")
    return f"AWS answered {code} to {error.operation_name}: {message}"


_SAY: tuple[tuple[type[BaseException], Callable[[Any], str]], ...] = (
    (TimedOut, lambda error: f"{error}. {MORE_TIME}"),
    (GristmillError, str),
    (MemoryError, lambda _error: f"it ran out of memory. {MORE_MEMORY}"),
    (SystemExit, _of_exit),
    (ClientError, _of_aws),
    (BotoCoreError, lambda error: f"AWS cannot be reached: {error}"),
    (OSError, _of_system),
)
