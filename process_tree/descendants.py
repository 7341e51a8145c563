"""Ends what a process has started, in whatever session or process group that is now.

Imports nothing but the standard library: the embedded AWS's helpers load this file by its path.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

_HAS_PROC = Path("/proc/self/stat").exists()
_SET_CHILD_SUBREAPER = 36  # prctl(2): orphans among the descendants become children of this process
_LONGEST = 10.0  # seconds
_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.02  # seconds
_NEWEST = 32  # process ids below the last one given out among which a fleeing process is looked for
_ENDED = "Z"  # the state of a process that only waits to be taken off the books


def adopt_orphans() -> None:
    """Let orphaned descendants become this process's children, where the system can (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_descendants(spared: Collection[int] = ()) -> list[int]:
    """Kill every descendant and those that it leaves, until there is none; return what would not end.

    Processes of `spared` and what is below them live on. Where orphans are adopted, none is overlooked: until it is
    reaped here, a child that has ended stays in the table, and a process that flees by forking leaves one each time.
    """
    end, pause = time.monotonic() + _LONGEST, _FIRST_PAUSE
    known: set[int] = set()
    while (found := _below(spared)) and time.monotonic() < end:
        for process in found:
            _kill(process)
        if known and not known.issuperset(found):  # new ones come though the old ones were killed
            _kill_newest(spared, time.monotonic() + _LONGEST_PAUSE)
        else:
            time.sleep(pause)
        known.update(found)
        pause = min(2 * pause, _LONGEST_PAUSE)
    return found


def _kill(process: int) -> None:
    """Kill a process, and take it off the books if it is a child of this one and has ended."""
    with contextlib.suppress(ProcessLookupError, PermissionError, ChildProcessError):
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, os.WNOHANG)


def _kill_newest(spared: Collection[int], end: float) -> None:
    """Kill the newest children again and again: who forks and exits at once is gone before a whole table is read."""
    while time.monotonic() < end:
        _reap(spared)
        for process in _newest():
            row = _row(process)
            if row is not None and row.parent == os.getpid() and process not in spared:
                _kill(process)


def _reap(spared: Collection[int]) -> None:
    """Take children that have ended off the books, as many as there are."""
    with contextlib.suppress(ChildProcessError):
        while (ended := _ended_child()) is not None and ended not in spared:
            os.waitpid(ended, os.WNOHANG)


def _newest() -> Iterable[int]:
    """Return the process ids that were given out last, the latest first (proc(5): the last field of `loadavg`)."""
    if not _HAS_PROC:
        return []
    with open("/proc/loadavg", "rb") as file:  # noqa: PTH123 - it is quick
        last = int(file.read().split()[-1])
    return range(last, max(1, last - _NEWEST), -1)


def end_detached(spared: Collection[int] = ()) -> None:
    """Kill the descendants that have left this process's group, as daemons do; `spared` and its workers live on."""
    if _has_children():
        ours = os.getpgrp()
        workers = [row.process for row in _rows() if row.group == ours and row.process != os.getpid()]
        end_descendants([*workers, *spared])


def already_there() -> list[int]:
    """Return what is to be spared later: the processes that there are now, where this one has any children."""
    return [row.process for row in _rows() if row.process != os.getpid()] if _has_children() else []


def _below(spared: Collection[int]) -> list[int]:
    """Return the living descendants and the children that have ended; not `spared` and what is below them."""
    _reap(spared)
    if not _has_children():
        return []
    rows = {row.process: row for row in _rows() if row.process not in spared}
    below = descendants(os.getpid(), {process: row.parent for process, row in rows.items()})
    return [process for process in below if rows[process].state != _ENDED or rows[process].parent == os.getpid()]


def _has_children() -> bool:
    """Return whether this process may have children, without looking at every process of the machine."""
    try:
        _ended_child()
    except ChildProcessError:
        return False
    return True


def _ended_child() -> int | None:
    """Return a child that has ended and is not reaped; ChildProcessError where there are no children at all."""
    if not hasattr(os, "waitid"):
        return None
    found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return None if found is None else found.si_pid


def descendants(root: int, parents: dict[int, int]) -> list[int]:
    """Return the processes below `root` in a table of parents."""
    found, level = [], [root]
    while level:
        above = set(level)
        level = [process for process, parent in parents.items() if parent in above]
        found += level
    return found


def living() -> Iterator[tuple[int, int, int]]:
    """Yield each living process, its parent and its process group; zombies are not living."""
    return ((row.process, row.parent, row.group) for row in _rows() if row.state != _ENDED)


class _Row(NamedTuple):
    """A process; its state is `Z` once all of its threads have ended."""

    process: int
    parent: int
    group: int
    state: str


def _rows() -> Iterator[_Row]:
    return _proc() if _HAS_PROC else _ps()


def _proc() -> Iterator[_Row]:
    rows = (_row(int(name)) for name in os.listdir("/proc") if name.isdecimal())  # noqa: PTH208 - it is quick
    return (row for row in rows if row is not None)


def _row(process: int) -> _Row | None:
    """Return what the system says of a process, None where there is none.

    It says that one is a zombie whose main thread alone has ended (proc(5), pthreads(7)): its other threads live on.
    """
    try:
        with open(f"/proc/{process}/stat", "rb") as file:  # noqa: PTH123 - it is quick
            state, parent, group = file.read().rpartition(b") ")[2].split()[:3]
        if state == b"Z" and len(os.listdir(f"/proc/{process}/task")) > 1:  # noqa: PTH208
            state = b"S"
    except OSError:
        return None
    return _Row(process, int(parent), int(group), state.decode())


def _ps() -> Iterator[_Row]:
    words = ["ps", "-A", "-o", "pid=,ppid=,pgid=,stat="]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as ps:
        for process, parent, group, state in (line.split() for line in ps.stdout or ()):
            if int(process) != ps.pid:
                yield _Row(int(process), int(parent), int(group), state[0])
