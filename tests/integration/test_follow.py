"""Followed logs of children that are fast and slow: each line as it comes, once, and one JSON object a line."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from gristmill.errors import ExitCode
from tests.integration.mill import Mill


@pytest.fixture
def talking(mill: Mill, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Give a run with a child that has said all, and one that waits for a file to begin."""
    gate = tmp_path / "gate"
    yield mill.drop("talk", "talk.txt", b"fast 300\nslow 4\n", gate=str(gate)), gate
    gate.touch()


def follow(mill: Mill, *words: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "gristmill.cli.main", "logs", *words]
    return subprocess.Popen(
        command,
        env={**os.environ, "GRISTMILL_HOME": str(mill.data)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell may have it ignored
    )


def test_lines_of_slow_and_fast_children_come_at_once_and_once(mill: Mill, talking: tuple[str, Path]):
    run, gate = talking
    mill.execution(run)
    with follow(mill, run, "--follow", "--json") as following:
        assert following.stdout is not None
        lines = []
        while not any(line["text"] == "fast 299" for line in lines):
            lines.append(json.loads(following.stdout.readline()))
        gate.touch()
        lines += [json.loads(line) for line in following.stdout]
    assert following.returncode == ExitCode.OK
    shown = Counter((line["label"], line["text"]) for line in lines)
    assert set(shown.values()) == {1}
    assert [line["text"] for line in lines if line["text"].startswith("fast ")] == [f"fast {n}" for n in range(300)]
    assert [line["text"] for line in lines if line["text"].startswith("slow ")] == [f"slow {n}" for n in range(4)]


def test_the_end_of_the_reader_and_ctrl_c_end_it_cleanly(mill: Mill, talking: tuple[str, Path]):
    run, gate = talking
    mill.execution(run)
    with follow(mill, run, "--follow") as following:
        assert following.stdout is not None and following.stderr is not None
        following.stdout.readline()
        following.send_signal(signal.SIGINT)
        _, err = following.communicate(timeout=20)
    assert following.returncode == ExitCode.INTERRUPTED
    assert "Traceback" not in err
    with follow(mill, run, "--follow") as following:
        assert following.stdout is not None and following.stderr is not None
        following.stdout.readline()
        following.stdout.close()
        gate.touch()
        err = following.stderr.read()
    assert following.returncode == ExitCode.OK
    assert "Traceback" not in err
    assert "Broken" not in err
