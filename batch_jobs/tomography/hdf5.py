"""A scan in HDF5, read by ranged requests: Scientific Data Exchange by default, NXtomo and others by their paths."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from gristmill.limits import MIB
from gristmill.storage import Storage
from gristmill.task import Task

_BUFFER = 1 * MIB  # HDF5 reads many small pieces near each other
_DATASETS = ("data", "data_white", "data_dark", "theta")
_SAMPLE, _FLAT, _DARK = 0, 1, 2  # NXdetector's image_key


class ObjectFile(io.RawIOBase):
    """An object as a file to seek and read in."""

    def __init__(self, store: Storage, key: str, version: str | None) -> None:
        super().__init__()
        self._store, self._key, self._version = store, key, version
        found = store.head(key, version)
        self._size = found.size if found else 0
        self._place = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be sought in."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a byte."""
        self._place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what comes next; 0 at the end."""
        data = self._store.read(self._key, self._place, min(self._place + len(buffer), self._size), self._version)
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)


@dataclass(frozen=True)
class RawScan:
    """The datasets of a scan; `frames`, `flats` and `darks` number the frames of each kind in theirs."""

    data: Any
    white: Any
    dark: Any
    frames: NDArray[np.intp]
    flats: NDArray[np.intp]
    darks: NDArray[np.intp]
    degrees: NDArray[np.float64]
    phantom: dict[str, float] | None  # what the sample generator noted

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return the numbers of frames, rows and columns."""
        return len(self.frames), self.data.shape[1], self.data.shape[2]

    def read(self, first: int, end: int) -> NDArray[Any]:
        """Return raw frames [first, end)."""
        return _take(self.data, self.frames[first:end])

    def mean_flat(self) -> NDArray[np.float32]:
        """Return the open beam (row, column)."""
        return _mean(_take(self.white, self.flats))

    def mean_dark(self) -> NDArray[np.float32]:
        """Return the detector's dark signal (row, column)."""
        return _mean(_take(self.dark, self.darks))


@contextmanager
def dropped_scan(task: Task, parameters: Mapping[str, Any]) -> Iterator[RawScan]:
    """Open the dropped file's scan; ValueError where it is no HDF5 file or lacks what a scan needs."""
    raw = ObjectFile(task.store, task.input_key, task.input_version)
    try:
        file = h5py.File(io.BufferedReader(raw, _BUFFER), "r")
    except OSError as error:
        raise ValueError(f"the dropped file cannot be read as HDF5: {error}") from error
    with file:
        yield read_scan(file, parameters)


def read_scan(file: h5py.File, parameters: Mapping[str, Any]) -> RawScan:
    """Return the scan that the parameters' paths name; ValueError tells everything that is wrong with it."""
    datasets = {name: file.get(parameters[name]) for name in _DATASETS}
    marks = file.get(parameters["image_key"]) if parameters.get("image_key") else None
    if marks is not None:
        datasets.update(data_white=datasets["data"], data_dark=datasets["data"])
    missing = [f"{name}={parameters[name]}" for name in _DATASETS if not isinstance(datasets[name], h5py.Dataset)]
    if missing or (parameters.get("image_key") and marks is None):
        there: list[str] = []
        file.visititems(lambda name, found: there.append(name) if isinstance(found, h5py.Dataset) else None)
        raise ValueError(f"no such dataset: {', '.join(missing) or parameters['image_key']}; there are: {there[:30]}")
    data, white, dark, theta = (datasets[name] for name in _DATASETS)
    frames, flats, darks = (
        np.arange(len(one)) if marks is None else np.flatnonzero(marks[:] == mark)
        for one, mark in ((data, _SAMPLE), (white, _FLAT), (dark, _DARK))
    )
    _check(data, white, dark, theta)
    phantom = dict(file["exchange/phantom"].attrs.items()) if "exchange/phantom" in file else None
    degrees = np.asarray(theta[:], np.float64)[frames]
    numbers = {name: float(value) for name, value in phantom.items()} if phantom else None
    _check_counts(frames, flats, darks)
    return RawScan(data, white, dark, frames, flats, darks, degrees, numbers)


def _check(data: Any, white: Any, dark: Any, theta: Any) -> None:
    stacks = (data, white, dark)
    faults = [f"{one.name} has shape {one.shape}, not (frame, row, column)" for one in stacks if one.ndim != 3]
    if not faults:
        faults = [
            f"{one.name} has frames of {one.shape[1:]}, {data.name} of {data.shape[1:]}"
            for one in (white, dark)
            if one.shape[1:] != data.shape[1:]
        ]
    if theta.shape != data.shape[:1]:
        faults.append(f"{theta.name} has shape {theta.shape} for {data.shape[0]} frames")
    if faults:
        raise ValueError("; ".join(faults))


def _check_counts(frames: NDArray[np.intp], flats: NDArray[np.intp], darks: NDArray[np.intp]) -> None:
    if len(frames) < 2 or not len(flats) or not len(darks):
        raise ValueError(
            f"a scan needs 2 frames, a flat and a dark at least, not {len(frames)}, {len(flats)} and {len(darks)}"
        )


def _mean(stack: NDArray[Any]) -> NDArray[np.float32]:
    mean: NDArray[np.float32] = stack.mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean


def _take(dataset: Any, numbers: NDArray[np.intp]) -> NDArray[Any]:
    """Return frames by their numbers, which rise; those in a row by one request."""
    if len(numbers) and numbers[-1] - numbers[0] + 1 == len(numbers):
        taken: NDArray[Any] = dataset[int(numbers[0]) : int(numbers[-1]) + 1]
    else:
        taken = dataset[numbers]
    return taken
