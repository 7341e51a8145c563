"""Steps of memory, through the deployed template: up where the limit was hit, and for nothing else."""

from pathlib import Path

import pytest

from gristmill import keys
from gristmill.client.stack import Stack
from gristmill.errors import ExitCode
from tests.integration.mill import Mill
from tests.integration.test_cli import Cli, cli

__all__ = ["cli"]


def memories(mill: Mill, run: str) -> dict[int, str]:
    """Return the MiB of the jobs of each attempt."""
    found = {}
    for job in mill.client("batch").describe_jobs(jobs=[job["jobId"] for job in mill.jobs(run)])["jobs"]:
        asked = {need["type"]: need["value"] for need in job["container"]["resourceRequirements"]}
        attempt = keys.parse_job_name(job["jobName"])
        assert attempt is not None
        found[attempt.attempt] = asked["MEMORY"]
    return found


@pytest.fixture(scope="module")
def runs(mill: Mill, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, Path]]:
    """Drop a file for every case, to run side by side."""
    cases = {"hungry": b"0\n0\n0\n400\n", "killed": b"0\n0\n0\nKILLED\n"}
    folders = {name: tmp_path_factory.mktemp(name) for name in cases}
    return {
        name: (mill.drop("hungry", f"{name}.txt", body, marks=str(folders[name])), folders[name])
        for name, body in cases.items()
    }


def test_what_ran_out_of_memory_gets_more_of_it_and_nothing_else_is_done_again(mill: Mill, runs):
    run, marks = runs["hungry"]
    assert mill.finish(run)["status"] == "SUCCEEDED"
    assert memories(mill, run) == {0: "256", 1: "1024"}
    assert sorted(mark.name for mark in marks.iterdir() if mark.name.endswith("-1")) == [
        "2-1",
        "3-1",
    ]  # what its container had open went with it
    (check,) = [key for key in mill.keys(keys.run_prefix(run)) if key.endswith("check-0000-0000.json")]
    finding = mill.read_json(check)
    assert finding["warnings"] == ["eaten ran out of memory with 256 MiB: what is missing gets 1,024 MiB"]
    assert "OutOfMemoryError: Container killed due to memory usage" in finding["reason"]


def test_what_was_killed_otherwise_gets_no_more_memory(mill: Mill, runs):
    run, _ = runs["killed"]
    assert mill.finish(run)["status"] == "SUCCEEDED"
    assert memories(mill, run) == {0: "256", 1: "256"}
    (check,) = [key for key in mill.keys(keys.run_prefix(run)) if key.endswith("check-0000-0000.json")]
    assert "OutOfMemoryError" not in mill.read_json(check)["reason"]


def test_run_that_fits_no_host_is_refused_before_its_file_travels(mill: Mill, cli: Cli, tmp_path: Path, monkeypatch):
    (tmp_path / "x.txt").write_bytes(b"0\n")
    output = Stack.output
    monkeypatch.setattr(Stack, "output", lambda stack, name: "1000" if name == "MaxMemory" else output(stack, name))
    for command in ("plan", "run"):
        answer = cli(command, "hungry", "x.txt")
        assert answer.code == ExitCode.REFUSED
        assert "branch eaten: 1,024 MiB of memory fits no host of this stack, of which the largest has" in answer.err
    assert mill.keys(keys.input_key("hungry", "x.txt")) == []
