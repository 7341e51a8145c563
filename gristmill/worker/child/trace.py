"""Format the traceback of a job's own code."""

import traceback
from pathlib import Path
from types import TracebackType

_HERE = str(Path(__file__).parent)


def job_trace(error: BaseException) -> str:
    """Return an exception's traceback from the job's first frame on; all of it where the job was not reached.

    The frames of the task loop before it mean nothing to a pipeline's author.
    """
    return "".join(traceback.format_exception(type(error), error, _reached(error.__traceback__) or error.__traceback__))


def _reached(frames: TracebackType | None) -> TracebackType | None:
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_HERE):
        frames = frames.tb_next
    return frames
