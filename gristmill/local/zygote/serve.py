"""The zygote: imports the heavy modules once, so that a process starts in milliseconds.

Run by its path, apart from the package: the layers of a function come first on its path. Speaks over a socket given
by number. A request is a length, then JSON, with files attached: the pipe that gets the new process's id and, at its
end, its exit code; the others are for its role. Has one thread only, so that a fork copies no lock that is held.
"""

import array
import contextlib
import gc
import importlib
import importlib.util
import json
import os
import select
import signal
import socket
import struct
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

_MOST_FILES = 8


def warm_up(role: ModuleType) -> None:
    """Import what most processes need, and let botocore read its service models."""
    for name in role.HEAVY:
        try:
            importlib.import_module(name)
        except ImportError:
            continue  # a layer need not have it
        except Exception:  # noqa: BLE001 - a broken file on disk: whoever imports it is told
            traceback.print_exc()
    with contextlib.suppress(ImportError):
        _read_models(role.SERVICES)
    gc.collect()
    gc.freeze()


def _read_models(services: tuple[str, ...]) -> None:
    """Make the default session one that knows the models, but has seen neither credentials nor environment."""
    import boto3
    import botocore.session

    for service in services:
        boto3.client(service)
    loader = boto3._get_default_session()._session.get_component("data_loader")
    fresh = botocore.session.get_session()
    fresh.register_component("data_loader", loader)
    boto3.setup_default_session(botocore_session=fresh)


def stamps(packages: tuple[str, ...]) -> dict[str, list[int]]:
    """Return the files of the loaded modules of some packages, with the times and sizes they have now."""
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and name.partition(".")[0] in packages:
            stat = Path(file).stat()
            found[file] = [stat.st_mtime_ns, stat.st_size]
    return found


class Zygote:
    """Forks and reaps; `ends` has the pipe of each living process."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._ends: dict[int, int] = {}
        self._woken, wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(wake, False)
        self._wake = wake

    def serve(self) -> tuple[dict[str, Any], list[int]]:
        """Return in each new process, with its request; the zygote ends once the server and all processes have."""
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        waiting: list[Any] = [self._control, self._woken]
        while self._control in waiting or self._ends:
            ready, _, _ = select.select(waiting, [], [])
            if self._woken in ready:
                self._reap()
            if self._control in ready:
                received = receive(self._control)
                if received is None:
                    waiting.remove(self._control)
                elif self._fork(received[1]):
                    return received[0], received[1][1:]
        os._exit(0)

    def _fork(self, files: list[int]) -> bool:
        """Tell whether this is the new process."""
        pid = os.fork()
        if pid == 0:
            self._be_born(files[0])
            return True
        self._ends[pid] = files[0]
        for file in files[1:]:
            os.close(file)
        return False

    def _be_born(self, end: int) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        os.write(end, b"%d\n" % os.getpid())
        for file in [end, self._woken, self._wake, *self._ends.values()]:
            os.close(file)
        self._control.close()

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken, 4096)
        while self._ends:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            end = self._ends.pop(pid)
            with contextlib.suppress(BrokenPipeError):
                os.write(end, b"%d\n" % os.waitstatus_to_exitcode(status))
            os.close(end)


def receive(control: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
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


def load_role(path: str) -> ModuleType:
    """Import a role by its path."""
    spec = importlib.util.spec_from_file_location("zygote_role", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(control: socket.socket, path: str) -> None:
    """Be a zygote, and then a process of its role."""
    role = load_role(path)
    warm_up(role)
    control.sendall(json.dumps(stamps(role.WATCHED)).encode() + b"\n")
    role.be(*Zygote(control).serve())


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])
