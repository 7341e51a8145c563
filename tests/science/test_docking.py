"""The pipeline docking: its grid comes to the sum over pairs of atoms, and a batch of it shows what accuracy costs."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

from batch_jobs.docking import sample
from batch_jobs.docking.energies import CAP, ELEMENTS, coulomb, exact, lennard_jones
from batch_jobs.docking.grid import make_grid
from batch_jobs.docking.jobs import COLUMNS, best_pose, places, rotations
from batch_jobs.docking.molecules import Molecule, read_molecule
from gristmill.errors import Refused
from tests.integration.mill import Mill
from tests.integration.test_cli import Cli, cli

__all__ = ["cli"]


@pytest.fixture(scope="module")
def molecules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("molecules")
    sample.write(folder, 8, seed=2)
    return folder


def read(folder: Path) -> tuple[Molecule, list[Molecule]]:
    lines = (folder / "ligands.jsonl").read_text().splitlines()
    return read_molecule((folder / "pocket.json").read_text()), [read_molecule(line) for line in lines]


def atom(element: str, charge: float) -> Molecule:
    return read_molecule(json.dumps({"name": "atom", "atoms": [[element, charge, 0, 0, 0]]}))


def test_a_pair_of_atoms_has_the_textbook_energies():
    sigma, epsilon = ELEMENTS["C"]
    bottom = np.array([[2 ** (1 / 6) * sigma, 0, 0], [sigma, 0, 0], [0.1, 0, 0], [30.0, 0, 0]])
    energies = lennard_jones("C", bottom, atom("C", 0), 20)
    assert energies == pytest.approx([-epsilon, 0, CAP, 0], abs=1e-12)
    assert coulomb(np.array([[2.0, 0, 0]]), atom("O", -0.5), 20) == pytest.approx([332.06 * -0.5 / (4 * 2 * 2)])


def test_rotations_keep_lengths_and_hands_and_the_first_is_none():
    turns = rotations(20)
    assert np.allclose(turns @ np.swapaxes(turns, 1, 2), np.eye(3))
    assert np.linalg.det(turns) == pytest.approx(np.ones(20))
    assert np.allclose(turns[0], np.eye(3))


def test_the_grid_comes_to_all_pairs_of_atoms_as_it_gets_finer(molecules: Path):
    receptor, ligands = read(molecules)
    elements = {element for ligand in ligands for element in ligand.elements}
    reach = max(float(np.linalg.norm(ligand.places - ligand.middle, axis=1).max()) for ligand in ligands)
    turns, tried = rotations(4), places(receptor, 1)

    def error(spacing: float) -> float:
        grid = make_grid(receptor, elements, 1 + reach, spacing, 100)
        found = [(ligand, best_pose(ligand, grid, turns, tried)) for ligand in ligands]
        apart = [energy - exact(ligand.moved(turns[turn], place), receptor) for ligand, (energy, turn, place) in found]
        return float(np.sqrt(np.mean(np.square(apart))))

    coarse, middle, fine = error(1.2), error(0.6), error(0.3)
    assert fine < middle < coarse
    assert fine < 0.02


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"name": "a", "atoms": []}', "a has 0 atoms"),
        ('{"name": "a", "atoms": [["Xe", 0, 0, 0, 0]]}', "a has atoms of Xe; known are C, N, O, S, H"),
        ('{"name": "a", "atoms": [["C", NaN, 0, 0, 0]]}', "a has a charge or a place that is no finite number"),
        ('{"name": "a", "atoms": [["C", 0, 0, 0]]}', "no molecule with a name and atoms"),
        ("grain", "no molecule with a name and atoms"),
    ],
)
def test_what_is_no_molecule_is_refused_by_its_name(text: str, fault: str):
    with pytest.raises(Refused, match=fault):
        read_molecule(text)


def test_a_batch_over_spacings_shows_what_accuracy_costs(mill: Mill, cli: Cli, molecules: Path, tmp_path: Path):
    files = (str(molecules / "ligands.jsonl"), "-i", f"pocket={molecules / 'pocket.json'}")
    grid = ("-p", "spacing=0.4,1.5", "-p", "rotations=4", "-p", "box=1", "-p", "cutoff=40", "-p", "ligands_per_task=3")
    answer = cli("batch", "docking", *files, *grid, "--name", "spacings", "--json")
    assert answer.code == 0, answer.err
    items = cli("compare", "spacings", "--json").json["items"]
    assert [(item["name"], item["status"]) for item in items] == [
        ("ligands-spacing=0.4", "SUCCEEDED"),
        ("ligands-spacing=1.5", "SUCCEEDED"),
    ]
    fine, coarse = (item["figures"]["quality.grid_error"] for item in items)
    assert 0 < fine < 0.1 < coarse
    assert cli("results", "spacings", "--download", ".").code == 0
    head, *rows = (tmp_path / "spacings/ligands-spacing=0.4/poses.tsv").read_text().splitlines()
    assert (tuple(head.split("\t")), len(rows)) == (COLUMNS, 8)
    assert cli("compare", "spacings", "--page", "page.html").code == 0
    assert (tmp_path / "page.html").read_text().count("data:image/png;base64,") == 2
    picture = (tmp_path / "spacings/ligands-spacing=1.5/picture.png").read_bytes()
    assert io.BytesIO(picture).read(4) == b"\x89PNG"
