"""Runs with MPI branches as their users look at them; all of it holds without Open MPI, too, which nodes then say."""

import threading

from gristmill.errors import ExitCode
from tests.integration.mill import Mill
from tests.integration.test_cli import Cli, cli

__all__ = ["cli"]  # the fixture


def end_after_first_job(mill: Mill, run: str) -> threading.Thread:
    """Stop a run once its first job has ended: without Open MPI it would be tried again."""

    def work() -> None:
        mill._until(lambda: any(job["status"] in ("SUCCEEDED", "FAILED") for job in mill.jobs(run)), 60, "no job ended")
        mill.client("stepfunctions").stop_execution(executionArn=mill.execution(run))

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_logs_come_from_every_node_and_say_which(cli: Cli, mill: Mill):
    run = mill.drop("mpi-hello", "logged.txt", b"who is there?\n")
    mill.execution(run)
    ending = end_after_first_job(mill, run)
    followed = cli("logs", run, "--follow").out.splitlines()  # begun before there is any node
    ending.join()
    mill.finish(run)
    lines = cli("logs", run).out.splitlines()
    assert {line.split()[1] for line in lines} == {"ranks#0", "ranks#1"}
    for index in (0, 1):
        (listed,) = [line for line in lines if f"ranks#{index} | gristmill: node {index} of 2" in line]
        assert followed.count(listed) == 1
    assert set(followed) <= set(lines)
    assert cli("logs", run, "--task", "0").out.splitlines() == lines
    assert cli("logs", run, "--branch", "ranks").out.splitlines() == lines
    assert cli("logs", run, "--branch", "none").code == ExitCode.NOT_FOUND
