"""Outages while something is followed: waited out within a bound, told once, and told rightly where they last."""

import dataclasses
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from botocore import exceptions as raised
from botocore.exceptions import ClientError
from urllib3.exceptions import ProtocolError

from gristmill.cli.main import user_error
from gristmill.client.drop.drops import await_run
from gristmill.client.outage import BOUND_SECONDS, NO_CREDENTIALS, LostSight, Outage, Patience, ServerGone, outage_of
from gristmill.client.runs import watching
from gristmill.client.runs.control import stop
from gristmill.client.runs.find import Run
from gristmill.client.runs.snapshot import Look
from gristmill.client.tail import Follower, Stream
from gristmill.client.target import Target
from gristmill.clock import Clock
from gristmill.enums import RunStatus
from gristmill.errors import ExitCode, NotFound
from tests.unit.test_cli import a_run
from tests.unit.test_tail import Cloud, Event


def answer(code: str, status: int = 400, operation: str = "DescribeExecution") -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}, operation
    )


CONNECTION = [
    raised.EndpointConnectionError(endpoint_url="u", error="Name or service not known"),
    raised.ConnectTimeoutError(endpoint_url="u"),
    raised.ReadTimeoutError(endpoint_url="u"),
    raised.ConnectionClosedError(endpoint_url="u"),
    raised.ProxyConnectionError(proxy_url="u"),
    raised.SSLError(endpoint_url="u", error="e"),
    raised.HTTPClientError(error="e"),
    raised.ResponseStreamingError(error="e"),
    raised.IncompleteReadError(actual_bytes=1, expected_bytes=2),
    ProtocolError("cut"),
    ConnectionResetError(104, "reset"),
    TimeoutError("timed out"),
    ssl.SSLError("e"),
]
BUSY = [
    answer("ThrottlingException"),
    answer("TooManyRequestsException", 429),
    answer("SlowDown", 503),
    answer("InternalError", 500),
    answer("ServiceUnavailable", 503),
    answer("", 502),
]
CREDENTIALS = [
    answer("ExpiredToken"),
    answer("ExpiredTokenException"),
    answer("RequestExpired"),
    answer("InvalidClientTokenId", 403),
    answer("UnrecognizedClientException"),
    answer("InvalidAccessKeyId", 403),
    answer("400", 400, "HeadObject"),
    raised.UnauthorizedSSOTokenError(),
    raised.SSOTokenLoadError(error_msg="e"),
    raised.TokenRetrievalError(provider="sso", error_msg="e"),
    raised.CredentialRetrievalError(provider="p", error_msg="e"),
    raised.NoCredentialsError(),
    RuntimeError("Credentials were refreshed, but the refreshed credentials are still expired."),
]
LASTING = [
    answer("AccessDenied", 403),
    answer("NoSuchKey", 404),
    answer("ValidationException"),
    NotFound("gone."),
    FileNotFoundError(2, "No such file", "x"),
    OSError(28, "No space left on device"),
    KeyError("x"),
]


class Time:
    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    @property
    def clock(self) -> Clock:
        return Clock(self.now, self.sleep)


class Mill:
    """A stack that is only there to renew its clients."""

    def __init__(self) -> None:
        self.target = Target(None, "eu-central-1")
        self.renewed = 0
        self.queues = ["q"]
        self.store = None

    def renew(self) -> None:
        self.renewed += 1

    def client(self, _name):
        return self


class Patient:
    def __init__(self) -> None:
        self.mill, self.time, self.notes = Mill(), Time(), []
        self.patience = Patience(self.mill, "the run goes on", "gristmill watch 12", self.notes.append, self.time.clock)


def failing(errors: list[Exception], answer: object = "answer") -> Callable[[], object]:
    """Return what raises each of the errors and then answers."""
    waiting = iter(errors)

    def ask() -> object:
        for error in waiting:
            raise error
        return answer

    return ask


@pytest.mark.parametrize(
    ("kind", "error"),
    [(kind, error) for kind, errors in zip(Outage, (CONNECTION, BUSY, CREDENTIALS), strict=True) for error in errors],
)
def test_each_outage_is_known_waited_out_and_told_once(kind: Outage, error: Exception):
    shown = Patient()
    assert outage_of(error) is kind
    assert shown.patience.call(failing([error] * 5)) == "answer"
    assert len(shown.notes) == 2
    assert "the run goes on" in shown.notes[0]
    assert shown.notes[1].startswith("AWS answers again, after ")
    assert bool(shown.mill.renewed) == (kind is Outage.CREDENTIALS)
    assert shown.patience.call(failing([error] * 5)) == "answer", "a second outage has a bound of its own"
    assert len(shown.notes) == 4


@pytest.mark.parametrize("error", LASTING, ids=str)
def test_what_does_not_pass_is_raised_at_once(error: Exception):
    shown = Patient()
    with pytest.raises(type(error)) as found:
        shown.patience.call(failing([error]))
    assert found.value is error
    assert (shown.notes, shown.time.time) == ([], 1000.0)


@pytest.mark.parametrize(
    ("error", "what", "mend"),
    [
        (CONNECTION[0], "the connection to AWS is lost", "Once AWS can be reached: gristmill watch 12"),
        (BUSY[0], "AWS is too busy to answer", "Once AWS can be reached: gristmill watch 12"),
        (
            CREDENTIALS[0],
            "your AWS credentials have expired",
            "Renew them (aws sso login, aws configure), then: gristmill",
        ),
    ],
)
def test_an_outage_that_lasts_ends_it_with_what_goes_on_and_how_to_see_it(error, what, mend):
    shown = Patient()
    with pytest.raises(LostSight) as found:
        shown.patience.call(failing([error] * 1000))
    assert BOUND_SECONDS - 20 <= shown.time.time - 1000 <= BOUND_SECONDS
    assert found.value.what.startswith(what)
    assert "; the run goes on." in found.value.what
    assert mend in found.value.mend
    assert found.value.exit_code == ExitCode.UNREACHABLE
    assert len(shown.notes) == 1


def test_the_names_of_botocores_errors_are_right():
    assert {name for name in NO_CREDENTIALS if not hasattr(raised, name)} == set()


def test_credentials_that_were_renewed_meanwhile_are_taken_without_a_word():
    shown = Patient()
    assert shown.patience.call(failing([CREDENTIALS[0]])) == "answer"
    assert (shown.mill.renewed, shown.notes, shown.time.time) == (1, [], 1000.0)


def test_a_slow_call_counts_towards_the_bound():
    shown = Patient()

    def ask() -> None:
        shown.time.sleep(200)
        raise raised.ReadTimeoutError(endpoint_url="u")

    with pytest.raises(LostSight):
        shown.patience.call(ask)
    assert shown.time.time - 1000 <= 2 * 200 + 15


def stepwise(errors: list[Exception], answers: Iterator[object]) -> Callable[..., object]:
    """Return what raises the errors before each answer."""
    pending: list[Exception] = list(errors)

    def ask(*_: object, **__: object) -> object:
        if pending:
            raise pending.pop()
        pending.extend(errors)
        return next(answers)

    return ask


KINDS = (CONNECTION[0], BUSY[0], CREDENTIALS[0])


@pytest.mark.parametrize("error", KINDS, ids=str)
@pytest.mark.parametrize("where", ["find_run", "look"])
def test_a_watch_goes_on_wherever_it_is_interrupted(monkeypatch, where: str, error: Exception):
    shown = Patient()
    runs = [a_run(1, status, "a.txt") for status in (RunStatus.RUNNING, RunStatus.RUNNING, RunStatus.SUCCEEDED)]
    monkeypatch.setattr(watching, "find_run", lambda mill, run: Run(run, runs[0].execution, None))
    monkeypatch.setattr(watching, "look", lambda mill, run, memory: Look(run, ()))
    if where == "find_run":  # it is asked again for each look
        monkeypatch.setattr(watching, "find_run", stepwise([error, error], iter(runs)))
    else:
        monkeypatch.setattr(watching, "look", stepwise([error, error], (Look(run, ()) for run in runs)))
    looks = list(watching.follow(shown.mill, runs[0], shown.patience, shown.time.clock))
    assert [each.run.status for each in looks] == ["RUNNING", "RUNNING", "SUCCEEDED"]
    assert len(shown.notes) == 6


@pytest.mark.parametrize("error", KINDS, ids=str)
def test_followed_logs_lose_and_repeat_nothing_in_an_outage(error: Exception):
    shown = Patient()
    cloud = Cloud([Event(name, at * 1000, f"{at}", at + 1.0) for at in range(20) for name in "ab"])
    pages = [error, None, None, error, None, None, None, error] * 3
    real = cloud.get_log_events

    def get_log_events(**asked):
        if pages and (error := pages.pop()):
            raise error
        return real(**asked)

    cloud.get_log_events = get_log_events

    def look(closed: set[str]) -> tuple[list[Stream], bool]:
        return [Stream(name, name, name, cloud.time > 25) for name in "ab" if name not in closed], cloud.time <= 25

    patience = Patience(shown.mill, "m", "a", shown.notes.append, Clock(cloud.now, cloud.sleep))
    follower = Follower(lambda: cloud, "group", look, 10.0, patience, Clock(cloud.now, cloud.sleep))
    lines = [(line.label, line.text) for line in follower.lines()]
    assert sorted(lines) == sorted((name, f"{at}") for at in range(20) for name in "ab")
    assert pages == []


@pytest.mark.parametrize("error", KINDS, ids=str)
def test_a_run_that_was_dropped_is_awaited_through_an_outage(monkeypatch, error: Exception):
    shown, found = Patient(), a_run(1, RunStatus.RUNNING, "a.txt")
    monkeypatch.setattr("gristmill.client.drop.drops.find_record", stepwise([error], iter([None, found.record])))
    monkeypatch.setattr("gristmill.client.drop.drops.find_run", lambda mill, run: found)
    assert await_run(shown.mill, found.run, shown.patience) is found


@pytest.mark.parametrize("error", KINDS, ids=str)
def test_a_stop_goes_on_wherever_it_is_interrupted(monkeypatch, error: Exception):
    shown, found = Patient(), a_run(1, RunStatus.RUNNING, "a.txt")
    ended = dataclasses.replace(found.execution, status=RunStatus.ABORTED)
    job = {"jobId": "j", "jobName": "n", "status": "RUNNING"}
    done = {**job, "status": "FAILED"}
    home = "gristmill.client.runs.control"
    monkeypatch.setattr(f"{home}.live_jobs", stepwise([error], iter([[job]])))
    monkeypatch.setattr(f"{home}.end_jobs", stepwise([error], iter([[job], [], []])))
    monkeypatch.setattr(f"{home}.halt", stepwise([error], iter([([ended], None)] * 3)))
    monkeypatch.setattr(f"{home}._still", stepwise([error], iter([[]] * 3)))
    monkeypatch.setattr("gristmill.client.runs.stopped.describe_jobs", stepwise([error], iter([[done]] * 3)))
    stopped = stop(shown.mill, found, "the sorcerer", patience=shown.patience, clock=shown.time.clock)
    assert stopped.proved
    assert [(each.id, each.was, each.status) for each in stopped.jobs] == [("j", "RUNNING", "FAILED")]


def test_an_embedded_aws_that_is_gone_is_told_and_not_waited_for(monkeypatch, tmp_path: Path):
    shown = Patient()
    shown.mill.target = Target("http://localhost:1", "us-east-1", tmp_path)
    server = type("State", (), {"endpoint": "http://localhost:1"})()
    monkeypatch.setattr("gristmill.client.outage.read_state", lambda folder: server)
    monkeypatch.setattr("gristmill.client.outage.is_running", lambda state: False)
    patience = Patience(shown.mill, "m", "a", shown.notes.append, shown.time.clock)
    for error in (CONNECTION[0], answer("NoSuchBucket", 404), answer("InvalidClientTokenId", 403)):
        with pytest.raises(ServerGone, match=r"http://localhost:1 is down: its buckets, runs and stacks are lost\."):
            patience.call(failing([error]))
    assert (shown.notes, shown.time.time) == ([], 1000.0)


@pytest.mark.parametrize("error", [*CONNECTION, *BUSY, *CREDENTIALS, OSError(28, "No space left on device")], ids=str)
def test_outside_a_watch_each_is_told_in_one_line(error: Exception):
    shown = user_error(error)
    assert shown is not None
    assert "\n" not in shown.what


def test_new_clients_read_credentials_anew(monkeypatch, tmp_path: Path):
    import boto3

    from gristmill.client.stack import Stack

    file = tmp_path / "credentials"
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    mill = Stack(Target(None, "us-east-1"), "gristmill", {"BucketName": "b"}, "CREATE_COMPLETE")
    for key in ("old", "new"):
        file.write_text(f"[default]\naws_access_key_id={key}\naws_secret_access_key=s\n")
        mill.renew()
        for client in (mill.client("batch"), mill.store.client):
            assert client._request_signer._credentials.access_key == key
