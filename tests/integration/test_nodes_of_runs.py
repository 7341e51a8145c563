"""Runs with MPI branches as their users look at them; all of it holds without Open MPI, too, which nodes then say."""

from gristmill.errors import ExitCode
from tests.integration.mill import Mill
from tests.integration.test_cli import Cli, cli

__all__ = ["cli"]  # the fixture


def test_logs_come_from_every_node_and_say_which(cli: Cli, mill: Mill):
    run = mill.drop("mpi-hello", "logged.txt", b"who is there?\n")
    mill._until(lambda: any(job["status"] in ("SUCCEEDED", "FAILED") for job in mill.jobs(run)), 60, "no job ended")
    cli("stop", run)
    mill.finish(run)
    lines = cli("logs", run).out.splitlines()
    assert {line.split()[1] for line in lines} == {"ranks#0", "ranks#1"}
    for index in (0, 1):
        assert any(f"ranks#{index} | gristmill: node {index} of 2" in line for line in lines)
    assert cli("logs", run, "--follow").out.splitlines() == lines
    assert cli("logs", run, "--task", "0").out.splitlines() == lines
    assert cli("logs", run, "--branch", "ranks").out.splitlines() == lines
    assert cli("logs", run, "--branch", "none").code == ExitCode.NOT_FOUND
