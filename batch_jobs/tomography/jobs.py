"""The steps of a reconstruction; each works through blocks of frames or rows that `prepare` lists."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import PurePosixPath
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from gristmill.task import Task

from .arrays import VOLUME, Arrays, run_arrays

_TILE = 256  # pixels of a volume's chunk each way
_CENTRE_ROWS = 5  # that the centre is looked for on, in the middle of the detector
Parameters = Mapping[str, Any]


def frames(source: BinaryIO, sink: BinaryIO, parameters: Parameters, task: Task) -> None:
    """List the blocks of frames; make the array of line integrals, and keep the mean flat and dark."""
    from .hdf5 import dropped_scan

    arrays = run_arrays(task)
    with dropped_scan(task, parameters) as scan:
        count, rows, columns = scan.shape
        told = {"degrees": scan.degrees.tolist(), "phantom": scan.phantom}
        chunks = (parameters["frame_block"], parameters["row_block"], columns)
        arrays.make("integrals", scan.shape, chunks, attributes=told)
        for name, beam in (("flat", scan.mean_flat()), ("dark", scan.mean_dark())):
            arrays.make(name, (rows, columns), (rows, columns))
            arrays.open(name)[:] = beam
    _list(sink, count, parameters["frame_block"])


def rows(source: BinaryIO, sink: BinaryIO, parameters: Parameters, task: Task) -> None:
    """List the blocks of rows; make the arrays of filtered sinograms and of the volume."""
    from .hdf5 import dropped_scan
    from .ome import multiscales, sizes

    arrays = run_arrays(task)
    with dropped_scan(task, parameters) as scan:
        count, rows, columns = scan.shape
    block = parameters["row_block"]
    arrays.make("filtered", (rows, count, columns), (block, count, columns))
    arrays.make_group(VOLUME, multiscales(PurePosixPath(task.input_key).stem, columns))
    for level, size in enumerate(sizes(columns)):
        chunks = (block, _TILE, _TILE)
        arrays.make(f"{VOLUME}/{level}", (rows, size, size), chunks, dimension_names=("z", "y", "x"))
    _list(sink, rows, block)


def preprocess(source: BinaryIO, sink: BinaryIO, parameters: Parameters, task: Task) -> None:
    """Turn a block of raw frames into line integrals."""
    from .correction import line_integrals
    from .hdf5 import dropped_scan

    arrays, block = run_arrays(task), _block(task)
    flat, dark = (arrays.open(name)[:][None] for name in ("flat", "dark"))
    with dropped_scan(task, parameters) as scan:
        raw = scan.read(block.start, block.stop)
    arrays.open("integrals")[block] = line_integrals(raw, flat, dark)
    _say(sink, frames=[block.start, block.stop])


def calibrate(source: BinaryIO, sink: BinaryIO, parameters: Parameters, task: Task) -> None:
    """Find the centre of rotation and cross-check it; a given one goes before."""
    from .centring import find_centre

    arrays = run_arrays(task)
    integrals, angles = arrays.open("integrals"), _angles(arrays)
    half = angles - angles[0] <= np.pi + 1e-6  # the methods take half a turn
    chosen = sorted({int(share * integrals.shape[1]) for share in np.linspace(0.3, 0.7, _CENTRE_ROWS)})
    sinograms = np.stack([integrals[:, row, :] for row in chosen])[:, half]
    centre = find_centre(sinograms, angles[half], parameters.get("centre"))
    record = {**asdict(centre), "difference": centre.difference, "rows": chosen}
    arrays.keep("centre", record)
    _say(sink, **record)


def process(source: BinaryIO, sink: BinaryIO, parameters: Parameters, task: Task) -> None:
    """Remove the rings of a block of rows and filter it."""
    from .correction import remove_rings
    from .filtering import ramp_filter

    arrays, block = run_arrays(task), _block(task)
    sinograms = np.moveaxis(arrays.open("integrals")[:, block, :], 1, 0)
    clean = np.stack([remove_rings(one, parameters["ring_width"]) for one in sinograms])
    arrays.open("filtered")[block] = ramp_filter(clean, parameters["window"])
    _say(sink, rows=[block.start, block.stop])


def reconstruct(source: BinaryIO, sink: BinaryIO, parameters: Parameters, task: Task) -> None:
    """Back-project a block of rows into the volume; draw its middle slice."""
    from .backprojection import back_project, device
    from .ome import halved, sizes
    from .picture import draw

    arrays, block = run_arrays(task), _block(task)
    on = device(needs_gpu(parameters, on_aws=not task.is_trial and "AWS_ENDPOINT_URL" not in os.environ))
    print(f"rows {block.start} to {block.stop} on {on.name}", flush=True)  # noqa: T201 - a job's log is its stdout
    slices = back_project(on, arrays.open("filtered")[block], _angles(arrays), arrays.kept("centre")["columns"])
    coarser = slices
    for level in range(len(sizes(slices.shape[2]))):
        coarser = halved(coarser) if level else slices
        arrays.open(f"{VOLUME}/{level}")[block] = coarser
    arrays.keep(f"devices/{block.start:06d}", {"name": on.name, "is_gpu": on.is_gpu})
    draw(slices[len(slices) // 2]).save(sink, "PNG")


def needs_gpu(parameters: Parameters, *, on_aws: bool) -> bool:
    """Tell whether the CPU would be a costly mistake: as the run says, else on AWS itself."""
    wanted = parameters.get("require_gpu")
    return on_aws if wanted is None else bool(wanted)


def _angles(arrays: Arrays) -> NDArray[np.float64]:
    return np.radians(np.array(arrays.open("integrals").attrs["degrees"], np.float64))


def _list(sink: BinaryIO, count: int, block: int) -> None:
    for first in range(0, count, block):
        _say(sink, first=first, end=min(first + block, count))


def _block(task: Task) -> slice:
    item = json.loads(task.item)
    return slice(item["first"], item["end"])


def _say(sink: BinaryIO, **told: Any) -> None:
    sink.write(json.dumps(told).encode() + b"\n")
