"""A plate over many ranks: each has a block of it with a halo of one point, which neighbours keep up to date."""

from itertools import pairwise
from typing import Any

import numpy as np
from mpi4py import MPI

from gristmill.errors import Refused

from .problem import Field

_STRIP = 16 * 1024  # points that are stepped at a time: what is made of them stays in the processor's cache


def share(points: int, parts: int) -> list[tuple[int, int]]:
    """Return [first, end) of each of `parts` nearly equal shares of the points."""
    return list(pairwise(points * part // parts for part in range(parts + 1)))


class Grid:
    """This rank's block. `field` has the halo; what is computed is `field[1:-1, 1:-1]`, the plate's inner points."""

    def __init__(self, world: MPI.Intracomm, initial: Field) -> None:
        rows, columns = initial.shape
        self.cart = world.Create_cart(_dimensions(world.Get_size(), rows - 2, columns - 2))
        down, across = self.cart.dims
        self._rows, self._columns = share(rows - 2, down), share(columns - 2, across)
        (top, bottom), (left, right) = self._place(self.cart.Get_rank())
        self.field = initial[top : bottom + 2, left : right + 2].copy()
        self._next = self.field.copy()
        self._work = np.empty((max(1, min(bottom - top, _STRIP // (right - left))), right - left))
        self._up, self._down = self.cart.Shift(0, 1)
        self._left, self._right = self.cart.Shift(1, 1)

    def _place(self, rank: int) -> tuple[tuple[int, int], tuple[int, int]]:
        row, column = self.cart.Get_coords(rank)
        return self._rows[row], self._columns[column]

    def step(self, diffusion: float) -> Field:
        """Take one explicit step; return the block before it. The halo must be up to date, and is not afterwards."""
        old, new = self.field, self._next
        height = len(self._work)
        for first in range(0, len(old) - 2, height):
            strip = slice(first, min(first + height, len(old) - 2) + 2)
            _step(old[strip], new[strip], diffusion, self._work[: strip.stop - strip.start - 2])
        self.field, self._next = new, old
        return old

    def exchange(self) -> None:
        """Bring the halo up to date; the plate's own edges have no neighbour and stay."""
        field = self.field
        self._swap(field[1, 1:-1], self._up, field[-1, 1:-1], self._down)
        self._swap(field[-2, 1:-1], self._down, field[0, 1:-1], self._up)
        self._swap(field[1:-1, 1], self._left, field[1:-1, -1], self._right)
        self._swap(field[1:-1, -2], self._right, field[1:-1, 0], self._left)

    def _swap(self, line: Field, to: int, halo: Field, source: int) -> None:
        received = np.array(halo)
        self.cart.Sendrecv(np.ascontiguousarray(line), to, recvbuf=received, source=source)
        halo[:] = received

    def largest_change(self, before: Field) -> float:
        """Return how much the last step changed any point of the plate."""
        own = float(np.max(np.abs(self.field[1:-1, 1:-1] - before[1:-1, 1:-1]), initial=0.0))
        return float(self.cart.allreduce(own, MPI.MAX))

    def gather(self, edges: Field) -> Field | None:
        """Return the whole plate on rank 0, None elsewhere; `edges` is any field with the plate's edges."""
        blocks: list[Any] | None = self.cart.gather(self.field[1:-1, 1:-1])
        if blocks is None:
            return None
        whole = edges.copy()
        for rank, block in enumerate(blocks):
            (top, bottom), (left, right) = self._place(rank)
            whole[top + 1 : bottom + 1, left + 1 : right + 1] = block
        return whole


def _step(old: Field, new: Field, diffusion: float, sums: Field) -> None:
    """Step a strip with its halo; `sums` is room for its inner points."""
    np.add(old[:-2, 1:-1], old[2:, 1:-1], out=sums)
    sums += old[1:-1, :-2]
    sums += old[1:-1, 2:]
    sums *= diffusion
    np.multiply(old[1:-1, 1:-1], 1 - 4 * diffusion, out=new[1:-1, 1:-1])
    new[1:-1, 1:-1] += sums


def _dimensions(ranks: int, rows: int, columns: int) -> list[int]:
    """Return how many blocks there are down and across; the longer side of the plate is cut more often."""
    if ranks > rows * columns:
        raise Refused(
            [f"{ranks} ranks are more than the plate has inner points: {rows} x {columns}"], "Take fewer nodes."
        )
    many, few = sorted(MPI.Compute_dims(ranks, 2), reverse=True)
    down, across = (many, few) if rows >= columns else (few, many)
    return [down, across] if down <= rows and across <= columns else [across, down]
