"""One start, end or reset of a folder's server at a time."""

import os
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedded_aws.lifecycle.folder import check_marked, mark_again
from embedded_aws.lifecycle.locks import SERVER_LOCK, START_LOCK, is_held, take
from embedded_aws.lifecycle.proof import Unproven, is_running, serve_command
from embedded_aws.lifecycle.proof import find_server as find
from embedded_aws.lifecycle.state import STATE_FILE, BadState, ServerState, read_state
from embedded_aws.machine.errors import START, NotFound, Refused

READY_SECONDS = 60.0
LOOK_SECONDS = 0.05
_TURN_SECONDS = 2 * READY_SECONDS


@contextmanager
def turn(data: Path) -> Iterator[int]:
    """Wait until no other command starts, stops or resets the server of a folder; gives the open lock.

    Refused, and nothing is written, where the folder is no server's.
    """
    if not check_marked(data):
        raise nowhere()
    lock = take(data / START_LOCK, _TURN_SECONDS)
    try:
        mark_again(data)
        yield lock
    finally:
        os.close(lock)  # a server that was handed it may hold it still


def lost(data: Path) -> ServerState | None:
    """Return what is noted of a server that was killed."""
    state = read_state(data)
    return None if state is None or is_running(state) else state


def get_past(data: Path) -> BadState | None:
    """Remove a state file that cannot be believed, unless a server lives that might be its; return what was wrong.

    The caller has the turn.
    """
    try:
        find(data)
    except BadState as fault:
        wait_alone(data, 0)
        _clear(data / STATE_FILE)
        return fault
    return None


def _clear(file: Path) -> None:
    """Remove whatever has a state file's name, but no folder with things in it: no server made that."""
    if file.is_symlink() or not file.is_dir():
        file.unlink()
        return
    try:
        file.rmdir()
    except OSError as error:
        raise Refused([f"{file} is a folder with things in it, which no server has made"], "Move it away.") from error


def wait_alone(data: Path, seconds: float) -> None:
    """Wait for the end of a server that its state file does not (or no longer) describe; Unproven if it lives on."""
    end = time.monotonic() + seconds
    while is_held(data / SERVER_LOCK):
        if time.monotonic() > end:
            found = f"pgrep -f -- {shlex.quote(serve_command(str(data.resolve())))}"
            raise Unproven(
                f"a server lives in {data} that {STATE_FILE} does not describe.", f"Find it ({found}) and end it."
            )
        time.sleep(LOOK_SECONDS)


def nowhere() -> NotFound:
    """Return the error of a folder in which no server runs."""
    return NotFound("no embedded AWS runs here.", f"Start one: {START}")
