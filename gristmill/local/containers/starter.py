"""Starts a job's attempt as a container, in the place of a process."""

import os
import signal
import subprocess
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from gristmill.local.batch.model import Job
from gristmill.local.batch.start import Process, piped
from gristmill.local.containers.engine import Engine, Wanted, run_command
from gristmill.local.containers.network import Addresses, pin
from gristmill.local.keeper import keeper
from gristmill.local.settings import Settings
from gristmill.spec.load import SEARCH_PATH

_INSIDE = "/opt/pipelines"  # where the laptop's own pipelines appear in a container
_NOT_PASSED = {"PATH", "HOME", "TMPDIR", "PYTHONPATH", "GRISTMILL_PIPELINES"}  # of this machine, not of the image


class ContainerProcess:
    """A running container, as the engine's client that waits for it."""

    def __init__(self, engine: Engine, name: str, client: "subprocess.Popen[bytes]", ended: Callable[[], None]) -> None:
        self.pid = client.pid
        self._engine, self._name, self._client, self._ended = engine, name, client, ended

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self._client.poll()

    def wait(self) -> int:
        """Return the exit code once it has ended."""
        code = self._client.wait()
        self._ended()
        return code

    def signal_all(self, number: int) -> None:
        """Send a signal to the container's init; SIGKILL removes the container, whatever became of the client."""
        code = self.poll()
        if number == signal.SIGKILL and (code is None or code < 0):
            self._engine.ask("rm", "--force", self._name)
        elif code is None:
            self._engine.ask("kill", "--signal", str(int(number)), self._name)


class Containers:
    """The containers of one embedded AWS: their network, their addresses, and how one is started."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings, self._engine = settings, engine
        self._addresses = Addresses(settings.container_subnet)
        engine.make_network(settings.container_subnet)
        self._bridge = engine.bridge() if engine.is_podman else ""  # docker gives its bridges an address to keep
        keeper().sweep_with(engine.sweeping())

    def address(self, _job: Job) -> str:
        """Return an address for the next container."""
        return self._addresses.take()

    def start(self, job: Job, environment: Mapping[str, str], _folder: Path) -> tuple[Process, int]:
        """Return a new container and the pipe with its output.

        OSError where it cannot be started, CannotPull where its image is not to be had.
        """
        self._engine.ensure_image(job.container["image"])
        return piped(lambda output: self._start(job, self._variables(environment), output))

    def _start(self, job: Job, variables: dict[str, str], output: int) -> ContainerProcess:
        wanted = Wanted(
            name=f"gm-{uuid.uuid4().hex[:16]}",
            job=job.id,
            image=job.container["image"],
            command=job.container["command"],
            address=job.address,
            vcpus=job.needs.vcpus,
            memory_mib=job.needs.memory,
            gpus=job.gpus,
        )
        client = subprocess.Popen(
            run_command(self._engine, wanted, variables, self._folders()),
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        if self._bridge:
            pin(self._bridge)
        return ContainerProcess(self._engine, wanted.name, client, lambda: self._addresses.give_back(wanted.address))

    def close(self) -> None:
        """Remove every container and the network."""
        subprocess.run(self._engine.sweeping(), capture_output=True, check=False)

    def _variables(self, environment: Mapping[str, str]) -> dict[str, str]:
        own = {
            "AWS_ENDPOINT_URL": f"http://{self._addresses.gateway}:{self._settings.port}",
            SEARCH_PATH: os.pathsep.join(self._folders().values()),
        }
        return {**{name: value for name, value in environment.items() if name not in _NOT_PASSED}, **own}

    def _folders(self) -> dict[str, str]:
        found = [one for one in os.environ.get(SEARCH_PATH, "").split(os.pathsep) if one]
        return {str(Path(one).resolve()): f"{_INSIDE}/{number}" for number, one in enumerate(found)}
