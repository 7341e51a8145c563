"""Topics of the embedded AWS: what functions that subscribe are given, and what SNS refuses to publish."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.mill import Mill
from tests.integration.test_functions import Function

CODE = """
import json, os, pathlib, time, uuid
def handler(event, context):
    here = pathlib.Path(os.environ["SEEN"])
    (here / uuid.uuid4().hex).write_text(json.dumps(event))
    while (here / "hang").exists():
        time.sleep(0.02)
    if (here / "fail").exists():
        raise RuntimeError("the post is closed")
"""


class Subscriber:
    """A topic, and a function that writes down what the topic hands it."""

    def __init__(self, mill: Mill, folder: Path, **settings: Any) -> None:
        self.mill, self.folder, self.sns = mill, folder, mill.client("sns")
        self.topic = self.sns.create_topic(Name=f"topic-{uuid.uuid4().hex[:8]}")["TopicArn"]
        variables = {"Environment": {"Variables": {"SEEN": str(folder)}}}
        self.function = Function(mill, CODE, **variables, **settings)
        described = self.function.client.get_function_configuration(FunctionName=self.function.name)
        self.arn = described["FunctionArn"]
        self.sns.subscribe(TopicArn=self.topic, Protocol="lambda", Endpoint=self.arn)

    def permit(self, topic: str) -> None:
        """Let a topic invoke the function."""
        self.function.client.add_permission(
            FunctionName=self.function.name,
            StatementId=uuid.uuid4().hex,
            Action="lambda:InvokeFunction",
            Principal="sns.amazonaws.com",
            SourceArn=topic,
        )

    def publish(self, message: str, **more: Any) -> str:
        answer = self.sns.publish(TopicArn=self.topic, Message=message, **more)
        return str(answer["MessageId"])

    def events(self) -> list[dict[str, Any]]:
        files = [file for file in self.folder.iterdir() if file.name not in ("hang", "fail")]
        return [json.loads(file.read_text()) for file in files if file.stat().st_size]

    def wait(self, count: int, seconds: float = 20) -> list[dict[str, Any]]:
        self.mill._until(lambda: len(self.events()) >= count, seconds, f"not {count} events")
        return self.events()


@pytest.fixture
def subscriber(mill: Mill, tmp_path: Path) -> Iterator[Subscriber]:
    made = Subscriber(mill, tmp_path)
    made.permit(made.topic)
    yield made
    made.sns.delete_topic(TopicArn=made.topic)
    made.function.client.delete_function(FunctionName=made.function.name)


def test_a_function_is_handed_the_event_that_aws_sends(subscriber: Subscriber):
    attributes = {"status": {"DataType": "String", "StringValue": "FAILED"}}
    first = subscriber.publish("text", Subject="grain", MessageAttributes=attributes)
    (event,) = subscriber.wait(1)
    (record,) = event["Records"]
    assert (record["EventSource"], record["EventVersion"]) == ("aws:sns", "1.0")
    assert record["EventSubscriptionArn"].startswith(subscriber.topic + ":")
    sns = record["Sns"]
    assert (sns["MessageId"], sns["TopicArn"], sns["Type"]) == (first, subscriber.topic, "Notification")
    assert (sns["Subject"], sns["Message"]) == ("grain", "text")
    assert sns["MessageAttributes"] == {"status": {"Type": "String", "Value": "FAILED"}}
    assert abs(datetime.now(UTC) - datetime.fromisoformat(sns["Timestamp"])) < timedelta(minutes=1)


def test_each_protocol_gets_its_own_message(subscriber: Subscriber):
    address = f"{uuid.uuid4().hex}@example.org"
    subscriber.sns.subscribe(TopicArn=subscriber.topic, Protocol="email", Endpoint=address)
    structure = {"default": "for all", "lambda": '{"for": "functions"}'}
    subscriber.publish(json.dumps(structure), MessageStructure="json")
    (event,) = subscriber.wait(1)
    assert event["Records"][0]["Sns"]["Message"] == '{"for": "functions"}'
    (mail,) = [mail for mail in subscriber.mill.mails("for all") if mail["To"] == address]
    assert mail.get_content().startswith("for all\n")


@pytest.mark.parametrize("message", ["no json", "[]", "{}", '{"lambda": "x"}', '{"default": 1}'])
def test_a_structure_without_a_default_is_refused(mill: Mill, subscriber: Subscriber, message: str):
    with pytest.raises(ClientError, match="Message Structure"):
        subscriber.publish(message, MessageStructure="json")


def test_a_message_that_is_too_long_in_bytes_is_refused(subscriber: Subscriber):
    with pytest.raises(ClientError, match="too long"):
        subscriber.publish("ü" * (128 * 1024 + 1))


def test_a_topic_that_may_not_invoke_a_function_does_not(mill: Mill, tmp_path: Path):
    made = Subscriber(mill, tmp_path)
    made.permit(made.topic + "-of-another")
    made.publish("before")
    made.permit(made.topic)
    made.publish("after")
    (event,) = made.wait(1)
    assert event["Records"][0]["Sns"]["Message"] == "after"


@pytest.mark.parametrize(
    "endpoint", ["f", "arn:aws:lambda:us-east-1:123456789012:f", "arn:aws:sqs:us-east-1:123456789012:f"]
)
def test_only_a_function_subscribes_as_one(mill: Mill, subscriber: Subscriber, endpoint: str):
    with pytest.raises(ClientError, match="Lambda endpoint ARN"):
        subscriber.sns.subscribe(TopicArn=subscriber.topic, Protocol="lambda", Endpoint=endpoint)


def test_a_function_that_is_gone_holds_up_no_other_subscriber(subscriber: Subscriber):
    subscriber.sns.subscribe(TopicArn=subscriber.topic, Protocol="lambda", Endpoint=subscriber.arn + "-gone")
    subscriber.publish("on")
    subscriber.wait(1)


def test_publishing_does_not_wait_and_a_function_that_hangs_holds_up_no_other(mill: Mill, tmp_path: Path):
    folders = [tmp_path / name for name in ("slow", "quick")]
    for folder in folders:
        folder.mkdir()
    slow, quick = [Subscriber(mill, folder, Timeout=30) for folder in folders]
    for item in (slow, quick):
        item.permit(item.topic)
    (slow.folder / "hang").touch()
    for number in range(17):  # more than a function may have under way
        slow.publish(str(number))
    quick.publish("at once")
    quick.wait(1)
    assert (slow.folder / "hang").exists()
    (slow.folder / "hang").unlink()
    assert len(slow.wait(17)) == 17


def test_what_fails_is_tried_twice_more_with_the_same_message_then_buried(mill: Mill, tmp_path: Path):
    sqs = mill.client("sqs")
    url = sqs.create_queue(QueueName=f"dead-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    (tmp_path / "fail").touch()
    made = Subscriber(mill, tmp_path, DeadLetterConfig={"TargetArn": arn})
    made.permit(made.topic)
    message = made.publish("lost")
    events = made.wait(3)
    assert [event["Records"][0]["Sns"]["MessageId"] for event in events] == [message] * 3
    received: list[dict[str, Any]] = []
    mill._until(lambda: received.extend(sqs.receive_message(QueueUrl=url).get("Messages", [])) or received, 10, "lost")
    assert json.loads(received[0]["Body"]) == events[0]
