"""Ends what a process has started, in whatever session or process group that is now.

Imports nothing but the standard library: the embedded AWS's helpers load this file by its path.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator
from pathlib import Path

_SET_CHILD_SUBREAPER = 36  # prctl(2): orphans among the descendants become children of this process
_LONGEST = 5.0  # seconds
_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.02  # seconds


def adopt_orphans() -> None:
    """Let orphaned descendants become this process's children, where the system can (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_descendants(spared: Collection[int] = ()) -> list[int]:
    """Kill every descendant and those that it leaves, until there is none; return what would not end.

    Processes of `spared` and what is below them live on.
    """
    end, pause = time.monotonic() + _LONGEST, _FIRST_PAUSE
    killed: set[int] = set()
    while (found := _below(spared)) and time.monotonic() < end:
        killed.update(found)
        for process in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    for process in killed:
        with contextlib.suppress(ChildProcessError):  # not a child of this process, but of one that is gone
            os.waitpid(process, os.WNOHANG)
    return found


def end_detached(spared: Collection[int] = ()) -> None:
    """Kill the descendants that have left this process's group, as daemons do; `spared` and its workers live on."""
    if _has_children():
        ours = os.getpgrp()
        workers = [process for process, _, group in living() if group == ours and process != os.getpid()]
        end_descendants([*workers, *spared])


def already_there() -> list[int]:
    """Return what is to be spared later: the processes that live now, where this one has any children."""
    return [process for process, *_ in living() if process != os.getpid()] if _has_children() else []


def guard() -> None:
    """Fork, and go on in the new process; the old one stays to end what that leaves, and ends with its exit code.

    Where the old one is killed first, the new one ends all that it has started, and itself.
    """
    guarded, guarding = os.pipe()
    adopt_orphans()
    process = os.fork()
    if process == 0:
        os.close(guarding)
        adopt_orphans()
        threading.Thread(target=_end_with, args=(guarded,), daemon=True).start()
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the other one
    while (ended := os.waitpid(-1, 0))[0] != process:
        pass
    end_descendants()
    code = os.waitstatus_to_exitcode(ended[1])
    os._exit(code if code >= 0 else 128 - code)


def _end_with(guarded: int) -> None:
    os.read(guarded, 1)
    end_descendants()
    os._exit(1)


def _below(spared: Collection[int]) -> list[int]:
    if not _has_children():
        return []
    parents = {process: parent for process, parent, _ in living() if process not in spared}
    return descendants(os.getpid(), parents)


def _has_children() -> bool:
    """Tell whether this process may have children, without looking at every process of the machine."""
    if not hasattr(os, "waitid"):
        return True
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def descendants(root: int, parents: dict[int, int]) -> list[int]:
    """Return the processes below `root` in a table of parents."""
    found, level = [], [root]
    while level:
        level = [process for process, parent in parents.items() if parent in level]
        found += level
    return found


def living() -> Iterator[tuple[int, int, int]]:
    """Yield each living process, its parent and its process group; zombies are not living."""
    rows = _proc() if Path("/proc/self/stat").exists() else _ps()
    return ((process, parent, group) for process, parent, group, state in rows if state != "Z")


def _proc() -> Iterator[tuple[int, int, int, str]]:
    for name in os.listdir("/proc"):  # noqa: PTH208 - it is quick
        if name.isdecimal():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                state, parent, group = file.read().rpartition(b") ")[2].split()[:3]
                yield int(name), int(parent), int(group), state.decode()


def _ps() -> Iterator[tuple[int, int, int, str]]:
    words = ["ps", "-A", "-o", "pid=,ppid=,pgid=,stat="]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as ps:
        for process, parent, group, state in (line.split() for line in ps.stdout or ()):
            if int(process) != ps.pid:
                yield int(process), int(parent), int(group), state[0]
