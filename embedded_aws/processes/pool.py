"""Helpers that run one process at a time, and those of them that are idle."""

import contextlib
import os
import signal
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from embedded_aws.processes.helper import Helper, Lost, Started
from process_tree.descendants import descendants, living


def _tracers(process: int) -> list[int]:
    """Return what traces a process, if that is below this one (proc(5): `TracerPid`); a debugger of the user is not."""
    try:
        status = Path(f"/proc/{process}/status").read_text(errors="replace")
    except OSError:  # it has ended, or the system has no such files
        return []
    tracer = int(status.partition("TracerPid:")[2].split()[0])
    parents = {below: parent for below, parent, _ in living()}
    return [process for process in descendants(os.getpid(), parents) if process == tracer]


class Runner(Helper):
    """A helper that runs one process at a time, and leaves nothing of it."""

    def __init__(self, pool: "Pool") -> None:
        control, theirs = socket.socketpair()
        super().__init__(control)
        self._pool = pool
        with theirs:
            self._process = pool.ask({}, [theirs.fileno()])

    def settled(self) -> object:
        """Wait until it is gone, with all that it had started."""
        return self._process.wait()

    def kill(self) -> None:
        """End it, and first what it has started and keeps it from its work by tracing it (ptrace)."""
        if self._process.poll() is None:
            for process in (*_tracers(self._process.pid), self._process.pid):
                os.kill(process, signal.SIGKILL)

    def free(self) -> None:
        """Have it run something else."""
        self._pool.take_back(self)


class Pool(Helper):
    """A helper that forks runners, and those of them that are idle."""

    def __init__(self, control: socket.socket) -> None:
        super().__init__(control)
        self._idle: list[Runner] = []
        self._is_closed = False

    def run(self, request: Mapping[str, Any], files: Sequence[int]) -> Started:
        """Return a new process with this request and these files, which stay open here.

        Lost where the helper is gone, OSError or ValueError where what is asked cannot be started.
        """
        while self._idle:
            with contextlib.suppress(Lost, IndexError):  # it has died, or another thread has it
                return self._idle.pop().ask(request, files)
        return Runner(self).ask(request, files)

    def take_back(self, runner: Runner) -> None:
        """Keep a runner that is idle, if there is still need of it."""
        if self._is_closed:
            runner.close()
        else:
            self._idle.append(runner)

    def close(self) -> None:
        """Want no more of it: it ends when all that it has started has ended."""
        self._is_closed = True
        super().close()
        while self._idle:
            self._idle.pop().close()
