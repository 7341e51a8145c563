"""Read which rank mpirun names as the first that ended badly, from what it reports. Pure.

An abort is seen nowhere else: `MPI_Abort` with code 0 ends mpirun with 0, and the rank that calls it as well. The
sentences are those of Open MPI 4 and 5; tests hold them against the real one.
"""

import re
from dataclasses import dataclass
from enum import StrEnum, unique

_ABORT = re.compile(r"MPI_ABORT was invoked on rank \d+ .*?(?:Errorcode: |with errorcode )(-?\d+)")
_ENDED = re.compile(r'process rank (\d+) with PID \d+ on node \S+ (calling "abort"|exiting improperly)')
_FAILED = re.compile(r"The first process to do so was: Process name: \[.*?,(\d+)\] Exit code")


@unique
class How(StrEnum):
    """What a rank did that ended the program."""

    ABORTED = 'calling "abort"'  # MPI_Abort, or an error that MPI itself calls fatal
    NOT_FINALIZED = "exiting improperly"  # it called MPI_Init and ended before MPI_Finalize
    FAILED = "failed"  # it ended with another code than 0


@dataclass(frozen=True)
class Blame:
    """The rank that mpirun blames, None where it names none; `code` is that of `MPI_Abort`, where it was called."""

    how: How
    rank: int | None
    code: int | None = None


def read_blame(report: str) -> Blame | None:
    """Return whom mpirun's report blames, None if nobody."""
    text = " ".join(report.split())
    abort, ended, failed = _ABORT.search(text), _ENDED.search(text), _FAILED.search(text)
    if abort or (ended and ended[2] == How.ABORTED):
        return Blame(How.ABORTED, int(ended[1]) if ended else None, int(abort[1]) if abort else None)
    if ended:
        return Blame(How.NOT_FINALIZED, int(ended[1]))
    return Blame(How.FAILED, int(failed[1])) if failed else None
