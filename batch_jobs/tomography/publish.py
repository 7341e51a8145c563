"""What a run ends in: the volume as zipped OME-Zarr, a preview, and figures of its quality."""

import json
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any, BinaryIO

import numpy as np

from gristmill.limits import MIB
from gristmill.task import Task

from .arrays import VOLUME, Arrays, run_arrays
from .ome import LEVEL, VERSION

_LIBRARIES = ("numpy", "scipy", "h5py", "zarr", "pyopencl", "algotom", "scikit-image")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same volume gives the same bytes


def volume(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Write the OME-Zarr group as one uncompressed zip (its chunks are compressed), its metadata first."""
    arrays = run_arrays(task)
    root = f"{arrays.prefix}{VOLUME}/"
    names = [entry.key.removeprefix(root) for entry in arrays.store.list(root)]
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as packed:
        packed.comment = json.dumps({"ome": {"version": VERSION}}).encode()
        for name in sorted(names, key=lambda name: (not name.endswith("zarr.json"), name.count("/"), name)):
            with arrays.store.open_range(root + name, 0) as chunk, packed.open(_entry(name), "w") as entry:
                shutil.copyfileobj(chunk, entry, MIB)


def _entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, _EPOCH)


def preview(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Draw the middle slice, and beside it a cut along the axis of rotation."""
    from .picture import beside

    made = run_arrays(task).open(f"{VOLUME}/{LEVEL}")
    beside(made[made.shape[0] // 2], made[:, made.shape[1] // 2]).save(sink, "PNG")


def quality(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Write the centre and its cross-check, what is odd in the scan, how well the volume explains it, the versions."""
    arrays = run_arrays(task)
    prefix = f"{arrays.prefix}devices/"
    devices = [arrays.store.read_json(entry.key) for entry in arrays.store.list(prefix)]
    figures = {
        **json.loads(source.read()),
        "reprojection": _reprojection(arrays),
        "devices": sorted({device["name"] for device in devices}),
        "on_gpu": bool(devices) and all(device["is_gpu"] for device in devices),
        "phantom": _phantom(arrays),
        "parameters": dict(parameters),
        "versions": {name: version(name) for name in _LIBRARIES},
    }
    sink.write(json.dumps(figures, indent=2, allow_nan=False).encode() + b"\n")


def _reprojection(arrays: Arrays) -> float:
    """Return how far the clearest of the rows that the centre was found on is from explaining its line integrals."""
    from .reprojection import residual

    centre, integrals = arrays.kept("centre"), arrays.open("integrals")
    row = centre["clearest_row"]
    made = arrays.open(f"{VOLUME}/{LEVEL}")[row]
    return residual(made, integrals[:, row], np.array(integrals.attrs["degrees"]), centre["columns"])


def _phantom(arrays: Arrays) -> dict[str, Any] | None:
    from .phantom import Scan
    from .quality import against_phantom

    attributes = arrays.open("integrals").attrs
    if attributes["phantom"] is None:
        return None
    made = arrays.open(f"{VOLUME}/{LEVEL}")
    known = attributes["phantom"]
    scan = Scan(made.shape[0], made.shape[2], np.radians(attributes["degrees"]), known["centre"])
    error = arrays.kept("centre")["columns"] - known["centre"]
    return {**asdict(against_phantom(made, scan, known["attenuation"])), "centre_error": error}
