"""How good a reconstruction is: beside the phantom where the scan is one of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .phantom import Scan, slices

Floats = NDArray[np.float32]
CIRCLE = 0.95  # of the field of view's radius: beyond it not all angles see
_ROWS = 5


@dataclass(frozen=True)
class Quality:
    """The mean over some rows of the peak signal-to-noise ratio (dB, range 1) and of the structural similarity."""

    psnr_db: float
    ssim: float
    rows: list[int]


def against_phantom(volume: Floats, scan: Scan, attenuation: float) -> Quality:
    """Hold rows of a volume (row, y, x) against the phantom of `attenuation` per density and pixel."""
    from skimage.metrics import structural_similarity

    rows = sorted({int(share * scan.rows) for share in np.linspace(0.3, 0.7, _ROWS)})
    inside = circle(scan.columns, CIRCLE)
    ratios, similarities = [], []
    for row in rows:
        made, true = np.asarray(volume[row]) / attenuation, slices(scan, slice(row, row + 1))[0]
        ratios.append(psnr(made[inside], true[inside]))
        _, alike = structural_similarity(true, made, data_range=1.0, full=True)
        similarities.append(float(alike[inside].mean()))
    return Quality(float(np.mean(ratios)), float(np.mean(similarities)), rows)


def circle(columns: int, share: float) -> NDArray[np.bool_]:
    """Return which pixels lie in a circle whose radius is a share of the field of view's."""
    place = np.arange(columns) - (columns - 1) / 2
    inside: NDArray[np.bool_] = np.hypot(*np.meshgrid(place, place)) <= share * columns / 2
    return inside


def psnr(made: NDArray[Any], true: NDArray[Any]) -> float:
    """Return the peak signal-to-noise ratio in dB for values of range 1."""
    return float(-10 * np.log10(np.mean((made - true) ** 2, dtype=np.float64)))
