"""The centre of rotation, with a second method beside it as a cross-check."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
STEP = 0.1  # columns; the accuracy asked for
_MARGIN = 0.25  # of the width each side of the middle that is searched


@dataclass(frozen=True)
class Centre:
    """The centre in columns, the spread over the rows it was found on, and the cross-check's answer."""

    columns: float
    spread: float
    cross_check: float

    @property
    def difference(self) -> float:
        """Return how far the two methods are apart, in columns."""
        return abs(self.columns - self.cross_check)


def find_centre(sinograms: Floats, angles: NDArray[np.float64], given: float | None = None) -> Centre:
    """Find the centre of unfiltered sinograms (row, angle, column) of 0 to 180 degrees: `given`, or the rows' median.

    N. T. Vo et al., "Reliable method for calculating the center of rotation in parallel-beam tomography", Optics
    Express 22 (2014), as algotom has it: it also works where the object is wider than the field of view.
    """
    check = cross_check(sinograms, angles)
    if given is not None:
        return Centre(given, 0.0, check)
    from algotom.prep.calculation import find_center_vo

    columns = sinograms.shape[2]
    low, high = int(columns * _MARGIN), int(columns * (1 - _MARGIN))
    found = [float(find_center_vo(one, start=low, stop=high, step=STEP)) for one in sinograms]
    return Centre(float(np.median(found)), max(found) - min(found), check)


def cross_check(sinograms: Floats, angles: NDArray[np.float64]) -> float:
    """Return the centre by registering the first projection with the mirrored one half a turn later."""
    from skimage.registration import phase_cross_correlation

    partner = int(np.argmin(np.abs((angles - angles[0]) - np.pi)))
    first, mirrored = sinograms[:, 0, :], sinograms[:, partner, ::-1]
    shift, _, _ = phase_cross_correlation(first, mirrored, upsample_factor=50, normalization=None)
    return float((sinograms.shape[2] - 1) / 2 + shift[-1] / 2)
