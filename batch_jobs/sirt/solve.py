"""A scan by SIRT over the ranks of an MPI job: each rank reads the frames of its own angles, and no others."""

from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from batch_jobs.tomography.centring import find_centre
from batch_jobs.tomography.correction import line_integrals
from batch_jobs.tomography.hdf5 import RawScan, dropped_scan
from gristmill.task import Task

from .solver import Geometry, own_angles, sirt

Floats = NDArray[np.float32]


def solve(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Write the slices (row, y, x), the rows they are of, the centre and the residuals as .npz, by rank 0."""
    world = MPI.COMM_WORLD
    with dropped_scan(task, parameters) as scan:
        rows = middle_rows(scan.shape[1], parameters["rows"])
        own = own_angles(scan.shape[0], world.rank, world.size)
        sinograms = read_sinograms(scan, own, rows)
        angles = np.radians(scan.degrees)
    centre = _centre(world, sinograms, angles, parameters.get("centre"))
    geometry = Geometry(sinograms.shape[2], angles[own], centre)
    slices, residuals = sirt(geometry, sinograms, parameters["iterations"], world)
    if world.rank == 0:
        told = f"{len(angles)} angles on {world.size} ranks, centre {centre:.2f}, residual {residuals[-1]:.4f}"
        print(told, flush=True)  # noqa: T201 - a job's log is its stdout
        numbers = np.arange(rows.start, rows.stop)
        np.savez(sink, slices=slices, rows=numbers, centre=centre, residuals=residuals)


def middle_rows(count: int, wanted: int) -> slice:
    """Return the rows in the middle of a detector of `count`."""
    taken = min(count, wanted)
    first = (count - taken) // 2
    return slice(first, first + taken)


def read_sinograms(scan: RawScan, own: slice, rows: slice) -> Floats:
    """Return line integrals (row, angle, column) of some angles, a frame at a time."""
    flat, dark = scan.mean_flat()[None, rows], scan.mean_dark()[None, rows]
    numbers = range(*own.indices(scan.shape[0]))
    frames = [line_integrals(scan.read(number, number + 1)[:, rows], flat, dark) for number in numbers]
    return np.ascontiguousarray(np.concatenate(frames).swapaxes(0, 1))


def _centre(world: MPI.Intracomm, sinograms: Floats, angles: NDArray[np.float64], given: float | None) -> float:
    """Return the given centre, else the one that rank 0 finds on the middle row of all angles."""
    if given is not None:
        return given
    parts = world.gather(sinograms[len(sinograms) // 2])
    found = None
    if parts:
        whole = np.empty((len(angles), sinograms.shape[2]), np.float32)
        for rank, part in enumerate(parts):
            whole[own_angles(len(angles), rank, len(parts))] = part
        half = angles - angles[0] <= np.pi + 1e-6
        found = find_centre(whole[None, half], angles[half]).columns
    centre: float = world.bcast(found)
    return centre
