"""Each lesson of the course, followed from its top in an empty folder: its files, its commands, what they show."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest

from tests.documents.course import STATUS, Ids, Step, lessons, missing_line, steps
from tests.project import PROJECT

# port 4566 may be somebody else's
PRELUDE = """gristmill() {
    if [ "${1-} ${2-}" = "local up" ]; then set -- local up --port 0 "${@:3}"; fi
    command gristmill "$@"
}
status=0
"""
MARK = "@@ended "
SECONDS = 600


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Return the environment of a reader who has no AWS account, with a stack on the embedded AWS."""
    home = tmp_path_factory.mktemp("home")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GRISTMILL_"))}
    place = {"HOME": str(home), "GRISTMILL_HOME": str(home / "gristmill"), "USER": "anna", "LOGNAME": "anna"}
    environment = {**kept, **place, "PATH": f"{PROJECT}/.venv/bin:{PROJECT}/.tools/bin:{kept['PATH']}"}
    up = "gristmill local up --port 0 && gristmill deploy"
    subprocess.run(["bash", "-c", up], cwd=home, env=environment, check=True, capture_output=True)
    yield environment
    subprocess.run(["gristmill", "local", "down"], cwd=home, env=environment, check=True, capture_output=True)


class Shell:
    """One bash for all commands of a lesson, so that variables and the folder stay."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        pipe = subprocess.PIPE
        self.bash = subprocess.Popen(
            ["bash"], cwd=folder, env=environment, text=True, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT
        )
        self.limit = Timer(SECONDS, self.bash.kill)
        self.limit.start()
        self._say(PRELUDE)

    def run(self, command: str) -> tuple[int, str]:
        """Return how a command ended, and what it printed."""
        self._say(f"(exit $status)\n{{ {command}\n}} < /dev/null\nstatus=$?\nprintf '\\n{MARK}%d\\n' $status\n")
        printed = []
        assert self.bash.stdout
        for line in self.bash.stdout:
            if line.startswith(MARK):
                return int(line.removeprefix(MARK)), "".join(printed)
            printed.append(line)
        raise AssertionError(f"{command}: no end after {SECONDS} s:\n{''.join(printed)}")

    def _say(self, text: str) -> None:
        assert self.bash.stdin
        self.bash.stdin.write(text)
        self.bash.stdin.flush()

    def close(self) -> None:
        """End the shell."""
        self.limit.cancel()
        self.bash.communicate()


@pytest.mark.parametrize("page", lessons(), ids=lambda page: page.stem)
def test_a_lesson_works_as_it_is_written(page: Path, reader: dict[str, str], tmp_path: Path) -> None:
    found = list(steps(page))
    shell = Shell(tmp_path, reader)
    ids: Ids = {}
    try:
        for step, following in zip(found, [*found[1:], None], strict=True):
            if step.file:
                (tmp_path / step.file).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / step.file).write_text(step.text, encoding="utf-8")
            else:
                follow(f"docs/pipelines/{page.name}:{step.line}", shell, step, following, ids)
    finally:
        shell.close()


def follow(place: str, shell: Shell, step: Step, following: Step | None, ids: Ids) -> None:
    """Type a command, and hold what it prints against what the lesson shows."""
    status, output = shell.run(step.with_ids(ids))
    told = f"{place}: {step.text}"
    may_fail = following is not None and following.text == STATUS
    assert status == 0 or may_fail or step.text == STATUS, f"{told}: ended with {status}:\n{output}"
    assert "Traceback (most recent call last)" not in output or may_fail, f"{told}:\n{output}"
    line = missing_line(step, output, ids)
    assert line is None, f"{told}: does not show {line!r}, but:\n{output}"
