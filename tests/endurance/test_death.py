"""The embedded AWS killed in the middle of a run."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from embedded_aws.lifecycle import daemon
from embedded_aws.lifecycle.locks import SERVER_LOCK, START_LOCK
from embedded_aws.machine.marker import MARKER
from embedded_aws.machine.search_path import SEARCH_FILE
from gristmill import keys
from gristmill.cli.main import call
from gristmill.client import embedded
from gristmill.errors import ExitCode
from tests.integration.conftest import PIPELINES, deployed
from tests.integration.mill import Mill
from tests.integration.processes import descendants, is_running

SECONDS = 15


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRISTMILL_PIPELINES", str(PIPELINES))
    monkeypatch.setenv("GRISTMILL_HOME", str(tmp_path / "aws"))
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return tmp_path / "aws"


def watch(run: str) -> "subprocess.Popen[str]":
    """Watch a run in a process of its own; return it once it has shown something."""
    command = [sys.executable, "-m", "gristmill.cli.main", "watch", run]
    watching = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert watching.stderr is not None
    while "tasks" not in watching.stderr.readline():
        assert watching.poll() is None
    return watching


def test_a_killed_aws_leaves_no_process_and_says_what_was_lost(data: Path, tmp_path: Path, capsys):
    (tmp_path / "marks").mkdir()
    first = embedded.up(data, ["--port", "0"])
    try:
        mill = deployed(first.endpoint, data)
        run = mill.drop("gated", "lost.txt", b"a\nWAIT\n", marks=str(tmp_path / "marks"))
        mill._until(lambda: any((tmp_path / "marks").glob("WAIT*")), 30, "nothing runs")
        watching = watch(run)
        started = descendants(first.pid)
        assert len(started) >= 4  # the keeper, functions' and jobs' processes
        os.kill(first.pid, signal.SIGKILL)
        _, printed = watching.communicate(timeout=30)
        assert watching.returncode == ExitCode.UNREACHABLE
        assert f"error: the embedded AWS at {first.endpoint} is down: its buckets, runs and stacks are lost." in printed
        Mill._until(lambda: not any(map(is_running, started)), SECONDS, "processes of the dead AWS live on")
        capsys.readouterr()
        assert call(["local", "up", "--port", "0"]) == 0
        printed = capsys.readouterr().err
        assert f"(pid {first.pid}, " in printed
        assert "was killed: its buckets, runs and stacks are lost" in printed
        assert not list((data / "jobs").glob("[!.]*"))
        second = daemon.find(data)
        assert second is not None
        again = deployed(second.endpoint, data)
        run = again.drop("strings", "anew.txt", b"anew\n")
        assert again.finish(run)["status"] == "SUCCEEDED"
        assert again.read(keys.results_prefix("strings", "anew.txt", run) + "repeat.txt") == b"anewanew\n"
        again.drop("gated", "going.txt", b"a\nWAIT-AGAIN\n", marks=str(tmp_path / "marks"))
        again._until(lambda: any((tmp_path / "marks").glob("WAIT-AGAIN*")), 30, "nothing runs")
        started = descendants(second.pid)
        begun = (data / daemon.LOG_FILE).stat().st_size
        daemon.down(data)
        Mill._until(lambda: not any(map(is_running, started)), SECONDS, "processes of the AWS that ended live on")
        assert {path.name for path in data.iterdir()} == {
            "outbox",
            daemon.LOG_FILE,
            SERVER_LOCK,
            START_LOCK,
            SEARCH_FILE,
            MARKER,
        }
        assert "Traceback" not in (data / daemon.LOG_FILE).read_text()[begun:]
    finally:
        if daemon.find(data):
            daemon.down(data)
