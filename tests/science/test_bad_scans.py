"""Scans that must not be computed on: each is refused before, for a reason that names dataset, place and mend."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from h5py import h5d, h5p, h5s, h5t, h5z

from gristmill.errors import Refused
from gristmill.storage.folder import FolderStorage
from tests.science.scans import COLUMNS, ROWS, Made, checked, made, reconstructed_drop

Change = Callable[[Made], None]
Edit = Callable[[h5py.File], None]


def put(name: str, place: Any, value: Any) -> Change:
    """Put a value into some of an array."""

    def change(scan: Made) -> None:
        values = np.array(getattr(scan, name), float)
        values[place] = value
        setattr(scan, name, values)

    return change


def be(**arrays: Any) -> Change:
    """Take other arrays; functions get those that were there."""

    def change(scan: Made) -> None:
        for name, value in arrays.items():
            setattr(scan, name, value(getattr(scan, name)) if callable(value) else value)

    return change


def both(*changes: Change) -> Change:
    """Make some changes, one after another."""

    def change(scan: Made) -> None:
        for each in changes:
            each(scan)

    return change


def swapped(scan: Made) -> None:
    scan.flats, scan.darks = scan.darks, scan.flats


def wrapped(scan: Made) -> None:
    """Store counts of 16 bits as signed ones: what is above 32,767 is negative."""
    for name in ("data", "flats", "darks"):
        setattr(scan, name, getattr(scan, name).astype(np.uint16).view(np.int16))


THETA = {
    "nan": (put("theta", 7, np.nan), r"/exchange/theta\[7\] is nan, .*Mend the angles"),
    "nans": (put("theta", [3, 5], np.nan), r"/exchange/theta\[3\] is nan, .* 1 more"),
    "infinite": (put("theta", 0, -np.inf), r"/exchange/theta\[0\] is -inf"),
    "absurd": (put("theta", 40, 1e30), r"/exchange/theta\[40\] is 1e\+30"),
    "zero": (be(theta=np.zeros(41)), r"/exchange/theta goes from 0 to 0 degrees.* 180\.0 of the 180"),
    "constant": (be(theta=np.full(41, 90.0)), r"/exchange/theta goes from 90 to 90 degrees"),
    "radians": (be(theta=np.radians), r"/exchange/theta goes from 0 to 3\.14159 .*theta_units=radians"),
    "radians of three turns": (be(theta=lambda t: np.radians(6 * t)), r"in radians\? Then give theta_units=radians"),
    "radians called degrees": (
        be(theta=np.radians, theta_attributes={"units": "degrees"}),
        r"/exchange/theta goes from 0 to 3\.14159",
    ),
    "a third": (be(theta=lambda t: t / 3), r"from 0 to 60 degrees: no frame looks into 120\.0 .*Half a turn"),
    "turns": (be(theta_attributes={"units": "turns"}), r"/exchange/theta has the units 'turns'.*theta_units="),
    "units of a number": (
        be(theta_attributes={"units": 1.0}),
        "the attribute units of /exchange/theta is .*not a text",
    ),
    "units of many": (be(theta_attributes={"units": ["deg", "deg"]}), "the attribute units of /exchange/theta is"),
    "texts": (be(theta=np.array(["0"] * 41, "S1")), "exchange/theta holds .*not numbers.*Name a dataset"),
    "complex": (be(theta=lambda t: t + 0j), "exchange/theta holds complex128, not numbers"),
    "truths": (be(theta=np.arange(41) > 3), "exchange/theta holds bool, not numbers"),
    "short": (be(theta=lambda t: t[:-1]), r"/exchange/theta has shape \(40,\) for \(41,\) frames of /exchange/data"),
    "square": (be(theta=lambda t: t[:, None]), r"/exchange/theta has shape \(41, 1\)"),
    "one": (be(theta=1.0), r"/exchange/theta has shape \(\)"),
    "none": (be(theta=h5py.Empty("f8")), r"/exchange/theta has shape None"),
}
REFERENCES = {
    "flats of nan": (be(flats=lambda f: f * np.nan), "/exchange/data_white .* /exchange/data_dark"),
    "darks of nan": (be(darks=lambda f: f * np.nan), "/exchange/data_white .* /exchange/data_dark"),
    "flats are darks": (
        be(flats=lambda f: f * 0 + 100),
        "data_white is no brighter than .*100 and 100.*right way round",
    ),
    "swapped": (swapped, "/exchange/data_white is no brighter than /exchange/data_dark: their means are 100 and 40000"),
    "beam off for one flat": (
        put("flats", 2, 100.0),
        r"/exchange/data_white\[2\] is 0 above the middle dark.*Leave out",
    ),
    "flat of nan": (put("flats", 1, np.nan), r"/exchange/data_white\[1\] is nan above the middle dark.*Leave out"),
    "half beam for one flat": (put("flats", 0, 12_000.0), r"/exchange/data_white\[0\] is 11900 above"),
    "a dark of nan": (put("darks", 3, np.nan), r"/exchange/data_dark\[3\] is nan above the middle dark"),
    "beam on for one dark": (put("darks", 1, 40_000.0), r"/exchange/data_dark\[1\] is 39900 above the middle dark"),
    "dead columns": (
        put("flats", np.s_[:, :, 4:10], 100.0),
        "/exchange/data_white less /exchange/data_dark has no beam in 18 of 96 .*row 0, column 4.*missing_percent",
    ),
    "stuck columns": (
        both(*(put(name, np.s_[:, :, 4:10], 65_535.0) for name in ("data", "flats", "darks"))),
        "has no beam in 18 of 96 pixels",
    ),
    "narrow flats": (
        be(flats=lambda f: f[:, :, 1:]),
        r"/exchange/data_white has frames of \(3, 31\), /exchange/data of",
    ),
    "one flat of two dimensions": (be(flats=lambda f: f[0]), r"/exchange/data_white has shape \(3, 32\), not \(frame"),
    "no flats": (be(flats=lambda f: f[:0]), r"/exchange/data_white is empty: its shape is \(0, 3, 32\)"),
    "no darks": (be(darks=lambda f: f[:0]), r"/exchange/data_dark is empty"),
}
FRAMES = {
    "frame of nan": (put("data", 5, np.nan), r"/exchange/data\[5\] has no data in 96 of 96 pixels \(100 %\)"),
    "row of nan": (put("data", (9, 1), np.nan), r"/exchange/data\[9\] has no data in 32 of 96 .* row 1, column 0"),
    "infinite": (put("data", np.s_[3, :, :9], np.inf), r"/exchange/data\[3\] has no data in 27 of 96"),
    "beam lost": (put("data", 30, 0.0), r"/exchange/data\[30\] has no data"),
    "as dark": (put("data", 30, 100.0), r"/exchange/data\[30\] has no data"),
    "wrapped": (wrapped, r"/exchange/data"),
    "transmission": (be(data=lambda d: (d - 100) / 39_900), r"/exchange/data\[0\] has no data"),
    "half precision": (be(data=lambda d: (d * 10).astype(np.float16)), r"/exchange/data\[0\] has no data"),
    "no sample": (be(data=lambda d: d * 0 + 40_000), "the frames show no sample.*data_white"),
    "flat": (be(data=lambda d: d[0]), r"/exchange/data has shape \(3, 32\), not"),
    "four dimensions": (be(data=lambda d: d[None]), r"/exchange/data has shape \(1, 41, 3, 32\), not"),
    "no frames": (be(data=lambda d: d[:0], theta=np.zeros(0)), r"/exchange/data is empty: its shape is \(0, 3, 32\)"),
    "one frame": (be(data=lambda d: d[:1], theta=np.zeros(1)), "a scan needs 2 frames.* not 1, 4 and 4"),
    "no rows": (
        be(data=lambda d: d[:, :0], flats=lambda d: d[:, :0], darks=lambda d: d[:, :0]),
        r"/exchange/data is empty: its shape is \(41, 0, 32\)",
    ),
    "four columns": (
        be(data=lambda d: d[..., :4], flats=lambda d: d[..., :4], darks=lambda d: d[..., :4]),
        "/exchange/data has 4 columns; 8 are needed",
    ),
    "complex": (be(data=lambda d: d + 0j), "exchange/data holds complex128, not numbers"),
    "pairs": (be(data=np.zeros((41, 3, 32), [("a", "u2"), ("b", "u2")])), "exchange/data holds .*not numbers"),
}


def refused(path: Path, reason: str, **parameters: Any) -> str:
    with pytest.raises(Refused, match=f"(?s){reason}") as found:
        checked(path, parameters)
    text = str(found.value)
    assert text.endswith((".", "?")), text  # how to mend it comes last
    assert "\n" not in text
    return text


@pytest.mark.parametrize("case", [*THETA.items(), *REFERENCES.items(), *FRAMES.items()], ids=lambda case: case[0])
def test_a_scan_that_is_wrong_is_refused(tmp_path: Path, case: tuple[str, tuple[Change, str]]) -> None:
    scan = made()
    case[1][0](scan)
    refused(scan.write(tmp_path / "p.h5"), case[1][1])


def replaced(name: str, make: Callable[[h5py.Group, str], Any]) -> Edit:
    """Make something else where a dataset was."""

    def edit(file: h5py.File) -> None:
        del file["exchange"][name]
        make(file["exchange"], name)

    return edit


def virtual(group: h5py.Group, name: str) -> None:
    layout = h5py.VirtualLayout((41, ROWS, COLUMNS), "u2")
    layout[:] = h5py.VirtualSource("raw_frames.h5", "entry/data", (41, ROWS, COLUMNS))
    group.create_virtual_dataset(name, layout)


def endless(group: h5py.Group, name: str) -> None:
    """Make a virtual dataset whose length is that of files yet to come."""
    layout = h5py.VirtualLayout((41, ROWS, COLUMNS), "u2", maxshape=(None, ROWS, COLUMNS))
    source = h5py.VirtualSource("part.h5", "data", (41, ROWS, COLUMNS), maxshape=(None, ROWS, COLUMNS))
    layout[: h5s.UNLIMITED] = source[: h5s.UNLIMITED]
    group.create_virtual_dataset(name, layout)


def external(file: str) -> Callable[[h5py.Group, str], Any]:
    return lambda group, name: group.create_dataset(
        name, (41, ROWS, COLUMNS), "u1", external=[(file, 0, h5py.h5f.UNLIMITED)]
    )


def link(target: Any) -> Callable[[h5py.Group, str], Any]:
    return lambda group, name: group.__setitem__(name, target)


def through_a_group(file: h5py.File) -> None:
    file.move("exchange", "there")
    file["elsewhere"] = h5py.ExternalLink("other.h5", "/exchange")
    file["exchange"] = h5py.SoftLink("/elsewhere")


def unwritten(group: h5py.Group, name: str) -> None:
    group.create_dataset(name, (41, ROWS, COLUMNS), "u2", chunks=(1, ROWS, COLUMNS), fillvalue=500)


def half_written(group: h5py.Group, name: str) -> None:
    unwritten(group, name)
    group[name][:20] = 900


def unknown_filter(group: h5py.Group, name: str) -> None:
    kept = h5p.create(h5p.DATASET_CREATE)
    kept.set_chunk((1, ROWS, COLUMNS))
    kept.set_filter(32_099, h5z.FLAG_OPTIONAL)
    h5d.create(group.id, name.encode(), h5t.NATIVE_UINT16, h5s.create_simple((41, ROWS, COLUMNS)), kept)


def scaled(file: h5py.File) -> None:
    file["exchange/data"].attrs["scale_factor"] = 0.5


OTHER_FILES = {
    "virtual": (replaced("data", virtual), r"exchange/data is a virtual dataset of 'raw_frames\.h5'.*Copy the data"),
    "virtual flats": (replaced("data_white", virtual), "exchange/data_white is a virtual dataset"),
    "endless": (replaced("data", endless), r"exchange/data is a virtual dataset of 'part\.h5'"),
    "external": (replaced("data", external("/etc/passwd")), "exchange/data keeps its data in .*'/etc/passwd'"),
    "external darks": (replaced("data_dark", external("x.raw")), r"exchange/data_dark keeps its data in .*'x\.raw'"),
    "link": (replaced("data", link(h5py.ExternalLink("o.h5", "/d"))), r"exchange/data is a link into .*'o\.h5'"),
    "linked angles": (replaced("theta", link(h5py.ExternalLink("o.h5", "/t"))), "exchange/theta is a link into"),
    "linked group": (through_a_group, r"exchange/data is a link into another file, 'other\.h5'"),
    "soft link to nothing": (replaced("data", link(h5py.SoftLink("/none"))), "no such dataset: data=exchange/data"),
    "circle": (
        replaced("data", link(h5py.SoftLink("/exchange/data"))),
        "exchange/data goes through more than 16 links",
    ),
    "group": (replaced("data", lambda group, name: group.create_group(name)), "no such dataset: data=exchange/data"),
    "missing": (
        replaced("data_dark", lambda _group, _name: None),
        r"no such dataset: data_dark=.*there are: .*'exchange",
    ),
    "unwritten": (replaced("data", unwritten), "/exchange/data was made and never written"),
    "half written": (replaced("data", half_written), "/exchange/data has 41 chunks, of which 21 were never written"),
    "unwritten angles": (
        replaced("theta", lambda group, name: group.create_dataset(name, 41)),
        "/exchange/theta was made and never written",
    ),
    "unknown filter": (replaced("data", unknown_filter), "exchange/data is compressed by the filter 32099.*h5repack"),
    "scaled": (scaled, "the attribute scale_factor is not the same .* /exchange/data has 0.5"),
}


@pytest.mark.parametrize("case", OTHER_FILES.items(), ids=lambda case: case[0])
def test_a_file_whose_data_are_elsewhere_or_nowhere_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: tuple[str, tuple[Edit, str]]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = made().write(tmp_path / "p.h5")
    with h5py.File(path, "a") as file:
        case[1][0](file)
    refused(path, case[1][1])


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"data_white": "exchange/data"}, "data=exchange/data and data_white=exchange/data are the same dataset.*Name"),
        (
            {"data_dark": "/exchange/data_white"},
            "data_white=exchange/data_white and data_dark=/exchange/data_white are",
        ),
        ({"data": "other/data_dark"}, "data=other/data_dark and data_dark=exchange/data_dark are the same dataset"),
    ],
)
def test_a_dataset_is_not_two_kinds_of_frames_at_once(tmp_path: Path, parameters: dict[str, str], reason: str) -> None:
    path = made().write(tmp_path / "p.h5")
    with h5py.File(path, "a") as file:
        file["other"] = h5py.SoftLink("exchange")
    refused(path, reason, **parameters)


def test_what_lies_beside_the_file_is_not_read_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of the host that fits a link, a virtual dataset or external storage is what an attacker hopes for."""
    monkeypatch.chdir(tmp_path)
    scan = made()
    scan.write(tmp_path / "raw_frames.h5")
    path = scan.write(tmp_path / "p.h5")
    with h5py.File(path, "a") as file:
        replaced("data", link(h5py.ExternalLink("raw_frames.h5", "/exchange/data")))(file)
        assert file["exchange/data"].shape == scan.data.shape  # HDF5 itself would follow it
    refused(path, r"exchange/data is a link into another file, 'raw_frames\.h5'")


def test_soft_links_within_the_file_are_followed(tmp_path: Path) -> None:
    path = made().write(tmp_path / "p.h5")
    with h5py.File(path, "a") as file:
        file.move("exchange/data", "raw/frames")
        file["exchange/data"] = h5py.SoftLink("/raw/frames")
        file["entry"] = h5py.SoftLink("exchange")
    checked(path, {"data": "entry/data"})


def nxtomo(path: Path, marks: Any, theta: Any = None) -> dict[str, str]:
    """Write frames, flats and darks as one dataset; return the parameters to read it."""
    scan = made()
    with h5py.File(path, "w") as file:
        file["entry/data"] = np.concatenate([scan.darks[:1], scan.flats[:1], scan.data])
        file["entry/angle"] = np.concatenate([[0, 0], scan.theta]) if theta is None else theta
        file["entry/marks"] = marks
    return {"data": "entry/data", "theta": "entry/angle", "image_key": "entry/marks"}


KINDS = np.array([2, 1] + [0] * 41)


@pytest.mark.parametrize(
    ("marks", "reason"),
    [
        (np.where(np.arange(43) == 9, 7, KINDS), r"/entry/marks\[9\] is 7, which marks no kind of frame"),
        (np.where(np.arange(43) == 9, np.nan, KINDS), r"/entry/marks\[9\] is nan"),
        (KINDS[:-1], r"/entry/marks has shape \(42,\) for \(43,\) frames of /entry/data"),
        (np.zeros(43), "a scan needs 2 frames, a flat and a dark at least, not 43, 0 and 0"),
        (np.array([b"0"] * 43), "entry/marks holds .*not numbers"),
    ],
)
def test_marks_of_frames_are_checked(tmp_path: Path, marks: Any, reason: str) -> None:
    parameters = nxtomo(tmp_path / "n.nxs", marks)
    refused(tmp_path / "n.nxs", reason, **parameters)


def test_an_angle_is_named_by_its_place_in_its_dataset(tmp_path: Path) -> None:
    theta = np.concatenate([[np.nan, np.nan], np.linspace(0, 180, 41)])
    parameters = nxtomo(tmp_path / "n.nxs", KINDS, theta)
    checked(tmp_path / "n.nxs", parameters)  # flats and darks need no angle
    theta[12] = np.nan
    refused(tmp_path / "m.nxs", r"/entry/angle\[12\] is nan", **nxtomo(tmp_path / "m.nxs", KINDS, theta))


@pytest.mark.parametrize("seed", range(40))
def test_any_damage_is_refused_or_harmless(tmp_path: Path, seed: int) -> None:
    """Cut or change a file anywhere: either it is refused, or the volume is finite."""
    chance = np.random.default_rng(seed)
    scan = made()
    if seed % 2:
        scan.options = {"chunks": (4, ROWS, COLUMNS), "compression": "gzip", "fletcher32": True}
    path = scan.write(tmp_path / "p.h5", libver="latest" if seed % 3 else None)
    raw = bytearray(path.read_bytes())
    if seed % 4 == 0:
        raw = raw[: int(chance.integers(len(raw)))]
    for place in chance.integers(min(len(raw), 8192), size=1 + seed % 5) if raw else ():
        raw[place] ^= 1 << int(chance.integers(8))
    path.write_bytes(raw)
    try:
        volume, _ = reconstructed_drop(path)
    except Refused:
        return
    assert np.isfinite(volume).all()


class Failing(FolderStorage):
    """A store that is lost once so many bytes were read."""

    left = 10_000

    def read(self, key: str, start: int = 0, end: int | None = None, version: str | None = None) -> bytes:
        data = super().read(key, start, end, version)
        self.left -= len(data)
        if self.left < 0:
            raise ConnectionError("the store is away")
        return data


def test_a_lost_store_is_not_taken_for_a_damaged_file(tmp_path: Path) -> None:
    scan = made()
    scan.data = np.random.default_rng(0).random((41, ROWS, 4 * 1024))  # beyond a buffer
    scan.flats, scan.darks = (np.ones((2, ROWS, 4 * 1024)) * level for level in (2, 0))
    path = scan.write(tmp_path / "p.h5")
    with pytest.raises(ConnectionError, match="the store is away"):
        reconstructed_drop(path, Failing)
