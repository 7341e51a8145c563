"""Strong scaling of the heat pipeline's own solver: one rank, two ranks and a plain numpy loop, in turns in one run.

    make mpi && python -m benchmarks.heat_scaling [--points 1024] [--steps 200] [--repeat 3]

Efficiency is the time of one rank over twice the time of two: 1 is ideal. It needs as many free processors as ranks.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time

import numpy as np

from batch_jobs.heat.problem import Problem
from gristmill.worker.node.mpirun import find_mpirun

DIFFUSION = 0.2


def plate(points: int) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    """Return a square plate with a hot edge."""
    field = np.zeros((points, points))
    field[0] = 100.0
    return field


def by_ranks(points: int, steps: int) -> None:
    """Be one rank; the first one prints the seconds."""
    from mpi4py import MPI

    from batch_jobs.heat.checkpoint import State
    from batch_jobs.heat.solve import run

    problem = Problem(plate(points), DIFFUSION, steps, 0.0)
    MPI.COMM_WORLD.Barrier()
    begun = time.perf_counter()
    final = run(MPI.COMM_WORLD, problem, State(0, problem.initial, []), steps + 1, None)
    if final:
        print(time.perf_counter() - begun, float(final.field.sum()))


def by_numpy(points: int, steps: int) -> tuple[float, float]:
    """Return the seconds and the sum of a plain numpy loop in this process."""
    field = plate(points)
    begun = time.perf_counter()
    for _ in range(steps):
        around = field[:-2, 1:-1] + field[2:, 1:-1] + field[1:-1, :-2] + field[1:-1, 2:]
        field[1:-1, 1:-1] = field[1:-1, 1:-1] * (1 - 4 * DIFFUSION) + around * DIFFUSION
    return time.perf_counter() - begun, float(field.sum())


def launched(ranks: int, points: int, steps: int) -> tuple[float, float]:
    """Return the seconds and the sum of as many ranks."""
    mpirun = [str(find_mpirun()), "--allow-run-as-root", "-n", str(ranks), "--bind-to", "none"]
    transport = ["--mca", "pml", "ob1", "--mca", "btl", "sm,self"]
    program = [sys.executable, "-m", "mpi4py", "-m", "benchmarks.heat_scaling", "--rank"]
    sizes = ["--points", str(points), "--steps", str(steps)]
    done = subprocess.run([*mpirun, *transport, *program, *sizes], capture_output=True, text=True, check=True).stdout
    seconds, total = done.split()
    return float(seconds), float(total)


def main() -> None:
    """Measure, or be a rank of a measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=1024)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--rank", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rank:
        by_ranks(arguments.points, arguments.steps)
        return
    ways = {
        "numpy": lambda: by_numpy(arguments.points, arguments.steps),
        "1 rank": lambda: launched(1, arguments.points, arguments.steps),
        "2 ranks": lambda: launched(2, arguments.points, arguments.steps),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(arguments.repeat):
        sums = []
        for name, way in ways.items():
            seconds, total = way()
            taken[name].append(seconds)
            sums.append(total)
        assert np.allclose(sums, sums[0], rtol=1e-12), f"the answers differ: {sums}"
    size = f"{arguments.points} x {arguments.points}"
    print(f"{size}, {arguments.steps} steps; load of the machine: {os.getloadavg()[0]:.1f}")
    for name, item in taken.items():
        print(f"{name:>8}: {statistics.median(item):7.3f} s  ({min(item):.3f}-{max(item):.3f})")
    single, double = (min(taken[name]) for name in ("1 rank", "2 ranks"))
    print(f"efficiency of 2 ranks: {single / (2 * double):.2f} (best of each)")


if __name__ == "__main__":
    main()
