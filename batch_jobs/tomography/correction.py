"""From raw frames to line integrals, and from sinograms with stripes to sinograms without.

A pixel has no data where its value is no number, where its part of the detector sees no beam, or where nothing of the
beam has passed: there is no logarithm of that. It is interpolated along its row between the nearest pixels with data,
and counted; more of them than the run allows are refused. A row that sees no beam in any frame is 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from gristmill.errors import Refused

from .beam import Beam, check_missing, count_saturated

Floats = NDArray[np.float32]
_LEAST = np.float32(1e-6)  # of the open beam: what is below did not pass
_BRIGHT = np.float32(-0.5)  # a line integral below: no sample, and no noise, lets 1.6 times the open beam pass


@dataclass(frozen=True)
class Integrals:
    """Line integrals (frame, row, column); how many of each frame were interpolated, saturated, far above the beam."""

    values: Floats
    missing: list[int]
    saturated: list[int]
    bright: list[int]

    @property
    def counts(self) -> dict[str, Any]:
        """Return what `scan_figures` sums up."""
        sums = {name: sum(getattr(self, name)) for name in ("missing", "saturated", "bright")}
        return {**sums, "levels": self.levels}

    @property
    def levels(self) -> list[float]:
        """Return the mean of each frame's line integrals: that of neighbours differs little."""
        return [round(float(level), 6) for level in self.values.mean(axis=(1, 2), dtype=np.float64)]


def line_integrals(
    frames: NDArray[Any], beam: Beam, most_missing: float, path: str, numbers: Sequence[int]
) -> Integrals:
    """Return -log of what of the beam passed in raw frames (frame, row, column).

    Refused for a frame of which more than `most_missing` per cent has no data; `numbers` are the frames' places in
    their dataset, `path`.
    """
    values = np.empty(frames.shape, np.float32)
    missing, saturated, bright = [], [], []
    for frame, number, into in zip(frames, numbers, values, strict=True):
        known = _one_frame(frame, beam, into)
        lacking = known.size - int(np.count_nonzero(known))
        if lacking:
            what = f"{path}[{number}]"
            check_missing(~known, most_missing, what, "has no data")
            _fill(into, known, beam.dead_rows, what)
        missing.append(lacking)
        saturated.append(count_saturated(frame))
        bright.append(int(np.count_nonzero(into < _BRIGHT)))
    return Integrals(values, missing, saturated, bright)


def _one_frame(frame: NDArray[Any], beam: Beam, into: Floats) -> NDArray[np.bool_]:
    """Write a frame's line integrals; return which pixels have one."""
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity are no data, and counted as such
        passed = (beam.scaled(frame) - beam.dark) / beam.open
        known: NDArray[np.bool_] = (passed > _LEAST) & (passed < np.inf)
    np.log(passed, out=into, where=known)
    np.negative(into, out=into, where=known)
    return known


def _fill(values: Floats, known: NDArray[np.bool_], dead: NDArray[np.bool_], what: str) -> None:
    """Interpolate what is not known along the rows of a frame; `dead` are rows that never have data, which are 0."""
    empty = ~known.any(axis=1)
    if (empty & ~dead).any():
        text = f"{what} has no data in the whole row {int(np.flatnonzero(empty & ~dead)[0])}"
        raise Refused([text], "Leave out the frame and its angle.")
    values[empty] = 0
    rows = np.flatnonzero(~known.all(axis=1) & ~empty)
    values[rows] = interpolated(values[rows], known[rows])


def interpolated(values: Floats, known: NDArray[np.bool_]) -> Floats:
    """Return rows (row, column) where what is not known lies on a line between its neighbours that are.

    Each row knows a value at least; those behind its ends take its first or its last one.
    """
    columns = values.shape[1]
    there, lacking = np.flatnonzero(known), np.flatnonzero(~known)
    after = np.searchsorted(there, lacking)
    left, right = there[np.maximum(after - 1, 0)], there[np.minimum(after, len(there) - 1)]
    row = lacking // columns
    left, right = np.where(left // columns == row, left, right), np.where(right // columns == row, right, left)
    share = (lacking - left) / np.maximum(right - left, 1)
    flat, made = values.ravel(), values.copy()
    made.flat[lacking] = flat[left] + share * (flat[right] - flat[left])
    return made


def remove_rings(sinogram: Floats, width: int) -> Floats:
    """Remove stripes from a sinogram (angle, column) by sorting each column, smoothing over `width` columns, unsorting.

    N. T. Vo, R. C. Atwood, M. Drakopoulos, "Superior techniques for eliminating ring artifacts in X-ray
    micro-tomography", Optics Express 26 (2018), algorithm 3. A width of 1 or less leaves the sinogram as it is.
    """
    if width <= 1:
        return sinogram
    order = np.argsort(sinogram, axis=0, kind="stable")
    smooth = median_filter(np.take_along_axis(sinogram, order, axis=0), (1, width))
    made = np.empty_like(sinogram)
    np.put_along_axis(made, order, smooth, axis=0)
    return made
