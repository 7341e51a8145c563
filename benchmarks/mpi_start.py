"""From the last node's start to the first rank's MPI_Init, beside the classic way over real ssh, in one run.

    make mpi && python -m benchmarks.mpi_start [--repeat 3] [--nodes 2 4 8]

The classic way is in benchmarks/rivals/classic_mpi.py; it needs ssh and sshd, and where they are absent it is not
measured, which is said. Nodes are processes of this machine with host names of their own (Linux). The other nodes have
come before the last one starts, at a random moment of the period in which the main node looks.
"""

import argparse
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.common import command_version, finish, print_machine, verdict
from benchmarks.rivals.classic_mpi import Classic, why_not
from embedded_aws.lifecycle import daemon
from gristmill.client import embedded
from gristmill.client.target import Target, at_server
from gristmill.enums import NodeMessage
from gristmill.worker.node.mpirun import find_mpirun
from tests.mpi.nodes import Nodes

BUCKET = "nodes"
OURS = "gristmill"
PERIODS = (1, 5)  # seconds between looks at the classic host file
LONGEST = 120  # seconds
PROGRAM = """
import time
from mpi4py import MPI

now = MPI.COMM_WORLD.allreduce(time.time(), MPI.MIN)
if MPI.COMM_WORLD.Get_rank() == 0:
    print("INIT", now, flush=True)
"""
PHASES = ("starts, imports, has its client", "registers, is seen", "is asked for its daemon", "MPI_Init")
Times = list[float]  # seconds from the last node's start to the end of each phase; the last one is MPI_Init


def ours(target: Target, folder: Path, count: int) -> Times:
    """Measure gristmill.worker.node at its own pace."""
    job = Nodes(target, BUCKET, folder, count)
    try:
        for index in range(count - 1):
            job.start(index, "python", str(folder / "program.py"), options=())
        for index in range(1, count - 1):
            job.notice(NodeMessage.NODE, index)
        job.running("main node")
        time.sleep(random.uniform(1, 2))  # noqa: S311
        last = count - 1
        begun = time.time()
        job.start(last, "python", str(folder / "program.py"), options=())
        marks = [(last, f"node {last} of"), (0, "nodes are here"), (last, "the MPI daemon starts")]
        seen = [_seen(job, *mark) for mark in marks]
        if job.ends(0, LONGEST) != 0:
            raise SystemExit(job.output(0))
        return [moment - begun for moment in (*seen, _init(job.output(0)))]
    finally:
        job.close()


def _seen(job: Nodes, index: int, text: str) -> float:
    """Return when a text first stands in a node's log."""
    while text not in job.output(index):
        if job.processes[index].poll() is not None:
            raise SystemExit(job.output(index))
        time.sleep(0.005)
    return time.time()


def classic(every: float, folder: Path, count: int) -> Times:
    """Measure a host file that is looked at every so many seconds."""
    job = Classic(folder, count, every, folder / "program.py")
    too_long = threading.Timer(LONGEST, job.close)
    too_long.start()
    try:
        main = job.start(0)
        for index in range(1, count - 1):
            job.start(index)
        while len(job.hosts()) < count - 1:
            time.sleep(0.05)
        time.sleep(random.uniform(1, 1 + every))  # noqa: S311
        begun = time.time()
        job.start(count - 1)
        output, _ = main.communicate()
        return [_init(output) - begun]
    finally:
        too_long.cancel()
        job.close()


def _init(output: str) -> float:
    lines = [line.split() for line in output.splitlines() if line.startswith("INIT")]
    if not lines:
        raise SystemExit(output)
    return float(lines[0][1])


def measure(ways: dict[str, Callable[[Path, int], Times]], count: int, repeat: int) -> dict[str, list[Times]]:
    """Return the times of each way, taken in turns."""
    taken: dict[str, list[Times]] = {name: [] for name in ways}
    for _ in range(repeat):
        for name, way in ways.items():
            with tempfile.TemporaryDirectory() as folder:
                (Path(folder) / "program.py").write_text(PROGRAM)
                taken[name].append(way(Path(folder), count))
    return taken


def show(count: int, taken: dict[str, list[Times]]) -> list[bool]:
    """Print what was taken for so many nodes; return whether ours is ahead of each other way."""
    print(f"{count} nodes, median of {len(taken[OURS])} (range), s")
    middle = {}
    for name, times in taken.items():
        ends = [item[-1] for item in times]
        middle[name] = statistics.median(ends)
        print(f"  {name:<24} {middle[name]:5.2f} ({min(ends):.2f}-{max(ends):.2f})", flush=True)
    so_far = 0.0
    for place, phase in enumerate(PHASES):
        until = statistics.median(item[place] for item in taken[OURS])
        print(f"    {phase:<34} {until - so_far:5.2f}")
        so_far = until
    return [verdict(f"beside {name}", middle[OURS] / middle[name], 1) for name in taken if name != OURS]


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--nodes", type=int, nargs="+", default=[2, 4, 8])
    arguments = parser.parse_args()
    print_machine(mpirun=command_version(str(find_mpirun()), "--version"))
    ways: dict[str, Callable[[Path, int], Times]] = {}
    if why_not():
        print(f"NOT MEASURED: the classic way, for {why_not()}\n")
    else:
        for every in PERIODS:
            ways[f"host file, each {every} s"] = lambda folder, count, every=every: classic(every, folder, count)
    with tempfile.TemporaryDirectory() as data:
        state = embedded.up(Path(data), ["--port", "0"])
        try:
            target = at_server(state)
            target.client("s3").create_bucket(Bucket=BUCKET)
            ways = {OURS: lambda folder, count: ours(target, folder, count), **ways}
            kept = [item for count in arguments.nodes for item in show(count, measure(ways, count, arguments.repeat))]
        finally:
            daemon.down(Path(data))
    finish([*kept, not why_not()])


if __name__ == "__main__":
    main()
