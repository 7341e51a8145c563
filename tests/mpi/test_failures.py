"""How multi-node jobs end: each way to fail has its exit code, names the node, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from gristmill.client.target import Target
from gristmill.enums import NodeMessage
from tests.mpi.nodes import PROGRAMS, PROJECT, Line, Nodes

Make = Callable[..., Nodes]


def start(job: Nodes, how: str, **variables: str) -> Nodes:
    for index in range(job.count):
        job.start(index, "python", PROGRAMS, how, **variables)
    return job


def nothing_is_left(job: Nodes) -> bool:
    end = time.monotonic() + 5
    while left := [process for index in range(job.count) for process in job.descendants(index)]:
        assert time.monotonic() < end, f"still there: {left}"
        time.sleep(0.05)
    return True


@pytest.fixture
def line(target: Target) -> Iterator[Line]:
    made = Line(target)
    yield made
    made.close()


def test_each_rank_runs_on_its_own_node(nodes: Make):
    job = start(nodes(3), "hello")
    assert [job.ends(index) for index in range(3)] == [0, 0, 0], job.output(0)
    for index in range(3):
        assert f"rank {index} of 3 node {index}" in job.output(0)
    assert nothing_is_left(job)


def test_ten_nodes_are_no_more_trouble_than_two(nodes: Make):
    job = start(nodes(10), "hello")
    assert [job.ends(index, 120) for index in range(10)] == [0] * 10, job.output(0)
    assert {line for line in job.output(0).splitlines() if line.startswith("rank 9 of 10 node 9 ")}
    assert nothing_is_left(job)


@pytest.mark.parametrize(
    ("how", "code", "reason"),
    [
        ("exit", 7, "ended with exit code 7"),
        ("exit-early", 1, "ended before MPI_Finalize"),
        ("become", 1, "ended before MPI_Finalize"),
        ("finalized", 9, "ended with exit code 9"),
        ("abort", 5, "called MPI_Abort with code 5"),
        ("give-up", 1, "called MPI_Abort with code 0"),
        ("abort-256", 1, "called MPI_Abort with code 256"),
        ("crash", 139, "was killed by SIGSEGV"),
        ("killed", 137, "was killed by SIGKILL"),
        ("killed-by-group", 137, "was killed by SIGKILL"),
        ("raise", 1, "called MPI_Abort with code 1"),
        ("awaited-9", 9, "ended with exit code 9"),  # MPI aborts rank 0, which waits for it, and mpirun names that
        ("awaited-0", 1, "ended before MPI_Finalize"),
    ],
)
def test_a_rank_that_ends_badly_is_named_and_its_exit_code_is_that_of_all_nodes(
    nodes: Make, how: str, code: int, reason: str
):
    job = start(nodes(2), how)
    assert [job.ends(0), job.ends(1)] == [code, code], job.output(0)
    assert job.notice(NodeMessage.OUTCOME) == {"exit_code": code, "reason": f"rank 1 on node 1 {reason}"}
    assert nothing_is_left(job)


def test_a_node_that_never_comes_is_named(nodes: Make):
    job = nodes(3)
    for index in (0, 1):
        job.start(index, "true", options=("--register-seconds", "3", "--lost-seconds", "6"))
    assert [job.ends(0), job.ends(1)] == [75, 75]
    assert "1 of 3 nodes did not register within 3 s: missing [2]" in job.output(0)
    assert "missing [2]" in job.output(1)


def test_a_node_that_cannot_take_part_says_why_and_nobody_waits_for_the_limit(nodes: Make, tmp_path):
    job = nodes(2)
    job.start(0, "true")
    job.running("main node")
    job.store.put_object(
        Bucket=job.bucket, Key=job.place.of(NodeMessage.NODE, 1), Body=b'{"error": "its disk is full"}'
    )
    assert job.ends(0) == 75
    assert "node 1 cannot take part: its disk is full" in job.output(0)


def test_a_node_that_comes_and_dies_before_the_start_is_lost(nodes: Make):
    job = nodes(3)
    for index in (0, 1):
        job.start(index, "true")
    job.notice(NodeMessage.NODE, 1)
    job.notice(NodeMessage.ALIVE, 1)
    job.vanish(1)
    assert job.ends(0) == 78
    assert "no heartbeat from node 1 for 6 s" in job.output(0)


def test_a_killed_daemon_is_a_lost_node_though_mpirun_ends_with_0(nodes: Make):
    job = start(nodes(3), "sleep")
    job.running()
    job.kill_daemon(1)
    assert [job.ends(index) for index in range(3)] == [78, 78, 78], job.output(0)
    assert "node 1 is lost" in job.output(0)
    assert nothing_is_left(job)


def test_a_host_that_goes_away_is_a_lost_node(nodes: Make):
    job = start(nodes(3), "sleep")
    job.running()
    job.vanish(1)
    assert [job.ends(0), job.ends(2)] == [78, 78], job.output(0)
    assert "node" in job.output(0).split("gristmill:")[-1]
    assert nothing_is_left(job)


def test_a_node_told_to_end_says_so(nodes: Make):
    job = start(nodes(3), "sleep")
    job.running()
    job.processes[1].send_signal(signal.SIGTERM)
    assert [job.ends(index) for index in range(3)] == [78, 143, 78], job.output(0)
    assert "node 1 is lost: terminated (SIGTERM)" in job.output(0)
    assert nothing_is_left(job)


def test_nodes_without_their_main_node_end(nodes: Make):
    job = start(nodes(3), "sleep")
    job.running()
    job.vanish(0)
    assert [job.ends(1), job.ends(2)] == [76, 76]
    assert "no heartbeat from the main node for 6 s" in job.output(1)
    assert nothing_is_left(job)


def test_a_killed_mpirun_is_told_by_its_signal(nodes: Make):
    job = start(nodes(2), "sleep")
    job.running()
    (mpirun,) = subprocess.run(
        ["pgrep", "-P", str(job.processes[0].pid), "-x", "mpirun|prterun"], capture_output=True, text=True, check=True
    ).stdout.split()
    os.kill(int(mpirun), signal.SIGKILL)
    assert [job.ends(0), job.ends(1)] == [137, 137], job.output(0)
    assert nothing_is_left(job)


def test_a_main_node_told_to_end_takes_all_with_it(nodes: Make):
    job = start(nodes(2), "sleep")
    job.running()
    job.processes[0].send_signal(signal.SIGTERM)
    assert [job.ends(0), job.ends(1)] == [143, 143], job.output(1)
    assert nothing_is_left(job)


def test_a_second_attempt_is_not_disturbed_by_nodes_left_from_the_first(nodes: Make):
    first = start(nodes(2), "sleep")
    first.running()
    first.vanish(0)
    second = start(nodes(2, attempt=2, job=first.job), "hello")
    assert [second.ends(0), second.ends(1)] == [0, 0], second.output(0)
    assert first.processes[1].poll() is None, "the old node was to live meanwhile"
    assert first.ends(1) == 76


def test_one_node_alone_needs_no_other(nodes: Make):
    job = start(nodes(1), "hello")
    assert job.ends(0) == 0, job.output(0)
    assert "rank 0 of 1" in job.output(0)


def test_a_program_that_is_no_mpi4py_one_runs_as_it_is(nodes: Make):
    job = nodes(2)
    for index in (0, 1):
        job.start(index, "sh", "-c", "echo plain $AWS_BATCH_JOB_NODE_INDEX; exit $AWS_BATCH_JOB_NODE_INDEX")
    assert [job.ends(0), job.ends(1)] == [1, 1]
    assert {"plain 0", "plain 1"} <= set(job.output(0).splitlines())


def test_without_mpirun_it_is_said(nodes: Make):
    job = nodes(2)
    bare = f"{sys.base_prefix}/bin/python3"  # has no mpirun beside it
    packages = os.pathsep.join([str(PROJECT), *(path for path in sys.path if path.endswith("site-packages"))])
    job.start(0, "true")
    job.start(1, "true", python=bare, PYTHONPATH=packages, PATH="/nowhere")
    assert [job.ends(0), job.ends(1)] == [75, 75], job.output(1)
    assert "node 1 cannot take part: Open MPI is not installed here" in job.output(0)


def test_a_node_cut_off_from_the_store_is_lost(nodes: Make, line: Line):
    job = nodes(3)
    for index in range(3):
        job.start(index, "python", PROGRAMS, "sleep", **({"AWS_ENDPOINT_URL": line.endpoint} if index == 1 else {}))
    job.running()
    line.cut()
    assert [job.ends(index) for index in range(3)] == [78, 77, 78], job.output(1)
    assert "no heartbeat from node 1" in job.output(0)
    assert "the store could not be reached for 6 s" in job.output(1)


def test_a_main_node_cut_off_from_the_store_ends_and_so_do_the_others(nodes: Make, line: Line):
    job = nodes(2)
    for index in range(2):
        job.start(index, "python", PROGRAMS, "sleep", **({"AWS_ENDPOINT_URL": line.endpoint} if index == 0 else {}))
    job.running()
    line.cut()
    assert [job.ends(0), job.ends(1)] == [77, 76], job.output(0)
    assert nothing_is_left(job)


def test_a_store_that_comes_back_in_time_harms_nothing(nodes: Make, line: Line):
    job = nodes(2)
    for index in range(2):
        job.start(index, "python", PROGRAMS, "short", AWS_ENDPOINT_URL=line.endpoint)
    job.running()
    line.cut()
    time.sleep(4)
    line.mend()
    assert [job.ends(0), job.ends(1)] == [0, 0], job.output(0)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the environment of processes")
def test_a_silent_but_living_node_is_lost(nodes: Make):
    job = start(nodes(2), "sleep")
    job.running()
    job.processes[1].send_signal(signal.SIGSTOP)
    assert job.ends(0) == 78
    assert "no heartbeat from node 1 for 6 s" in job.output(0)
    job.processes[1].send_signal(signal.SIGCONT)
    assert job.ends(1) == 78
