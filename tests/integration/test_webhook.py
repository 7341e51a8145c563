"""The webhook of the deployed template: what is posted of a run, signed, tried again, and kept where all fails."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from embedded_aws.settings.settings import CALLS_FILE
from gristmill.enums import RunStatus
from gristmill.steps.notify.channels import Notice
from gristmill.steps.notify.channels.email import Email
from tests.integration.conftest import deployed
from tests.integration.mill import OWNER, Mill
from tests.integration.policies import Call, read_calls, refused, statements, unused
from tests.integration.posts import SECRET, Posted, Receiver

PARAMETER = "/gristmill/test/webhook"


class Hooked:
    """A stack with a webhook, and its receiver."""

    def __init__(self, mill: Mill, receiver: Receiver) -> None:
        self.mill, self.receiver = mill, receiver

    def lead_to(self, path: str, **more: str) -> None:
        """Let the webhook post to a path of the receiver from now on."""
        settings = {"url": self.receiver.url(path), "secret": SECRET, **more}
        self.put(json.dumps(settings))

    def put(self, value: str) -> None:
        self.mill.client("ssm").put_parameter(Name=PARAMETER, Value=value, Type="SecureString", Overwrite=True)

    def wait(self, path: str, count: int, seconds: float = 20) -> list[Posted]:
        self.mill._until(lambda: len(self.receiver.of(path)) >= count, seconds, f"no {count} posts to {path}")
        return self.receiver.of(path)

    def dead(self, seconds: float = 20) -> dict[str, Any]:
        """Wait for a dead letter; take it away and return it."""
        sqs, queue, found = self.mill.client("sqs"), self.mill.outputs["DeadLetterQueueUrl"], []

        def receive() -> bool:
            answer = sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"])
            found.extend(answer.get("Messages", []))
            return bool(found)

        self.mill._until(receive, seconds, "no dead letter")
        for message in found:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        (message,) = found
        return dict(message)


@pytest.fixture(scope="module")
def hooked(mill: Mill) -> Iterator[Hooked]:
    receiver = Receiver()
    yield Hooked(deployed(mill.endpoint, mill.data, "hooked", WebhookParameter=PARAMETER), receiver)
    receiver.close()
    assert len(receiver.of("/ends")) == 2  # nothing came twice, seconds later


def words(hooked: Hooked, name: str) -> str:
    """Start a run; return its id."""
    return hooked.mill.drop("words", name, b"a b\nc d\n")


def notify(hooked: Hooked) -> str:
    """Send a notice as Notify does, without a run; return the id of the run that it is about."""
    run = uuid.uuid4().hex[:16]
    now = datetime.now(UTC)
    notice = Notice(
        subject=f"[gristmill] SUCCEEDED words/{run}",
        text="The run is complete.\n",
        pipeline="words",
        status=RunStatus.SUCCEEDED,
        run=run,
        owner=OWNER,
        at=now,
        input=f"s3://{hooked.mill.bucket}/inputs/words/{run}",
        started=now,
        ended=now,
        results=[],
        result_count=0,
        report=None,
        cost=None,
        reason="",
    )
    Email(hooked.mill.client("sns"), hooked.mill.outputs["TopicArn"]).send(notice)
    return run


def test_each_end_of_a_run_is_posted_once_and_signed(hooked: Hooked):
    hooked.lead_to("/ends")
    good = words(hooked, "hooked.txt")
    bad = hooked.mill.drop("words", "refused.txt", b"")
    assert hooked.mill.finish(good)["status"] == "SUCCEEDED"
    assert hooked.mill.finish(bad)["status"] == "FAILED"
    posts = {post.json["data"]["run"]: post for post in hooked.wait("/ends", 2)}
    assert {run: item.json["type"] for run, item in posts.items()} == {good: "run.succeeded", bad: "run.failed"}
    assert all(post.is_signed() for post in posts.values())
    assert all(post.headers["content-type"] == "application/json" for post in posts.values())
    data = posts[good].json["data"]
    assert (data["pipeline"], data["status"], data["owner"]) == ("words", "SUCCEEDED", OWNER)
    assert data["input"] == f"s3://{hooked.mill.bucket}/inputs/words/hooked.txt"
    assert data["results"] == [
        f"s3://{hooked.mill.bucket}/{key}"
        for key in hooked.mill.keys(f"results/words/hooked.txt/{good}/")
        if not key.endswith(("report.html", "report.json"))
    ]
    assert data["results"]
    assert data["report"] == f"s3://{hooked.mill.bucket}/results/words/hooked.txt/{good}/report.html"
    assert data["cost"] > 0
    assert data["started"] < data["ended"]
    refusal = posts[bad].json["data"]
    assert "empty" in refusal["reason"]
    assert (refusal["results"], refusal["report"] is None) == ([], "Report " not in refusal["text"])
    mail = hooked.mill.mail(good, "SUCCEEDED")
    assert (mail["Subject"], mail.get_content().startswith(data["text"])) == (data["subject"], True)
    assert len(hooked.receiver.of("/ends")) == 2


def test_what_a_server_fails_to_take_comes_again_under_the_same_id(hooked: Hooked):
    hooked.receiver.answers["/twice"] = [500, 503, 200]
    hooked.lead_to("/twice")
    run = notify(hooked)
    posts = hooked.wait("/twice", 3)
    assert len({post.id for post in posts}) == 1
    assert len({post.body for post in posts}) == 1
    assert posts[0].json["data"]["run"] == run
    assert all(post.is_signed() for post in posts)


@pytest.mark.parametrize("status", [500, 308])
def test_what_is_never_taken_lies_in_the_dead_letter_queue_and_can_be_sent_from_there(hooked: Hooked, status: int):
    path = f"/never-{status}"
    hooked.receiver.answers[path] = [status]
    hooked.lead_to(path)
    run = notify(hooked)
    assert len(hooked.wait(path, 3)) == 3
    letter = hooked.dead()
    why = letter["MessageAttributes"]["ErrorMessage"]["StringValue"]
    assert str(status) in why
    assert path not in why  # whoever knows a URL of Slack may post
    hooked.receiver.answers[path] = [200]
    assert hooked.mill.invoke("WebhookFunction", json.loads(letter["Body"]))["run"] == run
    posts = hooked.receiver.of(path)
    assert len(posts) == 4
    assert len({post.id for post in posts}) == 1
    assert hooked.receiver.of("/elsewhere") == []


@pytest.mark.parametrize("value", ["no json", '{"url": "http://example.org/hidden"}'])
def test_a_parameter_that_is_wrong_is_a_dead_letter_that_says_so(hooked: Hooked, value: str):
    hooked.put(value)
    notify(hooked)
    why = hooked.dead()["MessageAttributes"]["ErrorMessage"]["StringValue"]
    assert PARAMETER in why
    assert "hidden" not in why


def test_a_server_that_hangs_delays_no_run(hooked: Hooked):
    hooked.lead_to("/hang")
    first = notify(hooked)
    hooked.wait("/hang", 1)
    second = words(hooked, "hang.txt")
    assert hooked.mill.finish(second)["status"] == "SUCCEEDED"
    assert not hooked.receiver.released.is_set()
    hooked.receiver.released.set()
    runs = {post.json["data"]["run"] for post in hooked.wait("/hang", 2)}
    assert runs == {first, second}


@pytest.mark.parametrize("form", ["slack", "teams"])
def test_chats_get_the_forms_that_they_take(hooked: Hooked, form: str):
    hooked.lead_to(f"/{form}", format=form)
    run = notify(hooked)
    (post,) = hooked.wait(f"/{form}", 1)
    assert post.is_signed()
    assert set(post.json) == ({"text"} if form == "slack" else {"type", "attachments"})
    assert f"SUCCEEDED words/{run}" in json.dumps(post.json)


def test_the_function_may_read_its_parameter_and_little_else(hooked: Hooked):
    hooked.lead_to("/privileges")
    notify(hooked)
    hooked.wait("/privileges", 1)
    role = hooked.mill.physical("WebhookFunctionRole")
    allowed = list(statements(hooked.mill.client("iam"), role))
    calls = [call for call in read_calls(hooked.mill.data / CALLS_FILE) if call.role == role]
    ours = f"arn:aws:ssm:us-east-1:123456789012:parameter{PARAMETER}"
    assert set(calls) == {Call(role, "ssm:GetParameter", ours)}
    assert refused(calls, allowed, [role]) == []
    assert {(sid, action) for _, sid, action in unused(calls, allowed)} == {
        ("DeadLetterQueuePolicy", "sqs:SendMessage")  # Lambda itself, for what failed three times
    }
    other = Call(role, "ssm:GetParameter", ours + "-of-another")
    assert refused([other], allowed, [role]) == [other]


def test_a_stack_without_the_parameter_has_no_webhook(mill: Mill):
    resources = mill.client("cloudformation").describe_stack_resources(StackName=mill.stack)["StackResources"]
    assert [resource["LogicalResourceId"] for resource in resources if "Webhook" in resource["LogicalResourceId"]] == []
