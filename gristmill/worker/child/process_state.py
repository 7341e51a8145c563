"""What a job may change of the process that runs it, put back after each task."""

import contextlib
import fcntl
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TextIO

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGCHLD)
_OUTPUTS = (1, 2)
_HIGH = 200  # the copies of the outputs have numbers from here on: what closes files one by one begins below


class ProcessState:
    """The process as it is now: its folders, umask, signals, limit of recursion and outputs."""

    def __init__(self) -> None:
        self._folder, self._temporary = Path.cwd(), Path(tempfile.gettempdir())
        self._umask = _umask()
        self._recursion = sys.getrecursionlimit()
        self._handlers = {number: signal.getsignal(number) for number in _SIGNALS}
        self._streams = sys.stdout, sys.stderr
        self._copies = {number: fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _HIGH) for number in _OUTPUTS}

    def close(self) -> None:
        """Let go of it."""
        for copy in self._copies.values():
            with contextlib.suppress(OSError):  # a job has closed it
                os.close(copy)

    def restore(self) -> None:
        """Have the process as it was."""
        sys.setrecursionlimit(self._recursion)
        for number, handler in self._handlers.items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)
        os.umask(self._umask)
        self._restore_outputs()
        self._restore_folders()

    def _restore_folders(self) -> None:
        self._temporary.mkdir(parents=True, exist_ok=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        os.chdir(self._folder)

    def _restore_outputs(self) -> None:
        for number, copy in self._copies.items():
            if _identity(number) != _identity(copy):
                os.dup2(copy, number)
        out, err = self._streams
        self._streams = sys.stdout, sys.stderr = _opened(out, 1), _opened(err, 2)


def _umask() -> int:
    """Return the umask, which can only be read by setting it."""
    found = os.umask(0o077)
    os.umask(found)
    return found


def _identity(file: int) -> tuple[int, int] | None:
    """Return what file a number stands for, None where it is closed."""
    try:
        found = os.fstat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _opened(stream: TextIO, file: int) -> TextIO:
    """Return a stream, or where it has been closed another one to the same file."""
    return os.fdopen(file, "w", encoding="utf-8", closefd=False) if stream.closed else stream
