"""The report of a run, as the deployed template writes it, and the mail that names it."""

import pytest

from gristmill import keys
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
    assert [one.name for one in execution.steps] == ["Split", "JobMap", "Work", "CheckOutput"]
    assert {(one.stage, one.branch) for one in execution.lanes} == {("map", "repeat"), ("map", "reverse")}
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
        assert sum(one.tasks_done or 0 for one in branch.children_shown) == 4
        assert sum(one.bytes_in or 0 for one in branch.children_shown) == len(TEXT)
        for one in branch.children_shown:
            assert one.queued <= one.started <= one.began <= one.stopped
    assert report.input.etag
    assert [one.key.rpartition("/")[2] for one in report.results] == ["repeat.txt", "reverse.txt"]
    assert all(one.etag for one in report.results)
    assert report.cost is not None
    assert report.cost.total == pytest.approx(outcome["cost"]["total"])
    assert report.left_out == []


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
