"""The centre of rotation, with a second method beside it as a cross-check; for angles in any order and sense."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gristmill.errors import Refused

from .angles import Degrees, half_turn

Floats = NDArray[np.float32]
STEP = 0.1  # columns; the accuracy asked for
_MARGIN = 0.25  # of the width each side of the middle that is searched
_UNEVEN = 0.01  # of a step: angles that are further from even ones are interpolated
_WEIGHTLESS = 1e-6  # of a row: less has no centre of mass
_FAINT = 0.1  # of the strongest row's contrast: a fainter one shows too little of the sample


@dataclass(frozen=True)
class Centre:
    """The centre in columns, the spread over the rows it was found on, the cross-check's answer.

    `wander` says how far the centre of mass is from where the angles have it, in per cent of the width.
    """

    columns: float
    spread: float
    cross_check: float
    wander: float

    @property
    def difference(self) -> float:
        """Return how far the two methods are apart, in columns."""
        return abs(self.columns - self.cross_check)


def find_centre(sinograms: Floats, degrees: Degrees, given: float | None = None) -> Centre:
    """Find the centre of unfiltered sinograms (row, angle, column): `given`, or the median of the rows.

    N. T. Vo et al., "Reliable method for calculating the center of rotation in parallel-beam tomography", Optics
    Express 22 (2014), as algotom has it: it also works where the object is wider than the field of view. It takes half
    a turn in even steps.
    """
    contrast = sinograms.std(axis=(1, 2), dtype=np.float64)
    if not contrast.max() > 0:
        raise Refused(["the frames show no sample: they are all alike"], "Are `data` and `data_white` the same?")
    strong = sinograms[contrast >= _FAINT * contrast.max()]
    frames, turned = half_turn(degrees)
    half = even(strong[:, frames], turned)
    check, wandered = cross_check(half), wander(strong, degrees)
    if given is not None:
        return Centre(given, 0.0, check, wandered)
    from algotom.prep.calculation import find_center_vo

    columns = sinograms.shape[2]
    low, high = int(columns * _MARGIN), int(columns * (1 - _MARGIN))
    found = [float(find_center_vo(sinogram, start=low, stop=high, step=STEP)) for sinogram in half]
    return Centre(float(np.median(found)), max(found) - min(found), check, wandered)


def cross_check(half: Floats) -> float:
    """Return the centre by registering the first projection of a half turn with the mirrored last one."""
    from skimage.registration import phase_cross_correlation

    shift, _, _ = phase_cross_correlation(half[:, 0], half[:, -1, ::-1], upsample_factor=50, normalization=None)
    return float((half.shape[2] - 1) / 2 + shift[-1] / 2)


def wander(sinograms: Floats, degrees: Degrees) -> float:
    """Return how far the centre of mass of sinograms (row, angle, column) is from a sinusoid over the angles.

    That of any object within the view goes by one (the first of the Helgason-Ludwig conditions), so what leaves it has
    moved, or has other angles. It is the root mean square, in per cent of the width, the median of the rows; what
    differs at random from angle to angle is noise, and taken off.
    """
    order, width = np.argsort(degrees % 360, kind="stable"), sinograms.shape[2]
    turns = np.radians(degrees[order])
    sinusoid = np.stack([np.ones_like(turns), np.cos(turns), np.sin(turns)], axis=1)
    mass = np.maximum(np.abs(sinograms.sum(axis=2, dtype=np.float64).mean(axis=1)), _WEIGHTLESS)
    moments = sinograms.astype(np.float64) @ (np.arange(width) - (width - 1) / 2)  # (row, angle)
    places = (moments / mass[:, None]).T[order]
    off = places - sinusoid @ np.linalg.lstsq(sinusoid, places, rcond=None)[0]
    noise = np.square(np.diff(off, 2, axis=0)).mean(axis=0) / 6 if len(off) > 2 else 0.0
    squares = np.maximum(np.square(off).mean(axis=0) - noise, 0)
    return float(100 * np.median(np.sqrt(squares)) / width)


def even(sinograms: Floats, degrees: Degrees) -> Floats:
    """Return sinograms (row, angle, column) of rising angles at even ones instead, interpolated where they are not."""
    places = np.linspace(degrees[0], degrees[-1], len(degrees))
    if np.abs(places - degrees).max() <= _UNEVEN * (degrees[-1] - degrees[0]) / (len(degrees) - 1):
        return sinograms
    right = np.searchsorted(degrees, places).clip(1, len(degrees) - 1)
    share = (places - degrees[right - 1]) / (degrees[right] - degrees[right - 1])
    weight = share.astype(np.float32)[:, None]
    made: Floats = (1 - weight) * sinograms[:, right - 1] + weight * sinograms[:, right]
    return made
