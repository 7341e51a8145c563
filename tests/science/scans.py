"""Small scans of the phantom, as they are and as they should not be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import yaml

from batch_jobs.tomography.backprojection import back_project, device
from batch_jobs.tomography.centring import Centre, find_centre
from batch_jobs.tomography.correction import line_integrals
from batch_jobs.tomography.filtering import ramp_filter
from batch_jobs.tomography.inspection import inspect
from batch_jobs.tomography.object_file import opened
from batch_jobs.tomography.phantom import Scan, projections
from batch_jobs.tomography.scan import RawScan, read_scan
from gristmill.storage.folder import FolderStorage
from gristmill.task import Task
from tests.project import PROJECT

COLUMNS, ROWS, CENTRE = 32, 3, 16.2
BEAM, DARK = 40_000.0, 100.0
_KEYS = {"data": "exchange/data", "flats": "exchange/data_white", "darks": "exchange/data_dark"}


def defaults(pipeline: str) -> dict[str, Any]:
    """Return the parameters of a pipeline that has them by default."""
    given = yaml.safe_load((PROJECT / "batch_jobs" / pipeline / "pipeline.yaml").read_text())["parameters"]
    return {name: parameter["default"] for name, parameter in given.items() if "default" in parameter}


@dataclass
class Made:
    """The arrays of a scan, to be changed before it is written; `options` go to each dataset of frames."""

    degrees: np.ndarray
    data: np.ndarray
    flats: np.ndarray
    darks: np.ndarray
    theta: Any
    theta_attributes: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def write(self, path: Path, **how: Any) -> Path:
        """Write the scan as Scientific Data Exchange."""
        with h5py.File(path, "w", **how) as file:
            for name, key in _KEYS.items():
                file.create_dataset(key, data=getattr(self, name), **self.options)
            file["exchange/theta"] = self.theta
            file["exchange/theta"].attrs.update(self.theta_attributes)
        return path

    def cast(self, kind: Any, scale: float = 1.0) -> None:
        """Store all counts as another type, on another scale."""
        for name in _KEYS:
            setattr(self, name, (getattr(self, name) * scale).astype(kind))


def made(degrees: Any = None, columns: int = COLUMNS, centre: float = CENTRE) -> Made:
    """Return a scan of the phantom without noise, its counts whole numbers."""
    angles = np.linspace(0, 180, 41) if degrees is None else np.asarray(degrees, float)
    seen = projections(Scan(ROWS, columns, np.radians(angles), centre), slice(None)) * (4 / columns)
    data = np.rint(DARK + (BEAM - DARK) * np.exp(-seen.astype(float)))
    shape = (4, ROWS, columns)
    return Made(angles, data, np.full(shape, BEAM), np.full(shape, DARK), angles.copy())


def reconstructed(path: Path, **parameters: Any) -> tuple[np.ndarray, Centre]:
    """Return the volume of a file and its centre, made in one piece of the parts that the pipeline is made of."""
    with h5py.File(path) as file:
        return _reconstructed(file, parameters)


def _reconstructed(file: h5py.File, parameters: Mapping[str, Any]) -> tuple[np.ndarray, Centre]:
    scan = read_scan(file, {**defaults("tomography"), **parameters})
    sinograms = integrals(scan)
    centre = find_centre(sinograms, scan.degrees)
    filtered = ramp_filter(sinograms, "hann")
    return back_project(device(False), filtered, scan.degrees, centre.columns), centre


def reconstructed_drop(path: Path, storage: type[FolderStorage] = FolderStorage) -> tuple[np.ndarray, Centre]:
    """Do the same with a dropped file, which is read as an object is."""
    store = storage(path.parent / "run", path, "inputs/p.h5")
    task = Task(0, "run", "stage", "branch", 1, "none", "inputs/p.h5", None, "own/", store=store)
    with opened(task) as file:
        return _reconstructed(file, {})


def integrals(scan: RawScan, most_missing: float = 5) -> np.ndarray:
    """Return the sinograms (row, angle, column) of a whole scan."""
    beam = inspect(scan, most_missing).beam
    frames = line_integrals(scan.read(0, scan.shape[0]), beam, most_missing, scan.data.name, scan.frames.tolist())
    return np.ascontiguousarray(np.moveaxis(frames.values, 1, 0))


def checked(path: Path, parameters: Mapping[str, Any]) -> None:
    """Do with a file what the pipeline does before it computes: open, inspect, read all frames, look for a sample."""
    with h5py.File(path) as file:
        scan = read_scan(file, {**defaults("tomography"), **parameters})
        find_centre(integrals(scan), scan.degrees, CENTRE)
