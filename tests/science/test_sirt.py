"""SIRT over the ranks of an MPI job: the same on any number of them, and better than back-projection at few views."""

import io
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml

from batch_jobs.sirt.solver import Geometry, sirt
from batch_jobs.tomography.backprojection import back_project, device
from batch_jobs.tomography.filtering import ramp_filter
from batch_jobs.tomography.phantom import Scan
from batch_jobs.tomography.quality import against_phantom
from batch_jobs.tomography.sample import main
from batch_jobs.tomography.scan import read_scan
from gristmill import keys
from tests.integration.mill import Mill
from tests.project import PROJECT
from tests.science.test_tomography import integrals

PARAMETERS = yaml.safe_load((PROJECT / "batch_jobs/sirt/pipeline.yaml").read_text())["parameters"]
PATHS = {name: item["default"] for name, item in PARAMETERS.items() if "default" in item}


def test_two_nodes_give_the_slices_of_one_and_beat_back_projection_by_5_db(mpi_mill: Mill, tmp_path: Path) -> None:
    path = tmp_path / "p.h5"
    main([str(path), "--columns", "128", "--angles", "30", "--rows", "5"])
    runs = {
        nodes: mpi_mill.drop("sirt", f"on{nodes}.h5", path.read_bytes(), nodes=str(nodes), rows="5", centre="63.5")
        for nodes in (1, 2)
    }
    made = []
    for nodes, run in runs.items():
        outcome = mpi_mill.finish(run, 300)
        assert outcome["status"] == "SUCCEEDED", outcome["reason"]
        made.append(np.load(io.BytesIO(mpi_mill.read(keys.result("sirt", f"on{nodes}.h5", run, "slices.npz")))))
    alone, together = (plan["slices"] for plan in made)
    assert np.abs(alone - together).max() <= 1e-5 * np.abs(alone).max()
    figures = mpi_mill.read(keys.result("sirt", "on2.h5", runs[2], "residuals.csv")).decode().splitlines()
    fall = [float(line.split(",")[1]) for line in figures[1:]]
    assert len(fall) == 200
    assert (fall[0], fall == sorted(fall, reverse=True)) == (1, True)

    with h5py.File(path) as file:
        raw = read_scan(file, PATHS)
        assert raw.phantom is not None
        scan, attenuation = Scan(5, 128, np.radians(raw.degrees), 63.5), raw.phantom["attenuation"]
        filtered = ramp_filter(integrals(raw), "hann")
    direct = back_project(device(False), filtered, raw.degrees, 63.5)
    better = against_phantom(together, scan, attenuation).psnr_db - against_phantom(direct, scan, attenuation).psnr_db
    assert better >= 5


class Alone:
    """A communicator of one rank."""

    rank, size = 0, 1

    def Allreduce(self, send: np.ndarray, receive: np.ndarray) -> None:
        receive[:] = send


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_a_residual_that_is_no_number_ends_it(value: float) -> None:
    geometry = Geometry(8, np.linspace(0, np.pi, 5), 3.5)
    sinograms = np.zeros((2, 5, 8), np.float32)
    sinograms[0, 2, 3] = value
    with pytest.raises(ArithmeticError, match="the residual of iteration 0 is nan"), np.errstate(invalid="ignore"):
        sirt(geometry, sinograms, 3, Alone())
