"""What has expired is told, and what is left of a run is still found: by its execution, its outcome or its report."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gristmill import keys
from gristmill.cli import main
from gristmill.client.runs.find import find_run
from gristmill.client.runs.results import results
from gristmill.client.stack import Stack as Client
from gristmill.client.stack import open_stack
from gristmill.enums import RunStatus
from gristmill.errors import NotFound
from tests.integration.mill import Mill


@pytest.fixture(autouse=True)
def at_home(mill: Mill, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRISTMILL_HOME", str(mill.data))


@pytest.fixture
def client(mill: Mill) -> Client:
    return open_stack(mill.target, "gristmill")


@pytest.fixture(scope="module")
def old(mill: Mill) -> str:
    """Return a run that is done, and whose record has expired."""
    run = mill.drop("strings", "deep/old.txt", b"a\nb\n")
    assert mill.finish(run)["status"] == "SUCCEEDED"
    forget(mill, run)
    return run


def forget(mill: Mill, run: str) -> None:
    for key in mill.keys(keys.run_prefix(run)) + mill.keys(keys.work_prefix(run)):
        mill.client("s3").delete_object(Bucket=mill.bucket, Key=key)


def call(mill: Mill, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any, str]:
    """Return exit code, JSON answer and notes of a command."""
    capsys.readouterr()
    code = main.call(["--endpoint-url", mill.endpoint, *words, "--json"])
    shown = capsys.readouterr()
    return code, json.loads(shown.out) if shown.out else None, shown.err


class NoExecutions:
    """Step Functions as it is months later."""

    def describe_execution(self, **_which: str) -> None:
        raise ClientError({"Error": {"Code": "ExecutionDoesNotExist"}}, "DescribeExecution")

    def list_executions(self, **_which: str) -> dict[str, Any]:
        return {"executions": []}

    def get_paginator(self, _name: str) -> "NoExecutions":
        return self

    def paginate(self, **_which: str) -> list[dict[str, Any]]:
        return [{"executions": []}]


def test_results_report_and_logs_outlive_the_record(mill: Mill, old: str, capsys: pytest.CaptureFixture[str]):
    code, listed, answer = call(mill, capsys, "results", old)
    assert code == 0
    assert sorted(Path(result["key"]).name for result in listed["results"]) == ["repeat.txt", "reverse.txt"]
    assert "its record is gone" in answer
    assert "kept for 30 days" in answer
    code, status, _ = call(mill, capsys, "status", old)
    assert (code, status["status"]) == (0, "SUCCEEDED")
    assert "kept for 30 days" in status["lack"]
    assert call(mill, capsys, "report", old)[1]["run"] == old
    assert call(mill, capsys, "logs", old)[1]
    assert old in [run["run"] for run in call(mill, capsys, "runs", "-n", "100")[1]]


def test_a_run_whose_execution_has_expired_is_told_by_its_outcome(mill: Mill, client: Client):
    run = mill.drop("strings", "kept.txt", b"a\n")
    mill.finish(run)
    client._clients["stepfunctions"] = NoExecutions()
    found = find_run(client, run)
    assert found.status is RunStatus.SUCCEEDED
    assert found.record is not None
    assert "90 days" in found.lack
    assert len(results(client, found)) == 2


def test_a_run_of_which_results_alone_are_left_is_told_by_its_report(mill: Mill, client: Client, old: str):
    client._clients["stepfunctions"] = NoExecutions()
    found = find_run(client, old)
    assert (found.status, found.title) == (RunStatus.SUCCEEDED, "strings/deep/old.txt")
    assert "its record and its execution have expired" in found.lack
    assert len(results(client, found)) == 2
    with pytest.raises(NotFound, match="there is no run 0123456789abcdef"):
        find_run(client, "0123456789abcdef")


def archive(mill: Mill, key: str) -> None:
    mill.client("s3").put_object(Bucket=mill.bucket, Key=key, Body=mill.read(key), StorageClass="DEEP_ARCHIVE")


def test_what_was_archived_is_told_with_its_class_and_how_to_have_it(
    mill: Mill, client: Client, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    run = mill.drop("strings", "cold.txt", b"a\n")
    mill.finish(run)
    archive(mill, keys.result("strings", "cold.txt", run, "repeat.txt"))
    _, listed, _ = call(mill, capsys, "results", run)
    classes = {Path(result["key"]).name: result["storage"] for result in listed["results"]}
    assert classes == {"repeat.txt": "DEEP_ARCHIVE", "reverse.txt": "STANDARD"}
    assert main.call(["--endpoint-url", mill.endpoint, "results", run]) == 0
    assert "DEEP_ARCHIVE" in capsys.readouterr().out
    code, _, answer = call(mill, capsys, "results", run, "--download", str(tmp_path))
    assert code == 1
    assert "restore-object" in answer
    forget(mill, run)
    archive(mill, keys.report("strings", "cold.txt", run, "json"))
    client._clients["stepfunctions"] = NoExecutions()
    with pytest.raises(NotFound, match=f"results alone.*{keys.results_prefix('strings', 'cold.txt', run)}"):
        find_run(client, run)


def test_logs_that_are_gone_or_never_were_are_told_with_exit_code_3(mill: Mill, capsys: pytest.CaptureFixture[str]):
    refused = mill.drop("strings", "refused.txt", b"a\n", lines_per_task="many")
    mill.finish(refused)
    code, _, answer = call(mill, capsys, "logs", refused)
    assert (code, "no job of it ran" in answer) == (3, True)
    run = mill.drop("strings", "silent.txt", b"a\n")
    mill.finish(run)
    jobs = mill.client("batch").describe_jobs(jobs=[job["jobId"] for job in mill.jobs(run)])["jobs"]
    for job in jobs:
        where = {"logGroupName": mill.outputs["JobLogGroupName"], "logStreamName": job["container"]["logStreamName"]}
        mill.client("logs").delete_log_stream(**where)
    code, _, answer = call(mill, capsys, "logs", run)
    assert (code, "has no logs" in answer) == (3, True), answer
