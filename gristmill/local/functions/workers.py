"""Workers of functions: forked by a zygote, kept warm, killed when they are late."""

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gristmill.local.keeper import keeper
from gristmill.local.zygote.handle import Zygote

_START_SECONDS = 60.0
EXITED = "Runtime exited without providing a reason"


def failure(kind: str, message: str) -> dict[str, Any]:
    """Return an error as Lambda tells it."""
    return {"errorType": kind, "errorMessage": message}


class Late(Exception):
    """Raised when a worker does not answer in time; it has been killed."""


class Gone(Exception):
    """Raised when a worker ends without an answer."""


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

    def __init__(self, pid: int, connection: socket.socket, log: Path, temporary: Path) -> None:
        self.pid = pid
        keeper().add(pid)
        self.stream = f"{time.strftime('%Y/%m/%d')}/[$LATEST]{uuid.uuid4().hex}"
        self._connection = connection
        self._log, self._read = log, 0
        self._temporary = temporary
        self._rest = b""
        self.broken = self._load()
        self.is_fresh = True

    def _load(self) -> dict[str, Any] | None:
        """Wait until the handler is loaded; return the error where it cannot be."""
        try:
            return self._receive(_START_SECONDS).get("error")
        except Late:
            return failure("Sandbox.Timedout", f"The handler was not loaded after {_START_SECONDS:.2f} seconds")
        except Gone:
            return failure("Runtime.ExitError", EXITED)

    def ask(self, call: dict[str, Any]) -> dict[str, Any]:
        """Return the worker's answer; Late after `call["seconds"]`, Gone if it died."""
        try:
            self._connection.sendall(json.dumps(call).encode() + b"\n")
            return self._receive(call["seconds"])
        except OSError as error:
            raise Gone(str(error)) from error

    def output(self) -> str:
        """Return what the worker has written since the last time."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            data = log.read()
        self._read += len(data)
        return data.decode(errors="replace")

    def kill(self) -> None:
        """End the worker and all it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._connection.close()
        self._log.unlink(missing_ok=True)
        shutil.rmtree(self._temporary, ignore_errors=True)
        keeper().forget(self.pid)

    def _receive(self, seconds: float) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self._connection], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise Late(f"Task timed out after {seconds:.2f} seconds")
            data = self._connection.recv(1024 * 1024)
            if not data:
                raise Gone("the process ended")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer


def fork(zygote: Zygote, build: Build, life: Path, log: Path, temporary: Path) -> Worker:
    """Return a new worker, with a log and a folder for temporary files of its own."""
    ours, theirs = socket.socketpair()
    request = {
        "handler": build.handler,
        "folder": build.folder,
        "environment": {"TMPDIR": str(temporary), **dict(build.environment)},
        "life": str(life),
    }
    with theirs, log.open("ab") as file:
        pid = zygote.fork(request, [theirs.fileno(), file.fileno()]).pid
    return Worker(pid, ours, log, temporary)
