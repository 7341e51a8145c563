"""A job that Batch ended at its time limit is named as such, with the seconds, wherever its end is shown."""

from types import SimpleNamespace
from typing import Any

import pytest

from embedded_aws.services.batch.engine.container import TIMED_OUT
from gristmill import keys
from gristmill.batch.containers import containers
from gristmill.cli import main
from gristmill.client.jobs import jobs
from gristmill.enums import JobStatus
from gristmill.report.children import ObservedContainer, shown
from gristmill.runs.cursor import Cursor
from gristmill.runs.locations import branch_keys
from gristmill.steps.check_output.causes import CauseClients, failures
from tests.unit.test_containers import RECORD, summary

REASON = "ran past its time limit of 90 s"
TIMES: dict[str, Any] = {"createdAt": 1000, "startedAt": 2000, "stoppedAt": 92_000}
JOB = summary(0, status=JobStatus.FAILED, statusReason=TIMED_OUT, container={"exitCode": 137}, **TIMES)
ATTEMPT = {**TIMES, "statusReason": TIMED_OUT, "container": {"exitCode": 137}}
DESCRIBED = {
    **JOB,
    "jobQueue": "arn:q",
    "jobDefinition": "arn/d:1",
    "timeout": {"attemptDurationSeconds": 90},
    "attempts": [ATTEMPT],
}


class Batch:
    """A Batch whose only job ran out of time; ListJobs gives no time limit, DescribeJobs does."""

    def describe_jobs(self, jobs: list[str]) -> dict[str, Any]:
        return {"jobs": [DESCRIBED for job in jobs if job == JOB["jobId"]]}

    def get_paginator(self, _name: str) -> "Batch":
        return self

    def paginate(self, **which: Any) -> list[dict[str, Any]]:
        is_asked = which.get("jobStatus", JobStatus.FAILED) == JobStatus.FAILED
        return [{"jobSummaryList": [JOB] if is_asked else []}]


@pytest.fixture
def stack() -> Any:
    return SimpleNamespace(client=lambda _name: Batch(), queues=["arn:q"])


def test_in_a_list_of_jobs(stack: Any):
    assert [job.reason for job in jobs.list_jobs(stack, ["arn:q"], jobs.STATUSES, None, children=True)] == [REASON]
    assert [job.reason for job in jobs.list_jobs(stack, ["arn:q"], jobs.STATUSES, "name", children=True)] == [REASON]


def test_in_the_description_of_a_job(stack: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr("gristmill.cli.terminal.session.Session.stack", stack)
    assert main.call(["job", "show", JOB["jobId"]]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"reason:       {REASON}" in lines
    assert f"attempt 1:    exit code 137; {REASON}" in lines


def test_in_the_report(stack: Any):
    (container,) = containers(Batch(), ["arn:q"], RECORD)
    (child,) = shown([ObservedContainer(container, None, DESCRIBED)])
    assert (child.reason, [attempt.reason for attempt in child.tries]) == (REASON, [REASON])


def test_in_the_cause_of_a_failed_run_without_a_word_of_the_signal(store):
    clients = CauseClients(Batch(), None, ["arn:q"], "group")
    (failure,) = failures(
        store, clients, Cursor(RECORD.run, "map", 2), branch_keys(RECORD, "map", "repeat"), [keys.Span(0, 1)]
    )
    assert (failure.reason, failure.exit_code) == (REASON, 137)
