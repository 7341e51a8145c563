"""Real processes as the nodes of multi-node jobs, each with a host name of its own, and a store between them."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from embedded_aws.processes import hostname
from gristmill.client.target import Target
from gristmill.enums import NodeMessage
from gristmill.keys import Rendezvous

PROJECT = Path(__file__).parents[2]
PROGRAMS = str(PROJECT / "tests" / "mpi" / "programs.py")
ANOTHER_ADDRESS = "127.0.0.2"  # macOS has it after `ifconfig lo0 alias 127.0.0.2`
PACE = ("--heartbeat-seconds", "1", "--lost-seconds", "6")


class Nodes:
    """One attempt at a multi-node job; `start` starts one node of it."""

    def __init__(self, target: Target, bucket: str, folder: Path, count: int, attempt: int = 1, job: str = "") -> None:
        self.target, self.bucket, self.folder, self.count, self.attempt = target, bucket, folder, count, attempt
        self.job = job or str(uuid.uuid4())
        self.place = Rendezvous("jobs", self.job, attempt)
        self.processes: dict[int, subprocess.Popen[bytes]] = {}

    def start(
        self,
        index: int,
        *command: str,
        options: tuple[str, ...] = PACE,
        python: str = sys.executable,
        **variables: str,
    ) -> None:
        """Start a node as Batch does: the same command everywhere, its place in the environment."""
        own = {
            "BUCKET": self.bucket,
            "PYTHONPATH": str(PROJECT),
            "PYTHONUNBUFFERED": "1",
            **self.target.environment(),
            "AWS_BATCH_JOB_ID": self.job if index == 0 else f"{self.job}#{index}",
            "AWS_BATCH_JOB_ATTEMPT": str(self.attempt),
            "AWS_BATCH_JOB_NODE_INDEX": str(index),
            "AWS_BATCH_JOB_NUM_NODES": str(self.count),
            "AWS_BATCH_JOB_MAIN_NODE_INDEX": "0",
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),  # nodes that are killed leave what they had there
        }
        name = f"a{self.attempt}n{index}-{self.job[:8]}"
        node = [python, "-m", "gristmill.worker.node", "--slots", "1", *options, "--", *command]
        with self.log(index).open("wb") as log:
            self.processes[index] = subprocess.Popen(
                [sys.executable, "-P", "-S", hostname.__file__, name, *node],
                env={**own, **variables},
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def log(self, index: int) -> Path:
        return self.folder / f"{self.job[:8]}-{self.attempt}-{index}.log"

    def output(self, index: int) -> str:
        return self.log(index).read_text()

    def ends(self, index: int, seconds: float = 60) -> int:
        """Wait for a node; return its exit code, 128 + n for signal n."""
        code = self.processes[index].wait(seconds)
        return code if code >= 0 else 128 - code

    def running(self, text: str = "rank 0", index: int = 0, seconds: float = 30) -> None:
        """Wait until a node's log has a text: the program runs."""
        end = time.monotonic() + seconds
        while text not in self.output(index):
            assert time.monotonic() < end, self.output(index)
            time.sleep(0.05)

    def notice(self, notice: NodeMessage, index: int | None = None, seconds: float = 20) -> dict[str, Any]:
        """Wait for a notice in the store."""
        key = self.place.key(notice) if index is None else self.place.of(notice, index)
        end = time.monotonic() + seconds
        while True:
            try:
                return json.loads(self.store.get_object(Bucket=self.bucket, Key=key)["Body"].read())
            except self.store.exceptions.NoSuchKey:
                assert time.monotonic() < end, f"no {key}"
                time.sleep(0.05)

    @property
    def store(self) -> Any:
        return self.target.client("s3")

    def descendants(self, index: int) -> list[int]:
        """Return what a node has started, by its mark in the environment: parents may be gone."""
        mark = f"AWS_BATCH_JOB_NODE_INDEX={index}\0".encode()
        mine = f"AWS_BATCH_JOB_ID={self.job}".encode()
        return [
            int(environment.parent.name)
            for environment in Path("/proc").glob("[0-9]*/environ")
            if _has(environment, mark, mine)
        ]

    def vanish(self, index: int) -> None:
        """Take a node's host away: all its processes at once, without a word."""
        while found := self.descendants(index):
            for process in found:
                _kill(process)
            self.processes[index].poll()

    def kill_daemon(self, index: int) -> None:
        """Kill a node's MPI daemon alone."""
        daemon, *_ = sorted(process for process in self.descendants(index) if _name(process) == "prted")
        _kill(daemon)

    def close(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        for index in self.processes:
            self.vanish(index)


class Line:
    """A line to the store that can be cut: a forwarder on another address of this machine, on the same port.

    The store answers to any loopback address, but to its own port alone.
    """

    def __init__(self, target: Target) -> None:
        self._port = int(str(target.endpoint).rpartition(":")[2])
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server((ANOTHER_ADDRESS, self._port))
        self.endpoint = f"http://{ANOTHER_ADDRESS}:{self._port}"
        self._is_cut = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        self._is_cut.set()
        for connection in list(self._open):
            connection.close()

    def mend(self) -> None:
        self._is_cut.clear()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits there
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._is_cut.is_set():
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._port))
            self._open |= {near, far}
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while (data := source.recv(65536)) and not self._is_cut.is_set():
                target.sendall(data)
        except OSError:
            pass
        for connection in (source, target):
            self._open.discard(connection)
            connection.close()


def _has(file: Path, *marks: bytes) -> bool:
    try:
        return all(mark in file.read_bytes() for mark in marks)
    except OSError:
        return False


def _name(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip()
    except OSError:
        return ""


def _kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
