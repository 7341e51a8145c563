"""How an MPI program is judged, from what mpirun says and from the account of each rank."""

import os
import subprocess
import sys

import pytest

from gristmill.worker.node.blame import Blame, How, read_blame
from gristmill.worker.node.ranks import Accounts, RankEnd, shortlist, supervised
from gristmill.worker.node.verdict import judge

WELL = [RankEnd(0, 0, 0), RankEnd(1, 1, 0)]
ABORT = """
--------------------------------------------------------------------------
MPI_ABORT was invoked on rank 0 in communicator MPI_COMM_SELF
  Proc: [[35869,1],1]
  Errorcode: -3

NOTE: invoking MPI_ABORT causes Open MPI to kill all MPI processes.
"""
ABORTED = """
prterun has exited due to process rank 1 with PID 0 on node node-1 calling
"abort". This may have caused other processes in the application to be
terminated by signals sent by prterun (as reported here).
"""
IMPROPER = """
prterun has exited due to process rank 12 with PID 13514 on node vm exiting
improperly. There are three reasons this could occur:
"""
KILLED = """
prterun noticed that process rank 1 with PID 19106 on node a1n1 exited on
signal 9 (Killed).
"""
FAILED = """
prterun detected that one or more processes exited with non-zero status,
thus causing the job to be terminated. The first process to do so was:

   Process name: [prterun-vm-13613@1,1]
   Exit code:    3
"""


@pytest.mark.parametrize(
    ("report", "blame"),
    [
        ("", None),
        (ABORT + ABORTED, Blame(How.ABORTED, 1, -3)),
        (ABORTED, Blame(How.ABORTED, 1)),
        (ABORT, Blame(How.ABORTED, 1, -3)),
        (ABORT + ABORTED.replace("rank 1", "rank 0"), Blame(How.ABORTED, 1, -3)),
        (ABORT.replace("MPI_COMM_SELF", "MPI COMMUNICATOR 3 SPLIT FROM 0"), Blame(How.ABORTED, 1, -3)),
        (
            "MPI_ABORT was invoked on rank 2 in communicator MPI_COMM_WORLD\nwith errorcode 0.",
            Blame(How.ABORTED, None, 0),
        ),
        (ABORT.replace("35869,1", "35869,2") + ABORTED, Blame(How.ABORTED, None, -3)),  # spawned
        (IMPROPER, Blame(How.NOT_FINALIZED, 12)),
        (KILLED, Blame(How.KILLED, 1, 9)),
        (FAILED, Blame(How.FAILED, 1)),
        (FAILED.replace("prterun-vm-13613@1,1", "[12345,1],3"), Blame(How.FAILED, 3)),  # Open MPI 4
    ],
)
def test_mpirun_says_who_ended_badly(report: str, blame: Blame | None):
    assert read_blame(report) == blame


@pytest.mark.parametrize(
    ("mpirun", "blame", "ends", "code", "reason"),
    [
        (0, None, WELL, 0, "all ranks ended well"),
        (0, Blame(How.ABORTED, 1, 0), WELL, 1, "rank 1 on node 1 called MPI_Abort with code 0"),
        (0, Blame(How.ABORTED, None, 0), WELL, 1, "a rank called MPI_Abort with code 0"),
        (14, Blame(How.ABORTED, 1), [], 14, "rank 1 aborted"),
        (0, None, [WELL[0], RankEnd(1, 1, -15)], 143, "rank 1 on node 1 was killed by SIGTERM"),
        (0, None, [WELL[0], RankEnd(1, 1, 9)], 9, "rank 1 on node 1 ended with exit code 9"),
        (0, None, [WELL[0], RankEnd(1, 1)], 1, "mpirun ended with 0, and not seen to end were rank 1 on node 1"),
        (0, None, WELL[:1], 1, "of 2 ranks, these never began: 1"),
        (0, None, [], 1, "of 2 ranks, these never began: 0, 1"),
        (
            1,
            Blame(How.NOT_FINALIZED, 1),
            [RankEnd(0, 0, -15), WELL[1]],
            1,
            "rank 1 on node 1 ended before MPI_Finalize",
        ),
        (7, None, [RankEnd(0, 0, -15, True), RankEnd(1, 1, 7)], 7, "rank 1 on node 1 ended with exit code 7"),
        (7, None, [RankEnd(0, 0, 3, True), RankEnd(1, 1, -15)], 143, "rank 1 on node 1 was killed by SIGTERM"),
        # rank 0 talked to rank 1, which had ended: MPI aborts it, and mpirun hears of that first
        (
            14,
            Blame(How.ABORTED, 0),
            [RankEnd(0, 0, 14), RankEnd(1, 1, 9)],
            9,
            "rank 1 on node 1 ended with exit code 9",
        ),
        (
            14,
            Blame(How.ABORTED, 0),
            [RankEnd(0, 0, 14), RankEnd(1, 1, -9)],
            137,
            "rank 1 on node 1 was killed by SIGKILL",
        ),
        (14, Blame(How.ABORTED, 0), [RankEnd(0, 0, 14), WELL[1]], 1, "rank 1 on node 1 ended before MPI_Finalize"),
        (14, Blame(How.ABORTED, 0), [RankEnd(0, 0, 14), RankEnd(1, 1, 14)], 14, "rank 0 on node 0 aborted"),
        (14, Blame(How.ABORTED, 0), [RankEnd(0, 0, 14), RankEnd(1, 1, 3, True)], 14, "rank 0 on node 0 aborted"),
        (14, Blame(How.ABORTED, 0), [RankEnd(0, 0, 14), RankEnd(1, 1)], 14, "rank 0 on node 0 aborted"),
        (
            5,
            Blame(How.ABORTED, 0, 5),
            [RankEnd(0, 0, 5), RankEnd(1, 1, 14)],
            5,
            "rank 0 on node 0 called MPI_Abort with code 5",
        ),
        (9, Blame(How.FAILED, 1), [RankEnd(0, 0, 7), RankEnd(1, 1, 9)], 9, "rank 1 on node 1 ended with exit code 9"),
        (137, Blame(How.FAILED, 1), [RankEnd(0, 0), RankEnd(1, 1, -9)], 137, "rank 1 on node 1 was killed by SIGKILL"),
        (
            137,
            Blame(How.KILLED, 1, 9),
            [RankEnd(0, 0, -15, True), RankEnd(1, 1)],
            137,
            "rank 1 on node 1 was killed by SIGKILL",
        ),
        (213, None, WELL, 213, "mpirun ended with 213, though all ranks ended with 0"),
        (-9, None, [], 137, "mpirun was killed by SIGKILL"),
    ],
)
def test_only_a_program_whose_ranks_all_ended_well_has_ended_well(mpirun, blame, ends, code, reason):
    verdict = judge(mpirun, blame, 2, ends)
    assert (verdict.code, verdict.reason) == (code, reason)


def test_of_many_names_the_first_are_shown():
    assert shortlist(list("abcd")) == "a, b, c, d"
    assert shortlist(list("abcdefg")) == "a, b, c, d, 3 more"


def supervise(accounts: Accounts, rank: int, *words: str) -> "subprocess.CompletedProcess[str]":
    own = {**os.environ, **accounts.variables, "OMPI_COMM_WORLD_RANK": str(rank)}
    return subprocess.run(supervised(words), env=own, input="input", capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("script", "code", "account"),
    [
        ("exit 0", 0, 0),
        ("exit 3", 3, 3),
        ("kill -KILL $$", 137, -9),
        ("kill -PIPE $$", 141, -13),  # as usual, though Python ignores it
        ("kill -TERM 0; sleep 9", 143, -15),  # the whole group, as mpirun does
        ("kill -TERM $$; sleep 9", 143, -15),
        ("trap 'exit 0' TERM; kill -TERM 0; sleep 9", 0, 0),
        ("kill -KILL $PPID", -9, None),
    ],
)
def test_a_rank_leaves_an_account_of_its_end(tmp_path, script: str, code: int, account: int | None):
    accounts = Accounts(tmp_path / "ranks", 4)
    begin = "import os; os.setpgid(0, 0); os.execvp(os.sys.argv[1], os.sys.argv[1:])"
    own = {**os.environ, **accounts.variables, "OMPI_COMM_WORLD_RANK": "7"}
    words = [sys.executable, "-c", begin, *supervised(["sh", "-c", script])]
    assert subprocess.run(words, env=own, check=False).returncode == code
    assert accounts.read() == [RankEnd(7, 4, account, is_asked="-TERM 0" in script)]


def test_a_rank_reads_nothing_and_its_errors_go_where_its_output_goes(tmp_path):
    accounts = Accounts(tmp_path / "ranks", 0)
    done = supervise(accounts, 0, "sh", "-c", "cat; echo out; echo err >&2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "out\nerr\n", "")


def test_a_program_that_cannot_be_started_is_named(tmp_path):
    accounts = Accounts(tmp_path / "ranks", 0)
    absent, text = supervise(accounts, 0, "./absent"), supervise(accounts, 1, str(tmp_path))
    assert (absent.returncode, absent.stdout) == (127, "./absent cannot be started: No such file or directory\n")
    assert (text.returncode, text.stdout) == (126, f"{tmp_path} cannot be started: Permission denied\n")
    assert [end.code for end in accounts.read()] == [127, 126]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets orphans be adopted")
def test_what_a_rank_leaves_has_a_moment_and_is_then_ended(tmp_path):
    accounts = Accounts(tmp_path / "ranks", 0)
    done = supervise(accounts, 0, "sh", "-c", "setsid sh -c 'sleep 0.3; echo late; sleep 60; echo never' & exit 0")
    assert (done.returncode, done.stdout) == (0, "late\nrank 0 left processes running: they are ended\n")
