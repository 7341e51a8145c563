"""How a job's process is started: Python modules are forked from a zygote, anything else is executed.

Containers are started elsewhere, in the same words: a starter has `address`, `start` and `close`.
"""

import contextlib
import os
import shutil
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from embedded_aws.processes import hostname
from embedded_aws.processes.helper import Lost
from embedded_aws.processes.keeper import keeper
from embedded_aws.processes.zygote.handle import Zygote
from embedded_aws.services.batch.model import LOOPBACK, Job
from embedded_aws.settings import Settings

_ROLE = Path(__file__).with_name("module.py")
_PYTHON = ("python", "python3")
_KILLED = (-9, 137)  # by SIGKILL; or a child was, and its parent says so


class Process(Protocol):
    """What a started attempt lets be done with it."""

    pid: int

    @property
    def is_lost(self) -> bool:
        """Tell whether it was lost with the helper that had started it: its exit code means nothing."""

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""

    def wait(self) -> int:
        """Wait for the end; return the exit code."""

    def signal_all(self, number: int) -> None:
        """Send a signal to it and all it has started; SIGKILL leaves nothing."""


def piped(start: Callable[[int], Process]) -> tuple[Process, int]:
    """Return what `start` makes of the writing end of a pipe, and the reading end."""
    read, write = os.pipe()
    try:
        return start(write), read
    except (OSError, ValueError):
        os.close(read)
        raise
    finally:
        os.close(write)


class Starting(Protocol):
    """What starts attempts."""

    def address(self, job: Job) -> str:
        """Return the address that the job's next attempt will have."""

    def start(self, job: Job, environment: Mapping[str, str], folder: Path) -> tuple[Process, int]:
        """Return a new process and the pipe with its output. OSError where the command cannot be started."""

    def reason(self, process: Process, code: int) -> str:
        """Return AWS's reason for an end that is no ordinary one. OSError where the command never ran."""

    def close(self) -> None:
        """End what it keeps running."""


class Starter:
    """Starts processes; each leads its own session and writes both of its outputs to one pipe."""

    def __init__(self, settings: Settings) -> None:
        self._environment = settings.job_environment()
        self._interpreter = _interpreter(self._environment)
        self._lock = threading.Lock()
        self._application = settings.application
        self._zygote = self._new_zygote()
        self._closed = False

    def address(self, _job: Job) -> str:
        """Return this machine's own: all its processes have the same."""
        return LOOPBACK

    def start(self, job: Job, environment: Mapping[str, str], folder: Path) -> tuple[Process, int]:
        """Return a new process and the pipe with its output. OSError where the command cannot be started."""
        return piped(lambda output: self._start(job, environment, folder, output))

    def reason(self, _process: Process, code: int) -> str:
        """Return a guess: nobody tells why a process was killed."""
        return "OutOfMemoryError: Container killed, perhaps due to memory usage" if code in _KILLED else ""

    def _start(self, job: Job, environment: Mapping[str, str], folder: Path, output: int) -> Process:
        command, host = command_of(job), host_of(job)
        if self._is_forked(command, environment):
            request = {"command": command[2:], "host": host, "environment": dict(environment), "folder": str(folder)}
            with contextlib.suppress(Lost):  # a zygote that died: start as any other program
                return self._fresh_zygote().fork(request, [output])
        return keeper().execute(executed(command, host), environment, folder, output)

    def _is_forked(self, command: Sequence[str], environment: Mapping[str, str]) -> bool:
        """Tell whether it is `python -m MODULE` with the interpreter set up as the zygote's is."""
        is_module = len(command) > 2 and command[0] in _PYTHON and command[1] == "-m"
        return is_module and _interpreter(environment) == self._interpreter

    def _fresh_zygote(self) -> Zygote:
        with self._lock:
            if self._zygote.is_stale():
                if self._closed:
                    raise Lost("the embedded AWS goes down")
                self._zygote.close()
                self._zygote = self._new_zygote()
            return self._zygote

    def _new_zygote(self) -> Zygote:
        return Zygote(_ROLE, self._environment, self._application.preload, self._application.watched)

    def close(self) -> None:
        """End the zygote, and want no other."""
        self._closed = True
        self._zygote.kill()


def command_of(job: Job) -> list[str]:
    """Return a job's command; OSError where it has none."""
    command: list[str] = job.container["command"]
    if not command:
        raise OSError("there is no command, and an image's own is used with --containers only")
    return command


def host_of(job: Job) -> str:
    """Return the host name of a node; empty for any other job, which has the machine's."""
    return f"node-{job.index}-{job.id[:8]}" if job.is_node else ""


def executed(command: Sequence[str], host: str) -> list[str]:
    """Return what is executed for a command: this Python for any, and under a host name if one is given."""
    words = [sys.executable if command[0] in _PYTHON else command[0], *command[1:]]
    if not host or shutil.which(words[0]) is None:  # what is not there must fail as any other
        return words
    return [sys.executable, "-P", "-S", hostname.__file__, host, *words]


def _interpreter(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what sets the interpreter up before any code runs (PYTHONPATH, PYTHONUNBUFFERED, ...)."""
    return {name: value for name, value in environment.items() if name.startswith("PYTHON")}
