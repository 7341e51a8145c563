"""Commands in surroundings that are not meant for them: the same answer as anywhere, and never a trace."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from gristmill.errors import ExitCode
from tests.integration.mill import Mill
from tests.surroundings import ENVIRONMENTS, worst

GRISTMILL = str(Path(sys.executable).with_name("gristmill"))
SEVERAL = """
import sys
from gristmill.cli.main import _mend_streams, call
_mend_streams()
for words in ("pipelines list", "pipelines show strings", "local status --json", "runs --json -n 2", "subscriptions"):
    assert call(words.split()) == 0, words
"""


def ordinary(mill: Mill) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(mill.data.parent),
        "GRISTMILL_HOME": str(mill.data),
        "LANG": "C.UTF-8",
    }


def several(environment: Mapping[str, str | None], folder: Path) -> "subprocess.CompletedProcess[bytes]":
    """Run several commands in one process."""
    given = {name: value for name, value in environment.items() if value is not None}
    command = [sys.executable, "-c", SEVERAL]
    return subprocess.run(command, env=given, cwd=folder, capture_output=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def expected(mill: Mill, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    done = several(ordinary(mill), tmp_path_factory.mktemp("plain"))
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_commands_answer_alike_in_any_environment(mill: Mill, expected: bytes, name: str, tmp_path: Path):
    done = several({**ordinary(mill), **ENVIRONMENTS[name]}, tmp_path)
    assert (done.returncode, done.stdout) == (0, expected), done.stderr.decode()
    assert b"Traceback" not in done.stderr


def gristmill(words: str, environment: Mapping[str, str], folder: Path) -> "subprocess.CompletedProcess[bytes]":
    """Run a command line in a shell, which may close streams of it."""
    whole = {**environment, "GRISTMILL": GRISTMILL}
    command = ["bash", "-c", f'"$GRISTMILL" {words}']
    return subprocess.run(command, env=whole, cwd=folder, capture_output=True, check=False, timeout=120)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_keep_no_command_from_its_end(mill: Mill, closed: str, tmp_path: Path):
    done = gristmill(f"runs --json {closed}", ordinary(mill), tmp_path)
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("prepared", "words", "reason"),
    [
        ("", "local status", b"the working folder is gone"),
        ("export GRISTMILL_HOME=/dev/null/home", "local up --port 0", b"/dev/null/home"),
        ("export GRISTMILL_HOME=/proc/nowhere", "local up --port 0", b"/proc/nowhere"),
        ("export GRISTMILL_HOME=home", "local up --port 0", b"the working folder is gone"),
        (f"export GRISTMILL_HOME=/{'x' * 300}", "local up --port 0", b"too long"),
    ],
)
def test_a_folder_that_cannot_be_used_is_one_line(mill: Mill, prepared: str, words: str, reason: bytes, tmp_path: Path):
    (tmp_path / "gone").mkdir()
    gone = f"cd gone; rmdir ../gone; {prepared or 'unset GRISTMILL_HOME'};"
    whole = {**ordinary(mill), "GRISTMILL": GRISTMILL}
    command = ["bash", "-c", f'{gone} "$GRISTMILL" {words}']
    done = subprocess.run(command, env=whole, cwd=tmp_path, capture_output=True, check=False, timeout=60)
    assert done.returncode in (ExitCode.FAILED, ExitCode.REFUSED)
    *_, line = done.stderr.splitlines()
    assert line.startswith(b"error: ")
    assert reason in line


def test_a_file_runs_under_all_of_them_at_once(mill: Mill, tmp_path: Path):
    name = "mühle\n挽き臼 %2F+.txt"
    (tmp_path / name).write_bytes(b"a\nb\n")
    done = gristmill(
        "run --json -- strings $'mühle\\n挽き臼 %2F+.txt'", {**ordinary(mill), **worst(tmp_path)}, tmp_path
    )
    assert done.returncode == 0, done.stderr.decode()
    answer = json.loads(done.stdout)
    assert (tmp_path / answer["results"][0]["file"]).read_bytes() == b"aa\nbb\n"
    (key,) = mill.keys(f"inputs/strings/{name}")
    assert key == f"inputs/strings/{name}"


def test_a_name_that_is_not_utf_8_is_refused_in_one_line_and_another_taken(mill: Mill, tmp_path: Path):
    Path(os.fsdecode(bytes(tmp_path) + b"/\xff.txt")).write_bytes(b"a\n")
    for command in ("run strings", "run --no-check strings", "plan strings", "try strings"):
        done = gristmill(f"{command} $'\\xff.txt'", ordinary(mill), tmp_path)
        assert done.returncode == ExitCode.REFUSED
        assert done.stderr.splitlines()[-1].startswith(b"error: the name b'\\xff.txt' is not UTF-8.")
    assert gristmill("run strings $'\\xff.txt' --no-watch --name fine.txt", ordinary(mill), tmp_path).returncode == 0
