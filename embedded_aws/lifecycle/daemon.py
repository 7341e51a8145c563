"""Starting, finding and stopping the embedded AWS as a process in the background."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from embedded_aws.lifecycle.folder import LOG_FILE, check_marked, left_by_servers, prepare, wipe
from embedded_aws.lifecycle.proof import Unproven, serve_command
from embedded_aws.lifecycle.proof import find_server as find
from embedded_aws.lifecycle.server_process import end_server
from embedded_aws.lifecycle.state import STATE_FILE, ServerState
from embedded_aws.lifecycle.turns import LOOK_SECONDS, READY_SECONDS, get_past, lost, nowhere, turn, wait_alone
from embedded_aws.machine.errors import EmbeddedAWSError
from embedded_aws.machine.private_files import open_private
from embedded_aws.processes import scratch
from embedded_aws.settings.application import Application
from embedded_aws.settings.inherited import by_server

_NONE = Application()
_END_SECONDS = 15.0


class NotReady(EmbeddedAWSError):
    """Raised when the server does not come up; with the last line of its log."""


def up(data: Path, arguments: Sequence[str] = (), application: Application = _NONE) -> ServerState:
    """Start a server in the background and wait until it serves; one that runs already is returned."""
    prepare(data)
    with turn(data) as lock:
        get_past(data)
        return find(data) or start(data, arguments, lock, application)


def start(data: Path, arguments: Sequence[str], lock: int, application: Application = _NONE) -> ServerState:
    """Start a server in a folder that has none, and wait until it serves. The caller has the turn."""
    tidy(data)
    with os.fdopen(open_private(data / LOG_FILE, os.O_WRONLY | os.O_APPEND), "ab") as log:
        begun = log.seek(0, os.SEEK_END)
        process = subprocess.Popen(
            command(data, arguments, lock, application),
            cwd=data,
            env=by_server(os.environ, application),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[lock],
        )
    try:
        return _wait(data, process, begun)
    except BaseException:  # a server that no command could find must not live
        process.kill()
        raise


def become(data: Path, arguments: Sequence[str], lock: int, application: Application = _NONE) -> NoReturn:
    """Become the server of a folder that has none, in the foreground. The caller has the turn."""
    tidy(data)
    os.set_inheritable(lock, True)
    words = command(data, arguments, lock, application)  # before the folder changes: `data` may be relative to it
    os.chdir(data)
    environment = by_server(os.environ, application)
    os.execve(sys.executable, words, environment)  # noqa: S606 - it becomes the server


def tidy(data: Path) -> None:
    """Clear away what a server that was killed has left; Unproven where one still lives. The caller has the turn."""
    wait_alone(data, _END_SECONDS)
    if lost(data) is not None:
        (data / STATE_FILE).unlink()
    scratch.sweep(data)


def command(data: Path, arguments: Sequence[str], lock: int, application: Application) -> list[str]:
    """Return the command that serves in the foreground, and lets go of a lock once it serves."""
    return [
        *(sys.executable, "-P", *serve_command("").split(), str(data.resolve())),
        *("--application", application.to_json(), "--start-lock", str(lock)),
        *arguments,
    ]


def _wait(data: Path, process: "subprocess.Popen[bytes]", begun: int) -> ServerState:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        with suppress(Unproven):  # it serves in a moment
            state = find(data)
            if state is not None:
                return state
        if process.poll() is not None:
            break
        time.sleep(LOOK_SECONDS)
    lines = (data / LOG_FILE).read_bytes()[begun:].decode(errors="replace").splitlines()
    raise NotReady(
        f"the embedded AWS did not come up: {lines[-1] if lines else 'it wrote nothing'}", f"Log: {data / LOG_FILE}"
    )


def down(data: Path) -> ServerState:
    """Stop the server and wait until it is gone; its jobs and functions go with it."""
    with turn(data):
        state = stop(data)
    if state is None:
        raise nowhere()
    return state


def stop(data: Path) -> ServerState | None:
    """Stop the server of a folder if there is one; clear its state away. The caller has the turn."""
    state = find(data)
    if state is not None:
        end_server(state)
    tidy(data)
    return state


def reset(data: Path) -> tuple[ServerState | None, list[Path]]:
    """Stop the server and remove what servers have left; return the server and what was removed.

    Refused, and nothing is removed, where the folder is no server's.
    """
    if not check_marked(data):
        return None, []
    with turn(data):
        left = left_by_servers(data)  # before the end of the server, which removes some of it
        get_past(data)
        state = stop(data)
        return state, list(dict.fromkeys([*left, *wipe(data)]))
