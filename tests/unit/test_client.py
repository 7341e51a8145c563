"""The decisions under the command line: progress, pace, plans, filters, the file before it travels."""

import gzip
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded_aws.lifecycle.state import STATE_FILE
from gristmill import keys
from gristmill.batch.plan import plan_branch
from gristmill.client.drop.drops import Upload, faults
from gristmill.client.drop.plan import plan_file
from gristmill.client.home import home
from gristmill.client.pace import Pace
from gristmill.client.runs.executions import describe_recent, execution_arn
from gristmill.client.runs.progress import count_children, union, waits
from gristmill.client.runs.snapshot import Children
from gristmill.client.subscriptions import On, policy
from gristmill.client.target import HOME
from gristmill.clock import Clock
from gristmill.enums import Compute, RunStatus
from gristmill.errors import Refused
from gristmill.keys import Span
from gristmill.pipeline.loading import load
from gristmill.steps.split.claimant import RunLimits
from gristmill.storage.one_file import OneFileStorage
from tests.unit.conftest import ROOTS


def test_overlapping_receipts_count_each_task_once():
    spans = [Span(5, 9), Span(0, 3), Span(3, 4), Span(6, 7), Span(20, 22)]
    assert union(spans) == [Span(0, 4), Span(5, 9), Span(20, 22)]
    assert union([]) == []


def test_an_array_stands_for_its_children_and_a_plain_job_for_itself():
    array = {"status": "PENDING", "arrayProperties": {"statusSummary": {"RUNNABLE": 3, "RUNNING": 4, "FAILED": 1}}}
    plain = {"status": "SUCCEEDED"}
    assert count_children([array, plain]) == Children(waiting=3, running=4, succeeded=1, failed=1)


def test_only_a_waiting_job_tells_why_it_waits():
    assert waits({"status": "RUNNABLE", "statusReason": "no capacity"}) == "no capacity"
    assert waits({"status": "FAILED", "statusReason": "Essential container in task exited"}) == ""


def test_a_pace_is_what_was_seen_and_nothing_before_that():
    pace = Pace(0.0, 100, 0.0, 100)  # a watcher that comes late does not count what was done before
    assert pace.rate is None
    assert pace.left(5.0, 200) is None
    pace.see(10.0, 150)
    pace.see(12.0, 150)
    assert pace.rate == 5.0
    assert pace.left(12.0, 200) == 8.0
    assert pace.left(60.0, 200) == 0.0


@pytest.mark.parametrize(
    ("stage", "branch", "name", "attempt"),
    [
        ("map", "repeat", "gm-r-map-repeat-13-0", 13),
        ("map", "repeat", "gm-r-map-repeat-more-1-0", None),
        ("map", "repeat", "gm-other-map-repeat-1-0", None),
        ("a-1", "b", "gm-r-a-1-b-2-31", 2),
    ],
)
def test_a_jobs_attempt_is_read_from_its_name(stage, branch, name, attempt):
    assert keys.BranchKeys("r", stage, branch, "f").job_attempt(name) == attempt


def test_a_filter_names_pipelines_and_ends():
    assert policy([], None) == {}
    assert policy(["b", "a", "b"], On.FAILURE) == {
        "pipeline": ["a", "b"],
        "status": ["PARTIAL", "FAILED", "ABORTED", "TIMED_OUT"],
    }


def test_a_plan_reuses_what_is_done():
    stage = load("strings", ROOTS).stages[0]
    plan = plan_branch(stage, stage.branches[0], 100, 90, 1000, {Compute.CPU: 4})
    assert (plan.todo, plan.jobs, plan.children, plan.basis) == (10, (4,), 4, "what runs at once")
    done = plan_branch(stage, stage.branches[0], 100, 100, 1000, {Compute.CPU: 4})
    assert (done.todo, done.jobs, done.timeout) == (0, (), 0)
    unknown = plan_branch(stage, stage.branches[0], None, 0, None, {Compute.CPU: 4})
    assert (unknown.todo, unknown.jobs) == (None, ())


def upload(file: Path, **parameters: str) -> Upload:
    return Upload(file, "strings", file.name, parameters, "miller")


def test_a_file_is_planned_as_it_would_be_cut(tmp_path: Path):
    file = tmp_path / "a.txt"
    file.write_bytes(b"line\n" * 1000 + b"no end")
    limits = RunLimits({Compute.CPU: 1000})
    plan = plan_file(upload(file, bytes_per_task="50"), ROOTS, limits)
    assert plan.bill.usage["cpu_vcpu_hour"] > 0
    assert plan.record.parameters == {"bytes_per_task": 50}
    assert [(branch.tasks, branch.children) for branch in plan.branches] == [(101, 64), (101, 64)]
    assert plan.warnings == []
    file.write_bytes(gzip.compress(b"line\n", mtime=0))
    assert "one task reads all of it" in plan_file(upload(file), ROOTS, limits).warnings[0]
    with pytest.raises(Refused, match="the file is empty"):
        file.write_bytes(b"")
        plan_file(upload(file), ROOTS, limits)


def test_one_file_reads_like_the_bucket(tmp_path: Path):
    file = tmp_path / "a.txt"
    file.write_bytes(b"0123456789")
    bucket = OneFileStorage(file, "inputs/p/a.txt", {"owner": "miller"})
    assert bucket.read("inputs/p/a.txt", 2, 5) == b"234"
    assert bucket.read("inputs/p/a.txt", 8, 99) == b"89"
    assert bucket.head("inputs/p/b.txt") is None
    assert bucket.put_new("x", b"1") is True
    assert bucket.put_new("x", b"2") is False
    assert bucket.read("x") == b"1"


def test_what_s3_would_not_carry_is_told_before_it_travels(tmp_path: Path):
    file = tmp_path / ("n" * 200 + ".part")
    file.write_bytes(b"x")
    long = Upload(file, "strings", "d/" * 500 + file.name, {"note": "x" * 3000, "ünë": "y"}, "miller")
    problems = " ".join(faults(long))
    for part in ("a temporary name", "1024 bytes", "letters, digits", "2,048 in all"):
        assert part in problems


def test_an_embedded_aws_is_found_from_the_folders_below_its_own(tmp_path: Path, monkeypatch):
    state, below = tmp_path / ".gristmill", tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert home({}, below) == below / ".gristmill"
    state.mkdir()
    (state / STATE_FILE).touch()
    assert home({}, below) == home({}, tmp_path) == state
    assert home({HOME: str(below)}, tmp_path) == below
    monkeypatch.setattr("os.getuid", lambda: state.stat().st_uid + 1)
    assert home({}, below) == below / ".gristmill", "another user's must not lead there"


class SlowStates:
    """A Step Functions that shows an execution only when it is asked for the third time."""

    def __init__(self) -> None:
        self.asked = 0

    def describe_execution(self, **_which: str) -> dict[str, Any]:
        self.asked += 1
        if self.asked < 3:
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist"}}, "DescribeExecution")
        return {"status": "RUNNING", "startDate": datetime(2026, 1, 2, tzinfo=UTC), "input": "5"}


def test_an_execution_that_was_just_started_is_waited_for():
    slept: list[float] = []
    states = SlowStates()
    store = SimpleNamespace(bucket="mill", clock=Clock(sleep=slept.append))
    machine = "arn:aws:states:us-east-1:1:stateMachine:mill"
    stack: Any = SimpleNamespace(client=lambda _name: states, store=store, machine=machine)
    found = describe_recent(stack, execution_arn(stack, "new"))
    assert found
    assert found.status is RunStatus.RUNNING
    assert len(slept) == 2
    assert describe_recent(stack, "arn:of:another") is None
