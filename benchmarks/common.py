"""What the benchmarks share: the machine, an embedded AWS of their own, the input, and how a run is timed."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from embedded_aws.lifecycle import daemon
from gristmill import keys
from gristmill.client import embedded
from gristmill.client.deploy import deploy
from gristmill.client.target import Target, at_server
from gristmill.runs.drop import run_id
from gristmill.storage import Storage
from gristmill.storage.s3 import S3Storage
from tests.project import PROJECT

LINE_BYTES = 40
_LINES_AT_ONCE = 100_000
_LOOK = 0.002  # seconds between looks into the outbox


def print_machine(**versions: str) -> None:
    """Print what the figures were measured on."""
    known = {"python": platform.python_version(), **{name: version(name) for name in ("gristmill", "moto", "boto3")}}
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC  {_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB")
    print(platform.platform() + "  " + "  ".join(f"{name} {item}" for name, item in {**known, **versions}.items()))
    print(f"load of the machine as it began: {os.getloadavg()[0]:.1f}\n", flush=True)


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        return names[0] if names else platform.machine()
    return platform.processor() or platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3


def write_lines(path: Path, lines: int) -> None:
    """Write different lines of 40 bytes, their ends included; a part of them in a loop when they are many."""
    numbers = range(min(lines, _LINES_AT_ONCE))
    block = b"".join((b"%d grist for the mill" % number).ljust(LINE_BYTES - 1, b".") + b"\n" for number in numbers)
    with path.open("wb") as file:
        for _ in range(lines // _LINES_AT_ONCE or 1):
            file.write(block)


@dataclass(frozen=True)
class Mill:
    """A stack on an embedded AWS of the benchmark's own."""

    data: Path
    target: Target
    bucket: str
    pipeline: str = "strings"

    @property
    def store(self) -> Storage:
        """Return the bucket."""
        return S3Storage(self.bucket, self.target.client("s3"))

    def run(self, source: Path, **parameters: int) -> tuple[str, float]:
        """Drop a file; return the run and the seconds from the start of the upload to the mail that tells success."""
        store, key = self.store, keys.input_key(self.pipeline, source.name)
        metadata = {name.replace("_", "-"): str(value) for name, value in parameters.items()}
        outbox = self.data / "outbox"
        seen = set(outbox.glob("*.eml"))
        begin = time.perf_counter()
        with source.open("rb") as file:
            store.upload(key, file, metadata)
        mail = _wait_for_mail(outbox, seen)
        seconds = time.perf_counter() - begin
        assert b"SUCCEEDED" in mail, mail.decode()
        head = store.head(key)
        assert head is not None
        return run_id(self.bucket, key, head.version, head.etag, ""), seconds

    def result(self, source: Path, run: str, file: str) -> Iterator[bytes]:
        """Yield a result in blocks."""
        with self.store.open_range(keys.result(self.pipeline, source.name, run, file), 0) as stream:
            while block := stream.read(1024**2):
                yield block

    @property
    def pid(self) -> int:
        """Return the process id of the embedded AWS."""
        state: int = json.loads((self.data / "local.json").read_text())["pid"]
        return state


def _wait_for_mail(outbox: Path, seen: set[Path], seconds: float = 600) -> bytes:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for path in outbox.glob("*.eml"):
            if path not in seen:
                return path.read_bytes()
        time.sleep(_LOOK)
    raise TimeoutError(f"no mail after {seconds} s")


@contextmanager
def mill() -> Iterator[Mill]:
    """Start an embedded AWS with the stack deployed and one run behind it; stop it at the end."""
    with TemporaryDirectory(prefix="gristmill-bench-") as folder:
        data = Path(folder) / "state"
        state = embedded.up(data, ["--port", "0"])
        try:
            target = at_server(state)
            clients = {name: target.client(name) for name in ("s3", "cloudformation")}
            outputs = deploy(clients, PROJECT, "gristmill", {})
            shown = Mill(data, target, outputs["BucketName"])
            warm = Path(folder) / "warm.txt"
            write_lines(warm, 10)
            shown.run(warm)
            yield shown
        finally:
            daemon.down(data)


def timed(command: list[str], folder: Path) -> float:
    """Return the seconds that a command takes."""
    begin = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def row(name: str, seconds: float, base: float) -> None:
    """Print one way of doing the work, and how many times it takes as long as the base."""
    print(f"  {name:<44} {seconds:9.3f} s   x {seconds / base:6.2f}", flush=True)


def verdict(what: str, value: float, limit: float, *, at_most: bool = True) -> bool:
    """Print whether a figure keeps to its target; return it."""
    kept = value <= limit if at_most else value >= limit
    sign = "<=" if at_most else ">="
    print(f"  {'kept  ' if kept else 'MISSED'} {what}: {value:.2f} (target {sign} {limit:g})", flush=True)
    return kept


def finish(kept: list[bool]) -> None:
    """Exit with 1 where a target was missed."""
    sys.exit(0 if all(kept) else 1)


def same(blocks: Iterator[bytes], path: Path) -> bool:
    """Tell whether a stream is what a file holds."""
    with path.open("rb") as file:
        return all(file.read(len(block)) == block for block in blocks) and not file.read(1)


def command_version(*command: str) -> str:
    """Return the first line that a program says of its version."""
    done: Any = subprocess.run(command, capture_output=True, text=True, check=True)
    return str(done.stdout).splitlines()[0]
