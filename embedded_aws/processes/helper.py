"""The server's end of a helper that starts processes, and of each process that it has started."""

import array
import contextlib
import json
import math
import os
import select
import signal
import socket
import struct
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

_GRACE = 15.0  # seconds from SIGKILL to the end of the helper that should have reported it
_LOOK = 0.5  # seconds between looks at the clock
_KILLED = -9  # stands for the exit code of a process whose helper died: the two are killed together


class Lost(OSError):
    """Raised when the helper that was to start a process is gone: it may be tried again."""


class Started:
    """A process that a helper has started; as much of Popen's manners as its users need."""

    def __init__(self, status: int, helper: "Helper") -> None:
        self._status = os.fdopen(status, "rb", buffering=0)
        self.helper = helper
        self._code: int | None = None
        self._lock = threading.Lock()
        self._kill_helper_at = math.inf
        self.is_lost = False
        answer = self._line()
        if not isinstance(answer, int):
            self._status.close()
            if answer is None:
                raise Lost("the process that was to start it is gone")
            helper.free()
            raise _refusal(answer)
        self.pid = answer

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        with self._lock:
            if self._code is None and not self._has_news(0):
                return None
        return self.wait()

    def wait(self) -> int:
        """Wait until it has ended and nothing is left of it; return the exit code.

        Where its helper does not tell that it was killed, something keeps it from its work: it counts as dead.
        """
        with self._lock:
            if self._code is None:
                while not self._has_news(_LOOK):
                    if time.monotonic() > self._kill_helper_at:
                        self._kill_helper_at = math.inf
                        self.helper.kill()
                answer = self._line()
                self.is_lost = not isinstance(answer, int)
                self._code = answer if isinstance(answer, int) else _KILLED
                self._status.close()
                if not self.is_lost:
                    self.helper.free()
            return self._code

    def signal_all(self, number: int) -> None:
        """Send a signal to what is left of its process group; after SIGKILL, what has left the group ends as well."""
        if number == signal.SIGKILL:
            self._kill_helper_at = min(self._kill_helper_at, time.monotonic() + _GRACE)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def _has_news(self, seconds: float) -> bool:
        """Return whether its helper reports something, or is gone, within a time."""
        look = select.poll()
        look.register(self._status, select.POLLIN)
        return bool(look.poll(seconds * 1000))

    def _line(self) -> int | dict[str, Any] | None:
        """Return the next number, a refusal, or None where the process was lost with its helper."""
        line = b""
        while not line.endswith(b"\n"):
            byte = self._status.read(1)
            if not byte:
                self.helper.settled()
                return None
            line += byte
        answer: int | dict[str, Any] | None = None if line == b"lost\n" else json.loads(line)
        return answer


def _refusal(answer: Mapping[str, Any]) -> Exception:
    if answer["errno"] is None:
        return ValueError(answer["text"])
    return OSError(answer["errno"], os.strerror(answer["errno"]), answer["file"])


class Helper:
    """A process that starts others on request."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._sending = threading.Lock()

    def settled(self) -> object:
        """Wait until the helper, which has died, has left nothing behind."""
        raise NotImplementedError

    def kill(self) -> None:
        """End the helper: what it had started is ended by the one above it."""
        raise NotImplementedError

    def free(self) -> None:
        """Note that what was asked for has ended."""

    def close(self) -> None:
        """Want no more of it: it ends when what was asked for has ended."""
        self._control.close()

    def ask(self, request: Mapping[str, Any], files: Sequence[int]) -> Started:
        """Return a new process with this request and these files, which stay open here.

        Lost where the helper is gone, OSError or ValueError where what is asked cannot be started.
        """
        read, write = os.pipe()
        body = json.dumps(request).encode()
        attached = array.array("i", [write, *files]).tobytes()
        try:
            with self._sending:
                head = struct.pack("!I", len(body))
                self._control.sendmsg([head], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, attached)])
                self._control.sendall(body)
        except OSError as error:
            os.close(read)
            if isinstance(error, ConnectionError):
                self.settled()
            raise Lost(str(error)) from error
        finally:
            os.close(write)
        return Started(read, self)
