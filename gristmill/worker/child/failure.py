"""Describe a task's failure by its exception, whatever class the job gave that."""

from datetime import datetime

from gristmill.formats.reader import Malformed
from gristmill.runs.evidence import Failure
from gristmill.storage import Storage
from gristmill.worker.child.deadline import Terminated, TimedOut
from gristmill.worker.child.process import ProgramFailed
from gristmill.worker.child.reasons import is_refusal, reason_of
from gristmill.worker.child.setting import ChildSetting
from gristmill.worker.child.trace import job_trace

_REASON = 500  # characters
_DETAIL = 4_000  # characters of traceback kept: its end matters most


class JobFailed(Exception):
    """Raised for whatever a job raises: no exception of its own goes further."""

    def __init__(self, reason: str, detail: str = "", exit_code: int | None = None, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.detail, self.exit_code, self.refused = reason, detail, exit_code, refused


def leave_failure(store: Storage, setting: ChildSetting, task: int, failure: JobFailed, at: datetime) -> None:
    """Write the record of a task's failure."""
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
    )
    store.put(setting.keys.failure(task, cursor.attempt), record.model_dump_json().encode())


def failed(error: BaseException) -> JobFailed:
    """Return the failure that an exception stands for; its own code (`__str__`, `__notes__`) may raise anything."""
    if isinstance(error, JobFailed):
        return error
    return JobFailed(_reason(error), _detail(error), _exit_code(error), refused=is_refusal(error))


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
