"""docker or podman, whichever works here, and the command lines that both understand."""

import resource
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gristmill.errors import Refused

_ENGINES = ("docker", "podman")
_ASK_SECONDS = 30.0
IMAGE = "gristmill-jobs:cpu"  # what batch_jobs/images/build.sh makes; jobs run it unless the stack names another
JOB_LABEL = "gristmill-job"  # and the id of its job
LABEL = "gristmill-port"  # every container carries the port of the embedded AWS that started it


class CannotPull(OSError):
    """Raised when a job's image is neither here nor to be had."""


@dataclass(frozen=True)
class Engine:
    """A program that runs containers, and the label and network of those that one embedded AWS starts."""

    program: str
    port: int

    @property
    def network(self) -> str:
        """Return the name of the bridge network."""
        return f"gristmill-{self.port}"

    @property
    def is_podman(self) -> bool:
        """Tell podman from docker."""
        return self.program.rpartition("/")[2] == "podman"

    def ask(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a short command of the engine."""
        return subprocess.run([self.program, *words], capture_output=True, text=True, timeout=_ASK_SECONDS, check=False)

    def make_network(self, subnet: str) -> None:
        """Make the bridge network; Refused with the engine's own words where it cannot be made."""
        made = self.ask("network", "create", "--subnet", subnet, self.network)
        if made.returncode:
            raise Refused([f"no network for containers: {made.stderr.strip()}"], "Choose another: --container-subnet.")

    def bridge(self) -> str:
        """Return the name of podman's interface of the network."""
        return self.ask("network", "inspect", "--format", "{{.NetworkInterface}}", self.network).stdout.strip()

    def sweeping(self) -> list[str]:
        """Return the command that removes every container and the network of this embedded AWS."""
        program, label, network = self.program, f"{LABEL}={self.port}", self.network
        found = f"$('{program}' ps --all --quiet --filter label={label})"
        removal = f"ids={found}; [ -z \"$ids\" ] || '{program}' rm --force $ids; '{program}' network rm '{network}'"
        return ["sh", "-c", removal]

    def ensure_image(self, image: str) -> None:
        """Pull an image unless it is here; CannotPull with the engine's own words."""
        if self.ask("image", "inspect", image).returncode == 0:
            return
        pulled = subprocess.run([self.program, "pull", image], capture_output=True, text=True, check=False)
        if pulled.returncode:
            raise CannotPull(f"CannotPullContainerError: {pulled.stderr.strip()[-500:]}")


@dataclass(frozen=True)
class Wanted:
    """One container: what of it is asked."""

    name: str
    job: str
    image: str
    command: list[str]
    address: str
    vcpus: float
    memory_mib: int
    gpus: tuple[int, ...]


def run_command(engine: Engine, wanted: Wanted, variables: Iterable[str], folders: Mapping[str, str]) -> list[str]:
    """Return the command that runs a container in the foreground; values of variables come by the environment."""
    named = [word for name in variables for word in ("--env", name)]
    mounted = [word for here, there in folders.items() for word in ("--volume", f"{here}:{there}:ro")]
    return [
        *(engine.program, "run", "--rm", "--name", wanted.name, "--label", f"{LABEL}={engine.port}"),
        *("--label", f"{JOB_LABEL}={wanted.job}"),
        *("--network", engine.network, "--ip", wanted.address, "--hostname", wanted.name),
        *("--cpus", f"{wanted.vcpus:g}", "--memory", f"{wanted.memory_mib}m"),
        *("--security-opt", "no-new-privileges", "--cap-drop", "all"),
        *("--log-driver", "none"),  # what it writes is followed here, and kept in the log stream
        *_limits(),
        *_gpus(engine, wanted.gpus),
        *mounted,
        *named,
        wanted.image,
        *wanted.command,
    ]


def _limits() -> list[str]:
    """Return modest limits of open files and processes: an engine's own may be more than it is allowed to give."""
    kinds = {"nofile": (resource.RLIMIT_NOFILE, 65_536), "nproc": (resource.RLIMIT_NPROC, 4096)}
    least = {name: _least(resource.getrlimit(kind)[1], most) for name, (kind, most) in kinds.items()}
    return [word for name, limit in least.items() for word in ("--ulimit", f"{name}={limit}:{limit}")]


def _least(hard: int, most: int) -> int:
    return most if hard == resource.RLIM_INFINITY else min(hard, most)


def _gpus(engine: Engine, gpus: tuple[int, ...]) -> list[str]:
    if not gpus:
        return []
    if engine.is_podman:
        return [word for one in gpus for word in ("--device", f"nvidia.com/gpu={one}")]
    return ["--gpus", f'"device={",".join(map(str, gpus))}"']


def find(port: int) -> Engine:
    """Return the engine that works on this machine; Refused where there is none, with each one's complaint."""
    complaints = []
    for name in _ENGINES:
        program = shutil.which(name)
        if program is None:
            complaints.append(f"{name} is not installed")
            continue
        engine = Engine(program, port)
        told = engine.ask("info")
        if told.returncode == 0:
            return engine
        complaints.append(f"{name}: {(told.stderr.strip().splitlines() or ['it does not answer'])[-1]}")
    raise Refused([f"no engine for containers works here ({'; '.join(complaints)})"], "Install docker or podman.")
