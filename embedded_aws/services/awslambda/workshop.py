"""The warm workers and zygotes of all functions, and the unpacked code they run."""

import contextlib
import os
import queue
import shutil
import threading
import uuid
from collections.abc import Sequence
from pathlib import Path

from embedded_aws.machine.marker import make_marked
from embedded_aws.processes.helper import Lost
from embedded_aws.processes.scratch import temporary_folder
from embedded_aws.processes.zygote.handle import Zygote
from embedded_aws.services.awslambda.package import unpack
from embedded_aws.services.awslambda.workers import Build, Worker, fork
from embedded_aws.settings.settings import Settings

_TRIES = 3
_ROLE = Path(__file__).with_name("worker.py")


class Workshop:
    """All workers and zygotes, and the unpacked code they run."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._home = settings.data / "functions"
        make_marked(self._home)
        self._lock = threading.Lock()
        self._zygotes: dict[tuple[str, ...], Zygote] = {}
        self._idle: dict[Build, queue.SimpleQueue[Worker]] = {}
        self._workers: set[Worker] = set()
        self._unpacked: dict[str, tuple[Path, list[str]]] = {}

    def unpack(self, sha: str, content: bytes) -> Path:
        """Return the folder of a zip's content, unpacked once, and anew where something of it was deleted."""
        with self._lock:
            if sha not in self._unpacked or not _is_whole(*self._unpacked[sha]):
                folder = self._home / f"{sha.replace('/', '_')[:16]}-{uuid.uuid4().hex[:8]}"
                self._unpacked[sha] = folder, unpack(content, folder)
            return self._unpacked[sha][0]

    def zygote(self, layers: tuple[str, ...]) -> Zygote:
        """Return the zygote of a set of layers, started when first needed and when the last one has died."""
        with self._lock:
            if layers not in self._zygotes or self._zygotes[layers].is_gone():
                path = {"PYTHONPATH": os.pathsep.join(layers), "AWS_XRAY_SDK_ENABLED": "false"}
                self._zygotes[layers] = Zygote(_ROLE, {**self._settings.process_environment(), **path})
            return self._zygotes[layers]

    def take(self, build: Build) -> Worker:
        """Return an idle worker that lives, or a new one; Lost where each new one dies at once."""
        while (worker := self._take_idle(build)) is not None:
            if worker.make_ready():
                return worker
            self.drop(worker)
        for _ in range(_TRIES):
            with contextlib.suppress(Lost):
                return self._fork(build)
        raise Lost("workers died again and again before they took the invocation")

    def _take_idle(self, build: Build) -> Worker | None:
        try:
            return self._idle[build].get_nowait()
        except (KeyError, queue.Empty):
            return None

    def _fork(self, build: Build) -> Worker:
        temporary = temporary_folder(self._settings.data)
        try:
            make_marked(self._home)
            worker = fork(self.zygote(build.layers), build, self._home, temporary)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        with self._lock:
            self._workers.add(worker)
        return worker

    def give_back(self, build: Build, worker: Worker) -> None:
        """Keep a worker for the next invocation; workers of an older build of the function retire."""
        self.retire(build.name, build)
        with self._lock:
            self._idle.setdefault(build, queue.SimpleQueue()).put(worker)

    def retire(self, name: str, spared: Build | None = None) -> None:
        """Kill the idle workers of a function, but those of one build."""
        for build in [known for known in list(self._idle) if known.name == name and known != spared]:
            while (worker := self._take_idle(build)) is not None:
                self.drop(worker)
            self._idle.pop(build, None)

    def drop(self, worker: Worker) -> None:
        """Kill a worker that is not to be used again."""
        worker.kill()
        with self._lock:
            self._workers.discard(worker)

    def close(self) -> None:
        """Kill everything."""
        for worker in list(self._workers):
            worker.kill()
        for zygote in self._zygotes.values():
            zygote.kill()


def _is_whole(folder: Path, names: Sequence[str]) -> bool:
    return all(os.path.exists(f"{folder}/{name}") for name in names)  # noqa: PTH110 - it is quick
