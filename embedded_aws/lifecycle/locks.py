"""Locks of a data folder; each goes with the last process that holds it, however that ends.

START_LOCK puts `up`, `down` and `reset` in order; a new server holds it until it serves. SERVER_LOCK is held by a
server for as long as it lives.
"""

import fcntl
import os
import time
from pathlib import Path

from embedded_aws.machine.errors import ANOTHER_FOLDER, Refused
from embedded_aws.machine.private_files import open_private

START_LOCK = "start.lock"
SERVER_LOCK = "server.lock"
_LOOK = 0.02


def take(path: Path, seconds: float) -> int:
    """Return the open file of a lock once nobody else holds it; Refused after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        file = open_private(path, os.O_RDWR)
        if _is_free(file, fcntl.LOCK_EX) and is_at(path, file):
            return file
        os.close(file)
        if time.monotonic() > end:
            raise Refused([f"another process holds {path} for {seconds:g} seconds"], "Try again later.")
        time.sleep(_LOOK)


def is_at(path: Path, file: int) -> bool:
    """Return whether an open file is still the one at a path: the folder may have been removed and made anew."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(file))
    except FileNotFoundError:
        return False


def is_held(path: Path) -> bool:
    """Return whether a process holds a lock."""
    if not path.exists():
        return False
    file = open_private(path, os.O_RDWR)
    try:
        return not _is_free(file, fcntl.LOCK_SH)
    finally:
        os.close(file)


def _is_free(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise Refused(
            [f"this file system has no locks ({error.strerror})"], f"Choose another: {ANOTHER_FOLDER}."
        ) from error
    return True
