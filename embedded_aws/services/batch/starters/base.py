"""What every starter of jobs is and uses: an attempt that was started, and how it is asked for."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from embedded_aws.processes import hostname
from embedded_aws.services.batch.model.model import Job

PYTHON = ("python", "python3")


class Process(Protocol):
    """What a started attempt lets be done with it."""

    pid: int

    @property
    def is_lost(self) -> bool:
        """Return whether it was lost with the helper that had started it: its exit code means nothing."""

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


class Starter(Protocol):
    """What starts attempts."""

    def address(self, job: Job) -> str:
        """Return the address that the job's next attempt will have."""

    def start(self, job: Job, environment: Mapping[str, str], folder: Path) -> tuple[Process, int]:
        """Return a new process and the pipe with its output. OSError where the command cannot be started."""

    def held(self, process: Process) -> int:
        """Return the bytes of memory that it and all it has started hold; 0 where something else keeps its limit."""

    def reason(self, process: Process, code: int) -> str:
        """Return AWS's reason for an end that is no ordinary one. OSError where the command never ran."""

    def close(self) -> None:
        """End what it keeps running."""


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
    words = [sys.executable if command[0] in PYTHON else command[0], *command[1:]]
    if not host or shutil.which(words[0]) is None:  # what is not there must fail as any other
        return words
    return [sys.executable, "-P", "-S", hostname.__file__, host, *words]
