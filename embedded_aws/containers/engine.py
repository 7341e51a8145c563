"""docker or podman, whichever works here, and the command lines that both understand."""

import logging
import os
import shutil
import subprocess
import threading
from dataclasses import dataclass

from embedded_aws.machine.errors import Refused
from embedded_aws.processes.keeper import keeper
from embedded_aws.settings.application import Application

_ENGINES = ("docker", "podman")
_ASK_SECONDS = 30.0
_PULL_SECONDS = 1800.0
_STATE = "{{.Id}} {{.State.Status}} {{.State.OOMKilled}} {{.State.Error}}"
_OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
_NEVER_RAN = ("created", "configured", "initialized")
_pulling = threading.Lock()  # children of an array want the same image at the same time


class CannotPull(OSError):
    """Raised when a job's image is neither here nor to be had."""


class NeverRan(OSError):
    """Raised when the engine made a container and could not start it."""


@dataclass(frozen=True)
class Engine:
    """A program that runs containers, and the label and network of those that one embedded AWS starts."""

    program: str
    port: int
    is_podman: bool = False
    application: str = Application.name

    @property
    def network(self) -> str:
        """Return the name of the bridge network."""
        return f"{self.application}-{self.port}"

    @property
    def label(self) -> str:
        """Return the label that every container carries: the port of the embedded AWS that started it."""
        return f"{self.application}-port={self.port}"

    def job_label(self, job: str) -> str:
        """Return the label of a job's containers."""
        return f"{self.application}-job={job}"

    def ask(self, *words: str, seconds: float = _ASK_SECONDS) -> "subprocess.CompletedProcess[str]":
        """Run a command of the engine; OSError where it does not answer in time, or is not there any more.

        It ends with the server: pulling an image may take long.
        """
        command, pipe = [self.program, *words], subprocess.PIPE
        with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
            keeper().add(process.pid)
            try:
                output, complaint = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired as error:
                process.kill()
                raise OSError(f"{self.program} {words[0]} did not answer within {seconds:g} s") from error
            finally:
                keeper().forget(process.pid)
        return subprocess.CompletedProcess(command, process.returncode, output, complaint)

    def make_network(self, subnet: str) -> None:
        """Make the bridge network; Refused with the engine's own words where it cannot be made."""
        plain = ["--disable-dns"] if self.is_podman else []  # jobs meet by address
        made = self.ask("network", "create", *plain, "--subnet", subnet, self.network)
        if made.returncode:
            raise Refused([f"no network for containers: {made.stderr.strip()}"], "Choose another: --container-subnet.")

    def sweeping(self) -> list[str]:
        """Return the command that removes every container, its volumes, and the network of this embedded AWS."""
        program, label, network = self.program, self.label, self.network
        found = f"$('{program}' ps --all --quiet --filter label={label})"
        removal = f"ids={found}; [ -z \"$ids\" ] || '{program}' rm --force --volumes $ids"
        return ["sh", "-c", f"{removal}; '{program}' network rm '{network}'"]

    def ensure_image(self, image: str) -> None:
        """Pull an image unless it is here; CannotPull with the engine's own words."""
        if self._has(image):
            return
        with _pulling:
            if not self._has(image):
                self._pull(image)

    def _has(self, image: str) -> bool:
        return self.ask("image", "inspect", image).returncode == 0

    def _pull(self, image: str) -> None:
        try:
            pulled = self.ask("pull", image, seconds=_PULL_SECONDS)
        except OSError as error:
            raise CannotPull(f"CannotPullContainerError: {error}") from error
        if pulled.returncode:
            raise CannotPull(f"CannotPullContainerError: {pulled.stderr.strip()[-500:]}")

    def why_ended(self, name: str) -> str:
        """Return AWS's reason for the end of a container, empty where it has none; NeverRan where it was no end."""
        answer = self.ask("inspect", "--type", "container", "--format", _STATE, name)
        if answer.returncode:
            return f"CannotInspectContainerError: {answer.stderr.strip()[-500:]}"
        number, status, is_out_of_memory, error = [*answer.stdout.strip().split(" ", 3), ""][:4]
        if status in _NEVER_RAN:
            raise NeverRan(error or "the log has the engine's message")
        return _OUT_OF_MEMORY if is_out_of_memory == "true" or _is_killed_by_kernel(number) else ""

    def remove(self, name: str) -> None:
        """Remove a container, running or not, with its volumes."""
        self.try_to("rm", "--force", "--volumes", name)

    def try_to(self, *words: str) -> None:
        """Run a command of the engine; where it does not answer, that is noted, and the sweep comes later."""
        try:
            self.ask(*words)
        except OSError as error:
            logging.warning("%s", error)


def _is_killed_by_kernel(container: str) -> bool:
    """Return whether the kernel logged that it killed a container for its memory.

    It must be asked where the engine does not notice: podman with control groups of version 1.
    """
    program = shutil.which("dmesg")
    if program is None:
        return False
    log = subprocess.run([program], capture_output=True, text=True, errors="replace", check=False).stdout
    return any("oom_memcg=" in line and container in line for line in log.splitlines())


def find(port: int, application: str = Application.name) -> Engine:
    """Return the engine that works on this machine, or the one that ENGINE names.

    Refused where there is none, with each one's complaint.
    """
    complaints = []
    for name in [os.environ["ENGINE"]] if os.environ.get("ENGINE") else _ENGINES:
        program = shutil.which(name)
        if program is None:
            complaints.append(f"{name} is not installed")
            continue
        try:
            answer = Engine(program, port).ask("info")
            complaint = (
                "" if answer.returncode == 0 else (answer.stderr.strip().splitlines() or ["it does not answer"])[-1]
            )
        except OSError as error:
            complaint = str(error)
        if not complaint:
            return Engine(program, port, _is_podman(program), application)
        complaints.append(f"{name}: {complaint}")
    raise Refused([f"no engine for containers works here ({'; '.join(complaints)})"], "Install docker or podman.")


def _is_podman(program: str) -> bool:
    """Return whether a program is podman, by its own word: podman may be installed under docker's name."""
    return "podman" in Engine(program, 0).ask("--version").stdout
