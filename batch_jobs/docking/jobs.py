"""The jobs: dock the ligands of a task, and sum up how they bind and how far the grid can be trusted."""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from gristmill.task import Task

from .energies import Floats, exact
from .grid import Grid, make_grid
from .molecules import Molecule, read_molecule

COLUMNS = ("ligand", "energy", "exact", "x", "y", "z", "rotation")
STEP = 0.5  # Å between the places where a ligand's middle is tried: the same whatever the grid's spacing
_SEED = 20  # the same orientations in each task, so that any cut gives the same poses


def dock(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Write the best pose of each ligand, a row each: energy by the grid, by pairs of atoms, place and orientation."""
    ligands = [read_molecule(line) for line in source if line.strip()]
    receptor = read_molecule(task.inputs["pocket"].read_bytes())
    reach = max(float(np.linalg.norm(ligand.places - ligand.middle, axis=1).max()) for ligand in ligands)
    elements = {element for ligand in ligands for element in ligand.elements}
    grid = make_grid(receptor, elements, parameters["box"] + reach, parameters["spacing"], parameters["cutoff"])
    turns = rotations(parameters["rotations"])
    sink.write("\t".join(COLUMNS).encode() + b"\n")
    for ligand in ligands:
        energy, turn, place = best_pose(ligand, grid, turns, places(receptor, parameters["box"]))
        pairs = exact(ligand.moved(turns[turn], place), receptor)
        cells = [ligand.name, f"{energy:.4f}", f"{pairs:.4f}", *(f"{number:.3f}" for number in place), str(turn)]
        sink.write("\t".join(cells).encode() + b"\n")


def places(receptor: Molecule, box: float) -> Floats:
    """Return where a ligand's middle is tried: points of a cube about the pocket's middle."""
    steps = STEP * np.arange(-int(box / STEP), int(box / STEP) + 1)
    around = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    return np.asarray(receptor.middle + around)


def rotations(count: int) -> Floats:
    """Return orientations, evenly by chance: rotation matrices of random unit quaternions, the first of them none."""
    chance = np.random.default_rng(_SEED)
    quaternions = chance.normal(size=(count, 4))
    quaternions[0] = (1, 0, 0, 0)
    w, x, y, z = (quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)


def best_pose(ligand: Molecule, grid: Grid, turns: Floats, tried: Floats) -> tuple[float, int, Floats]:
    """Return the lowest energy of a ligand, with the orientation and the place of it."""
    best = (np.inf, 0, tried[0])
    for number, turn in enumerate(turns):
        turned = (ligand.places - ligand.middle) @ turn.T
        energies = grid.energy(ligand, tried[:, None, :] + turned[None, :, :])
        lowest = int(energies.argmin())
        if energies[lowest] < best[0]:
            best = (float(energies[lowest]), number, tried[lowest])
    return best


def read_poses(source: BinaryIO) -> list[dict[str, str]]:
    """Return the rows of the table of poses."""
    return list(csv.DictReader(io.TextIOWrapper(source, "utf-8", newline=""), delimiter="\t", quoting=csv.QUOTE_NONE))


def quality(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write figures: the best and the mean energy, and how far those of the grid are from those of pairs of atoms."""
    rows = read_poses(source)
    energies = np.array([float(row["energy"]) for row in rows])
    pairs = np.array([float(row["exact"]) for row in rows])
    figures = {
        "ligands": len(rows),
        "best": float(energies.min()),
        "mean": float(energies.mean()),
        "grid_error": float(np.sqrt(((energies - pairs) ** 2).mean())),
    }
    sink.write(json.dumps(figures).encode() + b"\n")
