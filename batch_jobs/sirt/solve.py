"""A scan by SIRT over the ranks of an MPI job: each rank reads the frames of its own angles, and no others."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any, BinaryIO

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from batch_jobs.tomography.angles import Degrees
from batch_jobs.tomography.beam import Beam
from batch_jobs.tomography.centring import Centre, find_centre
from batch_jobs.tomography.correction import Integrals, line_integrals
from batch_jobs.tomography.figures import check_finite, scan_figures
from batch_jobs.tomography.inspection import inspect
from batch_jobs.tomography.scan import RawScan, dropped_scan
from gristmill.errors import Refused
from gristmill.task import Task

from .solver import Geometry, own_angles, sirt

Floats = NDArray[np.float32]
Parameters = Mapping[str, Any]


def solve(source: BinaryIO, sink: BinaryIO, parameters: Parameters, task: Task) -> None:
    """Write slices (row, y, x), their rows, the centre, the residuals and the scan's figures as .npz, by rank 0."""
    world = MPI.COMM_WORLD
    notes = json.loads(source.read())["notes"]
    with dropped_scan(task, parameters) as scan:
        degrees, rows = scan.degrees, middle_rows(scan.shape[1], parameters["rows"])
        own = own_angles(scan.shape[0], world.rank, world.size)
        beam = inspect(scan, parameters["missing_percent"]).beam
        integrals = _agreed(world, lambda: read_integrals(scan, beam, own, rows, parameters["missing_percent"]))
    sinograms = np.ascontiguousarray(integrals.values.swapaxes(0, 1))
    centre = _centre(world, sinograms, degrees, parameters.get("centre"))
    geometry = Geometry(sinograms.shape[2], np.radians(degrees[own]), centre.columns)
    slices, residuals = sirt(geometry, sinograms, parameters["iterations"], world)
    shape = (len(degrees), len(sinograms), sinograms.shape[2])
    figures = scan_figures(notes, degrees, shape, _counts(world, integrals, len(degrees)))
    if world.rank == 0:
        check_finite(slices, "the slices")
        text = f"{len(degrees)} angles on {world.size} ranks, centre {centre.columns:.2f}, residual {residuals[-1]:.4f}"
        print(text, flush=True)  # noqa: T201 - a job's log is its stdout
        record = {"centre": {**asdict(centre), "difference": centre.difference}, "scan": figures}
        numbers = np.arange(rows.start, rows.stop)
        np.savez(
            sink, slices=slices, rows=numbers, centre=centre.columns, residuals=residuals, figures=json.dumps(record)
        )


def middle_rows(count: int, wanted: int) -> slice:
    """Return the rows in the middle of a detector of `count`."""
    taken = min(count, wanted)
    first = (count - taken) // 2
    return slice(first, first + taken)


def read_integrals(scan: RawScan, beam: Beam, own: slice, rows: slice, most_missing: float) -> Integrals:
    """Return line integrals (angle, row, column) of some angles, a frame at a time."""
    if own.start >= scan.shape[0]:
        raise Refused([f"there are {scan.shape[0]} angles, and more ranks than that"], "Take fewer nodes.")
    seen = replace(beam, open=beam.open[rows], dark=beam.dark[rows])
    parts = [
        line_integrals(
            scan.read(number, number + 1)[:, rows], seen, most_missing, scan.data.name, [int(scan.frames[number])]
        )
        for number in range(*own.indices(scan.shape[0]))
    ]
    return Integrals(
        np.concatenate([part.values for part in parts]),
        [count for part in parts for count in part.missing],
        [count for part in parts for count in part.saturated],
    )


def _agreed(world: MPI.Intracomm, read: Callable[[], Integrals]) -> Integrals:
    """Return what a rank reads; Refused on every rank with all faults where one of them refuses its frames."""
    made, faults = None, []
    try:
        made = read()
    except Refused as refusal:
        faults = [str(refusal)]
    everywhere = [fault for faults in world.allgather(faults) for fault in faults]
    if everywhere or made is None:
        raise Refused(everywhere)
    return made


def _counts(world: MPI.Intracomm, integrals: Integrals, angles: int) -> list[dict[str, Any]]:
    """Return the counts of all frames, in their order, as a list of one; on every rank."""
    parts = world.allgather((sum(integrals.missing), sum(integrals.saturated), integrals.levels))
    levels = np.empty(angles)
    for rank, (_, _, own) in enumerate(parts):
        levels[own_angles(angles, rank, len(parts))] = own
    missing, saturated = (sum(part[place] for part in parts) for place in (0, 1))
    return [{"missing": missing, "saturated": saturated, "levels": levels.tolist()}]


def _centre(world: MPI.Intracomm, sinograms: Floats, degrees: Degrees, given: float | None) -> Centre:
    """Return the centre that rank 0 finds on the middle row of all angles; a given one goes before."""
    parts = world.gather(sinograms[len(sinograms) // 2])
    found = None
    if parts:
        whole = np.empty((len(degrees), sinograms.shape[2]), np.float32)
        for rank, part in enumerate(parts):
            whole[own_angles(len(degrees), rank, len(parts))] = part
        found = find_centre(whole[None], degrees, given)
    centre: Centre = world.bcast(found)
    return centre
