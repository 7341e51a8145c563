"""Makes a pocket and ligands, the same for the same seed: python -m batch_jobs.docking.sample FOLDER.

The pocket is a hollow of atoms on a sphere with an opening; ligands are small chains with charges that add up to
nothing. They are made up: they test a method, and say nothing about real molecules.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_RADIUS, _THICKNESS = 6.5, 4.0  # Å, of the hollow and of its wall
_NEAREST = 2.6  # Å between atoms of the wall
_ELEMENTS = ("C", "C", "C", "N", "O", "H")
_BOND = 1.4  # Å


def main() -> None:
    """Write `pocket.json` and `ligands.jsonl`."""
    parser = argparse.ArgumentParser(prog="python -m batch_jobs.docking.sample", description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder to write to")
    parser.add_argument("--ligands", type=int, default=64, help="how many (default: 64)")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives other molecules (default: 1)")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    write(given.folder, given.ligands, given.seed)


def write(folder: Path, ligands: int, seed: int = 1) -> None:
    """Write a pocket and so many ligands."""
    chance = np.random.default_rng(seed)
    (folder / "pocket.json").write_text(json.dumps(pocket(chance)) + "\n", encoding="utf-8")
    lines = (json.dumps(ligand(chance, f"ligand{number:04d}")) for number in range(1, ligands + 1))
    (folder / "ligands.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def pocket(chance: np.random.Generator) -> dict[str, object]:
    """Return the atoms of a wall around the origin that is open upwards."""
    places: list[NDArray[np.float64]] = []
    for tried in chance.normal(size=(4000, 3)):
        place = tried / np.linalg.norm(tried) * (_RADIUS + _THICKNESS * chance.random())
        is_free = all(np.linalg.norm(place - other) >= _NEAREST for other in places)
        if place[1] < _RADIUS / 2 and is_free:
            places.append(place)
    return {"name": "pocket", "middle": [0, 0, 0], "atoms": _atoms(chance, np.array(places))}


def ligand(chance: np.random.Generator, name: str) -> dict[str, object]:
    """Return a random chain of 5 to 9 atoms that does not cross itself."""
    places = [np.zeros(3)]
    while len(places) < 5 + len(name) % 2 + int(name[-1]) % 4:
        tried = chance.normal(size=3)
        place = places[-1] + _BOND * tried / np.linalg.norm(tried)
        if all(np.linalg.norm(place - other) > 0.95 * _BOND for other in places):
            places.append(place)
    return {"name": name, "atoms": _atoms(chance, np.array(places))}


def _atoms(chance: np.random.Generator, places: NDArray[np.float64]) -> list[list[object]]:
    charges = chance.normal(scale=0.2, size=len(places))
    charges -= charges.mean()
    return [
        [str(chance.choice(_ELEMENTS)), round(float(charge), 3), *(round(float(number), 3) for number in place)]
        for charge, place in zip(charges, places, strict=True)
    ]


if __name__ == "__main__":
    main()
