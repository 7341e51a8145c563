"""OME-Zarr 0.5 metadata of a volume (ngff.openmicroscopy.org/0.5), in pixels of the detector, and its coarser levels.

Each level halves y and x of the one before; z stays, so that a block of rows makes its own part of every level.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

VERSION = "0.5"
LEVEL = "0"
_SMALL = 256  # pixels: what is below is shown whole, and not halved


def sizes(columns: int) -> list[int]:
    """Return the pixels of y and x at each level, the finest first."""
    made = [columns]
    while made[-1] >= _SMALL:
        made.append(-(-made[-1] // 2))
    return made


def halved(slices: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return slices (row, y, x) at half the resolution: means of 2 x 2 pixels; an odd edge counts twice."""
    odd = slices.shape[1] % 2
    even = np.pad(slices, ((0, 0), (0, odd), (0, odd)), mode="edge")
    half = even.shape[1] // 2
    made: NDArray[np.float32] = even.reshape(len(even), half, 2, half, 2).mean(axis=(2, 4))
    return made


def multiscales(name: str, columns: int) -> dict[str, Any]:
    """Return the attributes of the group that holds the levels (z, y, x) as arrays `0`, `1` and so on."""
    axes = [{"name": axis, "type": "space"} for axis in "zyx"]
    levels = [_level(number) for number in range(len(sizes(columns)))]
    return {"ome": {"version": VERSION, "multiscales": [{"name": name, "axes": axes, "datasets": levels}]}}


def _level(number: int) -> dict[str, Any]:
    step = 2.0**number
    middle = (step - 1) / 2  # of the first coarse pixel, from the middle of the first fine one
    scale = {"type": "scale", "scale": [1.0, step, step]}
    moves = [{"type": "translation", "translation": [0.0, middle, middle]}] if number else []
    return {"path": str(number), "coordinateTransformations": [scale, *moves]}
