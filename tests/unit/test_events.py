"""The sample events are what AWS sends, and the functions' own code reads them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import S3EventBridgeNotificationEvent

from embedded_aws.services.cloudformation.template import parse
from gristmill import keys
from gristmill.enums import RunStatus
from gristmill.outcome.event import read_change, readable_cause
from gristmill.runs.drop import Drop, is_no_drop
from gristmill.runs.request import read_request
from gristmill.steps.check_output.causes import explain
from gristmill.steps.notify.run_ended import KIND, SOURCE, RunEnded
from tests.project import PROJECT

TEMPLATE = parse((PROJECT / "template.yaml").read_text())["Resources"]


def sample(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((PROJECT / "events" / f"{name}.json").read_text())
    return content


@pytest.mark.parametrize("name", ["object-created", "execution-status-change", "batch-job-state-change", "run-ended"])
def test_each_has_the_envelope_of_eventbridge(name):
    envelope = {"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"}
    assert set(sample(name)) == envelope


def test_every_sample_is_documented():
    readme = (PROJECT / "events" / "README.md").read_text()
    assert all(path.name in readme for path in (PROJECT / "events").glob("*.json"))


def test_an_end_is_told_as_the_sample_has_it_and_starts_nothing_of_ours():
    event = sample("run-ended")
    assert (event["source"], event["detail-type"]) == (SOURCE, KIND)
    assert json.loads(RunEnded.model_validate(event["detail"]).model_dump_json()) == event["detail"]
    patterns = [made["Properties"]["EventPattern"] for made in TEMPLATE.values() if made["Type"] == "AWS::Events::Rule"]
    assert patterns and not any(SOURCE in pattern["source"] for pattern in patterns)


def dropped(event: dict[str, Any]) -> Drop:
    request = read_request(event, event["detail"]["bucket"]["name"])
    assert isinstance(request, Drop)
    return request


def test_a_dropped_file_is_read_as_the_powertools_read_it():
    event = sample("object-created")
    drop, typed = dropped(event), S3EventBridgeNotificationEvent(event).detail
    assert (drop.bucket, drop.size, drop.etag, drop.version, drop.sequencer) == (
        typed.bucket.name,
        typed.object.size,
        typed.object.etag,
        typed.object.version_id,
        typed.object.sequencer,
    )
    assert drop.key == typed.object["key"]  # raw: the property `key` decodes what EventBridge does not encode
    assert keys.parse_input(drop.key) == keys.Dropped("strings", "reports/müller 1+1.txt")
    assert is_no_drop(drop.key) is None


def test_the_trigger_takes_it_and_only_such():
    pattern = TEMPLATE["DroppedRule"]["Properties"]["EventPattern"]
    event = sample("object-created")
    assert event["source"] in pattern["source"]
    assert event["detail-type"] in pattern["detail-type"]
    assert pattern["detail"]["object"]["key"] == [{"prefix": keys.INPUTS}]


def test_an_ended_execution_is_about_the_run_of_its_input():
    detail = sample("execution-status-change")["detail"]
    pattern = TEMPLATE["EndedRule"]["Properties"]["EventPattern"]["detail"]
    assert detail["status"] in pattern["status"]
    assert set(pattern["status"]) == {RunStatus.FAILED, RunStatus.ABORTED, RunStatus.TIMED_OUT}
    event = sample("object-created")
    change = read_change(detail, event["detail"]["bucket"]["name"])
    assert change.request == dropped(event)
    assert change.started_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_dead_child_is_explained_from_what_batch_says_of_it():
    detail = sample("batch-job-state-change")["detail"]
    container = detail["attempts"][-1]["container"]
    line = explain(container["exitCode"], container["reason"], detail["statusReason"])
    assert line.startswith("Essential container in task exited; OutOfMemoryError")
    assert "SIGKILL" in line
    assert detail["jobName"].startswith(keys.job_name_prefix(detail["parameters"]["run"]))


STOPPED = "run 7 was stopped. Go on with: gristmill resume 7"
RAISED = json.dumps({"errorMessage": STOPPED, "errorType": "Refused", "stackTrace": ["x"]})


@pytest.mark.parametrize(
    ("cause", "readable"),
    [
        (f"Gristmill.RunFailed:  Refused: {RAISED}", f"Gristmill.RunFailed: {STOPPED}"),
        (f"why Refused: {RAISED}", f"why {STOPPED}"),
        ("no output of bash: {no json}", "no output of bash: {no json}"),
        ("stopped by me", "stopped by me"),
        ("", ""),
    ],
)
def test_the_cause_of_an_execution_shows_no_json_of_lambda(cause: str, readable: str):
    assert " ".join(readable_cause(cause).split()) == readable
