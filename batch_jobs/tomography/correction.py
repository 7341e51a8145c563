"""From raw frames to line integrals, and from sinograms with stripes to sinograms without."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

Floats = NDArray[np.float32]
_LEAST = 1e-6  # of the open beam: a pixel that counts nothing has no logarithm


def line_integrals(frames: NDArray[np.generic], flats: NDArray[np.generic], darks: NDArray[np.generic]) -> Floats:
    """Return -log((frame - dark) / (flat - dark)) of raw frames (frame, row, column), by the mean flat and dark."""
    dark = darks.mean(axis=0, dtype=np.float64).astype(np.float32)
    beam = np.maximum(flats.mean(axis=0, dtype=np.float64).astype(np.float32) - dark, 1.0)
    passed = np.maximum((frames.astype(np.float32) - dark) / beam, _LEAST)
    made: Floats = -np.log(passed)
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
