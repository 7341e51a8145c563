"""Folders of the embedded AWS's own processes: what one leaves in them goes when it ends, whatever ended it."""

import contextlib
import os
import shutil
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedded_aws.machine.marker import is_marked, make_marked

FOLDERS = ("jobs", "functions", "tmp", "objects")  # under the data folder; its mails and logs are none of these
_LONGEST, _PAUSE = 5.0, 0.02  # seconds


@contextmanager
def working_folders(data: Path, name: str) -> Iterator[tuple[Path, Path]]:
    """Give a job a folder to work in and one for temporary files."""
    made = data / "jobs" / name, temporary_folder(data)
    make_marked(made[0].parent)
    made[0].mkdir(exist_ok=True)
    try:
        yield made
    finally:
        for folder in made:
            shutil.rmtree(folder, ignore_errors=True)


def temporary_folder(data: Path) -> Path:
    """Return a new folder for the temporary files of one process.

    Its path is short: programs put sockets into TMPDIR, and a socket's path has at most 107 bytes.
    """
    folder = data / "tmp" / uuid.uuid4().hex[:8]
    make_marked(folder.parent)
    folder.mkdir()
    return folder


def end_users(folder: Path) -> None:
    """Kill every process whose TMPDIR is in a folder: jobs and workers hand theirs on to all that they start.

    Only Linux tells which they are.
    """
    mark, end = f"TMPDIR={folder.resolve()}/".encode(), time.monotonic() + _LONGEST
    while _kill_marked(mark) and time.monotonic() < end:  # one may have started another meanwhile
        time.sleep(_PAUSE)


def _kill_marked(mark: bytes) -> bool:
    """Kill the processes that have a variable that begins so; tell whether there were any."""
    found = False
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # another user's, or one that has just ended
            handle = os.pidfd_open(int(process.name))
            try:
                if any(variable.startswith(mark) for variable in _variables(process)):
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
                    found = True
            finally:
                os.close(handle)
    return found


def _variables(process: Path) -> Iterator[bytes]:
    """Yield the variables of a process; a thread that has ended tells none, though it is the main one of a living."""
    for thread in (process / "task").iterdir():
        with contextlib.suppress(ProcessLookupError):
            yield from (thread / "environ").read_bytes().split(b"\0")


def sweep(data: Path) -> None:
    """Remove what processes have left that live no more, and end those that have outlived their server all the same.

    A folder that no server has made stays as it is.
    """
    if is_marked(data / "tmp"):
        end_users(data / "tmp")
    for path in (data / name for name in FOLDERS):
        if not path.is_symlink() and is_marked(path):
            shutil.rmtree(path, ignore_errors=True)
