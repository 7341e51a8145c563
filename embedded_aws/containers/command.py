"""The command line that runs one container."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from embedded_aws.containers.engine import Engine


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
    gpus: list[str]
    options: list[str]  # of its definition


def run_command(engine: Engine, wanted: Wanted, variables: Iterable[str], folders: Mapping[str, str]) -> list[str]:
    """Return the command that runs a container in the foreground; values of variables come by the environment."""
    named = [word for name in variables for word in ("--env", name)]
    mounted = [word for here, there in folders.items() for word in ("--volume", f"{here}:{there}:ro")]
    return [
        *(engine.program, "run", "--pull", "never", "--name", wanted.name, "--label", engine.label),
        *("--label", engine.job_label(wanted.job)),
        *("--network", engine.network, "--ip", wanted.address, "--hostname", wanted.name),
        *("--cpus", f"{wanted.vcpus:g}"),
        # by default an engine gives as much again of swap space, which hosts of ECS do not have
        *("--memory", f"{wanted.memory_mib}m", "--memory-swap", f"{wanted.memory_mib}m"),
        *("--log-driver", "none"),  # what it writes is followed here, and kept in the log stream
        *wanted.options,
        *_gpus(engine, wanted.gpus),
        *mounted,
        *named,
        wanted.image,
        *wanted.command,
    ]


def _gpus(engine: Engine, gpus: list[str]) -> list[str]:
    if not gpus:
        return []
    if engine.is_podman:
        return [word for gpu in gpus for word in ("--device", f"nvidia.com/gpu={gpu}")]
    return ["--gpus", f'"device={",".join(gpus)}"']
