"""Describe a task's failure by its exception, whatever class the job gave that."""

import signal
from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from gristmill.errors import GristmillError, Refused
from gristmill.formats.reader import Malformed
from gristmill.runs.evidence import Failure
from gristmill.storage import Storage
from gristmill.worker.child.deadline import Terminated, TimedOut
from gristmill.worker.child.feeds import Feed
from gristmill.worker.child.process import ProgramFailed
from gristmill.worker.child.reasons import is_refusal, reason_of
from gristmill.worker.child.setting import ChildSetting
from gristmill.worker.child.trace import job_trace

_KILLED = (128 + signal.SIGKILL, 128 + signal.SIGTERM)  # exit codes of programs that others have ended
_REASON = 500  # characters
_DETAIL = 4_000  # characters of traceback kept: its end matters most


class JobFailed(Exception):
    """Raised for whatever a job raises: no exception of its own goes further."""

    def __init__(
        self, reason: str, detail: str = "", exit_code: int | None = None, *, refused: bool = False, own: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason, self.detail, self.exit_code, self.refused = reason, detail, exit_code, refused
        self.own = own  # the task alone is to blame: not its host, the store or what ended it


@dataclass(frozen=True)
class Counted:
    """What a task that failed was to read: the text of a list's item, and records."""

    item: str
    records: int


def leave_failure(
    store: Storage,
    setting: ChildSetting,
    task: int,
    failure: JobFailed,
    at: datetime,
    counted: Counted | None = None,
) -> None:
    """Write the record of a task's failure; of one that may be left out with what it was to read, `counted`."""
    cursor = setting.cursor
    record = Failure(
        stage=cursor.stage,
        branch=setting.branch,
        task=task,
        attempt=cursor.attempt,
        reason=failure.reason[:_REASON],
        detail=failure.detail[-_DETAIL:],
        exit_code=failure.exit_code,
        job_id=setting.job_id,
        log_stream=setting.log_stream,
        at=at,
        refused=failure.refused,
        item=counted.item if counted else "",
        records=counted.records if counted else None,
    )
    store.put(setting.keys.failure(task, cursor.attempt), record.model_dump_json().encode())


def failed(error: BaseException) -> JobFailed:
    """Return the failure that an exception stands for; its own code (`__str__`, `__notes__`) may raise anything."""
    if isinstance(error, JobFailed):
        return error
    refused, own = is_refusal(error), is_own(error)
    return JobFailed(_reason(error), _detail(error), _exit_code(error), refused=refused, own=own)


def count_input(feed: Feed, start: int, end: int) -> Counted | None:
    """Return what a task that failed was to read, read anew from a feed's values; None where it cannot be read."""
    try:
        chunk = feed.chunk(start, end)
        chunk.finish()
        return Counted(chunk.item, chunk.records)
    except Exception:  # noqa: BLE001 - whatever it is, the task is not one to be left out
        return None
    finally:
        feed.drop()


def is_own(error: BaseException) -> bool:
    """Return whether a task alone is to blame for its failure: not memory, disk, network, AWS or a kill."""
    if isinstance(error, ProgramFailed):
        return error.code not in _KILLED
    if isinstance(error, Refused | Malformed):
        return True
    return not isinstance(error, GristmillError | MemoryError | OSError | BotoCoreError | ClientError)


def _reason(error: BaseException) -> str:
    try:
        return reason_of(error)
    except (TimedOut, Terminated):
        raise
    except BaseException as other:  # noqa: BLE001 - see above
        return f"{type.__getattribute__(type(error), '__name__')}: (its text cannot be had: {type(other).__name__})"


def _detail(error: BaseException) -> str:
    """Return the end of a program's output, or where Python's own code failed."""
    if isinstance(error, ProgramFailed):
        return error.detail
    if isinstance(error, Malformed):
        return ""  # its reason says what is wrong with the file; no code is
    try:
        return job_trace(error)
    except (TimedOut, Terminated):
        raise
    except BaseException as other:  # noqa: BLE001 - see above
        return f"(its traceback cannot be had: {type(other).__name__})"


def _exit_code(error: BaseException) -> int | None:
    if isinstance(error, ProgramFailed):
        return error.code
    return error.code & 0xFF if isinstance(error, SystemExit) and isinstance(error.code, int) else None
