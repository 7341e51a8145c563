"""Notification channels: what travels by the topic, and what the webhook signs, posts and refuses."""

import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from gristmill.enums import RunStatus
from gristmill.errors import Corrupt, Refused
from gristmill.limits import SNS_MESSAGE_MAX, SNS_SUBJECT_MAX
from gristmill.printable import is_hidden
from gristmill.steps.notify.channels import Channel, Notice, NotSent, read_notice, webhook, write_notice
from gristmill.steps.notify.channels.email import Email
from gristmill.steps.notify.channels.webhook import Endpoint, Webhook, deliver, read_endpoint, sign
from gristmill.steps.notify.notice import make_notice
from gristmill.storage import ObjectInfo
from tests.project import PROJECT
from tests.unit.test_notice import NOW, failed_finding, summary

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
URL = "https://example.org/hidden/path"
ATTRIBUTES_MAX = 8 * 1024  # four, of 256 characters at most, with their names


class Topic:
    """A client of SNS that keeps what is published."""

    def __init__(self) -> None:
        self.published: dict[str, Any] = {}

    def publish(self, **given: Any) -> None:
        self.published = given

    @property
    def messages(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.published["Message"])
        return found


class Parameters:
    """A client of SSM with one parameter."""

    def __init__(self, value: str) -> None:
        self.value = value

    def get_parameter(self, Name: str, WithDecryption: bool) -> dict[str, Any]:
        assert WithDecryption
        if Name != "/hook":
            raise ClientError({"Error": {"Code": "ParameterNotFound", "Message": ""}}, "GetParameter")
        return {"Parameter": {"Value": self.value}}


def published(notice: Notice) -> Topic:
    topic = Topic()
    Email(topic, "arn").send(notice)
    return topic


def test_the_channels_follow_the_protocol():
    channels: list[Channel] = [Email(Topic(), "arn"), Webhook(Endpoint(url=URL, secret=SECRET), "m", NOW)]
    assert [channel.name for channel in channels] == ["email", "webhook"]


def test_a_notice_has_the_facts_of_its_run():
    results = [ObjectInfo("results/strings/input.tsv/r/reverse.tsv", 2, "")]
    notice = make_notice(summary(results=results, report="results/r/report.html"))
    assert notice.input == "s3://mill/inputs/strings/input.tsv"
    assert notice.results == ["s3://mill/results/strings/input.tsv/r/reverse.tsv"]
    assert (notice.report, notice.cost, notice.reason) == ("s3://mill/results/r/report.html", None, "")
    assert (notice.started, notice.ended) == (NOW, summary().ended_at)
    assert make_notice(summary(status=RunStatus.RETRYING)).ended is None
    assert make_notice(summary(faults=["a", "b"], status=RunStatus.FAILED)).reason == "a; b"


def test_the_topic_hands_each_protocol_its_own():
    notice = make_notice(summary(findings=[failed_finding()], status=RunStatus.FAILED, reason="grain"))
    topic = published(notice)
    assert topic.published["Subject"] == notice.subject
    assert topic.published["MessageStructure"] == "json"
    assert topic.messages["default"] == notice.text
    assert read_notice(topic.messages["lambda"]) == notice


nasty = st.text(st.sampled_from('"\\\tü🌾\x00a\u2028'), max_size=400)


@given(nasty, nasty, st.integers(0, 400), st.sampled_from(RunStatus))
def test_whatever_a_run_is_called_its_notice_fits_sns_and_reads_back(name, reason, times, status):
    results = [ObjectInfo(f"results/{name[:200]}/{number}", 1, "") for number in range(times)]
    given_ = summary(name=name[:300], reason=reason * times, owner=name, results=results, status=status)
    notice = make_notice(given_)
    topic = published(notice)
    assert len(topic.published["Message"].encode()) <= SNS_MESSAGE_MAX - ATTRIBUTES_MAX
    back = read_notice(topic.messages["lambda"])
    assert back.result_count == times
    assert list(back.results) == list(notice.results)[: len(back.results)]
    assert notice.text.startswith(back.text)
    assert replace(back, text="", results=()) == replace(notice, text="", results=())


def test_the_longest_notice_fits():
    longest = Notice(
        subject="x" * (SNS_SUBJECT_MAX - 1),
        text='"\\' * (SNS_MESSAGE_MAX // 8),
        pipeline="p" * 64,
        status=RunStatus.SUCCEEDED,
        run="0" * 16,
        owner='"' * 2000,
        at=NOW,
        input="s3://" + "\x01" * 1024,
        started=NOW,
        ended=NOW,
        results=["\x01" * 1024] * 100_000,
        result_count=100_000,
        report="\x01" * 1024,
        cost=1.0,
        reason='"' * 2000,
    )
    topic = published(longest)
    assert len(topic.published["Message"].encode()) <= SNS_MESSAGE_MAX - ATTRIBUTES_MAX
    assert 0 < len(read_notice(topic.messages["lambda"]).results) < 100


@pytest.mark.parametrize("text", ["", "no json", "{}", "[]", '{"subject": "x"}'])
def test_what_is_no_notice_is_corrupt(text: str):
    with pytest.raises(Corrupt, match="not a notice"):
        read_notice(text)


def test_attributes_leave_out_what_is_empty_and_cut_what_is_long():
    attributes = make_notice(summary(owner="", pipeline="p" * 300)).attributes
    assert set(attributes) == {"pipeline", "status", "run"}
    assert len(attributes["pipeline"]) == 256


def test_a_signature_is_that_of_the_specification():
    """The vector of the reference libraries of standardwebhooks.com."""
    signature = sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


HIDDEN = "https://example.org/hidden"


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("no json", "Invalid JSON"),
        ("[]", "object"),
        ({}, "url: Field required"),
        ({"url": "http://example.org/hidden", "secret": SECRET}, "url: must begin with https"),
        ({"url": "ftp://example.org/hidden", "secret": SECRET}, "url: must begin with https"),
        ({"url": "https:///hidden", "secret": SECRET}, "url: must name a host"),
        ({"url": "https://me:hidden@example.org", "secret": SECRET}, "without a user"),
        ({"url": "https://example.org/hidden\n", "secret": SECRET}, "without a user or blanks"),
        ({"url": "https://example.org:hidden/", "secret": SECRET}, "url: "),
        ({"url": HIDDEN, "secret": "hidden"}, "secret: must be whsec_"),
        ({"url": HIDDEN, "secret": "whsec_hidd"}, "24 to 64 bytes"),
        ({"url": HIDDEN, "secret": "whsec_ü"}, "24 to 64 bytes"),
        ({"url": HIDDEN, "secret": SECRET * 4}, "24 to 64 bytes"),
        ({"url": HIDDEN}, "needs a secret"),
        ({"url": HIDDEN, "format": "fax"}, "format: Input should be 'json', 'slack' or 'teams'"),
        ({"url": HIDDEN, "format": "slack", "token": "hidden"}, "token: Extra inputs"),
    ],
)
def test_a_wrong_parameter_is_refused_without_what_it_holds(value: Any, fault: str):
    value = value if isinstance(value, str) else json.dumps(value)
    with pytest.raises(Refused) as caught:
        read_endpoint(Parameters(value), "/hook")
    assert fault in str(caught.value)
    assert "/hook" in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert caught.value.__context__ is None  # no traceback has it either


def test_a_missing_parameter_is_told():
    with pytest.raises(Refused, match="/other: there is no such parameter"):
        read_endpoint(Parameters(""), "/other")


@pytest.mark.parametrize("host", ["127.0.0.1:80", "localhost", "[::1]:8080", "127.9.9.9"])
def test_plain_http_is_for_this_machine(host: str):
    assert Endpoint(url=f"http://{host}/x", secret=SECRET).url == f"http://{host}/x"


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost.example.org", "169.254.169.254", "0x7f000001"])
def test_plain_http_is_for_no_other_machine(host: str):
    with pytest.raises(ValueError, match="must begin with https"):
        Endpoint(url=f"http://{host}/x", secret=SECRET)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Give the answers to posts, in turn: a status, or what is raised."""
    given_: list[Any] = []

    def post(url: str, body: bytes, headers: dict[str, str]) -> int:
        answer = given_.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return int(answer)

    monkeypatch.setattr(webhook, "_post", post)
    return given_


def send(endpoint: Endpoint) -> None:
    event = {"Records": [{"Sns": {"MessageId": "m", "Message": write_notice(make_notice(summary()))}}]}
    deliver(Parameters(endpoint.model_dump_json()), "/hook", event, datetime.now(UTC))


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_delivered(answers: list[Any], status: int):
    answers.append(status)
    send(Endpoint(url=URL, secret=SECRET))


@pytest.mark.parametrize("status", [100, 199, 300, 301, 304, 400, 404, 410, 429, 500, 503])
def test_any_other_status_is_not(answers: list[Any], status: int):
    answers.append(status)
    with pytest.raises(NotSent, match=f"^example.org answered {status}"):
        send(Endpoint(url=URL, secret=SECRET))


def test_why_a_receiver_cannot_be_reached_is_told_without_its_url(answers: list[Any]):
    troubles = {
        urllib3.exceptions.LocationParseError(URL): "the URL is not valid",
        urllib3.exceptions.SSLError(URL): "its certificate is not valid, or it speaks no TLS",
        urllib3.exceptions.ProtocolError(URL): "the connection broke",
    }
    for error, why in troubles.items():
        answers.append(error)
        with pytest.raises(NotSent) as caught:
            send(Endpoint(url=URL, secret=SECRET))
        assert str(caught.value) == f"example.org could not be reached: {why}"
        assert caught.value.__suppress_context__


def test_a_receiver_that_never_ends_its_answer_is_given_up(monkeypatch: pytest.MonkeyPatch, answers: list[Any]):
    monkeypatch.setattr(webhook, "_SECONDS", 0.05)
    monkeypatch.setattr(webhook, "_post", lambda *_: time.sleep(5))
    with pytest.raises(NotSent, match="did not answer: it took more than"):
        send(Endpoint(url=URL, secret=SECRET))


chatty = st.text(st.sampled_from("a<>&!`*_[]()\n\u202e\x1b@#🌾"), max_size=300)


@given(chatty, st.integers(1, 200))
def test_nothing_in_a_notice_steers_slack(text: str, times: int):
    notice = make_notice(summary(status=RunStatus.FAILED, name=text, reason=text, faults=[text] * times))
    shown = webhook._FORMS["slack"](notice)["text"]
    assert not set("<>") & set(shown)
    assert shown.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "").count("&") == 0
    assert shown.startswith("```\n[gristmill] FAILED ")
    assert shown.endswith("```")
    assert "`" not in shown[3:-3]
    assert not any(is_hidden(char) for char in shown.replace("\n", ""))
    assert len(shown) < 40_000


@given(chatty, st.integers(1, 200))
def test_nothing_in_a_notice_steers_teams_and_a_card_fits(text: str, times: int):
    notice = make_notice(summary(status=RunStatus.FAILED, name=text, reason=text, faults=[text] * times))
    message = webhook._FORMS["teams"](notice)
    (attachment,) = message["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    runs = [run for block in attachment["content"]["body"] for run in block["inlines"]]
    assert {run["type"] for run in runs} == {"TextRun"}  # in which no markup is read
    assert runs[0]["text"] == notice.subject
    assert len(json.dumps(message, ensure_ascii=False).encode()) < 28_000


def shown(language: str) -> list[str]:
    """Return the blocks of a language that the page on notifications shows."""
    page = (PROJECT / "docs" / "operating.md").read_text()
    (section,) = re.findall(r"^## Notifications\n(.*?)^## ", page, re.MULTILINE | re.DOTALL)
    return re.findall(rf"^```{language}\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


def test_what_the_page_shows_verifies_what_is_sent():
    (snippet,) = shown("python")
    known: dict[str, Any] = {}
    exec(snippet, known)  # noqa: S102 - our own page
    sent = Webhook(Endpoint(url=URL, secret=SECRET), "m", datetime.now(UTC)).headers(b"body")
    assert known["is_genuine"](sent, b"body", SECRET.removeprefix("whsec_"))
    assert not known["is_genuine"](sent, b"Body", SECRET.removeprefix("whsec_"))
    late = Webhook(Endpoint(url=URL, secret=SECRET), "m", NOW).headers(b"body")
    assert not known["is_genuine"](late, b"body", SECRET.removeprefix("whsec_"))


def test_the_bodies_that_the_page_shows_are_those_that_are_sent_and_taken():
    body, chats = shown("json")
    example, sent = json.loads(body), webhook._FORMS["json"](make_notice(summary()))
    assert list(example) == list(sent)
    assert list(example["data"]) == list(sent["data"])
    assert [Endpoint.model_validate_json(line).format for line in chats.splitlines()] == ["slack", "teams"]
