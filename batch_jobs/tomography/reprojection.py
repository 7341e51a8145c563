"""How well a slice explains what was measured: it is projected again, and held against the line integrals.

Angles that are wrong, in another order or unit, frames that are not of the sample, or a centre far off leave a slice
that does not give the measured projections back.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from .angles import Degrees
from .quality import circle

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
_ANGLES = 24  # that are projected, spread over the frames
_COARSE = 1 / 32  # of the width: finer details are noise, or smoothed by the filter's window


def residual(slice_: Floats, sinogram: Floats, degrees: Degrees, centre: float) -> float:
    """Return |A x - b| / |b - mean(b)| over some angles: 0 is perfect, 1 explains nothing.

    `slice_` is (y, x), of which the field of view counts, `sinogram` its line integrals (angle, column), `centre` in
    columns.
    """
    inside = np.where(circle(slice_.shape[0], 1), slice_, 0)
    chosen = np.unique(np.linspace(0, len(degrees) - 1, _ANGLES).astype(int))
    measured = np.asarray(sinogram[chosen], np.float64)
    made = np.stack([_project(inside, degree, centre) for degree in degrees[chosen]])
    width = _COARSE * measured.shape[1]
    rest = gaussian_filter1d(made - measured, width, axis=1)
    whole = gaussian_filter1d(measured - measured.mean(), width, axis=1)
    return float(np.sqrt(np.sum(rest**2) / np.sum(whole**2)))


def _project(slice_: Floats, degree: float, centre: float) -> Doubles:
    """Return a slice's projection (column): each pixel is shared by the two columns that it falls between."""
    columns = slice_.shape[0]
    place = np.arange(columns) - (columns - 1) / 2
    at: Doubles = place * np.cos(np.radians(degree)) + place[:, None] * np.sin(np.radians(degree)) + centre
    at = np.clip(at.ravel(), -1, columns) + 1  # what lies beyond the detector goes into the columns at the ends
    left = np.floor(at).astype(np.intp)
    values, share = slice_.ravel().astype(np.float64), at - left
    made = np.bincount(left, values * (1 - share), columns + 3) + np.bincount(left + 1, values * share, columns + 3)
    return np.asarray(made[1 : columns + 1], np.float64)
