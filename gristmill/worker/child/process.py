"""Run a program: pass its output to the log, keep its exit code, and leave none of its processes behind."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from gristmill.errors import GristmillError
from process_tree.descendants import already_there, end_descendants

_TAIL = 4_000  # bytes of a program's output kept for the record of a failure
_GRACE = 2.0  # seconds from SIGTERM to SIGKILL
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127  # as in a shell


class ProgramFailed(GristmillError):
    """Raised when a program cannot be started or ends with another code than 0; `detail` has the end of its output."""

    def __init__(self, what: str, code: int, detail: str = "") -> None:
        super().__init__(what)
        self.code = code
        self.detail = detail


def run(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
    """Run a program to its end in a process group of its own; ProgramFailed unless it ends with 0.

    Whatever interrupts this (a time limit, the end of the child) ends all that it has started, and so does its own end.
    """
    others = already_there()
    process = _start(words, folder, environment)
    relay = _Relay(process.stdout)
    try:
        code = process.wait()
    except BaseException:
        _end(process)
        raise
    finally:
        _signal(process, signal.SIGKILL)
        end_descendants(others)
        relay.join(_GRACE)  # where orphans cannot be adopted, one may hold the pipe open for ever
    if code:
        raise ProgramFailed(f"{words[0]} {_how(code)}", code if code > 0 else 128 - code, relay.tail)


def _start(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            words,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:  # not there, not executable, too long, a NUL in an argument
        code = _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE
        raise ProgramFailed(f"{words[0]} cannot be started: {error}", code) from error


def _how(code: int) -> str:
    return f"ended with exit code {code}" if code > 0 else f"was killed by {signal.Signals(-code).name}"


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ask the whole group to end, and kill it if it does not."""
    _signal(process, signal.SIGTERM)
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass  # nothing of the group is left
    except PermissionError:
        process.send_signal(number)  # macOS says so of a group whose members are all dead


class _Relay(threading.Thread):
    """Pass a program's output to the log as it comes, and keep the end of it."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        super().__init__(name="relay", daemon=True)
        self._stream = stream
        self._kept = b""
        self.start()

    def run(self) -> None:
        """Read until the other end is closed."""
        while self._stream and (block := os.read(self._stream.fileno(), 65536)):
            self._kept = (self._kept + block)[-_TAIL:]
            sys.stdout.write(block.decode(errors="replace"))
            sys.stdout.flush()

    @property
    def tail(self) -> str:
        """Return the end of the output."""
        return self._kept.decode(errors="replace")
