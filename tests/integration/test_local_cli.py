"""`gristmill local`: up, found again, killed, up again with what was lost, down, and its files removed."""

import json
import os
import signal
import socket
from pathlib import Path

import pytest

from gristmill.cli.main import call
from gristmill.client.processes import start_of
from gristmill.errors import ExitCode


@pytest.fixture
def home(monkeypatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("GRISTMILL_HOME", str(tmp_path / "home"))
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


def test_a_server_goes_up_is_killed_goes_up_again_and_down(home: Path, capsys):
    assert call(["local", "up", "--port", "0", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
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
        told = capsys.readouterr().err
        assert f"(pid {first['pid']}, up since {first['started_at']}) was killed" in told
        assert "runs and stacks are lost" in told
        assert f"error: the embedded AWS did not come up: port {port} of 127.0.0.1 is taken" in told
        assert call(["local", "status"]) == ExitCode.UNREACHABLE
        assert call(["local", "up", "--port", "0"]) == 0
        assert "go when it stops" in capsys.readouterr().err
        assert call(["local", "status"]) == 0
    finally:
        call(["local", "down"])
    assert call(["local", "down"]) == ExitCode.NOT_FOUND
    (home / "mine.txt").write_text("a file that is none of its own")
    assert call(["local", "reset", "--yes"]) == 0
    assert [path.name for path in home.iterdir()] == ["mine.txt"]


def test_what_needs_an_embedded_aws_says_so(home: Path, capsys):
    assert call(["--local", "runs"]) == ExitCode.UNREACHABLE
    assert "Start one with: gristmill local up" in capsys.readouterr().err
