"""Judge how an MPI program ended, from mpirun's exit code, its report, and the account of every rank. Pure.

Success takes all of them: mpirun ends with 0 when a rank calls MPI_Abort with 0, and when it has lost a node.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gristmill.errors import ExitCode
from gristmill.humanize import signal_name
from gristmill.worker.child.process import how_ended
from gristmill.worker.node.blame import Blame, How
from gristmill.worker.node.ranks import RankEnd, shortlist

WELL = "all ranks ended well"


@dataclass(frozen=True)
class Verdict:
    """An exit code, 0 for success alone, its reason, and whether that is a refusal: another try would end alike."""

    code: int
    reason: str
    refused: bool = False


def judge(mpirun: int, blame: Blame | None, ranks: int, ends: Sequence[RankEnd]) -> Verdict:
    """Return the verdict on a program of so many ranks; `mpirun` is below 0 if a signal killed it."""
    code = mpirun or ExitCode.FAILED
    if mpirun < 0:
        return Verdict(128 - mpirun, f"mpirun was killed by {signal_name(-mpirun)}")
    if refusals := [end for end in ends if end.refusal]:
        first = min(refusals, key=lambda end: (blame is None or end.rank != blame.rank, end.rank))
        return Verdict(code, f"{first}: {first.refusal}", refused=True)
    blame = _cause(blame, ends)
    if blame is not None and blame.how is How.ABORTED:
        return Verdict(code, f"{_who(blame.rank, ends)} {_aborted(blame.code)}")
    if blame is not None and blame.how is How.NOT_FINALIZED:
        return Verdict(ExitCode.FAILED, f"{_who(blame.rank, ends)} ended before MPI_Finalize")
    if blame is not None and blame.how is How.KILLED and blame.code:
        return Verdict(128 + blame.code, f"{_who(blame.rank, ends)} was killed by {signal_name(blame.code)}")
    if failed := _failed(blame, ends):
        ending = failed.code or 0
        return Verdict(ending if ending > 0 else 128 - ending, f"{failed} {how_ended(ending)}")
    if killed := [str(end) for end in ends if end.code is None]:
        return Verdict(code, f"mpirun ended with {mpirun}, and not seen to end were {shortlist(killed)}")
    if missing := sorted(set(range(ranks)) - {end.rank for end in ends}):
        return Verdict(code, f"of {ranks} ranks, these never began: {shortlist([str(rank) for rank in missing])}")
    return Verdict(mpirun, f"mpirun ended with {mpirun}, though all ranks ended with 0" if mpirun else WELL)


def _cause(blame: Blame | None, ends: Sequence[RankEnd]) -> Blame | None:
    """Return who is to blame, where mpirun names a rank that called no MPI_Abort.

    MPI itself aborts each rank that talks to one that has ended, and mpirun may hear of that first.
    """
    if blame is None or blame.how is not How.ABORTED or blame.code is not None:
        return blame
    aborted = [end.code for end in ends if end.rank == blame.rank]
    gone = [end for end in ends if not (end.code is None or end.is_asked or end.code in aborted)]
    for end in sorted(gone, key=lambda end: end.code == 0):
        return Blame(How.FAILED if end.code else How.NOT_FINALIZED, end.rank)
    return blame


def _failed(blame: Blame | None, ends: Sequence[RankEnd]) -> RankEnd | None:
    """Return the rank that failed first, as far as that is known: mpirun ends the others for it."""
    failed = [end for end in ends if end.code]
    blamed = [end for end in failed if blame is not None and end.rank == blame.rank]
    by_itself = [end for end in failed if not end.is_asked]
    return next(iter([*blamed, *by_itself, *failed]), None)


def _who(rank: int | None, ends: Sequence[RankEnd]) -> str:
    if rank is None:
        return "a rank"
    return next((str(end) for end in ends if end.rank == rank), f"rank {rank}")


def _aborted(code: int | None) -> str:
    return "aborted" if code is None else f"called MPI_Abort with code {code}"
