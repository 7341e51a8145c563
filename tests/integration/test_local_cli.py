"""`gristmill local`: up, found again, killed, up again with what was lost, down, and its files removed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.lifecycle.locks import START_LOCK, is_held
from embedded_aws.lifecycle.processes import start_of
from gristmill.cli.main import call
from gristmill.errors import ExitCode
from tests.states import plant

UP = ["local", "up", "--port", "0"]


@pytest.fixture
def home(monkeypatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("GRISTMILL_HOME", str(tmp_path / "home"))
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


def test_a_server_goes_up_is_killed_goes_up_again_and_down(home: Path, capsys):
    plant(home, b"{")
    first = up_five_times_at_once()
    try:
        assert call(["local", "up"]) == 0
        assert f"runs already at {first['endpoint']} (pid {first['pid']})" in capsys.readouterr().out
        assert call(["local", "env"]) == 0
        assert f"export AWS_ENDPOINT_URL={first['endpoint']}\n" in capsys.readouterr().out
        assert call(["runs"]) == ExitCode.UNREACHABLE
        assert "Deploy it with: gristmill deploy" in capsys.readouterr().err
        with socket.create_server(("127.0.0.1", 0)) as taken:
            os.kill(first["pid"], signal.SIGKILL)
            while start_of(first["pid"]):
                pass
            port = taken.getsockname()[1]
            assert call(["local", "up", "--port", str(port)]) == ExitCode.FAILED
        printed = capsys.readouterr().err
        assert f"(pid {first['pid']}, up since {first['started_at']}) was killed" in printed
        assert "runs and stacks are lost" in printed
        assert f"error: the embedded AWS did not come up: port {port} of 127.0.0.1 is taken" in printed
        assert call(["local", "status"]) == ExitCode.UNREACHABLE
        second = begin(UP)
        while not is_held(home / START_LOCK):
            time.sleep(0.01)
        assert call(["local", "down"]) == 0, "it must wait for its turn, and then find the server"
        assert "go when it stops" in end(second)[1]
    finally:
        call(["local", "down"])
    assert call(["local", "down"]) == ExitCode.NOT_FOUND
    (home / "mine.txt").write_text("a file that is none of its own")
    assert call(["local", "reset", "--yes"]) == 0
    assert [path.name for path in home.iterdir()] == ["mine.txt"]


def begin(command: list[str]) -> "subprocess.Popen[str]":
    """Start a command of its own."""
    words = [sys.executable, "-m", "gristmill.cli.main", *command]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(process: "subprocess.Popen[str]") -> tuple[str, str]:
    """Wait for a command that must end well; return its answer, and what it wrote beside it."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out, err


def up_five_times_at_once() -> dict[str, Any]:
    """Return what all five have answered, the one server; one of them has cleared a damaged state file away."""
    ended = [end(item) for item in [begin([*UP, "--json"]) for _ in range(5)]]
    assert sum("it is damaged. No server lives there, so it was removed." in err for _, err in ended) == 1
    first: dict[str, Any] = json.loads(ended[0][0])
    assert [json.loads(out) for out, _ in ended] == [first] * 5
    assert not {"nonce", "access_key_id", "secret_access_key"} & first.keys()
    return first


def test_a_folder_of_the_users_own_is_refused_and_stays_as_it_is(home: Path, capsys):
    for name in ("jobs", "tmp", "functions", "outbox"):
        (home / name).mkdir(parents=True)
    (home / "jobs" / "thesis.tex").write_text("precious")
    (home / "server.log").write_text("x")
    home.chmod(0o700)
    before = sorted(home.rglob("*"))
    for command in (UP, ["local", "down"], ["local", "reset", "--yes"]):
        assert call(command) == ExitCode.REFUSED
        assert "and was not made by an embedded AWS. Choose another folder" in capsys.readouterr().err
    assert sorted(home.rglob("*")) == before


def test_what_needs_an_embedded_aws_says_so(home: Path, capsys):
    assert call(["--local", "runs"]) == ExitCode.UNREACHABLE
    assert "Start one with: gristmill local up" in capsys.readouterr().err
