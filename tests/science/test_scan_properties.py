"""However a scan is stored, its volume and centre are the same: order and turns of angles, scale and type of counts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from batch_jobs.tomography import sample
from batch_jobs.tomography.angles import gap, half_turn, in_degrees, weights
from batch_jobs.tomography.beam import Beam
from batch_jobs.tomography.centring import Centre, wander
from batch_jobs.tomography.correction import interpolated, line_integrals
from batch_jobs.tomography.figures import scan_figures
from batch_jobs.tomography.inspection import inspect
from batch_jobs.tomography.scan import read_scan
from gristmill.errors import Refused
from tests.science.scans import BEAM, CENTRE, COLUMNS, DARK, ROWS, Made, defaults, made, reconstructed

GOLDEN = (np.arange(41) * 180 * 0.618033988749895) % 180
Result = tuple[np.ndarray, Centre]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return reconstructed(made().write(tmp_path_factory.mktemp("plain") / "p.h5"))


def assert_same(result: Result, other: Result, share: float = 1e-4) -> None:
    assert result[1].columns == pytest.approx(other[1].columns, abs=1e-6)
    assert result[1].cross_check == pytest.approx(other[1].cross_check, abs=0.021)  # the registration's own step
    assert np.abs(result[0] - other[0]).max() <= share * np.abs(other[0]).max()


def test_the_phantom_comes_back(plain: Result) -> None:
    assert plain[1].columns == pytest.approx(CENTRE, abs=0.3)
    assert plain[1].difference < 0.3


@pytest.mark.parametrize("degrees", [np.linspace(0, 180, 41), GOLDEN, np.arange(72) * 5.0, np.arange(37) * 10.0 - 90])
@pytest.mark.parametrize("seed", range(2))
def test_no_order_of_the_frames_changes_anything(tmp_path: Path, degrees: np.ndarray, seed: int) -> None:
    scan = made(degrees)
    straight = reconstructed(scan.write(tmp_path / "straight.h5"))
    order = np.random.default_rng(seed).permutation(len(degrees))
    scan.data, scan.theta = scan.data[order], scan.theta[order]
    assert_same(reconstructed(scan.write(tmp_path / "mixed.h5")), straight)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t + 360,
        lambda t: t - 720,
        lambda t: t + 360 * np.arange(len(t)),
        lambda t: t - 360 * (np.arange(len(t)) % 3),
    ],
)
def test_no_whole_turn_changes_anything(tmp_path: Path, plain: Result, change: Callable[[np.ndarray], Any]) -> None:
    scan = made()
    scan.theta = change(scan.theta)
    assert_same(reconstructed(scan.write(tmp_path / "p.h5")), plain)


@pytest.mark.parametrize(
    "degrees", [np.linspace(180, 0, 41), np.linspace(0, -180, 41), np.linspace(0, -360, 81), GOLDEN]
)
def test_falling_and_unordered_angles_give_the_phantom_as_it_stands(
    tmp_path: Path, plain: Result, degrees: np.ndarray
) -> None:
    volume, centre = reconstructed(made(degrees).write(tmp_path / "p.h5"))
    assert centre.columns == pytest.approx(CENTRE, abs=0.3)
    assert np.corrcoef(volume.ravel(), plain[0].ravel())[0, 1] > 0.95


@pytest.mark.parametrize("degrees", [np.linspace(0, 180, 41), GOLDEN, np.linspace(0, -360, 81)])
def test_a_mirrored_detector_half_a_turn_on_sees_the_same(tmp_path: Path, degrees: np.ndarray) -> None:
    scan = made(degrees)
    volume, centre = reconstructed(scan.write(tmp_path / "p.h5"))
    scan.data, scan.theta = scan.data[:, :, ::-1], scan.theta + 180
    mirrored, other = reconstructed(scan.write(tmp_path / "m.h5"))
    assert other.columns == pytest.approx(COLUMNS - 1 - centre.columns, abs=0.11)  # a step of the search
    assert np.corrcoef(volume.ravel(), mirrored.ravel())[0, 1] > 0.995


def test_the_other_sense_gives_the_mirror_image(tmp_path: Path, plain: Result) -> None:
    scan = made()
    scan.theta = -scan.theta
    volume, centre = reconstructed(scan.write(tmp_path / "p.h5"))
    assert centre.columns == pytest.approx(plain[1].columns, abs=0.11)
    assert np.corrcoef(volume[:, ::-1].ravel(), plain[0].ravel())[0, 1] > 0.995


def test_frames_taken_twice_change_nothing(tmp_path: Path, plain: Result) -> None:
    scan = made()
    scan.data, scan.theta = np.repeat(scan.data, 2, axis=0), np.repeat(scan.theta, 2)
    assert_same(reconstructed(scan.write(tmp_path / "p.h5")), plain)
    scan.data[::2], scan.theta[0] = scan.data[1::2], 360  # the same angle by another name
    assert_same(reconstructed(scan.write(tmp_path / "q.h5")), plain)


@pytest.mark.parametrize(
    ("kind", "scale"),
    [
        *(("f8", 2.0**power) for power in (-900, -40, -16, 20, 900)),
        *(("f4", 2.0**power) for power in (-100, -16, 60)),
        ("f8", 1 / 65_535),
        ("f8", 1e6),
        (">f4", 1.0),
        (">f8", 1.0),
        ("f16", 1.0),
        ("u2", 1.0),
        (">u2", 1.0),
        ("i4", 1.0),
        (">i8", 1.0),
        ("u8", 1.0),
    ],
)
def test_no_scale_or_type_of_the_counts_changes_anything(
    tmp_path: Path, plain: Result, kind: str, scale: float
) -> None:
    scan = made()
    scan.cast("longdouble" if kind == "f16" else kind, scale)
    assert_same(reconstructed(scan.write(tmp_path / "p.h5")), plain)


@pytest.mark.parametrize(
    ("kind", "scale", "share"), [("u1", 254 / 40_000, 0.03), ("f2", 1.0, 0.02), ("f2", 1e-3, 0.02)]
)
def test_coarse_types_change_no_more_than_they_must(
    tmp_path: Path, plain: Result, kind: str, scale: float, share: float
) -> None:
    scan = made()
    if kind == "u1":
        scan.darks, scan.data, scan.flats = scan.darks - DARK, scan.data - DARK, scan.flats - DARK
    scan.cast(kind, scale)
    volume, _ = reconstructed(scan.write(tmp_path / "p.h5"))
    assert np.sqrt(np.mean((volume - plain[0]) ** 2)) < share * plain[0].max()


@pytest.mark.parametrize(
    ("options", "how"),
    [
        ({"chunks": (1, 2, 17), "compression": "gzip", "shuffle": True}, {}),
        ({"chunks": (7, ROWS, COLUMNS), "compression": "lzf", "fletcher32": True}, {}),
        ({"chunks": True, "maxshape": (None, ROWS, COLUMNS)}, {"libver": "latest"}),
        ({}, {"userblock_size": 512}),
        ({}, {"fs_strategy": "page", "fs_page_size": 4096}),
    ],
)
def test_no_layout_changes_anything(
    tmp_path: Path, plain: Result, options: dict[str, Any], how: dict[str, Any]
) -> None:
    scan = made()
    scan.options = options
    if options.get("chunks") == (7, ROWS, COLUMNS):
        scan.options = {**options, "chunks": (4, ROWS, COLUMNS)}
    assert_same(reconstructed(scan.write(tmp_path / "p.h5", **how)), plain)


@pytest.mark.parametrize("units", ["rad", "Radians", b"radian", np.array(["rad"], "S"), np.bytes_(b" rads ")])
def test_radians_are_taken_where_they_are_said(tmp_path: Path, plain: Result, units: Any) -> None:
    scan = made()
    scan.theta, scan.theta_attributes = np.radians(scan.theta), {"units": units}
    assert_same(reconstructed(scan.write(tmp_path / "p.h5")), plain)


@pytest.mark.parametrize("attributes", [{}, {"units": ""}, {"units": "degrees"}, {"units": h5py.Empty("S1")}])
def test_the_parameter_goes_before_the_units_of_the_dataset(
    tmp_path: Path, plain: Result, attributes: dict[str, Any]
) -> None:
    scan = made()
    scan.theta, scan.theta_attributes = np.radians(scan.theta), attributes
    assert_same(reconstructed(scan.write(tmp_path / "p.h5"), theta_units="radians"), plain)


@pytest.mark.parametrize("kind", ["i4", ">f4", "u1", "f2"])
def test_no_type_of_the_angles_changes_anything(tmp_path: Path, kind: str) -> None:
    degrees = np.arange(0, 181, 5)
    straight = reconstructed(made(degrees).write(tmp_path / "p.h5"))
    scan = made(degrees)
    scan.theta = degrees.astype(kind)
    assert_same(reconstructed(scan.write(tmp_path / "q.h5")), straight)


def lacking(scan: Made, name: str, place: Any, value: float) -> None:
    array = getattr(scan, name).astype(float)
    array[place] = value
    setattr(scan, name, array)


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("data", (7, 1, 9), np.nan),
        ("data", (7, 1, 0), np.inf),
        ("data", (7, slice(None), 31), -np.inf),
        ("data", (7, 1, 9), 0),
        ("flats", (slice(None), 1, 9), 0),
        ("flats", (slice(None), 1, 9), np.nan),
        ("darks", (slice(None), 1, 9), np.nan),
        ("flats", (2, 1, 9), np.nan),
        ("darks", (2, 1, 9), np.inf),
    ],
)
def test_a_pixel_without_data_is_interpolated_and_spreads_nowhere(
    tmp_path: Path, plain: Result, name: str, place: Any, value: float
) -> None:
    scan = made()
    lacking(scan, name, place, value)
    volume, centre = reconstructed(scan.write(tmp_path / "p.h5"))
    assert centre.columns == pytest.approx(plain[1].columns, abs=0.11)
    assert np.isfinite(volume).all()
    assert np.abs(volume - plain[0]).max() < 0.15 * plain[0].max()


def test_what_is_interpolated_and_what_is_odd_is_counted(tmp_path: Path) -> None:
    scan = made()
    for place in ((3, 0, 5), (3, 1, 6), (9, 2, 31)):
        lacking(scan, "data", place, np.nan)
    lacking(scan, "flats", (1, 1, 9), np.nan)
    with h5py.File(scan.write(tmp_path / "p.h5")) as file:
        raw = read_scan(file, defaults("tomography"))
        found = inspect(raw, 5)
        integrals = line_integrals(raw.read(0, 41), found.beam, 5, "data", raw.frames.tolist())
    assert [number for number, count in enumerate(integrals.missing) if count] == [3, 9]
    assert found.notes == ["/exchange/data_white has 1 values that are no numbers: they are left out of the mean"]
    counts = [{"first": 0, **integrals.counts}]
    figures = scan_figures(found.notes, raw.degrees, raw.shape, counts)
    assert figures["missing_percent"] == pytest.approx(100 * 3 / (41 * ROWS * COLUMNS))
    assert (figures["odd"], figures["frames"]) == (1, 41)


def test_the_share_that_may_be_missing_is_the_parameters(tmp_path: Path) -> None:
    scan = made()
    lacking(scan, "data", (3, slice(None), slice(0, 8)), np.nan)
    path = scan.write(tmp_path / "p.h5")
    with (
        pytest.raises(Refused, match=r"/exchange/data\[3\] has no data in 24 of 96 .* 5 % may lack"),
        h5py.File(path) as file,
    ):
        raw = read_scan(file, defaults("tomography"))
        line_integrals(raw.read(0, 41), inspect(raw, 5).beam, 5, raw.data.name, raw.frames.tolist())
    with h5py.File(path) as file:
        raw = read_scan(file, defaults("tomography"))
        made_of = line_integrals(raw.read(0, 41), inspect(raw, 30).beam, 30, raw.data.name, raw.frames.tolist())
    assert made_of.missing[3] == 24


def test_a_row_that_sees_no_beam_at_all_is_zero() -> None:
    beam = Beam(np.array([[np.nan] * 4, [1.0] * 4], np.float32), np.zeros((2, 4), np.float32), 0)
    found = line_integrals(np.full((1, 2, 4), np.exp(-1)), beam, 50, "data", [0])
    assert found.values.tolist() == [[[0] * 4, pytest.approx([1] * 4)]]


def test_interpolation_is_along_the_row_and_holds_at_the_ends() -> None:
    values = np.array([[9, 1, 9, 9, 4, 9], [2, 9, 9, 9, 9, 9]], np.float32)
    known = values != 9
    assert interpolated(values, known).tolist() == [[1, 1, 2, 3, 4, 4], [2] * 6]


def test_interpolation_is_numpys_row_by_row() -> None:
    chance, places = np.random.default_rng(0), np.arange(9)
    for _ in range(300):
        values, known = chance.random((4, 9)).astype(np.float32), chance.random((4, 9)) < chance.random()
        known[np.arange(4), chance.integers(0, 9, 4)] = True
        true = [np.interp(places, places[has], row[has]) for row, has in zip(values, known, strict=True)]
        assert interpolated(np.where(known, values, np.float32(np.nan)), known) == pytest.approx(
            np.stack(true), abs=1e-6
        )


@pytest.mark.parametrize(
    ("note", "change"),
    [
        ("no frame looks into 40.0 of the 180 degrees", lambda scan: None),
        ("values at the most that its integers hold", lambda scan: scan.cast("u1", 255.01 / 40_000)),
    ],
)
def test_what_is_odd_is_noted(tmp_path: Path, note: str, change: Callable[[Made], None]) -> None:
    scan = made(np.linspace(0, 140, 41))
    change(scan)
    with h5py.File(scan.write(tmp_path / "p.h5")) as file:
        assert any(note in line for line in inspect(read_scan(file, defaults("tomography")), 5).notes)


def discs(degrees: np.ndarray, columns: int = 128) -> np.ndarray:
    """Return sinograms (row, angle, column) of some discs, of which none is in the middle."""
    turns = np.radians(degrees)[None, :, None]
    places = np.arange(columns) - (columns - 1) / 2 - 2.3
    made_of = [(-20, 10, 14), (15, -18, 10), (22, 20, 6)]
    rows = np.arange(1, 4)[:, None, None] / 2
    chords = (r**2 - (places - rows * (x * np.cos(turns) + y * np.sin(turns))) ** 2 for x, y, r in made_of)
    return np.asarray(sum(2 * np.sqrt(chord.clip(0)) for chord in chords) / columns, np.float32)


TURNS = {
    "half": np.linspace(0, 180, 121),
    "turn": np.linspace(0, 360, 90, endpoint=False),
    "golden": np.arange(121) * 111.246,
    "few": np.arange(8) * 22.5,
    "back": -np.linspace(0, 180, 121),
}


@pytest.mark.parametrize("degrees", TURNS.values(), ids=TURNS)
@pytest.mark.parametrize("noise", [0, 0.05])
def test_the_centre_of_mass_goes_around_as_the_angles_say(degrees: np.ndarray, noise: float) -> None:
    sinograms = discs(degrees)
    sinograms += np.random.default_rng(0).normal(0, noise, sinograms.shape).astype(np.float32)
    assert wander(sinograms, degrees) < 0.25


@pytest.mark.parametrize("columns", [6, -6, 12])
def test_a_sample_that_moved_wanders(columns: int) -> None:
    sinograms = discs(TURNS["half"])
    sinograms[:, 60:] = np.roll(sinograms[:, 60:], columns, axis=2)
    assert wander(sinograms, TURNS["half"]) == pytest.approx(abs(columns) / 6, rel=0.2)
    assert wander(np.zeros((1, 5, 8), np.float32), np.arange(5) * 36.0) == 0


@pytest.mark.parametrize("factor", [3.0, 30.0])
def test_a_part_of_the_detector_that_is_stuck_bright_is_noted(tmp_path: Path, factor: float) -> None:
    """Narrow stripes are removed as rings; wide ones are in the volume, and explain what was measured."""
    scan = made()
    scan.data[:, :, 12:18] = factor * BEAM
    with h5py.File(scan.write(tmp_path / "p.h5")) as file:
        raw = read_scan(file, defaults("tomography"))
        found = line_integrals(raw.read(0, 41), inspect(raw, 5).beam, 5, "data", raw.frames.tolist())
    figures = scan_figures([], raw.degrees, raw.shape, [{"first": 0, **found.counts}])
    assert figures["bright_percent"] == 100 * 6 / COLUMNS
    assert any("18.8 % of the values are 1.6 times as bright as the flats" in note for note in figures["notes"])


@pytest.mark.parametrize(
    ("frame", "factor", "note"), [(12, 0.5, "frame 12 has another beam"), (slice(None), 2.0, "brighter than the flats")]
)
def test_a_beam_that_changes_is_noted(tmp_path: Path, frame: Any, factor: float, note: str) -> None:
    scan = made()
    scan.data[frame] = DARK + factor * (scan.data[frame] - DARK)
    with h5py.File(scan.write(tmp_path / "p.h5")) as file:
        raw = read_scan(file, defaults("tomography"))
        found = line_integrals(raw.read(0, 41), inspect(raw, 5).beam, 5, "data", raw.frames.tolist())
    counts = [{"first": 0, **found.counts}]
    assert any(note in line for line in scan_figures([], raw.degrees, raw.shape, counts)["notes"])


def test_frames_that_a_trial_leaves_out_are_noted() -> None:
    counts = [{"first": 4, "missing": 1, "saturated": 0, "bright": 0, "levels": [0.3, 0.3, 0.9, 0.3, 0.3]}]
    notes = scan_figures([], np.arange(9) * 20.0, (9, 2, 8), counts)["notes"]
    assert notes == [
        "4 of 9 frames were not read, and are zero",
        "frame 6 has another beam than its neighbours: 0.6 in mean attenuation",
    ]


def test_angles_are_directions() -> None:
    assert weights(np.array([0.0, 90, 180, 270])) == pytest.approx(np.pi / 4)
    assert gap(np.array([350.0, 10, 100])) == 90
    frames, turned = half_turn(np.array([90.0, 30, -30, -90, -30]))
    assert (frames.tolist(), turned.tolist()) == ([3, 2, 1, 0], [0, 60, 120, 180])
    assert in_degrees(np.array([np.pi]), "rad", None, "t").tolist() == [180]
    assert in_degrees(np.array([np.pi]), "rad", "degrees", "t").tolist() == [np.pi]


@pytest.mark.parametrize("rows", [(0, 1), (1, 2), (0, 2)])
def test_rows_without_sample_have_no_say_in_the_centre(tmp_path: Path, plain: Result, rows: tuple[int, ...]) -> None:
    scan = made()
    scan.data[:, rows] = np.random.default_rng(0).poisson(scan.flats[:1, rows].repeat(41, axis=0))
    _, centre = reconstructed(scan.write(tmp_path / "p.h5"))
    assert centre.columns == pytest.approx(plain[1].columns, abs=0.21)
    assert centre.difference < 0.3


def test_the_sample_never_cuts_its_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        sample.main([str(tmp_path / "p.h5"), "--columns", "32", "--rows", "2", "--angles", "9", "--noise", "66000"])
    assert "65535 at most are stored: take fewer photons" in capsys.readouterr().err
    assert not (tmp_path / "p.h5").exists()
