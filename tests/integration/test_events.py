"""EventBridge and S3's events on the embedded AWS: what a rule's targets get, when, and where it goes if they fail."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.mill import Mill


class Bus:
    """Rules of one test, a queue that gets what they send, and one that gets what could not be sent."""

    def __init__(self, mill: Mill) -> None:
        self.mill, self.source = mill, f"test.{uuid.uuid4().hex[:8]}"
        self.events, self.sqs = mill.client("events"), mill.client("sqs")
        self.rules: list[str] = []
        self.inbox, self.inbox_arn = self._queue("inbox")
        self.dead, self.dead_arn = self._queue("dead")

    def _queue(self, name: str) -> tuple[str, str]:
        url = self.sqs.create_queue(QueueName=f"{self.source.replace('.', '-')}-{name}")["QueueUrl"]
        described = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, described["Attributes"]["QueueArn"]

    def rule(self, target: dict[str, Any] | None = None, state: str = "ENABLED", pattern: Any = None) -> str:
        name = f"{self.source}-{len(self.rules)}"
        self.rules.append(name)
        arn = self.events.put_rule(
            Name=name, State=state, EventPattern=json.dumps(pattern or {"source": [self.source]})
        )["RuleArn"]
        self.events.put_targets(Rule=name, Targets=[{"Id": "one", "Arn": self.inbox_arn, **(target or {})}])
        return str(arn)

    def send(self, **detail: Any) -> None:
        entry = {"Source": self.source, "DetailType": "Test", "Detail": json.dumps(detail)}
        self.events.put_events(Entries=[entry])

    def received(self, url: str, count: int = 1) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while len(found) < count:
            shown = self.sqs.receive_message(
                QueueUrl=url, WaitTimeSeconds=10, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
            ).get("Messages", [])
            assert shown, f"{len(found)} of {count} messages came"
            found += shown
        return found

    def close(self) -> None:
        for name in self.rules:
            self.events.remove_targets(Rule=name, Ids=["one"])
            self.events.delete_rule(Name=name)
        for url in (self.inbox, self.dead):
            self.sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def bus(mill: Mill) -> Iterator[Bus]:
    shown = Bus(mill)
    yield shown
    shown.close()


def test_a_target_gets_the_event_a_part_of_it_a_constant_or_a_text_made_of_it(bus):
    bus.rule()
    bus.rule({"InputPath": "$.detail.grain"})
    bus.rule({"Input": '{"always": "this"}'})
    paths = {"grain": "$.detail.grain", "more": "$.detail.more"}
    bus.rule(
        {"InputTransformer": {"InputPathsMap": paths, "InputTemplate": '{"a": <grain>, "b": "of <grain>: <more>"}'}}
    )
    bus.send(grain='r"ye', more=[1, 2])
    bodies = [json.loads(message["Body"]) for message in bus.received(bus.inbox, 4)]
    whole = next(body for body in bodies if isinstance(body, dict) and "detail" in body)
    assert whole["source"] == bus.source
    assert whole["detail"] == {"grain": 'r"ye', "more": [1, 2]}
    assert 'r"ye' in bodies
    assert {"always": "this"} in bodies
    assert {"a": 'r"ye', "b": 'of r"ye: [1, 2]'} in bodies


def test_a_disabled_rule_and_one_of_another_pattern_send_nothing(bus):
    bus.rule(state="DISABLED")
    bus.rule(pattern={"source": [bus.source], "detail": {"grain": ["oats"]}})
    bus.rule({"Input": '"only"'}, pattern={"source": [bus.source], "detail": {"grain": [{"prefix": "ry"}]}})
    bus.send(grain="rye")
    assert [message["Body"] for message in bus.received(bus.inbox)] == ['"only"']
    assert "Messages" not in bus.sqs.receive_message(QueueUrl=bus.inbox)


def test_what_cannot_be_delivered_is_tried_again_then_buried_with_the_reason(bus):
    missing = "arn:aws:sqs:us-east-1:123456789012:nowhere"
    rule = bus.rule(
        {"Arn": missing, "DeadLetterConfig": {"Arn": bus.dead_arn}, "RetryPolicy": {"MaximumRetryAttempts": 1}}
    )
    bus.send(grain="rye")
    (letter,) = bus.received(bus.dead)
    assert json.loads(letter["Body"])["detail"] == {"grain": "rye"}
    collected = {name: item["StringValue"] for name, item in letter["MessageAttributes"].items()}
    assert (collected["RULE_ARN"], collected["TARGET_ARN"]) == (rule, missing)
    assert "NonExistentQueue" in collected["ERROR_CODE"]


def test_one_target_that_fails_keeps_no_other_from_its_event(bus):
    bus.rule({"Arn": "arn:aws:sqs:us-east-1:123456789012:nowhere", "RetryPolicy": {"MaximumRetryAttempts": 0}})
    bus.rule()
    bus.send(grain="rye")
    assert len(bus.received(bus.inbox)) == 1


def test_the_same_event_delivered_twice_starts_one_execution(bus):
    """AWS names the execution after the event: the second start fails for good, and nobody is bothered with it."""
    states = bus.mill.client("stepfunctions")
    role = bus.mill.client("iam").list_roles()["Roles"][0]["Arn"]
    definition = json.dumps({"StartAt": "S", "States": {"S": {"Type": "Succeed"}}})
    machine = states.create_state_machine(name=bus.source.replace(".", "-"), definition=definition, roleArn=role)
    bus.rule({"Arn": machine["stateMachineArn"], "RoleArn": role, "DeadLetterConfig": {"Arn": bus.dead_arn}})
    bus.rule({"Arn": machine["stateMachineArn"], "RoleArn": role, "DeadLetterConfig": {"Arn": bus.dead_arn}})
    bus.rule()
    bus.send(grain="rye")
    event = json.loads(bus.received(bus.inbox)[0]["Body"])

    def executions() -> list[str]:
        described = states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
        return [item["name"] for item in described]

    Mill._until(lambda: bool(executions()), 10, "no execution began")
    assert executions() == [event["id"]]
    assert "Messages" not in bus.sqs.receive_message(QueueUrl=bus.dead)
    states.delete_state_machine(stateMachineArn=machine["stateMachineArn"])


@pytest.fixture
def drops(bus: Bus) -> Iterator[str]:
    """Give a bucket of its own, whose events come into the inbox."""
    s3, bucket = bus.mill.client("s3"), f"drops-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    bus.rule(pattern={"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}})
    yield bucket
    for version in s3.list_object_versions(Bucket=bucket).get("Versions", []):
        s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])


def test_each_way_of_making_an_object_is_told_with_its_reason_and_a_raw_key(bus, drops):
    s3, key = bus.mill.client("s3"), "in/a b+é%.txt"
    put = s3.put_object(Bucket=drops, Key=key, Body=b"grain")
    s3.copy_object(Bucket=drops, Key="copy", CopySource={"Bucket": drops, "Key": key})
    upload = s3.create_multipart_upload(Bucket=drops, Key="parts")["UploadId"]
    etag = s3.upload_part(Bucket=drops, Key="parts", UploadId=upload, PartNumber=1, Body=b"1")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    s3.complete_multipart_upload(Bucket=drops, Key="parts", UploadId=upload, MultipartUpload=parts)
    events = [json.loads(message["Body"]) for message in bus.received(bus.inbox, 3)]
    details = {event["detail"]["reason"]: event["detail"] for event in events}
    assert {reason: item["object"]["key"] for reason, item in details.items()} == {
        "PutObject": key,
        "CopyObject": "copy",
        "CompleteMultipartUpload": "parts",
    }
    dropped = details["PutObject"]["object"]
    assert (dropped["size"], dropped["etag"]) == (5, put["ETag"].strip('"'))
    assert "version-id" not in dropped  # the bucket has no versions
    order = [details[name]["object"]["sequencer"] for name in ("PutObject", "CopyObject", "CompleteMultipartUpload")]
    assert order == sorted(order)
    assert len({event["id"] for event in events}) == 3


def test_a_bucket_with_versions_tells_which(bus, drops):
    s3 = bus.mill.client("s3")
    s3.put_bucket_versioning(Bucket=drops, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=drops, Key="k", Body=b"1")["VersionId"]
    (event,) = bus.received(bus.inbox)
    assert json.loads(event["Body"])["detail"]["object"]["version-id"] == version


@pytest.mark.parametrize(
    ("asked", "got"), [("bytes=0-3", b"0123"), ("bytes=8-", b"89"), ("bytes=-2", b"89"), ("bytes=4-100", b"456789")]
)
def test_a_range_is_what_was_asked_for(mill, asked, got):
    s3 = mill.client("s3")
    s3.put_object(Bucket=mill.bucket, Key="scratch/range", Body=b"0123456789")
    answer = s3.get_object(Bucket=mill.bucket, Key="scratch/range", Range=asked)
    assert answer["Body"].read() == got
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert answer["ContentRange"].endswith("/10")


def test_metadata_names_come_back_in_lower_case(mill):
    s3 = mill.client("s3")
    s3.put_object(Bucket=mill.bucket, Key="scratch/meta", Body=b"", Metadata={"lines-per-task": "5"})
    headers = s3.head_object(Bucket=mill.bucket, Key="scratch/meta")["ResponseMetadata"]["HTTPHeaders"]
    assert "x-amz-meta-lines-per-task" in headers
    assert s3.head_object(Bucket=mill.bucket, Key="scratch/meta")["Metadata"] == {"lines-per-task": "5"}
