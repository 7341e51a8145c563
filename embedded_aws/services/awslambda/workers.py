"""Workers of functions: forked by a zygote, kept warm, killed when they are late."""

import json
import select
import shutil
import signal
import socket
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from embedded_aws.machine.marker import make_marked
from embedded_aws.processes.helper import Lost, Started
from embedded_aws.processes.zygote.handle import Zygote

_START_SECONDS = 60.0
EXITED = "Runtime exited without providing a reason"
# what ends a process from outside; of anything else, it died by its own doing
_FROM_OUTSIDE = {-number for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)}


def failure(kind: str, message: str) -> dict[str, Any]:
    """Return an error as Lambda tells it."""
    return {"errorType": kind, "errorMessage": message}


class Late(Exception):
    """Raised when a worker does not answer in time; it has been killed."""


class Gone(Exception):
    """Raised when a worker ends without an answer."""


class Untaken(Lost):
    """Raised when a worker ends before it has taken an invocation: the handler has not begun."""


@dataclass(frozen=True)
class Build:
    """What makes a function's process: change any of it and the old workers retire."""

    name: str
    handler: str
    folder: str
    layers: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]


class Worker:
    """One process that answers one invocation at a time."""

    def __init__(self, process: Started, connection: socket.socket, log: IO[bytes], temporary: Path) -> None:
        self._process = process
        self.stream = f"{time.strftime('%Y/%m/%d')}/[$LATEST]{uuid.uuid4().hex}"
        self._connection = connection
        self._log = log
        self._temporary = temporary
        self._rest = b""
        self.broken = self._load()
        self.is_fresh = True

    def _load(self) -> dict[str, Any] | None:
        """Wait until the handler is loaded; return the error where it cannot be, Lost where it was killed."""
        try:
            return self._receive(time.monotonic() + _START_SECONDS).get("error")
        except Late:
            return failure("Sandbox.Timedout", f"The handler was not loaded after {_START_SECONDS:.2f} seconds")
        except Gone as error:
            if self.was_killed():
                self.kill()
                raise Untaken("the worker was killed") from error
            return failure("Runtime.ExitError", EXITED)

    def ask(self, call: dict[str, Any]) -> dict[str, Any]:
        """Return the worker's answer; Late after `call["seconds"]`, Gone if it died, Untaken if it did before."""
        end = time.monotonic() + call["seconds"]
        try:
            self._connection.sendall(json.dumps(call).encode() + b"\n")
            self._receive(end)  # it has taken the invocation
        except (OSError, Gone) as error:
            raise Untaken(str(error)) from error
        return self._receive(end)

    def make_ready(self) -> bool:
        """Return whether an idle worker can take another invocation; its temporary folder may have been deleted."""
        make_marked(self._temporary.parent)
        self._temporary.mkdir(exist_ok=True)
        return self._process.poll() is None

    def was_killed(self) -> bool:
        """Return whether it was killed from outside, once it has ended."""
        return self._process.wait() in _FROM_OUTSIDE

    def output(self) -> str:
        """Return what the worker has written since the last time."""
        return self._log.read().decode(errors="replace")

    def kill(self) -> None:
        """End the worker and all it has started."""
        if self._process.poll() is None:
            self._process.signal_all(signal.SIGKILL)
        self._process.wait()
        self._connection.close()
        self._log.close()
        shutil.rmtree(self._temporary, ignore_errors=True)

    def _receive(self, end: float) -> dict[str, Any]:
        waiting = select.poll()
        waiting.register(self._connection, select.POLLIN)
        while b"\n" not in self._rest:
            if not waiting.poll(max(0.0, end - time.monotonic()) * 1000):
                raise Late
            try:
                data = self._connection.recv(1024 * 1024)
            except ConnectionError as error:
                raise Gone(str(error)) from error
            if not data:
                raise Gone("the process ended")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer


def fork(zygote: Zygote, build: Build, home: Path, temporary: Path) -> Worker:
    """Return a new worker, with a log and a folder for temporary files of its own.

    Lost if it was killed before it could take an invocation.
    """
    ours, theirs = socket.socketpair()
    environment = {"TMPDIR": str(temporary), **dict(build.environment)}
    request = {"handler": build.handler, "folder": build.folder, "environment": environment}
    path = home / f"{uuid.uuid4().hex}.log"
    with theirs, path.open("ab") as file:
        log = path.open("rb")
        path.unlink()  # so that it cannot be lost while the worker lives, and is when it does not
        process = zygote.fork(request, [theirs.fileno(), file.fileno()])
    return Worker(process, ours, log, temporary)
