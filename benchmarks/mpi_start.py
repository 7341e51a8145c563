"""From the last node's start to the first rank's MPI_Init, beside the classic way, in one run.

    make mpi && python -m benchmarks.mpi_start [--repeat 3] [--nodes 2 4 8]

The classic way is the shell script of the AWS Batch tutorials: every node appends its address to a host file on the
main node over ssh; the main node looks at it every few seconds until all have come, then calls mpirun, which starts its
daemons over ssh. Here plain processes stand in for ssh: appending is `echo >>`, and a daemon is a process at once.
So the classic way is measured without the cost of ssh, and without that of a store. Nodes are processes of this machine
with host names of their own (Linux). The other nodes have come before the last one starts, at a random moment of the
period in which the main node looks.
"""

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import boto3

from batch_jobs.node.mpirun import find_mpirun
from gristmill.local import daemon, hostname
from gristmill.words import Notice
from tests.mpi.nodes import Nodes

BUCKET = "nodes"
PROGRAM = """
import time
from mpi4py import MPI

now = MPI.COMM_WORLD.allreduce(time.time(), MPI.MIN)
if MPI.COMM_WORLD.Get_rank() == 0:
    print("INIT", now, flush=True)
"""
CLASSIC = """
while [ "$(wc -l < hosts)" -lt {nodes} ]; do sleep {every}; done
exec {mpirun} --allow-run-as-root --hostfile hosts -n {nodes} --bind-to none --mca pml ob1 --mca btl tcp,sm,self \
  --prtemca plm_ssh_agent ./agent --prtemca plm_ssh_no_tree_spawn 1 {yielding} {python} -m mpi4py program.py
"""
AGENT = """#!/bin/sh
host=$1; shift
exec {python} -P -S {hostname} "$host" sh -c "$(echo "$*" | sed 's/prted --daemonize/prted/')"
"""


def ours(endpoint: str, folder: Path, count: int) -> float:
    """Return the seconds with batch_jobs.node at its own pace."""
    job = Nodes(endpoint, BUCKET, folder, count)
    try:
        for index in range(count - 1):
            job.start(index, "python", str(folder / "program.py"), options=())
        for index in range(1, count - 1):
            job.notice(Notice.NODE, index)
        job.running("main node")
        time.sleep(random.uniform(1, 2))  # noqa: S311
        begun = time.time()
        job.start(count - 1, "python", str(folder / "program.py"), options=())
        if job.ends(0) != 0:
            raise SystemExit(job.said(0))
        return _init(job.said(0)) - begun
    finally:
        job.close()


def classic(every: float, folder: Path, count: int) -> float:
    """Return the seconds with a host file that is looked at every so many seconds."""
    names = {"python": sys.executable, "hostname": hostname.__file__, "mpirun": find_mpirun()}
    crowded = "--mca mpi_yield_when_idle 1"  # as ours has it where ranks outnumber processors
    (folder / "hosts").write_text("".join(f"{_name(index)} slots=1\n" for index in range(count - 1)))
    (folder / "agent").write_text(AGENT.format(**names))
    (folder / "agent").chmod(0o755)
    script = CLASSIC.format(nodes=count, every=every, yielding=crowded if count > 2 else "", **names)
    main = subprocess.Popen(
        ["sh", "-c", script], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    time.sleep(random.uniform(1, 1 + every))  # noqa: S311
    begun = time.time()
    subprocess.run(["sh", "-c", f"echo {_name(count - 1)} slots=1 >> hosts"], cwd=folder, check=True)
    said, _ = main.communicate(timeout=120)
    return _init(said) - begun


def _name(index: int) -> str:
    return f"node-{index}" if index else "localhost"


def _init(said: str) -> float:
    lines = [line.split() for line in said.splitlines() if line.startswith("INIT")]
    if not lines:
        raise SystemExit(said)
    return float(lines[0][1])


def measure(ways: dict[str, Callable[[Path, int], float]], nodes: list[int], repeat: int) -> None:
    """Print the medians of each way, taken in turns."""
    print(f"{'nodes':>5}  " + "  ".join(f"{name:>24}" for name in ways))
    for count in nodes:
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(repeat):
            for name, way in ways.items():
                with tempfile.TemporaryDirectory() as folder:
                    (Path(folder) / "program.py").write_text(PROGRAM)
                    taken[name].append(way(Path(folder), count))
        told = [f"{statistics.median(one):.2f} s ({min(one):.2f}-{max(one):.2f})" for one in taken.values()]
        print(f"{count:>5}  " + "  ".join(f"{text:>24}" for text in told), flush=True)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--nodes", type=int, nargs="+", default=[2, 4, 8])
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        state = daemon.up(Path(data), ["--port", "0"])
        try:
            keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
            boto3.client("s3", endpoint_url=state.endpoint, **keys).create_bucket(Bucket=BUCKET)
            ways = {
                "gristmill": lambda folder, count: ours(state.endpoint, folder, count),
                "host file, each 1 s": lambda folder, count: classic(1, folder, count),
                "host file, each 5 s": lambda folder, count: classic(5, folder, count),
            }
            measure(ways, told.nodes, told.repeat)
        finally:
            daemon.down(Path(data))


if __name__ == "__main__":
    main()
