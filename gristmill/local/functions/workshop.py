"""The warm workers and zygotes of all functions, and the unpacked code they run."""

import io
import os
import queue
import threading
import uuid
import zipfile
from pathlib import Path

from gristmill.local.functions.workers import Build, Worker, fork
from gristmill.local.scratch import temporary_folder
from gristmill.local.settings import Settings
from gristmill.local.zygote.handle import Zygote

_ROLE = Path(__file__).with_name("worker.py")


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
            worker = fork(self.zygote(build.layers), build, self._life, log, temporary_folder(self._settings.data))
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
