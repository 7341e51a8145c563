"""A runner: runs one process after the other for the server, and leaves nothing of each.

Loaded by its path, as `serve.py` is run.
"""

import array
import contextlib
import json
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

_MOST_FILES = 8
LOST = b"lost\n"
Born = tuple[dict[str, Any], list[int]]  # the request and the files of a new process
# starts a process for a request and its files; returns its id, and 0 in the process if that is a fork
Start = Callable[[dict[str, Any], list[int]], int]


def run_each(control: socket.socket, start: Start, offspring: ModuleType) -> Born:
    """Be a runner: run one process after the other, and leave nothing of it; return only in a process that is a fork.

    `offspring` is the module that finds and ends descendants. The server's end of the socket is the runner's.
    """
    offspring.adopt_orphans()
    while (received := receive(control)) is not None:
        request, (end, *files) = received
        try:
            process = start(request, files)
        except (OSError, ValueError) as error:
            _report(end, json.dumps(_refusal(error)))
        else:
            if process == 0:
                control.close()
                os.close(end)
                return request, files
            options = os.WUNTRACED if request.get("is_helper") else 0
            _see_to_its_end(process, end, files, options, offspring)
        os.close(end)
    os._exit(0)


def _refusal(error: OSError | ValueError) -> dict[str, Any]:
    return {"errno": getattr(error, "errno", None), "text": str(error), "file": getattr(error, "filename", None)}


def killed_if_frozen(process: int, status: int) -> bool:
    """Kill a helper that has been stopped (SIGSTOP): it counts as dead; return whether it was."""
    if not os.WIFSTOPPED(status):
        return False
    os.kill(process, signal.SIGKILL)
    return True


def _see_to_its_end(process: int, end: int, files: Sequence[int], options: int, offspring: ModuleType) -> None:
    """Report the process's id, wait for its end, leave nothing behind, and report its exit code."""
    _report(end, str(process))
    for file in files:
        os.close(file)
    ended, status = os.waitpid(-1, options)
    while ended != process or killed_if_frozen(ended, status):  # an orphan that has ended
        ended, status = os.waitpid(-1, options)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process, signal.SIGKILL)
    if left := offspring.end_descendants():
        sys.stderr.write(f"processes that a job or a worker left could not be ended: {left[:10]}, {len(left)} in all\n")
    _report(end, str(os.waitstatus_to_exitcode(status)))


def _report(end: int, line: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(end, line.encode() + b"\n")


def fork(_request: dict[str, Any], _files: list[int]) -> int:
    """Return the id of a new process that leads a session of its own, and 0 in it."""
    leads, leading = os.pipe()
    process = os.fork()
    if process == 0:
        os.setsid()
    os.close(leading)
    if process:
        os.read(leads, 1)  # until it does: whoever gets its id may send signals to its group
    os.close(leads)
    return process


def receive(control: socket.socket) -> Born | None:
    """Return a request and its files, None if the server is gone or wants no more."""
    files = array.array("i")
    head, ancillary, _, _ = control.recvmsg(4, socket.CMSG_SPACE(_MOST_FILES * files.itemsize), socket.MSG_WAITALL)
    if not head:
        return None
    for _, _, data in ancillary:
        files.frombytes(data[: len(data) - len(data) % files.itemsize])
    body = control.recv(struct.unpack("!I", head)[0], socket.MSG_WAITALL)
    request: dict[str, Any] = json.loads(body)
    return request, list(files)
