"""The server's end of a zygote, and of each process that it has forked."""

import array
import contextlib
import json
import os
import select
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gristmill.local.keeper import keeper

_SERVE = Path(__file__).with_name("serve.py")
_KILLED = -9  # said of a process whose zygote died: the two are killed together


class Forked:
    """A process that a zygote has forked; as much of Popen's manners as its users need."""

    def __init__(self, status: int) -> None:
        self._status = os.fdopen(status, "rb", buffering=0)
        self._code: int | None = None
        pid = self._number()
        if pid is None:
            raise OSError("the zygote is gone")
        self.pid = pid

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        if self._code is None and select.select([self._status], [], [], 0)[0]:
            self.wait()
        return self._code

    def wait(self) -> int:
        """Wait for the end; return the exit code."""
        if self._code is None:
            code = self._number()
            self._code = _KILLED if code is None else code
            self._status.close()
        return self._code

    def signal_all(self, number: int) -> None:
        """Send a signal to its process group."""
        os.killpg(self.pid, number)

    def _number(self) -> int | None:
        line = b""
        while not line.endswith(b"\n"):
            byte = self._status.read(1)
            if not byte:
                return None
            line += byte
        return int(line)


class Zygote:
    """A process that forks others of one role; it ends after `close`, when the last of them has ended."""

    def __init__(self, role: Path, environment: Mapping[str, str]) -> None:
        self._control, theirs = socket.socketpair()
        self._lock = threading.Lock()
        self._stamps: dict[str, list[int]] | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_SERVE), str(theirs.fileno()), str(role)],
            # macOS would kill a forked process that asks the system for its proxies
            env={**environment, "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES"},
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        keeper().add(self._process.pid)

    def fork(self, request: Mapping[str, Any], files: Sequence[int]) -> Forked:
        """Return a new process with this request and these files, which stay open here."""
        read, write = os.pipe()
        body = json.dumps(request).encode()
        attached = array.array("i", [write, *files]).tobytes()
        try:
            with self._lock:
                self._wait_until_warm()
                head = struct.pack("!I", len(body))
                self._control.sendmsg([head], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, attached)])
                self._control.sendall(body)
        except OSError:
            os.close(read)
            raise
        finally:
            os.close(write)
        return Forked(read)

    def is_stale(self) -> bool:
        """Tell whether it has ended, or holds code that has changed on disk since."""
        if self._process.poll() is not None:
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
                    raise OSError("the zygote did not start; its log tells why")
                line += data
            self._stamps = json.loads(line)
        return self._stamps or {}

    def close(self) -> None:
        """Want no more of it."""
        self._control.close()
        threading.Thread(target=self._bury, daemon=True).start()

    def kill(self) -> None:
        """End it now."""
        self._process.kill()
        self._bury()

    def _bury(self) -> None:
        self._process.wait()
        keeper().forget(self._process.pid)
        with contextlib.suppress(OSError):
            self._control.close()


def _stamp(file: str) -> list[int]:
    stat = Path(file).stat()
    return [stat.st_mtime_ns, stat.st_size]
