"""The three-dimensional Shepp-Logan phantom and its exact parallel-beam projections.

Ten ellipsoids with closed-form line integrals (A. C. Kak, M. Slaney, "Principles of Computerized Tomographic Imaging",
section 3.1, equation 5; contrasts after P. Toft), so an input of any size can be made, and any part of it alone,
without the inverse crime of projecting a voxel grid. Lengths are in pixels of the detector, `columns` wide.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_PARTS = 4  # each way that a pixel is cut into to find its mean: a detector pixel sees an area, not a point

# density; semi-axes a, b, c; centre x, y, z; turn about the z axis in degrees; lengths as shares of half the width
_ELLIPSOIDS = np.array(
    [
        (1.0, 0.69, 0.92, 0.81, 0.0, 0.0, 0.0, 0.0),
        (-0.8, 0.6624, 0.874, 0.78, 0.0, -0.0184, 0.0, 0.0),
        (-0.2, 0.11, 0.31, 0.22, 0.22, 0.0, 0.0, -18.0),
        (-0.2, 0.16, 0.41, 0.28, -0.22, 0.0, 0.0, 18.0),
        (0.1, 0.21, 0.25, 0.41, 0.0, 0.35, -0.15, 0.0),
        (0.1, 0.046, 0.046, 0.05, 0.0, 0.1, 0.25, 0.0),
        (0.1, 0.046, 0.046, 0.05, 0.0, -0.1, 0.25, 0.0),
        (0.1, 0.046, 0.023, 0.05, -0.08, -0.605, 0.0, 0.0),
        (0.1, 0.023, 0.023, 0.02, 0.0, -0.606, 0.0, 0.0),
        (0.1, 0.023, 0.046, 0.02, 0.06, -0.605, 0.0, 0.0),
    ]
)


@dataclass(frozen=True)
class Scan:
    """The geometry of a scan: detector of rows x columns pixels, angles in radians, centre of rotation in columns."""

    rows: int
    columns: int
    angles: NDArray[np.float64]
    centre: float

    def heights(self) -> NDArray[np.float64]:
        """Return the height of each row as a share of half the width; rows span the phantom whatever their number."""
        return (np.arange(self.rows) + 0.5) / self.rows * 2 - 1


def projections(scan: Scan, frames: slice) -> Floats:
    """Return line integrals of `frames`: (frame, row, column), density times pixels."""
    half = scan.columns / 2
    angles, places = scan.angles[frames, None], (np.arange(scan.columns) - scan.centre)[None, :] / half
    total = np.zeros((len(angles), scan.rows, scan.columns))
    for density, a, b, c, x, y, z, turn in _ELLIPSOIDS:
        share = 1 - ((scan.heights() - z) / c) ** 2  # of the ellipse that a row cuts, squared
        width = (a * np.cos(angles - np.radians(turn))) ** 2 + (b * np.sin(angles - np.radians(turn))) ** 2
        offset = places - (x * np.cos(angles) + y * np.sin(angles))
        inside = share[None, :, None] * width[:, None, :] - (offset**2)[:, None, :]
        total += 2 * density * a * b * np.sqrt(np.clip(inside, 0, None)) / width[:, None, :]
    return (total * half).astype(np.float32)


def slices(scan: Scan, rows: slice) -> Floats:
    """Return the phantom itself on the reconstruction's grid: (row, y, x), a pixel's mean density over its area."""
    fine, half = scan.columns * _PARTS, scan.columns / 2
    grid = ((np.arange(fine) + 0.5) / _PARTS - scan.columns / 2) / half
    made = [_slice(grid, height) for height in scan.heights()[rows]]
    return np.stack(
        [fine_slice.reshape(scan.columns, _PARTS, scan.columns, _PARTS).mean((1, 3)) for fine_slice in made]
    )


def _slice(grid: NDArray[np.float64], height: float) -> Floats:
    total = np.zeros((len(grid), len(grid)), np.float32)
    for density, a, b, c, x0, y0, z0, turn in _ELLIPSOIDS:
        cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        x, y = grid[None, :] - x0, grid[:, None] - y0
        along, across = x * cos + y * sin, y * cos - x * sin
        total += np.float32(density) * ((along / a) ** 2 + (across / b) ** 2 + ((height - z0) / c) ** 2 <= 1)
    return total
