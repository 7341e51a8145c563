"""Energies of an atom at a place near a receptor: Lennard-Jones and Coulomb, in kcal/mol; lengths in Å.

Lennard-Jones is 4 e ((s/r)^12 - (s/r)^6), with s and e of two elements by the Lorentz-Berthelot rules; Coulomb is that
of a dielectric that grows as 4 r. An energy above CAP counts as CAP: there are atoms in each other's place.
"""

import numpy as np
from numpy.typing import NDArray

from .molecules import Molecule

Floats = NDArray[np.float64]
# s in Å and e in kcal/mol, rounded from OPLS-AA
ELEMENTS = {"C": (3.5, 0.07), "N": (3.25, 0.17), "O": (3.0, 0.17), "S": (3.6, 0.35), "H": (2.4, 0.03)}
CAP = 50.0
_COULOMB = 332.06  # of two unit charges at 1 Å, in kcal/mol
_DIELECTRIC = 4.0  # of 1 Å
_NEAREST = 0.5  # Å: nearer, two atoms are in one place


def lennard_jones(element: str, places: Floats, receptor: Molecule, cutoff: float) -> Floats:
    """Return the energy of an uncharged atom at each of `places`."""
    sigma, epsilon = ELEMENTS[element]
    sigmas, epsilons = np.array([ELEMENTS[other] for other in receptor.elements]).T
    squares = _squares(places, receptor)
    sixth = ((sigma + sigmas) ** 2 / 4 / squares) ** 3
    pairs = 4 * np.sqrt(epsilon * epsilons) * (sixth**2 - sixth)
    return np.asarray(np.minimum(np.where(squares <= cutoff**2, pairs, 0).sum(axis=1), CAP))


def coulomb(places: Floats, receptor: Molecule, cutoff: float) -> Floats:
    """Return the energy of a unit charge at each of `places`."""
    squares = _squares(places, receptor)
    return np.asarray(
        np.where(squares <= cutoff**2, _COULOMB * receptor.charges / (_DIELECTRIC * squares), 0).sum(axis=1)
    )


def exact(ligand: Molecule, receptor: Molecule) -> float:
    """Return the energy of a ligand where it is, over all pairs of atoms, without grid or cutoff."""
    apart = sum(
        lennard_jones(element, place[None], receptor, np.inf)[0]
        for element, place in zip(ligand.elements, ligand.places, strict=True)
    )
    return float(apart + (ligand.charges * coulomb(ligand.places, receptor, np.inf)).sum())


def _squares(places: Floats, receptor: Molecule) -> Floats:
    apart = ((places[:, None, :] - receptor.places[None, :, :]) ** 2).sum(axis=2)
    return np.asarray(np.maximum(apart, _NEAREST**2))
