"""Read which rank mpirun names as the first that ended badly, from what it reports. Pure.

An abort is seen nowhere else: `MPI_Abort` with code 0 ends mpirun with 0, and the rank that calls it as well. The
sentences are those of Open MPI 4 and 5; tests hold them against the real one.
"""

import re
from dataclasses import dataclass
from enum import StrEnum, unique

_ABORT = re.compile(
    r"MPI_ABORT was invoked on rank \d+ in communicator .*?"
    r"(?:Proc: \[\[\d+,(?P<job>\d+)\],(?P<rank>\d+)\] Errorcode: |with errorcode )(?P<code>-?\d+)"
)
_OURS = "1"  # mpirun's number for the program; what that spawns has others
_ENDED = re.compile(
    r'process rank (\d+) with PID \d+ on node \S+ (calling "abort"|exiting improperly|exited on signal (\d+))'
)
_FAILED = re.compile(r"The first process to do so was: Process name: \[.*?,(\d+)\] Exit code")


@unique
class How(StrEnum):
    """What a rank did that ended the program."""

    ABORTED = 'calling "abort"'  # MPI_Abort, or an error that MPI itself calls fatal
    NOT_FINALIZED = "exiting improperly"  # it called MPI_Init and ended before MPI_Finalize
    KILLED = "killed"  # by a signal, and its supervisor with it
    FAILED = "failed"  # it ended with another code than 0


@dataclass(frozen=True)
class Blame:
    """The rank that mpirun blames, None where it names none.

    `code` is that of `MPI_Abort`, where it was called, or the signal that killed it.
    """

    how: How
    rank: int | None
    code: int | None = None


def read_blame(report: str) -> Blame | None:
    """Return the rank that mpirun's report blames, None if it blames none."""
    text = " ".join(report.split())
    abort, ended, failed = _ABORT.search(text), _ENDED.search(text), _FAILED.search(text)
    if abort:
        return Blame(How.ABORTED, _aborting(abort, ended), int(abort["code"]))
    if ended:
        how = How.KILLED if ended[3] else How(ended[2])
        return Blame(how, int(ended[1]), int(ended[3]) if ended[3] else None)
    return Blame(How.FAILED, int(failed[1])) if failed else None


def _aborting(abort: re.Match[str], ended: re.Match[str] | None) -> int | None:
    """Return the rank that called MPI_Abort. Those that talk to it abort as well, and may be named as the first."""
    if abort["rank"]:
        return int(abort["rank"]) if abort["job"] == _OURS else None
    return int(ended[1]) if ended else None
