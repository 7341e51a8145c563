"""Runs of scans that are wrong, through the deployed template: refused with the reason, failed, or with warnings.

All files are dropped first and run side by side; each test then looks at its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gristmill import keys
from gristmill.report.model import Report
from tests.integration.mill import Mill
from tests.science.scans import Made, made

REFUSED = {
    "nan.h5": "/exchange/theta[7] is nan, which is no angle.",
    "dark.h5": "/exchange/data[30] has no data in 384 of 384 pixels (100 %)",
}
DOUBTED = {
    "mixed.h5": "quality: reprojection is ",
    "limited.h5": "quality: scan.odd is 1, and must be at most 0",
    "moved.h5": "quality: centre.wander is ",
    "bright.h5": "quality: scan.odd is 1, and must be at most 0",
}


@dataclass(frozen=True)
class Dropped:
    """The runs, by the name of their file."""

    mill: Mill
    runs: dict[str, str]

    def report(self, file: str, pipeline: str = "tomography") -> Report:
        return Report.model_validate_json(self.mill.read(keys.report(pipeline, file, self.runs[file], "json")))


def scans() -> Iterator[tuple[str, Made]]:
    """Yield scans of which none is to end plainly green, but for the first."""
    half = np.linspace(0, 180, 91)
    for name, degrees in (("good.h5", half), *((name, half) for name in (*REFUSED, *DOUBTED))):
        yield name, made(np.linspace(0, 120, 91) if name == "limited.h5" else degrees, columns=128, centre=64.2)


def spoil(name: str, scan: Made) -> None:
    if name == "nan.h5":
        scan.theta[7] = np.nan
    if name == "dark.h5":
        scan.data[30] = 0
    if name == "mixed.h5":
        scan.theta = np.random.default_rng(1).permutation(scan.theta)
    if name == "moved.h5":
        scan.data[45:] = np.roll(scan.data[45:], 12, axis=2)
    if name == "bright.h5":
        scan.data[20] *= 3


@pytest.fixture(scope="module")
def dropped(mill: Mill, tmp_path_factory: pytest.TempPathFactory) -> Dropped:
    runs = {}
    for name, scan in scans():
        spoil(name, scan)
        body = scan.write(tmp_path_factory.mktemp("scan") / name).read_bytes()
        runs[name] = mill.drop("tomography", name, body, frame_block="91")
    return Dropped(mill, runs)


def test_a_good_scan_is_plainly_green(dropped: Dropped) -> None:
    outcome = dropped.mill.finish(dropped.runs["good.h5"], 400)
    assert (outcome["status"], outcome["warnings"]) == ("SUCCEEDED", [])
    assert {check.verdict for check in dropped.report("good.h5").checks} == {"PASSED"}


@pytest.mark.parametrize("name", REFUSED)
def test_a_scan_that_is_refused_is_told_in_the_mail_at_the_first_attempt(dropped: Dropped, name: str) -> None:
    run = dropped.runs[name]
    outcome = dropped.mill.finish(run, 400)
    assert outcome["status"] == "FAILED"
    (letter,) = dropped.mill.mails(run)  # of its end: nothing was tried again
    assert letter["Subject"].split()[1] == "FAILED"
    mail = " ".join(letter.get_content().split())
    assert REFUSED[name] in mail
    assert "Traceback" not in REFUSED[name]
    assert "volume.ome.zarr.zip" not in dropped.mill.results("tomography", name, run)


@pytest.mark.parametrize("name", DOUBTED)
def test_a_volume_that_its_own_figures_doubt_is_not_plainly_green(dropped: Dropped, name: str) -> None:
    run = dropped.runs[name]
    outcome = dropped.mill.finish(run, 400)
    assert outcome["status"] == "SUCCEEDED"
    assert any(warning.startswith(DOUBTED[name]) for warning in outcome["warnings"]), outcome["warnings"]
    mail = dropped.mill.mail(run, "SUCCEEDED")
    assert mail["Subject"].strip().startswith("[gristmill] SUCCEEDED with ")
    assert DOUBTED[name] in mail.get_content()
    assert "WARNED" in {check.verdict for check in dropped.report(name).checks}


def test_slices_that_explain_nothing_fail(mpi_mill: Mill, tmp_path: Path) -> None:
    """Noise alone: no slices explain it."""
    scan = made(np.arange(30) * 6.0)
    scan.data = np.random.default_rng(0).poisson(np.full_like(scan.data, 2_000)) * 20.0
    parameters: dict[str, Any] = {"iterations": "10", "centre": "15.5", "nodes": "1"}
    run = mpi_mill.drop("sirt", "noise.h5", scan.write(tmp_path / "noise.h5").read_bytes(), **parameters)
    outcome = mpi_mill.finish(run, 300)
    assert outcome["status"] == "FAILED"
    assert "quality: residual is " in outcome["reason"]
    assert "The slices do not explain what was measured." in outcome["reason"]


def test_frames_are_refused_before_any_node_starts(mpi_mill: Mill, tmp_path: Path) -> None:
    scan = made(np.arange(30) * 6.0)
    scan.data[11] = np.nan
    run = mpi_mill.drop("sirt", "nan.h5", scan.write(tmp_path / "nan.h5").read_bytes(), centre="16.2")
    outcome = mpi_mill.finish(run, 300)
    assert outcome["status"] == "FAILED"
    assert len(mpi_mill.jobs(run)) == 1
    mail = " ".join(mpi_mill.mail(run, "FAILED").get_content().split())
    assert "/exchange/data[11] has no data in 96 of 96 pixels" in mail
