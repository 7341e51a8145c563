"""Grids of energies around a pocket, read between their points by trilinear interpolation."""

from dataclasses import dataclass

import numpy as np

from .energies import Floats, coulomb, lennard_jones
from .molecules import Molecule

_AT_ONCE = 20_000  # points, so that little lies in memory
CHARGE = "charge"


@dataclass(frozen=True)
class Grid:
    """Energies by element, and of a unit charge, at the points of a cube whose lowest corner is `corner`."""

    corner: Floats
    spacing: float
    energies: dict[str, Floats]

    def energy(self, ligand: Molecule, places: Floats) -> Floats:
        """Return the energies of a ligand whose atoms are at `places`, of the shape (poses, atoms, 3)."""
        total = np.zeros(places.shape[:2])
        for element in set(ligand.elements):
            own = np.array([other == element for other in ligand.elements])
            total[:, own] += self._between(element, places[:, own])
        total += ligand.charges * self._between(CHARGE, places)
        return np.asarray(total.sum(axis=1))

    def _between(self, kind: str, places: Floats) -> Floats:
        """Return the energies of one kind at places between the points."""
        values = self.energies[kind]
        at = np.clip((places - self.corner) / self.spacing, 0, np.array(values.shape) - 1.000001)
        low = at.astype(int)
        part = at - low
        total = np.zeros(places.shape[:-1])
        for step in np.ndindex(2, 2, 2):
            share = np.prod(np.where(np.array(step), part, 1 - part), axis=-1)
            x, y, z = np.moveaxis(low + np.array(step), -1, 0)
            total += share * values[x, y, z]
        return total


def make_grid(receptor: Molecule, elements: set[str], half_edge: float, spacing: float, cutoff: float) -> Grid:
    """Return the grids of these elements in a cube about the receptor's middle."""
    count = int(np.ceil(2 * half_edge / spacing)) + 1
    corner = receptor.middle - spacing * (count - 1) / 2
    axes = [corner[axis] + spacing * np.arange(count) for axis in range(3)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    made: dict[str, Floats] = {}
    for element in sorted(elements):
        parts = [lennard_jones(element, part, receptor, cutoff) for part in _parts(points)]
        made[element] = np.concatenate(parts).reshape(count, count, count)
    charged = np.concatenate([coulomb(part, receptor, cutoff) for part in _parts(points)])
    return Grid(corner, spacing, {**made, CHARGE: charged.reshape(count, count, count)})


def _parts(points: Floats) -> list[Floats]:
    return [points[start : start + _AT_ONCE] for start in range(0, len(points), _AT_ONCE)]
