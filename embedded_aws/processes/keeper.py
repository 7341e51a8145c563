"""Runs the programs of the embedded AWS, and ends what it has started when that dies, however it dies."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from embedded_aws.processes.helper import Lost, Started
from embedded_aws.processes.pool import Pool

_SCRIPT = Path(__file__).parent / "zygote" / "keep.py"
_TRIES = 3
_PAUSE = 0.1  # seconds before a dead one is replaced
_THAW_SECONDS = 5.0  # that a keeper may take to end what it has started


class _Pair(Pool):
    """A keeper and its guard, which end together."""

    def __init__(self, will: int) -> None:
        control, theirs = socket.socketpair()
        super().__init__(control)
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_SCRIPT), str(os.getpid()), str(theirs.fileno()), str(will)],
            cwd="/",  # the server's own may be deleted
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno(), will],
            start_new_session=True,
        )
        theirs.close()

    def is_gone(self) -> bool:
        """Return whether both have ended."""
        return self._guard.poll() is not None

    def settled(self) -> object:
        """Wait until both are gone, with all that they had started; a guard that is stopped (SIGSTOP) is killed."""
        if _is_stopped(self._guard.pid):
            self._guard.kill()
            self._guard.wait()
            self._thaw_keeper()
        return self._guard.wait()

    def _thaw_keeper(self) -> None:
        """Let a keeper that was stopped as well see the guard's end; their group is the guard's."""
        end = time.monotonic() + _THAW_SECONDS
        with contextlib.suppress(ProcessLookupError, PermissionError):
            while time.monotonic() < end:
                os.killpg(self._guard.pid, signal.SIGCONT)
                time.sleep(_PAUSE)

    def close(self) -> None:
        """End both, with all that they had started."""
        super().close()
        self.settled()


def _is_stopped(child: int) -> bool:
    """Wait until a child is stopped or has ended; tell whether it is stopped. The system may not tell (macOS)."""
    if not hasattr(os, "waitid"):
        return False
    with contextlib.suppress(ChildProcessError):  # another thread has reaped it
        found = os.waitid(os.P_PID, child, os.WEXITED | os.WSTOPPED | os.WNOWAIT)
        return found is not None and found.si_code == os.CLD_STOPPED
    return False


class Keeper:
    """The server's view of the keeper; one that was killed is replaced by the next."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._will = tempfile.TemporaryFile("w", encoding="utf-8")  # noqa: SIM115 - as long as this process lives
        self._pair: _Pair | None = None

    def add(self, group: int) -> None:
        """Note a process group that lives, and that the keeper has not started."""
        self._write(f"+{group}\n")

    def forget(self, group: int) -> None:
        """Note that a process group has ended."""
        self._write(f"-{group}\n")

    def sweep_with(self, command: Sequence[str]) -> None:
        """Have a command run once the server is gone."""
        self._write(f"!{json.dumps(list(command))}\n")

    def execute(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        output: int,
        *handed: int,
        is_helper: bool = False,
    ) -> Started:
        """Return a program that leads its own session, writes its outputs to one file and reads nothing.

        The numbers that files `handed` to it have there end its command. A helper is killed when it is stopped.
        OSError or ValueError where it cannot be started, Lost where that is so because keepers die again and again.
        """
        words = {"command": list(command), "environment": dict(environment), "folder": str(folder)}
        request = {**words, "is_helper": is_helper}
        for _ in range(_TRIES):
            with contextlib.suppress(Lost):
                return self._living().run(request, [output, *handed])
        raise Lost("the keeper of processes died again and again")

    def close(self) -> None:
        """End all that was started, in an orderly way: nothing is left to be done."""
        with self._lock:
            self._will.seek(0)
            self._will.truncate()
            pair, self._pair = self._pair, None
        if pair is not None:
            pair.close()

    def _living(self) -> _Pair:
        with self._lock:
            if self._pair is None or self._pair.is_gone():
                self._pair = _Pair(self._will.fileno())
                threading.Thread(target=self._replace, args=(self._pair,), name="keeper", daemon=True).start()
            return self._pair

    def _replace(self, pair: _Pair) -> None:
        """Have the next one as soon as this one dies: somebody must see the server's end."""
        pair.settled()
        time.sleep(_PAUSE)
        if self._pair is pair:
            self._living()

    def _write(self, line: str) -> None:
        with self._lock:
            self._will.write(line)
            self._will.flush()
        self._living()


_keeper = Keeper()


def keeper() -> Keeper:
    """Return the one keeper of this process; it is started when first needed."""
    return _keeper
