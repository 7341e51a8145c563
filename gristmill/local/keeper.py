"""Ends what the embedded AWS has started when that dies, however it dies.

Run as a process of its own with a pipe to the server: `+N` and `-N` lines tell which process groups live; the end of
the pipe means that the server is gone, and every group that lives is killed. A `!` line is a
command, as JSON, that is run then: it removes containers.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path


def watch() -> None:
    """Read lines until the pipe ends, then kill."""
    groups: set[int] = set()
    sweeps: list[list[str]] = []
    for line in sys.stdin:
        if line[0] == "!":
            sweeps.append(json.loads(line[1:]))
            continue
        sign, number = line[0], int(line[1:])
        (groups.add if sign == "+" else groups.discard)(number)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    for sweep in sweeps:
        subprocess.run(sweep, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


class Keeper:
    """The server's end of the pipe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-S", str(Path(__file__))],
            stdin=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )

    def add(self, group: int) -> None:
        """Note a process group that lives."""
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """Note that a process group has ended."""
        self._tell(f"-{group}\n")

    def sweep_with(self, command: Sequence[str]) -> None:
        """Have a command run once the server is gone."""
        self._tell(f"!{json.dumps(list(command))}\n")

    def _tell(self, line: str) -> None:
        with self._lock, contextlib.suppress(BrokenPipeError):
            stdin = self._process.stdin
            if stdin is not None:
                stdin.write(line)
                stdin.flush()


_keepers: list[Keeper] = []
_lock = threading.Lock()


def keeper() -> Keeper:
    """Return the one keeper of this process; it is started when first needed."""
    with _lock:
        if not _keepers:
            _keepers.append(Keeper())
        return _keepers[0]


if __name__ == "__main__":
    watch()
