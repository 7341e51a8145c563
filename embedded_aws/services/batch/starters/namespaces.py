"""Nodes of multi-node jobs as hosts: each in a network namespace with an address of its own, all on one bridge."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from embedded_aws.containers.network import Addresses
from embedded_aws.machine.errors import Refused
from embedded_aws.processes.keeper import keeper
from embedded_aws.services.batch.model.model import Job
from embedded_aws.services.batch.starters.base import Process, command_of, executed, host_of, piped
from embedded_aws.services.batch.starters.processes import ProcessStarter
from embedded_aws.settings.settings import Settings


def _check() -> None:
    """Refuse where namespaces cannot be had."""
    if sys.platform != "linux" or os.getuid() != 0 or shutil.which("ip") is None:
        raise Refused(
            ["--isolate needs Linux, root and the program ip (iproute2)"],
            "Without it, nodes are processes that share this machine's address.",
        )


class Isolated:
    """A node's process; its namespace goes with it."""

    def __init__(self, process: Process, ended: Callable[[], None]) -> None:
        self.pid = process.pid
        self._process, self._ended = process, ended

    @property
    def is_lost(self) -> bool:
        """Return whether it was lost with the helper that had started it."""
        return self._process.is_lost

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self._process.poll()

    def wait(self) -> int:
        """Return the exit code once it has ended."""
        code = self._process.wait()
        self._ended()
        return code

    def signal_all(self, number: int) -> None:
        """Send a signal to its process group."""
        self._process.signal_all(number)


class Namespaces(ProcessStarter):
    """Starts nodes in namespaces, and everything else as any process of this machine."""

    def __init__(self, settings: Settings) -> None:
        _check()
        super().__init__(settings)
        self._addresses = Addresses(settings.isolated_subnet)
        self._endpoint = f"http://{self._addresses.gateway}:{settings.port}"
        self._port, self._bridge = settings.port, f"gm{settings.port}"
        keeper().sweep_with(self._sweeping())
        self._sweep()
        _ip("link", "add", self._bridge, "type", "bridge")
        _ip("address", "add", f"{self._addresses.gateway}/24", "dev", self._bridge)
        _ip("link", "set", self._bridge, "up")

    def address(self, job: Job) -> str:
        """Return an address for a node, this machine's for any other job."""
        return self._addresses.take() if job.is_node else super().address(job)

    def start(self, job: Job, environment: Mapping[str, str], folder: Path) -> tuple[Process, int]:
        """Return a new process and the pipe with its output. OSError where it cannot be started."""
        if not job.is_node:
            return super().start(job, environment, folder)
        return piped(lambda output: self._start_node(job, {**environment, **self._own()}, folder, output))

    def _own(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL": self._endpoint}

    def _start_node(self, job: Job, environment: Mapping[str, str], folder: Path, output: int) -> Isolated:
        name = f"gm{self._port}-{job.address.rpartition('.')[2]}"
        self._make(name, job.address)
        command = ["ip", "netns", "exec", name, *executed(command_of(job), host_of(job))]
        process = keeper().execute(command, environment, folder, output)
        return Isolated(process, lambda: self._remove(name, job.address))

    def _make(self, name: str, address: str) -> None:
        outside = _outside(name)
        _ip("netns", "add", name)
        _ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("link", "set", outside, "master", self._bridge, "up")
        _ip("-netns", name, "address", "add", f"{address}/24", "dev", "eth0")
        _ip("-netns", name, "link", "set", "eth0", "up")
        _ip("-netns", name, "link", "set", "lo", "up")

    def _remove(self, name: str, address: str) -> None:
        # the link by itself, too: sockets that wait for a lost host keep a namespace alive for minutes without a name
        for what in (["netns", "delete", name], ["link", "delete", _outside(name)]):
            subprocess.run(["ip", *what], capture_output=True, check=False)
        self._addresses.give_back(address)

    def close(self) -> None:
        """End the zygote, and remove the bridge and what is on it."""
        super().close()
        self._sweep()

    def _sweep(self) -> None:
        subprocess.run(self._sweeping(), capture_output=True, check=False)

    def _sweeping(self) -> list[str]:
        names = f"ip netns list | cut -d' ' -f1 | grep '^gm{self._port}-'"
        links = f"ls /sys/class/net | grep '^gm{self._port}v'"
        spaces = f"for name in $({names}); do ip netns delete $name; done"
        return ["sh", "-c", f"{spaces}; for link in $({links}) gm{self._port}; do ip link delete $link; done"]


def _outside(name: str) -> str:
    """Return what the end of a namespace's link on the bridge is called."""
    return name.replace("-", "v")


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")
