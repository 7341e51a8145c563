"""A scan in HDF5, read by ranged requests: Scientific Data Exchange by default, NXtomo and others by their paths.

Whoever opens a scan has its structure and its angles checked.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from gristmill.errors import Refused
from gristmill.task import Task

from .angles import Degrees, check_angles, in_degrees
from .beam import Reference, reference
from .datasets import check_written, find, local, names, reading, text_attribute
from .object_file import opened

_DATASETS = ("data", "data_white", "data_dark", "theta")
_STACKS = _DATASETS[:3]
_SAMPLE, _FLAT, _DARK = 0, 1, 2  # NXdetector's image_key
_MARKS = (-1, _SAMPLE, _FLAT, _DARK, 3)  # -1: taken again for alignment, 3: invalid; neither is used
_SCALES = ("scale_factor", "add_offset", "scaling_factor", "offset")
_NARROWEST = 8  # columns


@dataclass(frozen=True)
class RawScan:
    """The datasets of a scan; `frames`, `flats` and `darks` number the frames of each kind in theirs."""

    data: h5py.Dataset
    white: h5py.Dataset
    dark: h5py.Dataset
    frames: NDArray[np.intp]
    flats: NDArray[np.intp]
    darks: NDArray[np.intp]
    degrees: Degrees
    phantom: dict[str, float] | None  # what the sample generator noted

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return the numbers of frames, rows and columns."""
        return len(self.frames), self.data.shape[1], self.data.shape[2]

    def read(self, first: int, end: int) -> NDArray[Any]:
        """Return raw frames [first, end)."""
        return _take(self.data, self.frames[first:end])

    def references(self) -> tuple[Reference, Reference]:
        """Return the means of the flats and of the darks."""
        return _mean(self.white, self.flats), _mean(self.dark, self.darks)


@contextmanager
def dropped_scan(task: Task, parameters: Mapping[str, Any]) -> Iterator[RawScan]:
    """Open the dropped file's scan; Refused where it is no HDF5 file or no scan that can be reconstructed."""
    with opened(task) as file:
        yield read_scan(file, parameters)


def read_scan(file: h5py.File, parameters: Mapping[str, Any]) -> RawScan:
    """Return the scan that the parameters' paths name; Refused for a structure or angles that are no scan's."""
    data, white, dark, theta, marks = _datasets(file, parameters)
    _check_shapes(data, white, dark, theta, marks)
    kinds = None if marks is None else _marks(marks)
    frames, flats, darks = (
        np.arange(len(stack)) if kinds is None else np.flatnonzero(kinds == mark)
        for stack, mark in ((data, _SAMPLE), (white, _FLAT), (dark, _DARK))
    )
    if len(frames) < 2 or not len(flats) or not len(darks):
        counts = f"{len(frames)}, {len(flats)} and {len(darks)}"
        raise Refused([f"a scan needs 2 frames, a flat and a dark at least, not {counts}"], "Add what is missing.")
    degrees = _angles(theta, frames, parameters)
    return RawScan(data, white, dark, frames, flats, darks, degrees, _phantom(file))


def _datasets(file: h5py.File, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the four datasets of a scan, and that of the marks or None; each lies in this file and can be read."""
    paths = {name: parameters[name] for name in _DATASETS}
    if parameters.get("image_key"):
        paths.update(data_white=paths["data"], data_dark=paths["data"], image_key=parameters["image_key"])
    found = {name: find(file, path) for name, path in paths.items()}
    missing = [f"{name}={paths[name]}" for name, item in found.items() if not isinstance(item, h5py.Dataset)]
    if missing:
        mend = f"Name them by the parameters {', '.join(paths)}."
        raise Refused([f"no such dataset: {', '.join(missing)}; there are: {names(file)}"], mend)
    for name in _STACKS[1:] if "image_key" not in paths else ():
        for other in _STACKS[: _STACKS.index(name)]:
            if found[name] == found[other]:
                text = f"{other}={paths[other]} and {name}={paths[name]} are the same dataset"
                raise Refused([text], "Name a dataset of each, or what marks the frames by the parameter image_key.")
    return *(local(found[name], paths[name]) for name in _DATASETS), _local_marks(found, paths)


def _local_marks(found: Mapping[str, Any], paths: Mapping[str, str]) -> Any:
    return local(found["image_key"], paths["image_key"]) if "image_key" in found else None


def _check_shapes(data: Any, white: Any, dark: Any, theta: Any, marks: Any) -> None:
    """Refuse datasets whose sizes do not go together; all faults are named."""
    stacks = list({stack.name: stack for stack in (data, white, dark)}.values())
    faults = [f"{stack.name} has shape {stack.shape}, not (frame, row, column)" for stack in stacks if stack.ndim != 3]
    if not faults:
        faults = [
            f"{stack.name} has frames of {stack.shape[1:]}, {data.name} of {data.shape[1:]}"
            for stack in stacks
            if stack.shape[1:] != data.shape[1:]
        ]
        faults += [f"{stack.name} is empty: its shape is {stack.shape}" for stack in stacks if 0 in stack.shape]
        if 0 < data.shape[2] < _NARROWEST:
            faults.append(f"{data.name} has {data.shape[2]} columns; {_NARROWEST} are needed at least")
        faults += _scales(stacks)
    for line in (theta, marks):
        if line is not None and line.shape != data.shape[:1]:
            faults.append(f"{line.name} has shape {line.shape} for {data.shape[:1]} frames of {data.name}")
    if faults:
        raise Refused(faults, "Mend the file, or name other datasets by the parameters data, data_white and so on.")


def _scales(stacks: list[Any]) -> list[str]:
    """Return a fault for each attribute that scales some of the stacks and not the others alike."""
    faults = []
    for name in _SCALES:
        with reading(f"the attribute {name}"):
            values = {stack.name: np.asarray(stack.attrs[name]).tolist() for stack in stacks if name in stack.attrs}
        if values and (len(values) < len(stacks) or len({repr(value) for value in values.values()}) > 1):
            shown = ", ".join(f"{stack} has {value}" for stack, value in values.items())
            faults.append(f"the attribute {name} is not the same of all frames, flats and darks: {shown}")
    return faults


def _marks(marks: Any) -> NDArray[Any]:
    check_written(marks, marks.name)
    with reading(marks.name):
        kinds: NDArray[Any] = marks[:]
    odd = np.flatnonzero(~np.isin(kinds, _MARKS))
    if odd.size:
        text = f"{marks.name}[{int(odd[0])}] is {kinds[odd[0]]}, which marks no kind of frame"
        raise Refused([text], "Frames are 0, flats 1, darks 2, invalid ones 3.")
    return kinds


def _angles(theta: Any, frames: NDArray[np.intp], parameters: Mapping[str, Any]) -> Degrees:
    path = theta.name
    check_written(theta, path)
    with reading(path):
        values = theta[:]
    units = text_attribute(theta, path, "units")
    degrees = in_degrees(values, units, parameters.get("theta_units"), path)[frames]
    check_angles(degrees, frames, path)
    return degrees


def _phantom(file: h5py.File) -> dict[str, float] | None:
    group = find(file, "exchange/phantom")
    with reading("exchange/phantom"):
        return {name: float(group.attrs[name]) for name in ("centre", "attenuation")} if group is not None else None


def _mean(stack: Any, numbers: NDArray[np.intp]) -> Reference:
    frames = (_take(stack, numbers[place : place + 1])[0] for place in range(len(numbers)))
    return reference(frames, numbers)


def _take(dataset: Any, numbers: NDArray[np.intp]) -> NDArray[Any]:
    """Return frames by their numbers, which rise; those in a row by one request."""
    with reading(f"{dataset.name}[{int(numbers[0])}:{int(numbers[-1]) + 1}]"):
        if numbers[-1] - numbers[0] + 1 == len(numbers):
            taken: NDArray[Any] = dataset[int(numbers[0]) : int(numbers[-1]) + 1]
        else:
            taken = dataset[numbers]
    return taken
