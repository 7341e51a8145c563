"""Nothing that a node has started outlives it."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_SET_CHILD_SUBREAPER = 36  # prctl(2): orphans among the descendants become children of this process
_LONGEST = 5.0  # seconds


def adopt_orphans() -> None:
    """Let orphaned descendants become this process's children, where the system can (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_descendants() -> None:
    """Kill every descendant, and those that they leave, until there is none."""
    end = time.monotonic() + _LONGEST
    while (found := descendants(os.getpid(), _parents())) and time.monotonic() < end:
        for process in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        _reap()
        time.sleep(0.02)


def descendants(root: int, parents: dict[int, int]) -> list[int]:
    """Return the processes below `root` in a table of parents."""
    found, level = [], [root]
    while level:
        level = [process for process, parent in parents.items() if parent in level]
        found += level
    return found


def _parents() -> dict[int, int]:
    """Return each living process's parent; zombies are not living."""
    rows = _proc() if Path("/proc/self/stat").exists() else _ps()
    return {pid: parent for pid, parent, state in rows if state != "Z"}


def _proc() -> Iterator[tuple[int, int, str]]:
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            state, parent = (folder / "stat").read_text().rpartition(") ")[2].split()[:2]
            yield int(folder.name), int(parent), state


def _ps() -> Iterator[tuple[int, int, str]]:
    with subprocess.Popen(["ps", "-A", "-o", "pid=,ppid=,stat="], stdout=subprocess.PIPE, text=True) as ps:
        for pid, parent, state in (line.split() for line in ps.stdout or ()):
            if int(pid) != ps.pid:
                yield int(pid), int(parent), state[0]


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
