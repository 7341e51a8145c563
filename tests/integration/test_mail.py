"""Mail of the embedded AWS: who gets a notice, what it says, and the mail server that gets a copy."""

import json
import socket
import threading
import uuid

import pytest
from botocore.exceptions import ClientError

from embedded_aws.services.sns.mail import make_mail, send
from embedded_aws.settings.application import Application
from tests.integration.mill import Mill


@pytest.fixture
def topic(mill: Mill):
    sns = mill.client("sns")
    arn = sns.create_topic(Name=f"topic-{uuid.uuid4().hex[:8]}")["TopicArn"]
    yield arn
    sns.delete_topic(TopicArn=arn)


def subscribe(mill, topic, address, policy=None, scope="MessageAttributes"):
    attributes = {"FilterPolicy": json.dumps(policy), "FilterPolicyScope": scope} if policy else {}
    mill.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint=address, Attributes=attributes)


def publish(mill, topic, subject, body="text", **attributes):
    values = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    mill.client("sns").publish(TopicArn=topic, Subject=subject, Message=body, MessageAttributes=values)


def test_each_subscriber_gets_what_their_filter_lets_through(mill, topic):
    subscribe(mill, topic, "all@example.org")
    subscribe(mill, topic, "failures@example.org", {"status": ["FAILED", "ABORTED"]})
    subscribe(mill, topic, "strings@example.org", {"pipeline": ["strings"], "status": ["SUCCEEDED"]})
    subscribe(mill, topic, "others@example.org", {"pipeline": [{"anything-but": ["strings"]}]})
    tag = uuid.uuid4().hex
    publish(mill, topic, f"fine {tag}", pipeline="strings", status="SUCCEEDED")
    publish(mill, topic, f"bad {tag}", pipeline="words", status="FAILED")
    collected = {(mail["To"], mail["Subject"].split()[0]) for mail in mill.mails(tag)}
    assert collected == {
        ("all@example.org", "fine"),
        ("all@example.org", "bad"),
        ("failures@example.org", "bad"),
        ("strings@example.org", "fine"),
        ("others@example.org", "bad"),
    }


def test_a_mail_has_subject_body_and_the_way_out(mill, topic):
    subscribe(mill, topic, "müller@example.org")
    tag = uuid.uuid4().hex
    publish(mill, topic, f"[gristmill] {tag}", "Körner 🌾\n.\nFrom here on\n" + "long " * 400)
    (mail,) = mill.mails(tag)
    assert mail["Subject"] == f"[gristmill] {tag}"
    body = mail.get_content()
    assert body.startswith("Körner 🌾\n.\nFrom here on\n" + "long " * 400)
    assert "gristmill unsubscribe" in body
    assert mail["Message-ID"]


@pytest.mark.parametrize("subject", ["two\nlines", "M\u00fcller", " blank first", "\x1b[31m"])
def test_a_subject_is_refused_as_sns_does(mill, topic, subject):
    with pytest.raises(ClientError, match="Invalid parameter: Subject"):
        publish(mill, topic, subject)


def test_an_address_that_would_make_a_header_is_refused(mill, topic):
    with pytest.raises(ClientError, match="Invalid parameter: Email address"):
        subscribe(mill, topic, "a@example.org\nBcc: b@example.org")


def test_a_mail_server_gets_a_copy_and_a_dead_one_is_no_trouble(tmp_path, caplog):
    mail = make_mail(Application(), "a@example.org", "grain", "Körner", "arn")
    with Listener() as server:
        send(f"127.0.0.1:{server.port}", mail)
    assert any(line.startswith("Subject: grain") for line in server.lines)
    send("127.0.0.1:1", mail)
    assert "lies in the outbox" in caplog.text


class Listener:
    """The least of a mail server: takes one mail."""

    def __enter__(self):
        self.lines: list[str] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.thread.join(10)
        self.socket.close()

    def _serve(self):
        connection, _ = self.socket.accept()
        with connection, connection.makefile("rw", newline="\r\n") as stream:
            self._say(stream, "220 mill")
            for line in stream:
                self._say(stream, "354 go on" if line.strip().upper() == "DATA" else "250 fine")
                if line.strip().upper() == "DATA":
                    self.lines = list(iter(lambda: stream.readline().rstrip(), "."))
                    self._say(stream, "250 taken")

    @staticmethod
    def _say(stream, line):
        stream.write(line + "\r\n")
        stream.flush()
