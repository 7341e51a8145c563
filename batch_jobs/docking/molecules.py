"""Molecules as JSON: `{"name": "a", "atoms": [["C", 0.1, x, y, z], ...]}`, with charges in e and places in Å."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gristmill.errors import Refused

ATOMS_MAX = 500  # of a ligand
_ELEMENTS = ("C", "N", "O", "S", "H")


@dataclass(frozen=True)
class Molecule:
    """A rigid molecule; `middle` is where its pocket is, or its own middle."""

    name: str
    elements: tuple[str, ...]
    charges: NDArray[np.float64]
    places: NDArray[np.float64]
    middle: NDArray[np.float64]

    def moved(self, rotation: NDArray[np.float64], to: NDArray[np.float64]) -> "Molecule":
        """Return the molecule, turned about its middle, with that at another place."""
        places = (self.places - self.middle) @ rotation.T + to
        return Molecule(self.name, self.elements, self.charges, places, to)


def read_molecule(text: str | bytes) -> Molecule:
    """Return the molecule that a line of JSON is; Refused, with what is wrong, where it is none."""
    try:
        given = json.loads(text)
        name, atoms = str(given["name"]), list(given["atoms"])
        elements = tuple(atom[0] for atom in atoms)
        numbers = np.array([atom[1:] for atom in atoms], dtype=np.float64).reshape(len(atoms), 4)
        own = numbers[:, 1:].sum(axis=0) / max(1, len(atoms))
        middle = np.array(given.get("middle", own), dtype=np.float64).reshape(3)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise Refused(
            [f"no molecule with a name and atoms [element, charge, x, y, z]: {_short(text)} ({error})"]
        ) from None
    _check(name, elements, numbers, middle)
    return Molecule(name, elements, numbers[:, 0], numbers[:, 1:], middle)


def _check(name: str, elements: tuple[Any, ...], numbers: NDArray[np.float64], middle: NDArray[np.float64]) -> None:
    if not name.isprintable() or not name:
        raise Refused([f"{name!r} is no name of a molecule"])
    if not elements or len(elements) > 100 * ATOMS_MAX:
        raise Refused([f"{name} has {len(elements):,} atoms"])
    unknown = sorted({str(element) for element in elements if element not in _ELEMENTS})
    if unknown:
        raise Refused([f"{name} has atoms of {', '.join(unknown)}; known are {', '.join(_ELEMENTS)}"])
    if not (np.isfinite(numbers).all() and np.isfinite(middle).all()):
        raise Refused([f"{name} has a charge or a place that is no finite number"])


def _short(text: str | bytes) -> str:
    shown = text.decode(errors="replace") if isinstance(text, bytes) else text
    return repr(shown[:60])
