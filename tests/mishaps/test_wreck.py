"""Functions that throw, hang, die or lie, on a stack of their own: never green, never stuck, told."""

import json
import time
import uuid
from typing import Any

import pytest

from gristmill import keys
from gristmill.client.runs.find import find_run
from gristmill.client.stack import open_stack
from gristmill.enums import RunStatus
from tests.integration.mill import Mill

TEXT = b"one\ntwo\nthree\n"

# what breaks -> what the mail says of it
BROKEN = {
    "split.raise": "Split: an unexpected error (RuntimeError: the axle broke)",
    "split.hang": "Split: the function ran past its time limit (Sandbox.Timedout: Task timed out",
    "job_map.raise": "JobMap of stage map: an unexpected error (RuntimeError: the axle broke)",
    "job_map.die": "JobMap of stage map: the function's process died (Runtime.ExitError: ",
    "merge.raise": "Work of stage map: an unexpected error (RuntimeError: the axle broke)",
    "merge.hang": "Work of stage map: the function ran past its time limit (Sandbox.Timedout: Task timed out",
    "merge.lie": "repeat: all tasks are done but not merged, and the log of Merge says why; reverse: all tasks",
    "check_output.raise": "CheckOutput of stage map: an unexpected error (RuntimeError: the axle broke)",
    "check_output.hang": "CheckOutput of stage map: the function ran past its time limit (Sandbox.Timedout: Task",
    "notify.mute": "all is done, but the notice could not be sent",
}


@pytest.fixture(scope="module")
def runs(wreck: Mill) -> dict[str, str]:
    """Drop everything that breaks something; return the runs."""
    names = [*BROKEN, "notify.raise", "notify.stutter"]
    return {name: wreck.drop("strings", f"{name}.txt", TEXT) for name in names}


def ended(mill: Mill, name: str) -> str:
    """Wait for the end of the one execution of a file; return how it ended."""
    (execution,) = mill.executions(keys.input_key("strings", f"{name}.txt"))
    status: str = mill.end(execution["executionArn"])["status"]
    return status


@pytest.mark.parametrize("name", BROKEN)
def test_a_run_whose_function_breaks_fails_and_its_owner_is_told_why(wreck: Mill, runs: dict[str, str], name: str):
    assert ended(wreck, name) == "FAILED"
    mail = wreck.mail(runs[name], "FAILED")
    assert BROKEN[name] in mail.get_content()
    assert "Owner     miller" in mail.get_content()
    assert not [job for job in wreck.jobs(runs[name]) if job["status"] not in ("SUCCEEDED", "FAILED")]
    assert not [item for item in wreck.mails(runs[name]) if " SUCCEEDED " in item["Subject"]]


def test_a_run_whose_notifier_is_broken_fails_without_a_mail_and_the_alarm_has_it(wreck: Mill, runs: dict[str, str]):
    assert ended(wreck, "notify.raise") == "FAILED"
    assert wreck.mails(runs["notify.raise"]) == []
    watched = alarm(wreck, "FailedRunsAlarm")
    metrics = [metric["MetricStat"]["Metric"] for metric in watched["Metrics"] if "MetricStat" in metric]
    # the embedded AWS evaluates no alarms: these are the metrics that Step Functions counts such an end in
    assert {(metric["Namespace"], metric["MetricName"]) for metric in metrics} == {
        ("AWS/States", name) for name in ("ExecutionsFailed", "ExecutionsAborted", "ExecutionsTimedOut")
    }
    machine = {"Name": "StateMachineArn", "Value": wreck.outputs["StateMachineArn"]}
    assert all(metric["Dimensions"] == [machine] for metric in metrics)
    assert watched["AlarmActions"] == [wreck.outputs["AlarmTopicArn"]]
    assert (watched["ComparisonOperator"], watched["Threshold"]) == ("GreaterThanThreshold", 0)


def test_a_success_that_is_recorded_is_told_once_and_stays_one_whatever_becomes_of_its_notifier(
    wreck: Mill, runs: dict[str, str]
):
    """Each try of the notice breaks when all is done, and so does that for the event of the end."""
    run = runs["notify.stutter"]
    assert ended(wreck, "notify.stutter") == "FAILED"
    assert find_run(open_stack(wreck.target, "wreck"), run).status is RunStatus.SUCCEEDED
    signs = keys.signs(run)
    wreck._until(lambda: not wreck.keys(signs), 10, "Notify is still at work")
    assert [mail["Subject"].split()[1] for mail in wreck.mails(run)] == ["SUCCEEDED"]


def alarm(mill: Mill, resource: str) -> dict[str, Any]:
    described: dict[str, Any] = mill.client("cloudwatch").describe_alarms(AlarmNames=[mill.physical(resource)])
    found: dict[str, Any] = described["MetricAlarms"][0]
    return found


def test_events_that_come_out_of_order_each_read_the_version_that_they_are_about(wreck: Mill):
    """The rule is off while two versions are written; the newer one's event comes first."""
    rules, rule = wreck.client("events"), wreck.physical("DroppedRule")
    rules.disable_rule(Name=rule)
    old = put(wreck, b"old\n")
    new = put(wreck, b"new\n" * 3)
    rules.enable_rule(Name=rule)
    for event in (new, old, new):
        wreck.client("stepfunctions").start_execution(
            stateMachineArn=wreck.outputs["StateMachineArn"], name=str(uuid.uuid4()), input=json.dumps(event)
        )
    for event, made in ((old, b"oldold\n"), (new, b"newnew\n" * 3)):
        run = wreck.run_of(event["detail"]["object"]["key"], {"VersionId": event["detail"]["object"]["version-id"]})
        assert wreck.finish(run)["status"] == "SUCCEEDED"
        assert wreck.read(keys.results_prefix("strings", "order.txt", run) + "repeat.txt") == made
        wreck.mail(run, "SUCCEEDED")


def put(mill: Mill, body: bytes) -> dict[str, Any]:
    """Write a version; return the event that S3 sends of it."""
    key = keys.input_key("strings", "order.txt")
    shown = mill.client("s3").put_object(Bucket=mill.bucket, Key=key, Body=body)
    item = {"key": key, "size": len(body), "etag": shown["ETag"].strip('"'), "version-id": shown["VersionId"]}
    detail = {"bucket": {"name": mill.bucket}, "object": {**item, "sequencer": f"{time.time_ns():020X}"}}
    return {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}
