"""Run a program: pass its output to the log, keep its exit code, and leave none of its processes behind."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from gristmill.errors import GristmillError
from gristmill.humanize import signal_name
from gristmill.worker.relay import Relay
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
    relay = Relay(process.stdout, _TAIL)
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
        raise ProgramFailed(f"{words[0]} {how_ended(code)}", code if code > 0 else 128 - code, relay.tail)


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


def how_ended(code: int) -> str:
    """Return how a program ended in words; below 0 the code is the signal that killed it."""
    return f"ended with exit code {code}" if code >= 0 else f"was killed by {signal_name(-code)}"


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
