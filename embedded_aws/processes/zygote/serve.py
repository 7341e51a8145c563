"""The zygote: imports the heavy modules once, so that a process starts in milliseconds.

Run by its path, apart from the package: the layers of a function come first on the path. Speaks over a socket given
by number. A request is a length, then JSON, with files attached: the pipe that gets the new process's id and, at its
end, its exit code; the others are for its role. Has one thread only, so that a fork copies no lock that is held.

The zygote itself forks runners only. A runner takes requests from a socket of its own, runs one process at a time and
adopts the orphans of that: so nothing of it is left when its end is told, whatever it has started.
"""

import array
import contextlib
import gc
import importlib
import importlib.util
import json
import os
import selectors
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

_MOST_FILES = 8
# starts a process for a request and its files; returns its id, and 0 in the process if that is a fork
Born = tuple[dict[str, Any], list[int]]  # the request and the files of a new process
Start = Callable[[dict[str, Any], list[int]], int]
_LOST = b"lost\n"


def load(path: str | Path) -> ModuleType:
    """Import a file by its path."""
    spec = importlib.util.spec_from_file_location(f"zygote_{Path(path).stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


offspring = load(Path(__file__).parents[3] / "process_tree" / "descendants.py")


def warm_up(role: ModuleType, preload: Sequence[str]) -> None:
    """Import what most processes need, and let botocore read its service models."""
    for name in (*role.HEAVY, *preload):
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


def stamps(packages: Sequence[str]) -> dict[str, list[int]]:
    """Return the files of the loaded modules of some packages, with the times and sizes they have now."""
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and name.partition(".")[0] in packages:
            stat = Path(file).stat()
            found[file] = [stat.st_mtime_ns, stat.st_size]
    return found


class Zygote:
    """Forks runners and tells their ends; `ends` has the pipe of each by its process id.

    `guard` is a pipe to which the zygote is bound: at its end, and at the server's, it serves no more. Without one it
    serves until the server wants no more and all runners have ended.
    """

    def __init__(self, control: socket.socket, start: Start, guard: int | None = None) -> None:
        self._control, self._start, self._guard = control, start, guard
        self._ends: dict[int, int] = {}
        self._undying: set[int] = set()
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wake, False)

    def serve(self) -> Born | None:
        """Return in each new process, with its request and its files; return None in the zygote itself at its end."""
        offspring.adopt_orphans()  # of runners that were killed
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        waiting = selectors.PollSelector()
        for file in (self._control.fileno(), self._woken, *([] if self._guard is None else [self._guard])):
            waiting.register(file, selectors.EVENT_READ)
        is_wanted = True
        while is_wanted or (self._ends and self._guard is None):
            ready = {key.fd for key, _ in waiting.select()}
            if self._woken in ready:
                self._reap()
            if self._guard in ready:
                return None
            if is_wanted and self._control.fileno() in ready:
                received = receive(self._control)
                if received is None:
                    is_wanted = False
                    waiting.unregister(self._control)
                elif self._fork(*received[1]):
                    return run_each(socket.socket(fileno=received[1][1]), self._start)
        return None

    def _fork(self, end: int, control: int) -> bool:
        """Make a runner; tell whether this is it."""
        try:
            runner = os.fork()
        except OSError:  # no more processes, or no memory for one
            os.write(end, _LOST)
            os.close(end)
        else:
            if runner == 0:
                self._be_runner(end)
                return True
            self._ends[runner] = end
        os.close(control)
        return False

    def _be_runner(self, end: int) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.write(end, b"%d\n" % os.getpid())
        for file in [end, self._woken, self._wake, *self._ends.values()]:
            os.close(file)
        self._control.close()

    def _reap(self) -> None:
        """Tell the ends of runners, and end what a killed one has left."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken, 4096)
        ended = []
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG | os.WUNTRACED))[0]:
                if found[0] in self._ends and not killed_if_frozen(*found):
                    ended.append((self._ends.pop(found[0]), found[1]))
        if any(status for _, status in ended):
            self._undying.update(offspring.end_descendants({*self._ends, *self._undying}))
        for end, _ in ended:
            with contextlib.suppress(BrokenPipeError):
                os.write(end, _LOST)
            os.close(end)


def run_each(control: socket.socket, start: Start) -> Born:
    """Be a runner: run one process after the other, and leave nothing of it; return only in a process that is a fork.

    The server's end of the socket is the runner's.
    """
    offspring.adopt_orphans()
    while (received := receive(control)) is not None:
        request, (end, *files) = received
        try:
            process = start(request, files)
        except (OSError, ValueError) as error:
            _tell(end, json.dumps(_refusal(error)))
        else:
            if process == 0:
                control.close()
                os.close(end)
                return request, files
            _see_to_its_end(process, end, files, os.WUNTRACED if request.get("is_helper") else 0)
        os.close(end)
    os._exit(0)


def _refusal(error: OSError | ValueError) -> dict[str, Any]:
    return {"errno": getattr(error, "errno", None), "text": str(error), "file": getattr(error, "filename", None)}


def killed_if_frozen(process: int, status: int) -> bool:
    """Kill a helper that has been stopped (SIGSTOP): it counts as dead; tell whether it was."""
    if not os.WIFSTOPPED(status):
        return False
    os.kill(process, signal.SIGKILL)
    return True


def _see_to_its_end(process: int, end: int, files: Sequence[int], options: int) -> None:
    """Tell the process's id, wait for its end, leave nothing behind, and tell its exit code."""
    _tell(end, str(process))
    for file in files:
        os.close(file)
    ended, status = os.waitpid(-1, options)
    while ended != process or killed_if_frozen(ended, status):  # an orphan that has ended
        ended, status = os.waitpid(-1, options)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process, signal.SIGKILL)
    if left := offspring.end_descendants():
        sys.stderr.write(f"processes that a job or a worker left could not be ended: {left[:10]}, {len(left)} in all\n")
    _tell(end, str(os.waitstatus_to_exitcode(status)))


def _tell(end: int, line: str) -> None:
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


def main(path: str, preload: Sequence[str], watched: Sequence[str], control: socket.socket) -> None:
    """Be a zygote, and then a process of its role.

    `preload` are modules to import beside those of the role, `watched` the packages that may change on disk.
    """
    role = load(path)
    warm_up(role, preload)
    control.sendall(json.dumps(stamps(watched)).encode() + b"\n")
    born = Zygote(control, fork).serve()
    if born is None:
        os._exit(0)
    role.be(*born)


if __name__ == "__main__":
    modules, packages = json.loads(sys.argv[2])
    main(sys.argv[1], modules, packages, socket.socket(fileno=int(sys.argv[3])))
