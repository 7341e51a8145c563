"""Run a program: pass its output to the log, keep its exit code, and leave none of its processes behind."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from gristmill.errors import GristmillError
from gristmill.humanize import signal_name
from gristmill.worker.child.reasons import MORE_MEMORY
from gristmill.worker.relay import Relay
from process_tree.descendants import already_there, end_descendants

_TAIL = 4_000  # bytes of a program's output kept for the record of a failure
_GRACE = 2.0  # seconds from SIGTERM to SIGKILL
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127  # as in a shell
_SHELL_SIGNALS = 128 + 64  # what a shell ends with where a signal has killed what it ran, at most
_MENDS = {  # by exit code
    _NOT_EXECUTABLE: "It must be executable, and built for this machine or begin with a #! line.",
    _NOT_FOUND: "Install it, or the interpreter on its #! line, in the image, or correct its name.",
    128 + signal.SIGKILL: f"Most often it is out of memory. {MORE_MEMORY}",
}


class ProgramFailed(GristmillError):
    """Raised when a program cannot be started or ends with another code than 0; `detail` has the end of its output."""

    def __init__(self, what: str, code: int, detail: str = "", mend: str = "") -> None:
        super().__init__(what, mend)
        self.code = code
        self.detail = detail


def run(name: str, words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
    """Run a program, called `name`, to its end in a process group of its own; ProgramFailed unless it ends with 0.

    Whatever interrupts this (a time limit, the end of the child) ends all that it has started, and so does its own end.
    """
    others = already_there()
    process = _start(name, words, folder, environment)
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
        code = code if code > 0 else 128 - code
        raise ProgramFailed(f"{name} {how_ended(process.returncode)}", code, relay.tail, _MENDS.get(code, ""))


def _start(name: str, words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
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
        why = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        raise ProgramFailed(f"{name} cannot be started: {why}", code, mend=_MENDS[code]) from error


def how_ended(code: int) -> str:
    """Return how a program ended; below 0 the code is the signal that killed it, above 128 a shell says so."""
    if code < 0:
        return f"was killed by {signal_name(-code)}"
    within = f" (it, or what it ran, was killed by {signal_name(code - 128)})" if 128 < code <= _SHELL_SIGNALS else ""
    return f"ended with exit code {code}{within}"


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
