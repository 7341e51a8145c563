"""A connection that is lost while a run is watched: the command line waits, says so, and ends with the run."""

import threading
from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.httpsession import URLLib3Session

from gristmill.cli.terminal import session
from gristmill.cli.terminal.show import note
from gristmill.errors import ExitCode
from tests.integration.mill import Mill
from tests.integration.test_cli import Cli, cli  # noqa: F401 - a fixture


class Wire:
    """The way of all requests out of this process; cut, it takes none, those of the test's main thread excepted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_cut, self.passed = False, 0
        send, wire, main = URLLib3Session.send, self, threading.current_thread()

        def send_or_fail(session, request):
            if threading.current_thread() is main:
                return send(session, request)
            if wire.is_cut:
                raise EndpointConnectionError(endpoint_url=request.url, error="the wire is cut")
            wire.passed += 1
            return send(session, request)

        monkeypatch.setattr(URLLib3Session, "send", send_or_fail)


def test_a_lost_connection_is_waited_out_and_told_once(mill: Mill, cli: Cli, tmp_path: Path, monkeypatch):  # noqa: F811
    run = mill.drop("talk", "outage.txt", b"slow 2\n", gate=str(tmp_path / "gate"))
    mill.execution(run)
    wire, shown, received = Wire(monkeypatch), [], threading.Event()
    monkeypatch.setattr(session, "note", lambda text: (note(text), "is lost" in text and received.set()))
    following = threading.Thread(target=lambda: shown.append(cli("watch", run)), daemon=True)
    following.start()
    mill._until(lambda: wire.passed > 20, 30, "nothing is asked")
    wire.is_cut = True
    assert received.wait(60), "the loss is not told"
    wire.is_cut = False
    (tmp_path / "gate").touch()
    following.join(60)
    (ended,) = shown
    assert ended.code == ExitCode.OK
    assert ended.err.count("the connection to AWS is lost (") == 1
    assert ended.err.count("; the run goes on; trying for 5 min.") == 1
    assert ended.err.count("AWS answers again, after ") == 1


def test_a_connection_that_stays_away_ends_with_the_run_going_on(mill: Mill, cli: Cli, tmp_path: Path, monkeypatch):  # noqa: F811
    monkeypatch.setattr("gristmill.client.outage.BOUND_SECONDS", 1.0)
    run = mill.drop("talk", "away.txt", b"slow 1\n", gate=str(tmp_path / "gate"))
    mill.execution(run)
    wire, shown = Wire(monkeypatch), []
    following = threading.Thread(target=lambda: shown.append(cli("watch", run)), daemon=True)
    following.start()
    mill._until(lambda: wire.passed > 20, 30, "nothing is asked")
    wire.is_cut = True
    following.join(60)
    (ended,) = shown
    (tmp_path / "gate").touch()
    assert ended.code == ExitCode.UNREACHABLE
    error = ended.err.splitlines()[-1]
    assert error.startswith("error: the connection to AWS is lost (")
    assert error.endswith(f"; the run goes on. Once AWS can be reached: gristmill watch {run}")
    assert mill.finish(run)["status"] == "SUCCEEDED"
