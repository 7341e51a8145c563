"""Run Open MPI's mpirun over nodes that fetch their daemon's command themselves: no ssh, no shared file system.

PRRTE calls its launch agent once for each other node as `agent HOST COMMAND...`. The agent here only writes the command
into a file; the main node passes it on, and the node runs it.
"""

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from gristmill.errors import Refused
from gristmill.worker.node.host import Registration
from gristmill.worker.node.ranks import supervised
from gristmill.worker.relay import Relay

_AGENT = """#!/bin/sh
host=$1; shift
printf %s "$*" > "{folder}/.$host" && mv "{folder}/.$host" "{folder}/$host"
"""
_OUTPUT_KEPT, _REPORT_KEPT = 4_000, 65_536  # bytes
_RELAY_SECONDS = 2.0  # for what is left in a pipe
_END_SECONDS = 8.0  # for the ranks to end: mpirun kills those that ignore SIGTERM after a second
_PYTHONS = ("python", "python3", sys.executable)


def find_mpirun() -> Path:
    """Return mpirun, this Python's own before any other; Refused where there is none."""
    beside = Path(sys.executable).parent / "mpirun"
    found = str(beside) if beside.is_file() else shutil.which("mpirun")
    if found is None:
        raise Refused(["Open MPI is not installed here: there is no mpirun"], "Install it with: make mpi")
    return Path(found)


def program(command: Sequence[str]) -> list[str]:
    """Return a command as it is to be run: Python programs under mpi4py, which ends all ranks when one raises."""
    if command[0] not in _PYTHONS:
        return list(command)
    under = [] if list(command[1:3]) == ["-m", "mpi4py"] else ["-m", "mpi4py"]
    return [sys.executable, *under, *command[1:]]


def node_name(index: int) -> str:
    """Return a node's name in the host file; nothing resolves it."""
    return f"node-{index}"


def hostfile(main: int, nodes: Mapping[int, Registration]) -> str:
    """Return the host file: the main node first and by its address, so that mpirun knows it for its own host."""
    lines = [f"{nodes[main].address} slots={nodes[main].slots}"]
    lines += [f"{node_name(index)} slots={node.slots}" for index, node in sorted(nodes.items()) if index != main]
    return "\n".join(lines) + "\n"


def arguments(nodes: Mapping[int, Registration], hosts: Path, agent: Path) -> list[str]:
    """Return mpirun's arguments before the program.

    Without EFA on all nodes plain TCP is named, for the search for faster networks costs a second; with it Open MPI
    chooses.
    """
    total = sum(node.slots for node in nodes.values())
    include = networks(list(nodes.values()))
    tcp = ["--mca", "pml", "ob1", "--mca", "btl", "tcp,sm,self"]
    tcp += ["--mca", "btl_tcp_if_include", include] if include else []
    return [
        *("--allow-run-as-root", "--hostfile", str(hosts), "-n", str(total), "--bind-to", "none"),
        *(("--prtemca", "prte_if_include", include) if include else ()),
        *([] if all(node.efa for node in nodes.values()) else tcp),
        *(("--mca", "mpi_yield_when_idle", "1") if is_crowded(list(nodes.values())) else ()),
        *("--prtemca", "plm_ssh_agent", str(agent), "--prtemca", "plm_ssh_no_tree_spawn", "1"),
    ]


def networks(nodes: Sequence[Registration]) -> str:
    """Return over which networks to talk: an interface's name if it is one on all nodes, for PRRTE warns of CIDRs."""
    names, blocks = {node.interface for node in nodes}, {node.network for node in nodes}
    if "" in names | blocks:
        return ""
    return names.pop() if len(names) == 1 else ",".join(sorted(blocks))


def is_crowded(nodes: Sequence[Registration]) -> bool:
    """Tell whether a machine has more ranks than processors: a waiting rank must then leave its processor to others."""
    ranks = Counter[str]()
    for node in nodes:
        ranks[node.machine] += node.slots
    return any(node.machine and ranks[node.machine] > node.processors for node in nodes)


class Mpirun:
    """A running mpirun, and the folder where its agent leaves commands for the other nodes."""

    def __init__(self, folder: Path, main: int, nodes: Mapping[int, Registration]) -> None:
        self._launches = folder / "launches"
        self._launches.mkdir()
        self._hosts, self._agent = folder / "hosts", folder / "agent"
        self._hosts.write_text(hostfile(main, nodes), encoding="utf-8")
        self._agent.write_text(_AGENT.format(folder=self._launches), encoding="utf-8")
        self._agent.chmod(0o755)
        self._nodes = nodes
        self._process: subprocess.Popen[bytes]
        self._output: Relay
        self._report: Relay

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start the program on all nodes; what its ranks write goes to the log."""
        ours = arguments(self._nodes, self._hosts, self._agent)
        self._process = subprocess.Popen(
            [str(find_mpirun()), *ours, *supervised(program(command))],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._output = Relay(self._process.stdout, _OUTPUT_KEPT)
        self._report = Relay(self._process.stderr, _REPORT_KEPT)

    def launches(self) -> dict[int, str]:
        """Take the commands that came since the last call, by node."""
        found = {}
        for file in self._launches.glob("node-*"):
            found[int(file.name.removeprefix("node-"))] = file.read_text(encoding="utf-8")
            file.unlink()
        return found

    def returncode(self) -> int | None:
        """Return how mpirun ended, None while it runs; below 0 the signal that killed it."""
        return self._process.poll()

    def end(self) -> None:
        """End the program: mpirun ends the ranks on all nodes, and is killed where it does not end itself."""
        self._process.terminate()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def report(self) -> str:
        """Return the end of what mpirun itself has reported; it has ended."""
        self._report.join(_RELAY_SECONDS)
        return self._report.tail

    @property
    def output(self) -> str:
        """Return the end of what the ranks have written."""
        if self.returncode() is not None:
            self._output.join(_RELAY_SECONDS)
        return self._output.tail
