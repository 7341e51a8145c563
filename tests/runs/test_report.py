"""The report of a run, as the deployed template writes it, and the mail that names it."""

import base64
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from gristmill import keys
from gristmill.client.runs.control import resume, stop
from gristmill.client.runs.find import find_run
from gristmill.client.runs.phase import phase
from gristmill.client.stack import open_stack
from gristmill.report.model import Report
from tests.integration.mill import Mill

TEXT = b"to whom it may concern\n" * 200


def reported(mill: Mill, pipeline: str, name: str, run: str) -> Report:
    """Return the report that lies beside the run's results."""
    return Report.model_validate_json(mill.read(keys.report(pipeline, name, run, "json")))


def test_a_good_run_tells_its_times_counts_and_use(mill: Mill):
    run = mill.drop("strings", "told.txt", TEXT, lines_per_task="50")
    outcome = mill.finish(run)
    report = reported(mill, "strings", "told.txt", run)
    assert (report.status, report.run, report.owner) == ("SUCCEEDED", run, "miller")
    assert report.parameters["lines_per_task"] == 50
    (execution,) = report.executions
    assert [step.name for step in execution.steps] == ["Split", "JobMap", "Work", "CheckOutput"]
    assert {(lane.stage, lane.branch) for lane in execution.lanes} == {("map", "repeat"), ("map", "reverse")}
    (stage,) = report.stages
    for branch in stage.branches:
        assert (branch.tasks, branch.done, branch.records_in, branch.bytes_in) == (4, 4, 200, len(TEXT))
        assert branch.children_by_status == {"SUCCEEDED": branch.children}
        assert branch.peak_memory is not None
        assert 5_000_000 < branch.peak_memory.most < branch.memory
        assert branch.cpu_seconds is not None
        assert 0 < branch.cpu_seconds.total < 60
        assert branch.bytes_per_second
        assert branch.software is not None
        assert "boto3" in branch.software.libraries
        assert branch.job_definition is not None
        assert sum(item.tasks_done or 0 for item in branch.children_shown) == 4
        assert sum(item.bytes_in or 0 for item in branch.children_shown) == len(TEXT)
        for each in branch.children_shown:
            assert each.queued <= each.started <= each.began <= each.stopped
    assert report.input.etag
    assert [result.key.rpartition("/")[2] for result in report.results] == ["repeat.txt", "reverse.txt"]
    assert all(result.etag for result in report.results)
    assert report.cost is not None
    assert report.cost.total == pytest.approx(outcome["cost"]["total"])
    assert report.left_out == []


def test_the_history_of_a_run_comes_in_pages_and_newest_first_as_from_aws(mill: Mill):
    run = mill.drop("strings", "history.txt", TEXT, lines_per_task="50")
    mill.finish(run)
    states, arn = mill.client("stepfunctions"), mill.execution(run)
    pages = states.get_paginator("get_execution_history").paginate(executionArn=arn, PaginationConfig={"PageSize": 7})
    sizes, ids = [], []
    for page in pages:
        sizes.append(len(page["events"]))
        ids += [event["id"] for event in page["events"]]
    assert set(sizes[:-1]) == {7}
    assert ids == list(range(1, len(ids) + 1))
    newest = states.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=3)
    assert [event["id"] for event in newest["events"]] == ids[:-4:-1]
    client = open_stack(mill.target, "gristmill")
    assert phase(client, find_run(client, run).execution) == "writing report and mail"


def test_the_mail_names_the_report_and_the_outcome_does_not_count_it(mill: Mill):
    run = mill.drop("strings", "mailed.txt", TEXT)
    outcome = mill.finish(run)
    body = mill.mail(run, "SUCCEEDED").get_content()
    html = keys.report("strings", "mailed.txt", run, "html")
    assert f"\nReport    s3://{mill.bucket}/{html}\n" in body
    assert body.count("report.") == 1
    assert len(outcome["results"]) == 2
    head = mill.client("s3").head_object(Bucket=mill.bucket, Key=html)
    assert head["ContentType"] == "text/html; charset=utf-8"


class Tags(HTMLParser):
    """The elements of a page, and the addresses that they would load."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset", "action", "data")]
        assert not any(name.startswith("on") for name, _ in attrs)


def page_of(mill: Mill, pipeline: str, name: str, run: str) -> str:
    return mill.read(keys.report(pipeline, name, run, "html")).decode()


def test_names_and_pictures_of_anybody_run_nothing_and_load_nothing(mill: Mill):
    name = """<img src=x onerror=alert(1)>"'&{{ 7 * 7 }}/</title><script>alert(2)</script>.txt"""
    run = mill.drop("drawn", name, b"one\nthree\n")
    assert mill.finish(run)["status"] == "SUCCEEDED"
    report, page = reported(mill, "drawn", name, run), page_of(mill, "drawn", name, run)
    assert [(picture.key.rpartition("/")[2][-5:], picture.embedded) for picture in report.pictures] == [
        ("0.png", True), ("1.png", True), ("0.svg", True), ("1.svg", True)
    ]  # fmt: skip
    tags = Tags(page)
    assert tags.names.isdisjoint({"script", "link", "iframe", "object", "embed", "b", "form"})
    links = [address for address in tags.addresses if not address.startswith("data:")]
    prefix = keys.results_prefix("drawn", name, run)
    assert {link[:2] for link in links} == {"./"}
    assert {prefix + unquote(link[2:]) for link in links} == {result.key for result in report.results}
    kinds = [address.partition(";")[0] for address in tags.addresses if address.startswith("data:")]
    assert kinds == ["data:image/png"] * 2 + ["data:image/svg+xml"] * 2
    drawn = mill.read(report.pictures[0].key)
    assert base64.b64encode(drawn).decode() in page
    assert "alert(2)&lt;/script&gt;" in page
    assert "{{ 7 * 7 }}" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page


def test_a_failed_run_tells_attempts_causes_and_what_a_resume_made_of_it(mill: Mill, tmp_path: Path):
    gate = tmp_path / "gate"
    run = mill.drop("brittle", "bad.txt", b"good\nBAD\ngood\n", gate=str(gate))
    assert mill.finish(run)["status"] == "FAILED"
    report, page = reported(mill, "brittle", "bad.txt", run), page_of(mill, "brittle", "bad.txt", run)
    (branch,) = report.stages[0].branches
    (attempt,) = branch.attempts
    assert (attempt.nth, attempt.verdict, attempt.missing, attempt.children_failed) == (1, "FAILED", 1, 1)
    assert attempt.failures[0].reason == "ValueError: the grain is wet"
    assert branch.children_by_status == {"FAILED": 1, "SUCCEEDED": 1}
    (child,) = [item for item in branch.children_shown if item.status == "FAILED"]
    assert (child.exit_code, child.tasks_failed, len(child.tries)) == (1, 1, 1)
    for words in ("the grain is wet", f"gristmill resume {run}", "copy/copied, task 1", "Traceback"):
        assert words in page
    assert report.results == []

    gate.touch()
    client = open_stack(mill.target, "gristmill")
    again = resume(client, find_run(client, run))
    assert mill.end(again.arn)["status"] == "SUCCEEDED"
    again, page = reported(mill, "brittle", "bad.txt", run), page_of(mill, "brittle", "bad.txt", run)
    assert [execution.status for execution in again.executions] == ["FAILED", "SUCCEEDED"]
    assert [bool(execution.lanes) for execution in again.executions] == [True, True]
    (branch,) = again.stages[0].branches
    assert [(notice.execution, notice.nth, notice.verdict) for notice in branch.attempts] == [
        (0, 1, "FAILED"),
        (1, 1, "COMPLETE"),
    ]
    assert [item.attempt for item in branch.children_shown] == [0, 0, 10]
    assert [result.key.rpartition("/")[2] for result in again.results] == ["copied.txt"]
    assert again.cost is not None
    assert report.cost is not None
    assert again.cost.total > report.cost.total
    assert "What went wrong" not in page


def test_a_killed_child_leaves_no_footprint_and_the_report_says_who_killed_it(mill: Mill, tmp_path: Path):
    run = mill.drop("trouble", "fallen.txt", b"BAD\n", mode="kill", marks=str(tmp_path))
    assert mill.finish(run)["status"] == "SUCCEEDED"
    (branch,) = reported(mill, "trouble", "fallen.txt", run).stages[0].branches
    dead, alive = branch.children_shown
    assert (dead.status, dead.exit_code, dead.peak_memory, dead.began) == ("FAILED", 137, None, None)
    assert "OutOfMemoryError" not in dead.reason  # nobody knows that
    assert alive.peak_memory is not None
    assert [(attempt.nth, attempt.verdict) for attempt in branch.attempts] == [(1, "INCOMPLETE"), (2, "COMPLETE")]
    assert "SIGKILL" in branch.attempts[0].failures[0].reason


def test_a_stopped_run_is_reported_too(mill: Mill, tmp_path: Path):
    run = mill.drop("trouble", "halted.txt", b"BAD\n", mode="hang", marks=str(tmp_path))
    mill._until(lambda: any(tmp_path.iterdir()), 30, "no task began")
    client = open_stack(mill.target, "gristmill")
    assert stop(client, find_run(client, run), "miller").proved
    assert mill.finish(run)["status"] == "ABORTED"
    report = reported(mill, "trouble", "halted.txt", run)
    assert (report.status, report.results) == ("ABORTED", [])
    assert [branch.children for branch in report.stages[0].branches] == [1]
    assert "was stopped" in report.reason or "miller" in report.reason
    assert keys.report("trouble", "halted.txt", run, "html") in mill.mail(run, "ABORTED").get_content()


def test_a_refused_file_gets_a_short_report_with_the_cause(mill: Mill):
    run = mill.drop("strings", "refused.txt", TEXT, lines_per_task="0")
    assert mill.finish(run)["status"] == "FAILED"
    report, page = reported(mill, "strings", "refused.txt", run), page_of(mill, "strings", "refused.txt", run)
    assert "lines_per_task: 0 is below the minimum 1" in report.faults[0]
    assert "lines_per_task: 0 is below the minimum 1" in page
    assert "Stages and branches" not in page
    assert "resume" not in page


def test_a_file_of_an_unknown_pipeline_gets_one_too(mill: Mill):
    run = mill.drop("strngs", "lost.txt", TEXT)
    assert mill.finish(run)["status"] == "FAILED"
    assert reported(mill, "strngs", "lost.txt", run).stages == []


def test_a_report_that_cannot_be_written_keeps_no_mail_back(mill: Mill):
    name = "n" * (1024 - len("inputs/strings/") - 4) + ".txt"  # its own key is as long as S3 allows
    run = mill.drop("strings", name, TEXT)
    assert mill.finish(run)["status"] == "FAILED"
    letter = mill.mail(run, "FAILED").get_content()
    assert re.search(r"^Report    not written: the file's name is too long for it$", letter, re.MULTILINE)


def test_gristmill_report_prints_the_place_the_record_and_the_files(mill: Mill, monkeypatch, tmp_path, capsys):
    from gristmill.cli.main import call

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRISTMILL_HOME", str(mill.data))
    run = mill.drop("strings", "shown.txt", TEXT)
    mill.finish(run)
    key = keys.report("strings", "shown.txt", run, "html")
    assert call(["report", run]) == 0
    assert capsys.readouterr().out == f"s3://{mill.bucket}/{key}\n"
    assert call(["report", run, "--json"]) == 0
    assert Report.model_validate_json(capsys.readouterr().out).run == run
    assert call(["report", run, "--download", "here"]) == 0
    assert (tmp_path / "here" / run / "report.html").read_bytes() == mill.read(key)
    capsys.readouterr()
    assert call(["status", run]) == 0
    assert f"  Report      s3://{mill.bucket}/{key}\n" in capsys.readouterr().out
    assert call(["results", run]) == 0
    assert "report" not in capsys.readouterr().out
