"""Format the traceback of a job's own code."""

import traceback
from pathlib import Path
from types import TracebackType

from gristmill.errors import GristmillError

_HERE = str(Path(__file__).parent)


def job_trace(error: BaseException) -> str:
    """Return an exception's traceback from the job's first frame on; all of it where the job was not reached.

    The frames of the task loop before it mean nothing to a pipeline's author. Neither do those of what speaks for
    itself: of that it is the job's frames alone.
    """
    if isinstance(error, GristmillError):
        frames = [
            frame for frame in traceback.extract_tb(_reached(error.__traceback__)) if not _is_ours(frame.filename)
        ]
        return "".join(traceback.format_list(frames))
    return "".join(traceback.format_exception(type(error), error, _reached(error.__traceback__) or error.__traceback__))


def _reached(frames: TracebackType | None) -> TracebackType | None:
    while frames is not None and _is_ours(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    return frames


def _is_ours(file: str) -> bool:
    return file.startswith(_HERE)
