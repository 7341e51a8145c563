"""Stop while queued, running and between two attempts; nothing runs afterwards, and resume ends with a right result."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from gristmill import keys
from gristmill.client.runs.control import resume, stop
from gristmill.client.runs.find import find_run
from gristmill.client.runs.stopped import Stopped
from gristmill.client.stack import Stack as Client
from gristmill.client.stack import open_stack
from gristmill.enums import RunStatus
from tests.integration.mill import Mill

TEXT = b"a\nb\nWAIT 1\nc\nd\nWAIT 2\n"  # two children of three tasks: each has done two when it comes to its wait
HALVES = {"a", "b", "c", "d"}


@dataclass(frozen=True)
class Case:
    """A run, and the folder where its job notes what it does."""

    run: str
    marks: Path

    @property
    def lines(self) -> list[str]:
        """Return the lines that its tasks have begun, each as often as it was."""
        return sorted(mark.name.rpartition("-")[0] for mark in self.marks.iterdir())


@pytest.fixture(scope="module")
def client(mill: Mill) -> Client:
    return open_stack(mill.target, "gristmill")


@pytest.fixture(scope="module")
def cases(mill: Mill, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    """Bring runs into each state: one between two attempts, two that take all four vCPUs, and one behind those."""

    def drop(pipeline: str, name: str, text: bytes, **more: str) -> Case:
        marks = tmp_path_factory.mktemp(name)
        return Case(mill.drop(pipeline, f"{name}.txt", text, marks=str(marks), **more), marks)

    retrying = drop("trouble", "retrying", b"x\nBAD\n", mode="twice")
    mill.mail(retrying.run, "RETRYING", 30)
    running = drop("gated", "running", TEXT)
    mill._until(lambda: {"WAIT 1", "WAIT 2"} <= set(running.lines), 30, "nothing runs")
    other = drop("gated", "other", TEXT)
    mill._until(lambda: mill.jobs(other.run) != [], 30, "no other run is submitted")
    queued = drop("gated", "queued", TEXT)
    mill._until(lambda: mill.jobs(queued.run) != [], 30, "nothing is queued")
    return {"retrying": retrying, "running": running, "other": other, "queued": queued}


@pytest.fixture(scope="module")
def stops(mill: Mill, client: Client, cases: dict[str, Case]) -> dict[str, Stopped]:
    """Stop every run: the one that waits before the others, lest it start."""
    order = ("retrying", "queued", "other", "running")
    return {name: stop(client, find_run(client, cases[name].run), "miller") for name in order}


@pytest.mark.parametrize("name", ["retrying", "running", "queued"])
def test_stop_ends_everything_and_proves_it(mill: Mill, cases: dict[str, Case], stops: dict[str, Stopped], name: str):
    assert stops[name].proved
    assert stops[name].status is RunStatus.ABORTED
    jobs = mill.jobs(cases[name].run)
    assert {job["status"] for job in jobs} == {"FAILED"}
    for job in jobs:
        listed = mill.client("batch").list_jobs(
            arrayJobId=job["jobId"], filters=[{"name": "JOB_NAME", "values": ["*"]}]
        )
        assert {child["status"] for child in listed["jobSummaryList"]} <= {"SUCCEEDED", "FAILED"}
    assert mill.finish(cases[name].run)["status"] == "ABORTED"
    assert "miller" in mill.mail(cases[name].run, "ABORTED").get_content()


def test_what_was_stopped_was_in_the_state_that_it_should_be(cases: dict[str, Case], stops: dict[str, Stopped]):
    assert stops["retrying"].was is stops["running"].was is stops["queued"].was is RunStatus.RUNNING
    assert cases["queued"].lines == []
    assert set(cases["running"].lines) == {*HALVES, "WAIT 1", "WAIT 2"}


def test_nothing_of_a_stopped_run_runs_afterwards(
    mill: Mill, cases: dict[str, Case], stops: dict[str, Stopped], tmp_path: Path
):
    before = {name: case.lines for name, case in cases.items()}
    collected = {name: mill.jobs(case.run) for name, case in cases.items()}
    later = mill.drop("trouble", "later.txt", b"BAD\n", mode="kill", marks=str(tmp_path))
    assert mill.finish(later)["status"] == "SUCCEEDED"  # after a wait: longer than any stopped run had left of its own
    assert {name: case.lines for name, case in cases.items()} == before
    assert {name: mill.jobs(case.run) for name, case in cases.items()} == collected


@pytest.fixture(scope="module")
def resumed(mill: Mill, client: Client, cases: dict[str, Case], stops: dict[str, Stopped]) -> dict[str, str]:
    """Open all gates, and resume all runs; return the ARNs of the executions."""
    for case in cases.values():
        case.marks.with_suffix(".open").touch()
    names = ("retrying", "running", "queued")
    return {name: resume(client, find_run(client, cases[name].run)).arn for name in names}


@pytest.mark.parametrize("name", ["running", "queued"])
def test_a_resumed_run_ends_with_a_right_result(mill: Mill, resumed: dict[str, str], cases: dict[str, Case], name: str):
    run = cases[name].run
    assert mill.end(resumed[name])["status"] == "SUCCEEDED"
    assert mill.read(keys.result("gated", f"{name}.txt", run, "copied.txt")) == TEXT
    mill.mail(run, "SUCCEEDED")


def test_a_run_resumed_between_attempts_has_all_its_attempts_anew(
    mill: Mill, resumed: dict[str, str], cases: dict[str, Case]
):
    run = cases["retrying"].run
    assert mill.end(resumed["retrying"])["status"] == "SUCCEEDED"
    assert mill.read(keys.result("trouble", "retrying.txt", run, "copied.txt")) == b"x\nBAD\n"
    assert len(list(cases["retrying"].marks.iterdir())) == 3


def test_a_resume_does_only_what_is_missing(mill: Mill, resumed: dict[str, str], cases: dict[str, Case]):
    """What a child had done when it was told to end was committed, and is not done again."""
    assert mill.end(resumed["running"])["status"] == "SUCCEEDED"
    lines = cases["running"].lines
    assert [line for line in lines if line in HALVES] == sorted(HALVES)
    assert lines.count("WAIT 1") == lines.count("WAIT 2") == 2
