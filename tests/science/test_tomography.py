"""The tomography pipeline: its numbers on the phantom, the files it takes, and whole runs on the embedded AWS."""

import io
import json
import os
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml
import zarr
from PIL import Image

from batch_jobs.tomography.angles import weights
from batch_jobs.tomography.backprojection import NoDevice, back_project, device
from batch_jobs.tomography.centring import find_centre
from batch_jobs.tomography.correction import line_integrals, remove_rings
from batch_jobs.tomography.filtering import ramp_filter
from batch_jobs.tomography.inspection import inspect
from batch_jobs.tomography.jobs import needs_gpu
from batch_jobs.tomography.ome import halved, sizes
from batch_jobs.tomography.phantom import Scan
from batch_jobs.tomography.quality import against_phantom
from batch_jobs.tomography.sample import half_turn, main, write
from batch_jobs.tomography.scan import RawScan, read_scan
from gristmill import keys
from gristmill.cli.main import call
from gristmill.errors import Refused
from tests.integration.mill import Mill
from tests.project import PROJECT

FOLDER = PROJECT / "batch_jobs" / "tomography"
PARAMETERS = yaml.safe_load((FOLDER / "pipeline.yaml").read_text())["parameters"]
PATHS = {name: item["default"] for name, item in PARAMETERS.items() if "default" in item}


def integrals(raw: RawScan) -> np.ndarray:
    """Return the sinograms (row, angle, column) of a whole scan."""
    frames = line_integrals(raw.read(0, raw.shape[0]), inspect(raw, 5).beam, 5, raw.data.name, raw.frames.tolist())
    return np.ascontiguousarray(np.moveaxis(frames.values, 1, 0))


def reconstruction(raw: RawScan, centre: float, ring_width: int, window: str) -> np.ndarray:
    """Return the volume of a scan made in one piece."""
    clean = np.stack([remove_rings(integral, ring_width) for integral in integrals(raw)])
    return back_project(device(False), ramp_filter(clean, window), raw.degrees, centre)


def test_a_noise_free_phantom_comes_back_with_35_db(tmp_path: Path) -> None:
    scan = Scan(3, 512, half_turn(360), 255.5)
    write(tmp_path / "p.h5", scan, 0, 0)
    with h5py.File(tmp_path / "p.h5") as file:
        raw = read_scan(file, PATHS)
        assert raw.phantom is not None
        made = reconstruction(raw, scan.centre, 1, "ramp")
        assert against_phantom(made, scan, raw.phantom["attenuation"]).psnr_db >= 35
        wrong = reconstruction(raw, scan.centre + 1, 1, "ramp")
        assert against_phantom(wrong, scan, raw.phantom["attenuation"]).psnr_db < 25


@pytest.mark.parametrize("shift", [0.0, -5.3])
def test_the_centre_is_found_to_a_tenth_of_a_column_in_noise_and_rings(tmp_path: Path, shift: float) -> None:
    scan = Scan(3, 256, half_turn(181), 127.5 + shift)
    write(tmp_path / "p.h5", scan, 20_000, 0.01)
    with h5py.File(tmp_path / "p.h5") as file:
        found = find_centre(integrals(read_scan(file, PATHS))[1:2], np.degrees(scan.angles))
    assert found.columns == pytest.approx(scan.centre, abs=0.1001)
    assert found.difference < 0.5


@pytest.mark.parametrize(("rows", "columns", "centre"), [(1, 64, 31.5), (17, 61, 20.3)])
def test_the_kernel_is_linear_interpolation_to_the_very_edge(rows: int, columns: int, centre: float) -> None:
    chance, degrees = np.random.default_rng(1), np.linspace(0, 180, 30)
    filtered = chance.standard_normal((rows, 30, columns)).astype(np.float32)
    place, true = np.arange(columns) - (columns - 1) / 2, np.zeros((rows, columns, columns))
    for number, (angle, weight) in enumerate(zip(np.radians(degrees), weights(degrees), strict=True)):
        at = place * np.cos(angle) + place[:, None] * np.sin(angle) + centre
        for row in range(rows):
            line = np.pad(filtered[row, number], 1)  # beyond the detector there is nothing
            true[row] += weight * np.interp(at, np.arange(-1, columns + 1), line)
    assert back_project(device(False), filtered, degrees, centre) == pytest.approx(true, abs=2e-5)


def test_levels_halve_until_they_are_small() -> None:
    assert [sizes(255), sizes(256), sizes(640)] == [[255], [256, 128], [640, 320, 160]]
    odd = np.arange(9, dtype=np.float32).reshape(1, 3, 3)
    assert halved(odd).tolist() == [[[2, 3.5], [6.5, 8]]]


def test_angles_seen_twice_count_half() -> None:
    assert weights(np.linspace(0, 180, 5)) == pytest.approx(np.pi / 4 * np.array([0.5, 1, 1, 1, 0.5]))
    assert weights(np.linspace(0, 360, 8, endpoint=False)).sum() == pytest.approx(np.pi)


def test_a_gpu_is_asked_for_on_aws_unless_the_run_says_otherwise() -> None:
    assert needs_gpu({}, on_aws=True)
    assert not needs_gpu({}, on_aws=False)
    assert not needs_gpu({"require_gpu": False}, on_aws=True)
    assert needs_gpu({"require_gpu": True}, on_aws=False)


def test_a_gpu_that_is_asked_for_and_not_there_is_an_error() -> None:
    if device(False).is_gpu:
        pytest.skip("this machine has a GPU")
    with pytest.raises(NoDevice, match="no OpenCL GPU is here"):
        device(True)


def nxtomo(path: Path) -> dict[str, str]:
    """Write flats, darks and frames as one dataset with their kinds; return the parameters to read it."""
    with h5py.File(path, "w") as file:
        kinds = np.array([2, 1, 0, 0, 1, 0])
        file["entry/data"] = np.arange(6 * 2 * 8, dtype=np.uint16).reshape(6, 2, 8)
        file["entry/image_key"], file["entry/angle"] = kinds, np.array([0, 0, 0, 60, 60, 120.0])
    return {**PATHS, "data": "entry/data", "theta": "entry/angle", "image_key": "entry/image_key"}


def test_nxtomo_has_its_flats_and_darks_among_the_frames(tmp_path: Path) -> None:
    shown = nxtomo(tmp_path / "n.nxs")
    with h5py.File(tmp_path / "n.nxs") as file:
        raw, whole = read_scan(file, shown), file["entry/data"][:]
        assert raw.shape == (3, 2, 8)
        assert raw.degrees.tolist() == [0, 60, 120]
        assert (raw.read(1, 3) == whole[[3, 5]]).all()
        flat, dark = raw.references()
        assert (flat.mean == whole[[1, 4]].mean(axis=0)).all()
        assert (dark.mean == whole[0]).all()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"data": "entry/none"}, r"no such dataset: data=entry/none; there are: \['exchange/data'"),
        ({"image_key": "entry/none"}, "no such dataset: image_key=entry/none"),
        ({"data": "exchange/theta"}, r"/exchange/theta has shape \(9,\), not \(frame, row, column\)"),
        ({"theta": "exchange/data_white"}, r"has shape \(10, 2, 16\) for \(9,\) frames"),
        ({"data_dark": "exchange/small"}, r"frames of \(1, 1\)"),
    ],
)
def test_a_file_that_is_no_scan_says_what_is_missing(tmp_path: Path, change: dict[str, str], reason: str) -> None:
    write(tmp_path / "p.h5", Scan(2, 16, half_turn(9), 7.5), 0, 0)
    with h5py.File(tmp_path / "p.h5", "a") as file:
        file["exchange/small"] = np.ones((10, 1, 1))
        with pytest.raises(Refused, match=reason):
            read_scan(file, {**PATHS, **change})


def result(mill: Mill, file: str, run: str, name: str) -> bytes:
    return mill.read(keys.result("tomography", file, run, name))


def opened(body: bytes, folder: Path) -> zarr.Group:
    """Unpack a volume, which is then what any reader of OME-Zarr takes."""
    zipfile.ZipFile(io.BytesIO(body)).extractall(folder)
    return zarr.open_group(folder, mode="r")


def test_a_phantom_in_blocks_is_what_it_is_in_one_piece(mill: Mill, tmp_path: Path) -> None:
    options = ["--columns", "64", "--angles", "90", "--rows", "20", "--noise", "50000", "--rings", "0.01"]
    main([str(tmp_path / "p.h5"), *options, "--shift", "2.3"])
    run = mill.drop("tomography", "p.h5", (tmp_path / "p.h5").read_bytes(), row_block="8", frame_block="32")
    outcome = mill.finish(run, 400)
    assert outcome["status"] == "SUCCEEDED", outcome["reason"]

    figures = json.loads(result(mill, "p.h5", run, "quality.json"))
    assert abs(figures["phantom"]["centre_error"]) <= 0.1001
    assert figures["phantom"]["psnr_db"] > 18
    assert figures["devices"]
    group = opened(result(mill, "p.h5", run, "volume.ome.zarr.zip"), tmp_path / "volume.ome.zarr")
    (shown,) = group.attrs["ome"]["multiscales"]
    assert group.attrs["ome"]["version"] == "0.5"
    assert [axis["name"] for axis in shown["axes"]] == ["z", "y", "x"]
    volume = group[shown["datasets"][0]["path"]]
    assert volume.metadata.dimension_names == ("z", "y", "x")
    with h5py.File(tmp_path / "p.h5") as file:
        whole = reconstruction(read_scan(file, PATHS), figures["centre"]["columns"], 9, "hann")
    assert np.abs(volume[:] - whole).max() <= 1e-5 * np.abs(whole).max()
    slices = [key.rpartition("/")[2] for key in mill.keys(keys.result("tomography", "p.h5", run, "slices/"))]
    assert slices == [*(f"{task:012d}.png" for task in range(3)), "files.csv"]
    assert Image.open(io.BytesIO(result(mill, "p.h5", run, "preview.png"))).size == (1024, 512)


def test_a_trial_goes_through_all_stages_without_any_aws(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    main(["p.h5", "--columns", "32", "--angles", "30", "--rows", "4"])
    assert call(["try", "tomography", "p.h5", "-p", "centre=15.5", "-p", "row_block=2", "--results", "out"]) == 0
    assert "not tried" not in capsys.readouterr().err.lower()
    figures = json.loads((tmp_path / "out/try/quality.json").read_text())
    assert figures["phantom"]["centre_error"] == 0
    group = opened((tmp_path / "out/try/volume.ome.zarr.zip").read_bytes(), tmp_path / "volume.ome.zarr")
    assert group["0"].shape == (4, 32, 32)


def test_a_trial_of_some_of_the_frames_says_so(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    main(["p.h5", "--columns", "32", "--angles", "120", "--rows", "2"])
    assert call(["try", "tomography", "p.h5", "-p", "frame_block=30", "--results", "out"]) == 0
    notes = json.loads((tmp_path / "out/try/quality.json").read_text())["scan"]["notes"]
    assert notes[0] == "30 of 120 frames were not read, and are zero"
    assert "quality: scan.odd is " in "".join(capsys.readouterr())


def _tooth() -> Path | None:
    """Return a real scan: where GRISTMILL_TOOTH says, else in a folder `data` beside the project."""
    named = os.environ.get("GRISTMILL_TOOTH")
    return Path(named) if named else next(PROJECT.parent.glob("*/data/tooth.h5"), None)


def test_a_real_tooth(mill: Mill, tmp_path: Path) -> None:
    tooth = _tooth()
    if tooth is None:
        pytest.skip("no tooth.h5 (TomoPy's sample, 181 x 2 x 640) is here; GRISTMILL_TOOTH can name it")
    run = mill.drop("tomography", "tooth.h5", tooth.read_bytes(), window="shepp-logan")
    assert mill.finish(run, 400)["status"] == "SUCCEEDED"
    figures = json.loads(result(mill, "tooth.h5", run, "quality.json"))
    assert figures["centre"]["columns"] == pytest.approx(295.1, abs=0.2)
    assert figures["centre"]["difference"] < 1
    assert figures["centre"]["wander"] < 0.1
    assert figures["phantom"] is None
    group = opened(result(mill, "tooth.h5", run, "volume.ome.zarr.zip"), tmp_path / "tooth.ome.zarr")
    (shown,) = group.attrs["ome"]["multiscales"]
    assert [group[dataset["path"]].shape for dataset in shown["datasets"]] == [
        (2, 640, 640),
        (2, 320, 320),
        (2, 160, 160),
    ]
    coarsest = {"scale": [1, 4, 4], "translation": [0, 1.5, 1.5]}
    assert {
        key: transformation[key]
        for transformation in shown["datasets"][2]["coordinateTransformations"]
        for key in coarsest
        if key in transformation
    } == (coarsest)
    fine = group["0"][:]
    assert np.isfinite(fine).all()
    assert group["2"][:] == pytest.approx(fine.reshape(2, 160, 4, 160, 4).mean(axis=(2, 4)), abs=1e-6)
