"""A job of ranks is green only if every rank ended well, whatever program it is."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gristmill.enums import NodeMessage
from tests.mpi.nodes import PROGRAMS, Nodes
from tests.mpi.test_failures import Make, nothing_is_left, start

PYTHON = f"{sys.executable} -m mpi4py {PROGRAMS}"
MPICC = Path(sys.executable).with_name("mpicc")
C_PROGRAM = """
#include <mpi.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int count, char **words) {
    int rank;
    MPI_Init(&count, &words);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (rank == 0 && !strcmp(words[1], "abort")) MPI_Abort(MPI_COMM_SELF, 0);
    if (rank == 0 && !strcmp(words[1], "exit")) exit(0);
    if (strcmp(words[1], "well")) sleep(60);
    return MPI_Finalize();
}
"""


def reason(job: Nodes) -> str:
    return str(job.notice(NodeMessage.OUTCOME)["reason"])


def shell(job: Nodes, script: str) -> Nodes:
    for index in range(job.count):
        job.start(index, "sh", "-c", script)
    return job


@pytest.mark.parametrize("count", [1, 2])
def test_a_program_whose_ranks_all_give_up_is_no_success(nodes: Make, count: int):
    job = start(nodes(count), "abort-everywhere")
    assert [job.ends(index) for index in range(count)] == [1] * count, job.output(0)
    assert "called MPI_Abort with code 0" in reason(job)


@pytest.mark.parametrize("how", ["give-up", "exit-early"])
def test_the_only_rank_that_gives_up_is_no_success(nodes: Make, how: str):
    job = start(nodes(1), how)
    assert job.ends(0) == 1, job.output(0)
    assert reason(job).startswith("rank 0 on node 0 ")


@pytest.fixture(scope="module")
def c_program(tmp_path_factory: pytest.TempPathFactory) -> str:
    if shutil.which("cc") is None or not MPICC.is_file():
        pytest.skip("no C compiler here")
    folder = tmp_path_factory.mktemp("c")
    (folder / "program.c").write_text(C_PROGRAM)
    subprocess.run([MPICC, folder / "program.c", "-o", folder / "program"], check=True)
    return str(folder / "program")


@pytest.mark.parametrize(
    ("how", "code", "why"),
    [
        ("well", 0, "all ranks ended well"),
        ("abort", 1, "rank 0 on node 0 called MPI_Abort with code 0"),
        ("exit", 1, "rank 0 on node 0 ended before MPI_Finalize"),
    ],
)
def test_a_program_in_c_is_judged_alike(nodes: Make, c_program: str, how: str, code: int, why: str):
    job = nodes(2)
    for index in (0, 1):
        job.start(index, c_program, how)
    assert [job.ends(0), job.ends(1)] == [code, code], job.output(0)
    assert reason(job) == why


@pytest.mark.parametrize(
    "script",
    [
        f"{PYTHON} killed; true",
        f"{PYTHON} exit | cat",
        f"{PYTHON} give-up; exit 0",
        f"{PYTHON} sleep & sleep 1; exit 0",
        f"setsid {PYTHON} sleep & exit 0",
    ],
    ids=["hidden by true", "hidden by a pipe", "abort behind a shell", "ended before its program", "detached"],
)
def test_a_shell_hides_no_rank_that_ends_badly(nodes: Make, script: str):
    job = shell(nodes(2), script)
    assert [job.ends(0), job.ends(1)] == [1, 1], job.output(0)
    assert " on node " in reason(job)
    assert nothing_is_left(job)


def test_a_program_that_is_not_there_is_named(nodes: Make):
    job = nodes(1)
    job.start(0, "./no-such-program")
    assert job.ends(0) == 127
    assert reason(job) == "rank 0 on node 0 ended with exit code 127"
    assert "./no-such-program cannot be started: No such file or directory" in job.output(0)


def test_every_rank_reads_an_empty_input(nodes: Make):
    job = start(nodes(2), "read")
    assert [job.ends(0), job.ends(1)] == [0, 0], job.output(0)
    assert {"rank 0 read ''", "rank 1 read ''"} <= set(job.output(0).splitlines())


def test_a_process_that_a_rank_leaves_holds_nothing_up_and_is_ended(nodes: Make):
    job = start(nodes(2), "leave")
    assert [job.ends(0, 20), job.ends(1, 20)] == [0, 0], job.output(0)
    (left,) = [line.split()[1] for line in job.output(0).splitlines() if line.startswith("left")]
    assert not Path(f"/proc/{left}").exists()


@pytest.mark.parametrize("how", ["sleep", "disagree", "stubborn", "polite"])
def test_the_time_limit_ends_the_ranks_of_all_nodes(nodes: Make, how: str):
    job = nodes(2)
    for index in (0, 1):
        job.start(index, "python", PROGRAMS, how, options=("--time-limit-seconds", "4"))
    assert [job.ends(0, 30), job.ends(1, 10)] == [6, 6], job.output(0)
    why = "ran past its time limit of 4 s: rank 0 on node 0, rank 1 on node 1 had not ended"
    assert reason(job) == why
    assert why in job.output(1)
    assert nothing_is_left(job)


def test_at_the_time_limit_only_those_are_named_that_had_not_ended(nodes: Make):
    job = nodes(2)
    script = f'[ "$OMPI_COMM_WORLD_RANK" = 1 ] || exec {PYTHON} hello'
    for index in (0, 1):
        job.start(index, "sh", "-c", script, options=("--time-limit-seconds", "4"))
    assert [job.ends(0, 30), job.ends(1, 10)] == [6, 6], job.output(0)
    assert reason(job) == "ran past its time limit of 4 s: rank 0 on node 0 had not ended"
