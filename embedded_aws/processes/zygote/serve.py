"""The zygote: imports the heavy modules once, so that a process starts in milliseconds.

Run by its path, apart from the package: the layers of a function come first on the path. Speaks over a socket given
by number. A request is a length, then JSON, with files attached: the pipe that gets the new process's id and, at its
end, its exit code; the others are for its role. Has one thread only, so that a fork copies no lock that is held.

The zygote itself forks runners only. A runner takes requests from a socket of its own, runs one process at a time and
adopts the orphans of that: so nothing of it is left when its end is reported, whatever it has started.
"""

import contextlib
import importlib
import importlib.util
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any


def load(path: str | Path) -> ModuleType:
    """Import a file by its path."""
    spec = importlib.util.spec_from_file_location(f"zygote_{Path(path).stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


offspring = load(Path(__file__).parents[3] / "process_tree" / "descendants.py")
running = load(Path(__file__).with_name("running.py"))
warming = load(Path(__file__).with_name("warming.py"))
Born = tuple[dict[str, Any], list[int]]  # the request and the files of a new process


class Zygote:
    """Forks runners and reports their ends; `ends` has the pipe of each by its process id.

    `guard` is a pipe to which the zygote is bound: at its end, and at the server's, it serves no more. Without one it
    serves until the server wants no more and all runners have ended.
    """

    def __init__(
        self, control: socket.socket, start: Callable[[dict[str, Any], list[int]], int], guard: int | None = None
    ) -> None:
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
                received = running.receive(self._control)
                if received is None:
                    is_wanted = False
                    waiting.unregister(self._control)
                elif self._fork(*received[1]):
                    control = socket.socket(fileno=received[1][1])
                    born: Born = running.run_each(control, self._start, offspring)
                    return born
        return None

    def _fork(self, end: int, control: int) -> bool:
        """Make a runner; return whether this is it."""
        try:
            runner = os.fork()
        except OSError:  # no more processes, or no memory for one
            os.write(end, running.LOST)
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
        """Report the ends of runners, and end what a killed one has left."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken, 4096)
        ended = []
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG | os.WUNTRACED))[0]:
                if found[0] in self._ends and not running.killed_if_frozen(*found):
                    ended.append((self._ends.pop(found[0]), found[1]))
        if any(status for _, status in ended):
            self._undying.update(offspring.end_descendants({*self._ends, *self._undying}))
        for end, _ in ended:
            with contextlib.suppress(BrokenPipeError):
                os.write(end, running.LOST)
            os.close(end)


def main(path: str, preload: Sequence[str], watched: Sequence[str], control: socket.socket) -> None:
    """Be a zygote, and then a process of its role.

    `preload` are modules to import beside those of the role, `watched` the packages that may change on disk.
    """
    role = load(path)
    warming.warm_up(role, preload)
    control.sendall(json.dumps(warming.stamps(watched)).encode() + b"\n")
    born = Zygote(control, running.fork).serve()
    if born is None:
        os._exit(0)
    role.be(*born)


if __name__ == "__main__":
    modules, packages = json.loads(sys.argv[2])
    main(sys.argv[1], modules, packages, socket.socket(fileno=int(sys.argv[3])))
