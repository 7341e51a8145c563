"""The peak memory of the processes of an embedded AWS, from /proc (Linux)."""

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

_EVERY = 0.05  # seconds between looks
_PROC = Path("/proc")


class Watch:
    """Between `with` and its end, notes the peak resident memory (VmHWM, MiB) of a server and all it has started."""

    def __init__(self, server: int) -> None:
        self._server = server
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.peaks: dict[str, float] = {}

    def __enter__(self) -> Self:
        (_PROC / str(self._server) / "clear_refs").write_text("5")  # forget the server's peak so far
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_EVERY):
            for pid in [self._server, *descendants(self._server)]:
                name, peak = _name(pid, self._server), _peak_mib(pid)
                if name and peak:
                    self.peaks[name] = max(peak, self.peaks.get(name, 0.0))


def descendants(root: int) -> list[int]:
    """Return the processes below a process."""
    parents: dict[int, list[int]] = {}
    for folder in _PROC.iterdir():
        if folder.name.isdigit() and (fields := _stat(int(folder.name))):
            parents.setdefault(int(fields[1]), []).append(int(folder.name))
    found, todo = [], [root]
    while todo:
        children = parents.get(todo.pop(), [])
        found += children
        todo += children
    return found


def cpu_seconds(root: int) -> float:
    """Return the CPU time that a process and all below it, the ended ones included, have used."""
    fields = [stat for pid in [root, *descendants(root)] if (stat := _stat(pid))]
    return sum(int(tick) for stat in fields for tick in stat[11:15]) / 100


def _stat(pid: int) -> list[str]:
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _peak_mib(pid: int) -> float:
    try:
        lines = (_PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0.0
    peaks = [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")]
    return peaks[0] if peaks else 0.0


def _name(pid: int, server: int) -> str:
    """Return what a process is: the server, a child of a run, a function by name; empty for all others."""
    if pid == server:
        return "embedded AWS"
    folder = _PROC / str(pid)
    try:
        where = (folder / "cwd").readlink()
    except OSError:
        return ""
    if where.parent.name == "jobs":
        return "child"
    handler = where / "app.py"
    return (
        handler.read_text().partition(":")[0].strip('"')
        if handler.exists() and where.parent.name == "functions"
        else ""
    )
