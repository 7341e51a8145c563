"""Starts a job's attempt as a container, in the place of a process."""

import os
import signal
import subprocess
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from embedded_aws.containers.command import Wanted, run_command
from embedded_aws.containers.engine import Engine, NeverRan
from embedded_aws.containers.network import Addresses, pin
from embedded_aws.containers.options import options
from embedded_aws.machine.gpus import real
from embedded_aws.machine.search_path import as_variable, noted
from embedded_aws.machine.surroundings import unproxied
from embedded_aws.processes.keeper import keeper
from embedded_aws.services.batch.model.model import Job
from embedded_aws.services.batch.starters.base import Process, piped
from embedded_aws.settings.settings import Settings

_INSIDE = "/opt/pipelines"  # where the folders of the search path appear in a container
_CLIENT_SECONDS = 10.0  # from a container's end to that of the client that follows it
# of this machine, not of the image; the GPUs of a container are numbered anew
_NOT_PASSED = {"PATH", "HOME", "TMPDIR", "PYTHONPATH", "CUDA_VISIBLE_DEVICES"}


class ContainerProcess:
    """A running container, as the engine's client that waits for it."""

    def __init__(self, engine: Engine, name: str, client: "subprocess.Popen[bytes]", ended: Callable[[], None]) -> None:
        self.pid = client.pid
        self.is_lost = False
        keeper().add(client.pid)
        self._engine, self._name, self._client, self._ended = engine, name, client, ended
        self._why = ""
        self._never_ran: NeverRan | None = None

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self._client.poll()

    def wait(self) -> int:
        """Return the exit code once it has ended; nothing is left of it then."""
        code = self._client.wait()
        keeper().forget(self.pid)
        if code:
            self._ask_why()
        self._engine.remove(self._name)
        self._ended()
        return code

    def _ask_why(self) -> None:
        try:
            self._why = self._engine.why_ended(self._name)
        except NeverRan as error:
            self._never_ran = error
        except OSError as error:
            self._why = f"CannotInspectContainerError: {error}"

    def reason(self) -> str:
        """Return AWS's reason for the end, empty where it has none; NeverRan where the command never ran."""
        if self._never_ran:
            raise self._never_ran
        return self._why

    def signal_all(self, number: int) -> None:
        """Send a signal to the container's init. SIGKILL ends it, whatever became of the client: a client that lost
        the engine on the way is ended as well.
        """
        if self.poll() is None:
            self._engine.try_to("kill", "--signal", str(int(number)), self._name)
        if number == signal.SIGKILL and self.poll() is None:
            self._end_client()

    def _end_client(self) -> None:
        """Wait for the client, which ends with its container; end it if it does not."""
        try:
            self._client.wait(_CLIENT_SECONDS)
        except subprocess.TimeoutExpired:
            self._client.kill()


class Containers:
    """The containers of one embedded AWS: their network, their addresses, and how one is started."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings, self._engine = settings, engine
        self._addresses = Addresses(settings.container_subnet)
        self.close()  # what one that was killed has left on this port
        engine.make_network(settings.container_subnet)
        keeper().sweep_with(engine.sweeping())

    def address(self, _job: Job) -> str:
        """Return an address for the next container."""
        return self._addresses.take()

    def start(self, job: Job, environment: Mapping[str, str], folder: Path) -> tuple[Process, int]:
        """Return a new container and the pipe with its output.

        OSError where it cannot be started, CannotPull where its image is not to be had.
        """
        try:
            self._engine.ensure_image(job.container["image"])
            return piped(lambda output: self._start(job, self._variables(environment), folder, output))
        except (OSError, ValueError):
            self._addresses.give_back(job.address)
            raise

    def held(self, _process: Process) -> int:
        """Return nothing: the engine keeps the limit, and says so."""
        return 0

    def reason(self, process: Process, _code: int) -> str:
        """Return AWS's reason for the end of a container; NeverRan where its command never ran."""
        return process.reason() if isinstance(process, ContainerProcess) else ""

    def _start(self, job: Job, variables: dict[str, str], folder: Path, output: int) -> ContainerProcess:
        wanted = Wanted(
            name=f"gm-{uuid.uuid4().hex[:16]}",
            job=job.id,
            image=job.container["image"],
            command=job.container["command"],
            address=job.address,
            vcpus=job.needs.vcpus,
            memory_mib=job.needs.memory,
            gpus=real(job.gpus),
            options=options(job.container, is_podman=self._engine.is_podman),
        )
        client = subprocess.Popen(
            run_command(self._engine, wanted, variables, self._folders()),
            cwd=folder,  # podman may leave a file where it is called
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        pin(self._settings.container_subnet)
        return ContainerProcess(self._engine, wanted.name, client, lambda: self._addresses.give_back(wanted.address))

    def close(self) -> None:
        """Remove every container and the network."""
        subprocess.run(self._engine.sweeping(), capture_output=True, check=False)

    def _variables(self, environment: Mapping[str, str]) -> dict[str, str]:
        own = {
            "AWS_ENDPOINT_URL": f"http://{self._addresses.gateway}:{self._settings.port}",
            **as_variable(self._settings.application.search_path, self._folders().values()),
            **unproxied([self._addresses.gateway]),
        }
        return {**{name: value for name, value in environment.items() if name not in _NOT_PASSED}, **own}

    def _folders(self) -> dict[str, str]:
        found = noted(self._settings.data)
        return {str(Path(folder).resolve()): f"{_INSIDE}/{number}" for number, folder in enumerate(found)}
