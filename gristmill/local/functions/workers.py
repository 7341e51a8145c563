"""Workers of functions: forked by a zygote, kept warm, killed when they are late."""

import contextlib
import io
import json
import os
import queue
import select
import signal
import socket
import threading
import time
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gristmill.local.keeper import keeper
from gristmill.local.settings import Settings
from gristmill.local.zygote.handle import Zygote

_ROLE = Path(__file__).with_name("worker.py")
_START_SECONDS = 60.0


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

    def __init__(self, pid: int, connection: socket.socket, log: Path) -> None:
        self.pid = pid
        keeper().add(pid)
        self.stream = f"{time.strftime('%Y/%m/%d')}/[$LATEST]{uuid.uuid4().hex}"
        self._connection = connection
        self._log, self._read = log, 0
        self._rest = b""
        self.broken: dict[str, Any] | None = self._receive(_START_SECONDS).get("error")
        self.is_fresh = True

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


def fork(zygote: Zygote, build: Build, life: Path, log: Path) -> Worker:
    """Return a new worker."""
    ours, theirs = socket.socketpair()
    request = {
        "handler": build.handler,
        "folder": build.folder,
        "environment": dict(build.environment),
        "life": str(life),
    }
    with theirs, log.open("ab") as file:
        pid = zygote.fork(request, [theirs.fileno(), file.fileno()]).pid
    return Worker(pid, ours, log)


class Workshop:
    """All workers and zygotes, and the unpacked code they run."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._home = settings.data / "functions"
        self._home.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._zygotes: dict[tuple[str, ...], Zygote] = {}
        self._idle: dict[Build, queue.SimpleQueue[Worker]] = {}
        self._workers: set[Worker] = set()
        self._life = self._home / f"life-{os.getpid()}"
        self._life.unlink(missing_ok=True)
        os.mkfifo(self._life)
        self._life_end = os.open(self._life, os.O_RDWR)  # kept open: its end is the sign of our death

    def unpack(self, sha: str, content: bytes) -> Path:
        """Return the folder of a zip's content, unpacked once."""
        folder = self._home / sha.replace("/", "_")
        with self._lock:
            if not folder.exists():
                draft = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}")
                zipfile.ZipFile(io.BytesIO(content)).extractall(draft)
                draft.rename(folder)
        return folder

    def zygote(self, layers: tuple[str, ...]) -> Zygote:
        """Return the zygote of a set of layers, started when first needed."""
        with self._lock:
            if layers not in self._zygotes:
                path = {"PYTHONPATH": os.pathsep.join(layers), "AWS_XRAY_SDK_ENABLED": "false"}
                self._zygotes[layers] = Zygote(_ROLE, {**self._settings.process_environment(), **path})
            return self._zygotes[layers]

    def take(self, build: Build) -> Worker:
        """Return an idle worker, or a new one."""
        try:
            return self._idle[build].get_nowait()
        except (KeyError, queue.Empty):
            log = self._home / f"{uuid.uuid4().hex}.log"
            worker = fork(self.zygote(build.layers), build, self._life, log)
            with self._lock:
                self._workers.add(worker)
            return worker

    def give_back(self, build: Build, worker: Worker) -> None:
        """Keep a worker for the next invocation; workers of an older build of the function retire."""
        with self._lock:
            for old in [one for one in self._idle if one.name == build.name and one != build]:
                self._retire(self._idle.pop(old))
            self._idle.setdefault(build, queue.SimpleQueue()).put(worker)

    def drop(self, worker: Worker) -> None:
        """Kill a worker that is not to be used again."""
        worker.kill()
        with self._lock:
            self._workers.discard(worker)

    def _retire(self, idle: "queue.SimpleQueue[Worker]") -> None:
        while not idle.empty():
            worker = idle.get()
            worker.kill()
            self._workers.discard(worker)

    def close(self) -> None:
        """Kill everything."""
        for worker in list(self._workers):
            worker.kill()
        for zygote in self._zygotes.values():
            zygote.kill()
        os.close(self._life_end)
        self._life.unlink(missing_ok=True)
