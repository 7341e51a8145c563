"""The server's end of a zygote."""

import json
import signal
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from embedded_aws.processes.helper import Lost, Started
from embedded_aws.processes.keeper import keeper
from embedded_aws.processes.pool import Pool

_FOLDER = Path("/")  # one that nobody deletes
_STDERR = 2  # the log
_SERVE = Path(__file__).with_name("serve.py")


class Zygote(Pool):
    """A process that forks others of one role; it ends after `close`, when the last of them has ended."""

    def __init__(
        self, role: Path, environment: Mapping[str, str], preload: Sequence[str] = (), watched: Sequence[str] = ()
    ) -> None:
        control, theirs = socket.socketpair()
        super().__init__(control)
        self._lock = threading.Lock()
        self._stamps: dict[str, list[int]] | None = None
        # macOS would kill a forked process that asks the system for its proxies
        environment = {**environment, "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES"}
        command = [sys.executable, "-P", str(_SERVE), str(role), json.dumps([preload, watched])]
        with theirs:
            self._process = keeper().execute(command, environment, _FOLDER, _STDERR, theirs.fileno(), is_helper=True)

    @property
    def pid(self) -> int:
        """Return its process id."""
        return self._process.pid

    def fork(self, request: Mapping[str, Any], files: Sequence[int]) -> Started:
        """Return a new process with this request and these files, which stay open here; Lost if the zygote is gone."""
        with self._lock:
            self._wait_until_warm()
        return self.run(request, files)

    def settled(self) -> object:
        """Wait until it is gone, with all that it had started."""
        return self._process.wait()

    def is_gone(self) -> bool:
        """Return whether it has ended."""
        return self._process.poll() is not None

    def is_stale(self) -> bool:
        """Return whether it has ended, or holds code that has changed on disk since."""
        if self.is_gone():
            return True
        with self._lock:
            try:
                known = self._wait_until_warm()
                return any(known[file] != _stamp(file) for file in known)
            except OSError:
                return True

    def _wait_until_warm(self) -> dict[str, list[int]]:
        if self._stamps is None:
            line = b""
            while not line.endswith(b"\n"):
                data = self._control.recv(65_536)
                if not data:
                    raise Lost("the zygote did not start; its log tells why")
                line += data
            self._stamps = json.loads(line)
        return self._stamps or {}

    def kill(self) -> None:
        """End it now, with all that it has started."""
        self._process.signal_all(signal.SIGKILL)
        self._process.wait()
        self.close()


def _stamp(file: str) -> list[int]:
    stat = Path(file).stat()
    return [stat.st_mtime_ns, stat.st_size]
