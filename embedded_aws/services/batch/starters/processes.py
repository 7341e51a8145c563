"""Starts jobs as processes: Python modules are forked from a zygote, anything else is executed."""

import contextlib
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from embedded_aws.machine.memory import held
from embedded_aws.processes.helper import Lost
from embedded_aws.processes.keeper import keeper
from embedded_aws.processes.zygote.handle import Zygote
from embedded_aws.services.batch.model.model import LOOPBACK, Job
from embedded_aws.services.batch.starters.base import PYTHON, Process, command_of, executed, host_of, piped
from embedded_aws.settings.settings import Settings

_ROLE = Path(__file__).parents[1] / "zygote_role.py"


class ProcessStarter:
    """Starts processes; each leads its own session and writes both of its outputs to one pipe."""

    def __init__(self, settings: Settings) -> None:
        self._environment = settings.job_environment()
        self._interpreter = _interpreter(self._environment)
        self._lock = threading.Lock()
        self._application = settings.application
        self._zygote = self._new_zygote()
        self._closed = False

    def address(self, _job: Job) -> str:
        """Return this machine's own: all its processes have the same."""
        return LOOPBACK

    def start(self, job: Job, environment: Mapping[str, str], folder: Path) -> tuple[Process, int]:
        """Return a new process and the pipe with its output. OSError where the command cannot be started."""
        return piped(lambda output: self._start(job, environment, folder, output))

    def held(self, process: Process) -> int:
        """Return the bytes of memory that it and all it has started hold."""
        return held(process.pid)

    def reason(self, _process: Process, _code: int) -> str:
        """Return nothing: whoever has killed it does not say why."""
        return ""

    def _start(self, job: Job, environment: Mapping[str, str], folder: Path, output: int) -> Process:
        command, host = command_of(job), host_of(job)
        if self._is_forked(command, environment):
            request = {"command": command[2:], "host": host, "environment": dict(environment), "folder": str(folder)}
            with contextlib.suppress(Lost):  # a zygote that died: start as any other program
                return self._fresh_zygote().fork(request, [output])
        return keeper().execute(executed(command, host), environment, folder, output)

    def _is_forked(self, command: Sequence[str], environment: Mapping[str, str]) -> bool:
        """Return whether it is `python -m MODULE` with the interpreter set up as the zygote's is."""
        is_module = len(command) > 2 and command[0] in PYTHON and command[1] == "-m"
        return is_module and _interpreter(environment) == self._interpreter

    def _fresh_zygote(self) -> Zygote:
        with self._lock:
            if self._zygote.is_stale():
                if self._closed:
                    raise Lost("the embedded AWS goes down")
                self._zygote.close()
                self._zygote = self._new_zygote()
            return self._zygote

    def _new_zygote(self) -> Zygote:
        return Zygote(_ROLE, self._environment, self._application.preload, self._application.watched)

    def close(self) -> None:
        """End the zygote, and want no other."""
        self._closed = True
        self._zygote.kill()


def _interpreter(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what sets the interpreter up before any code runs (PYTHONPATH, PYTHONUNBUFFERED, ...)."""
    return {name: value for name, value in environment.items() if name.startswith("PYTHON")}
