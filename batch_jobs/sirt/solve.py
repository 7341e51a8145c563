"""A scan by SIRT over the ranks of an MPI job: each rank reads the frames of its own angles, and no others."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, BinaryIO

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from batch_jobs.tomography.angles import Degrees
from batch_jobs.tomography.centring import Centre, find_centre
from batch_jobs.tomography.figures import check_finite
from batch_jobs.tomography.inspection import inspect
from batch_jobs.tomography.scan import dropped_scan
from gristmill.errors import Refused
from gristmill.task import Task

from .reading import middle_rows, read_integrals
from .solver import Geometry, own_angles, sirt

Floats = NDArray[np.float32]


def solve(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Write slices (row, y, x), their rows, the centre, the residuals and the figures as .npz, by rank 0."""
    world = MPI.COMM_WORLD
    scan_figures = json.loads(source.read())
    degrees, rows, sinograms = _read(world, parameters, task)
    centre = _centre(world, sinograms, degrees, parameters.get("centre"))
    own = own_angles(len(degrees), world.rank, world.size)
    geometry = Geometry(sinograms.shape[2], np.radians(degrees[own]), centre.columns)
    slices, residuals = sirt(geometry, sinograms, parameters["iterations"], world)
    if world.rank == 0:
        check_finite(slices, "the slices")
        text = f"{len(degrees)} angles on {world.size} ranks, centre {centre.columns:.2f}, residual {residuals[-1]:.4f}"
        print(text, flush=True)  # noqa: T201 - a job's log is its stdout
        figures = json.dumps({"centre": {**asdict(centre), "difference": centre.difference}, "scan": scan_figures})
        numbers = np.arange(rows.start, rows.stop)
        np.savez(sink, slices=slices, rows=numbers, centre=centre.columns, residuals=residuals, figures=figures)


def _read(world: MPI.Intracomm, parameters: Mapping[str, Any], task: Task) -> tuple[Degrees, slice, Floats]:
    """Return all angles, the rows that are reconstructed, and the sinograms (row, angle, column) of own angles."""
    with dropped_scan(task, parameters) as scan:
        count, height, _ = scan.shape
        if world.size > count:
            raise Refused([f"there are {count} angles, and {world.size} ranks"], "Take fewer nodes.")
        rows, most_missing = middle_rows(height, parameters["rows"]), parameters["missing_percent"]
        own = own_angles(count, world.rank, world.size)
        read = read_integrals(scan, inspect(scan, most_missing).beam, own, rows, most_missing)
        frames = np.concatenate([integrals.values for integrals in read])
        return scan.degrees, rows, np.ascontiguousarray(frames.swapaxes(0, 1))


def _centre(world: MPI.Intracomm, sinograms: Floats, degrees: Degrees, given: float | None) -> Centre:
    """Return the centre that rank 0 finds on the clearest row of all angles; a given one goes before."""
    clear = world.allreduce(sinograms.std(axis=(1, 2), dtype=np.float64))
    parts = world.gather(sinograms[int(np.argmax(clear))])
    found = None
    if parts:
        whole = np.empty((len(degrees), sinograms.shape[2]), np.float32)
        for rank, part in enumerate(parts):
            whole[own_angles(len(degrees), rank, len(parts))] = part
        found = find_centre(whole[None], degrees, given)
    centre: Centre = world.bcast(found)
    return centre
