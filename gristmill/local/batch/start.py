"""How a job's process is started: Python modules are forked from a zygote, anything else is executed."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from gristmill.local.settings import Settings
from gristmill.local.zygote.handle import Forked, Zygote

_ROLE = Path(__file__).with_name("module.py")
_PYTHON = ("python", "python3")

Process = subprocess.Popen[bytes] | Forked


class Starter:
    """Starts processes; each leads its own session and writes both of its outputs to one pipe."""

    def __init__(self, settings: Settings) -> None:
        self._environment = settings.job_environment()
        self._interpreter = _interpreter(self._environment)
        self._lock = threading.Lock()
        self._zygote = Zygote(_ROLE, self._environment)

    def start(self, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> tuple[Process, int]:
        """Return a new process and the pipe with its output. OSError where the command cannot be started."""
        read, write = os.pipe()
        try:
            return self._start(command, environment, folder, write), read
        except OSError:
            os.close(read)
            raise
        finally:
            os.close(write)

    def _start(self, command: Sequence[str], environment: Mapping[str, str], folder: Path, output: int) -> Process:
        if self._is_forked(command, environment):
            request = {"command": list(command[2:]), "environment": dict(environment), "folder": str(folder)}
            with contextlib.suppress(OSError):  # a zygote that died: start as any other program
                return self._fresh_zygote().fork(request, [output])
        return subprocess.Popen(
            [sys.executable if command[0] in _PYTHON else command[0], *command[1:]],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def _is_forked(self, command: Sequence[str], environment: Mapping[str, str]) -> bool:
        """Tell whether it is `python -m MODULE` with the interpreter set up as the zygote's is."""
        is_module = len(command) > 2 and command[0] in _PYTHON and command[1] == "-m"
        return is_module and _interpreter(environment) == self._interpreter

    def _fresh_zygote(self) -> Zygote:
        with self._lock:
            if self._zygote.is_stale():
                self._zygote.close()
                self._zygote = Zygote(_ROLE, self._environment)
            return self._zygote

    def close(self) -> None:
        """End the zygote."""
        self._zygote.kill()


def _interpreter(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what sets the interpreter up before any code runs (PYTHONPATH, PYTHONUNBUFFERED, ...)."""
    return {name: value for name, value in environment.items() if name.startswith("PYTHON")}
