"""The steps of a reconstruction; each works through blocks of frames or rows that `prepare` lists."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import PurePosixPath
from typing import Any, BinaryIO

import numpy as np

from gristmill.task import Task

from .angles import Degrees
from .arrays import VOLUME, Arrays, run_arrays
from .figures import check_centre, check_finite, scan_figures

_TILE = 256  # pixels of a volume's chunk each way
_CENTRE_ROWS = 5  # that the centre is looked for on, in the middle of the detector
Parameters = Mapping[str, Any]


def frames(source: BinaryIO, sink: BinaryIO, parameters: Parameters, task: Task) -> None:
    """Check the scan, list the blocks of frames; make the array of line integrals, and keep the beam."""
    from .inspection import inspect
    from .scan import dropped_scan

    arrays = run_arrays(task)
    with dropped_scan(task, parameters) as scan:
        found = inspect(scan, parameters["missing_percent"])
        check_centre(parameters.get("centre"), scan.shape[2])
        attributes = {"degrees": scan.degrees.tolist(), "phantom": scan.phantom, "notes": found.notes}
        chunks = (parameters["frame_block"], parameters["row_block"], scan.shape[2])
        arrays.make("integrals", scan.shape, chunks, attributes=attributes)
        arrays.keep_beam(found.beam)
    for note in found.notes:
        print(note, flush=True)  # noqa: T201 - a job's log is its stdout
    _list(sink, scan.shape[0], parameters["frame_block"])


def rows(source: BinaryIO, sink: BinaryIO, parameters: Parameters, task: Task) -> None:
    """List the blocks of rows; make the arrays of filtered sinograms and of the volume."""
    from .ome import multiscales, sizes
    from .scan import dropped_scan

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
    """Turn a block of raw frames into line integrals; count what of them was interpolated or saturated."""
    from .correction import line_integrals
    from .scan import dropped_scan

    arrays, block = run_arrays(task), _block(task)
    with dropped_scan(task, parameters) as scan:
        raw, path, numbers = scan.read(block.start, block.stop), scan.data.name, scan.frames[block]
    made = line_integrals(raw, arrays.kept_beam(), parameters["missing_percent"], path, numbers.tolist())
    arrays.open("integrals")[block] = made.values
    _say(sink, first=block.start, **made.counts)


def calibrate(source: BinaryIO, sink: BinaryIO, parameters: Parameters, task: Task) -> None:
    """Find the centre of rotation, unless it is given, and cross-check it; sum up what was counted of the frames."""
    from .centring import find_centre

    arrays = run_arrays(task)
    integrals = arrays.open("integrals")
    chosen = sorted({int(share * integrals.shape[1]) for share in np.linspace(0.3, 0.7, _CENTRE_ROWS)})
    sinograms = np.stack([integrals[:, row, :] for row in chosen])
    centre = find_centre(sinograms, _degrees(arrays), parameters.get("centre"))
    clearest = chosen[int(np.argmax(sinograms.std(axis=(1, 2), dtype=np.float64)))]
    record = {**asdict(centre), "difference": centre.difference, "rows": chosen, "clearest_row": clearest}
    arrays.keep("centre", record)
    counts = [json.loads(line) for line in source]
    _say(sink, centre=record, scan=scan_figures(integrals.attrs["notes"], _degrees(arrays), integrals.shape, counts))


def process(source: BinaryIO, sink: BinaryIO, parameters: Parameters, task: Task) -> None:
    """Remove the rings of a block of rows and filter it."""
    from .correction import remove_rings
    from .filtering import ramp_filter

    arrays, block = run_arrays(task), _block(task)
    sinograms = np.moveaxis(arrays.open("integrals")[:, block, :], 1, 0)
    clean = np.stack([remove_rings(sinogram, parameters["ring_width"]) for sinogram in sinograms])
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
    slices = back_project(on, arrays.open("filtered")[block], _degrees(arrays), arrays.kept("centre")["columns"])
    check_finite(slices, f"the volume, rows {block.start} to {block.stop - 1}")
    coarser = slices
    for level in range(len(sizes(slices.shape[2]))):
        coarser = halved(coarser) if level else slices
        arrays.open(f"{VOLUME}/{level}")[block] = coarser
    arrays.keep(f"devices/{block.start:06d}", {"name": on.name, "is_gpu": on.is_gpu})
    draw(slices[len(slices) // 2]).save(sink, "PNG")


def needs_gpu(parameters: Parameters, *, on_aws: bool) -> bool:
    """Return whether the CPU would be a costly mistake: as the run says, else on AWS itself."""
    wanted = parameters.get("require_gpu")
    return on_aws if wanted is None else bool(wanted)


def _degrees(arrays: Arrays) -> Degrees:
    return np.array(arrays.open("integrals").attrs["degrees"], np.float64)


def _list(sink: BinaryIO, count: int, block: int) -> None:
    for first in range(0, count, block):
        _say(sink, first=first, end=min(first + block, count))


def _block(task: Task) -> slice:
    item = json.loads(task.item)
    return slice(item["first"], item["end"])


def _say(sink: BinaryIO, **record: Any) -> None:
    sink.write(json.dumps(record).encode() + b"\n")
