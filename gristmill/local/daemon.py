"""Starting, finding and stopping the embedded AWS as a process in the background."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gristmill.client.target import STATE_FILE
from gristmill.errors import GristmillError, NotFound
from gristmill.local import scratch
from gristmill.local.settings import CALLS_FILE
from gristmill.spec.search_path import SEARCH_FILE

PROJECT = Path(__file__).parents[2]
LOG_FILE = "server.log"
_LEFT = (*scratch.FOLDERS, "outbox", LOG_FILE, CALLS_FILE, STATE_FILE, SEARCH_FILE)
_READY_SECONDS = 60.0
_STOP_SECONDS = 15.0
_LOOK = 0.05


@dataclass(frozen=True)
class State:
    """A server that was started: where it is, and since when."""

    pid: int
    port: int
    endpoint: str
    data: str
    project: str
    started_at: str
    containers: bool = False


class NotReady(GristmillError):
    """Raised when the server does not come up; tells the end of its log."""


def find(data: Path) -> State | None:
    """Return the server that lives in a folder, None if there is none (any more)."""
    state = read(data)
    return state if state is not None and is_alive(state.pid) else None


def read(data: Path) -> State | None:
    """Return what was noted of a server, alive or not."""
    try:
        return State(**json.loads((data / STATE_FILE).read_text()))
    except FileNotFoundError:
        return None


def is_alive(pid: int) -> bool:
    """Tell whether a process lives; one that we started and that has ended is taken off the system's books."""
    try:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def clean(data: Path) -> State | None:
    """Clear away what a server left that was killed; return what was noted of it."""
    state = read(data)
    if state is None or is_alive(state.pid):
        return None
    (data / STATE_FILE).unlink()
    scratch.sweep(data)
    return state


def up(data: Path, arguments: Sequence[str] = ()) -> State:
    """Start a server in the background and wait until it serves; one that runs already is returned."""
    running = find(data)
    if running is not None:
        return running
    data.mkdir(parents=True, exist_ok=True)
    clean(data)
    with (data / LOG_FILE).open("ab") as log:
        begun = log.tell()
        process = subprocess.Popen(
            command(data, arguments), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    return _wait(data, process, begun)


def command(data: Path, arguments: Sequence[str]) -> list[str]:
    """Return the command that serves in the foreground."""
    return [
        *(sys.executable, "-m", "gristmill.local.server"),
        *("--data", str(data), "--project", str(PROJECT)),
        *arguments,
    ]


def _wait(data: Path, process: "subprocess.Popen[bytes]", begun: int) -> State:
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        state = find(data)
        if state is not None:
            return state
        if process.poll() is not None:
            break
        time.sleep(_LOOK)
    process.kill()
    said = (data / LOG_FILE).read_bytes()[begun:].decode(errors="replace").splitlines()
    raise NotReady(
        f"the embedded AWS did not come up: {said[-1] if said else 'it said nothing'}", f"Log: {data / LOG_FILE}"
    )


def down(data: Path) -> State:
    """Stop the server and wait until it is gone; its jobs and functions go with it."""
    state = find(data)
    if state is None:
        raise NotFound("no embedded AWS runs here.", "Start one: gristmill local up")
    os.kill(state.pid, signal.SIGTERM)
    end = time.monotonic() + _STOP_SECONDS
    while is_alive(state.pid):
        if time.monotonic() > end:
            os.kill(state.pid, signal.SIGKILL)
        time.sleep(_LOOK)
    (data / STATE_FILE).unlink(missing_ok=True)
    return state


def wipe(data: Path) -> list[Path]:
    """Remove what servers have left in a folder, and nothing that is not theirs; return what was removed."""
    removed = [data / name for name in _LEFT if (data / name).exists()]
    for path in removed:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return removed
