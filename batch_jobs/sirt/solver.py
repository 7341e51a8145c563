"""SIRT: the simultaneous iterative reconstruction technique, with the angles split over MPI ranks.

x <- max(0, x + C A' R (b - A x)), where R and C hold the inverse sums of A's rows and columns (A. van der Sluis, H. A.
van der Vorst, "SIRT- and CG-type methods for the iterative solution of sparse linear least-squares problems", 1990).
Each rank holds the rows of A of its own angles and a whole copy of x; one Allreduce of A' R (b - A x) an iteration is
all that is sent. Splitting by slices would need no messages at all; splitting by angles serves few, large slices.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Floats = NDArray[np.float32]


class Communicator(Protocol):
    """What of an MPI communicator is used: its rank, its size, and sums over all ranks, in place."""

    rank: int
    size: int

    def Allreduce(self, send: Any, receive: Any) -> None:
        """Sum over all ranks."""


@dataclass(frozen=True)
class Geometry:
    """A square grid of `columns` x `columns` pixels seen from `angles` (radians); the centre of rotation in columns."""

    columns: int
    angles: NDArray[np.float64]
    centre: float


def own_angles(count: int, rank: int, size: int) -> slice:
    """Return the angles of a rank: every `size`-th, so that each rank sees all around."""
    return slice(rank, count, size)


def projector(geometry: Geometry) -> csr_matrix:
    """Return A: (angle x column) rows, pixel columns; the two detector columns beside a pixel share it."""
    columns, middle = geometry.columns, (geometry.columns - 1) / 2
    y, x = np.mgrid[:columns, :columns].reshape(2, -1) - middle
    pixels = np.arange(columns * columns, dtype=np.int32)
    rows, cells, values = [], [], []
    for number, angle in enumerate(geometry.angles):
        place = x * np.cos(angle) + y * np.sin(angle) + geometry.centre
        left = np.floor(place).astype(np.int32)
        for column, share in ((left, 1 - (place - left)), (left + 1, place - left)):
            seen = (column >= 0) & (column < columns)
            rows.append(number * columns + column[seen])
            cells.append(pixels[seen])
            values.append(share[seen].astype(np.float32))
    shape = (len(geometry.angles) * columns, columns * columns)
    return csr_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(cells))), shape=shape)


def sirt(geometry: Geometry, sinograms: Floats, iterations: int, world: Communicator) -> tuple[Floats, list[float]]:
    """Return slices (row, y, x) from line integrals (row, angle, column), and the residual of each iteration.

    `geometry` and `sinograms` hold this rank's own angles. The residual is |b - A x| / |b| over all ranks.
    """
    matrix = projector(geometry)
    back = matrix.T.tocsr()
    measured = np.ascontiguousarray(sinograms.reshape(len(sinograms), -1).T)  # (angle x column, row)
    of_rows = _inverse(np.asarray(matrix.sum(axis=1)).ravel())
    of_columns = _inverse(_sum(world, np.asarray(matrix.sum(axis=0)).ravel()))
    norm = np.sqrt(_sum(world, np.array([np.vdot(measured, measured)], np.float64))[0])
    found = np.zeros((matrix.shape[1], len(sinograms)), np.float32)
    residuals = []
    for _ in range(iterations):
        rest = measured - matrix @ found
        residuals.append(float(np.sqrt(_sum(world, np.array([np.vdot(rest, rest)], np.float64))[0]) / norm))
        if not np.isfinite(residuals[-1]):
            raise ArithmeticError(f"the residual of iteration {len(residuals) - 1} is {residuals[-1]}")
        step = _sum(world, np.ascontiguousarray(back @ (of_rows[:, None] * rest), np.float32))
        found = np.maximum(found + of_columns[:, None] * step, 0)
    return np.ascontiguousarray(found.T).reshape(-1, geometry.columns, geometry.columns), residuals


def _inverse(sums: NDArray[Any]) -> Floats:
    """Return 1 / sums, and 0 where a sum is 0: a ray that meets no pixel, a pixel that no ray meets."""
    made: Floats = np.divide(1, sums, out=np.zeros_like(sums, np.float32), where=sums > 0)
    return made


def _sum(world: Communicator, own: NDArray[Any]) -> NDArray[Any]:
    total = np.empty_like(own)
    world.Allreduce(own, total)
    return total
