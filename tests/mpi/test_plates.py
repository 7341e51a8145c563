"""Plates that cannot be solved are refused by their field before anything is computed; those that can are judged."""

import io
import json
import re
import zipfile
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import yaml

from batch_jobs.heat.checkpoint import State, pack
from batch_jobs.heat.problem import read_problem
from batch_jobs.heat.show import quality
from gristmill.errors import Refused
from tests.project import PROJECT

GOOD: dict[str, Any] = {
    "size": [9, 12],
    "edges": {"top": 100},
    "spots": [{"row": 0.5, "column": 0.5, "radius": 0.2, "temperature": -7}],
    "start": 3,
    "diffusion": 0.25,
    "steps": 10,
    "tolerance": "1e-4",
}
SPOT = GOOD["spots"][0]
YAML = [
    ({"size": [-3, 9]}, r"size\[0\] is -3\. Give a whole number from 1"),
    ({"size": [2, 9]}, "size: the plate has 2 x 9 points. It needs 3 x 3"),
    ({"size": [9]}, r"the YAML needs `size: \[rows, columns\]`"),
    ({"size": 9}, r"the YAML needs `size: \[rows, columns\]`"),
    ({"size": [9, 9.5]}, r"size\[1\] is 9\.5\. Give a whole number"),
    ({"size": [9, "x"]}, r"size\[1\] is 'x', which is no number"),
    ({"size": [9, True]}, r"size\[1\] is True, which is no number"),
    ({"size": [100_000, 100_000]}, "size: the plate has 100000 x 100000 points"),
    ({"size": [9, float("inf")]}, r"size\[1\] is inf"),
    ({"diffusion": 0.26}, "diffusion is 0.26: the scheme is stable above 0 up to 0.25"),
    ({"diffusion": 0.2500001}, "diffusion is 0.2500001: the scheme is stable above 0 up to 0.25"),
    ({"diffusion": 0}, "diffusion is 0: the scheme"),
    ({"diffusion": -0.1}, "diffusion is -0.1: the scheme"),
    ({"diffusion": float("nan")}, "diffusion is nan, which is no number"),
    ({"diffusion": None}, "diffusion is None, which is no number"),
    ({"steps": 0}, "steps is 0. Give a whole number from 1"),
    ({"steps": 1e30}, r"steps is 1e\+30\. Give"),
    ({"steps": 1.5}, "steps is 1.5"),
    ({"steps": 10**400}, "steps is 10000.*which is no number"),
    ({"tolerance": -1}, "tolerance is -1. Give 0 to take all steps"),
    ({"tolerance": float("nan")}, "tolerance is nan, which is no number"),
    ({"start": float("nan")}, "start is nan"),
    ({"start": 1e13}, r"start is 1e\+13\. Temperatures go from"),
    ({"edges": {"top": float("inf")}}, "edges.top is inf, which is no number"),
    ({"edges": {"middle": 1}}, "edges has the unknown field middle. It may have top, bottom, left, right"),
    ({"edges": [1, 2]}, r"edges is \[1, 2\]\. Give temperatures of"),
    ({"spots": {"row": 1}}, "spots is .*Give a list of row, column"),
    ({"spots": [3]}, r"spots\[0\] is 3\. Give each of row, column, radius, temperature"),
    ({"spots": [SPOT, {**SPOT, "radius": -1}]}, r"spots\[1\] covers no point of the plate"),
    ({"spots": [{**SPOT, "row": 4}]}, r"spots\[0\] covers no point of the plate"),
    ({"spots": [{**SPOT, "temperature": float("nan")}]}, r"spots\[0\]\.temperature is nan"),
    ({"spots": [{**SPOT, "radius": float("nan")}]}, r"spots\[0\]\.radius is nan"),
    ({"spots": [{"row": 0.5}]}, r"spots\[0\] is .*Give each of"),
    ({"speed": 3}, "the YAML has the unknown field speed. It may have size, edges"),
]
INITIAL = np.full((9, 12), 5.0)


def changed(place: tuple[int, int], value: float) -> np.ndarray:
    field = INITIAL.copy()
    field[place] = value
    return field


NPZ = [
    ({"initial": changed((4, 5), np.nan)}, r"initial\[4, 5\] is nan, and 0 more"),
    ({"initial": changed((0, 0), np.inf)}, r"initial\[0, 0\] is inf"),
    ({"initial": changed((8, 11), -1e300)}, r"initial\[8, 11\] is -1e\+300"),
    ({"initial": INITIAL[:2]}, "initial: the plate has 2 x 12 points"),
    ({"initial": INITIAL[0]}, r"`initial`: it is float64 of shape \(12,\)"),
    ({"initial": INITIAL + 1j}, "`initial`: it is complex128"),
    ({"initial": INITIAL.astype(str)}, "`initial`: it is <U"),
    ({"field": INITIAL}, "the NPZ has the unknown field field. It may have initial, diffusion"),
    ({"steps": 3}, "`initial`: there is none"),
    ({"initial": INITIAL, "steps": [1, 2]}, r"steps is array\(\[1, 2\]\), which is no number"),
    ({"initial": INITIAL, "tolerance": np.nan}, "tolerance is array.nan., which is no number"),
    ({"initial": np.zeros((40_000, 40_000), "i1")}, "initial: the plate has 40000 x 40000 points|unpacks to"),
]


def refused(raw: bytes, reason: str) -> str:
    with pytest.raises(Refused, match=reason) as found:
        read_problem(raw)
    text = str(found.value)
    assert "\n" not in text
    return text


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize(("change", "reason"), YAML)
def test_a_plate_that_is_wrong_is_refused_by_its_field(change: dict[str, Any], reason: str):
    read_problem(yaml.safe_dump(GOOD).encode())
    refused(yaml.safe_dump({**GOOD, **change}).encode(), reason)


@pytest.mark.parametrize(("arrays", "reason"), NPZ)
def test_arrays_that_are_wrong_are_refused_by_their_place(arrays: dict[str, Any], reason: str):
    read_problem(npz(initial=INITIAL.astype(">i2"), steps=3))
    refused(npz(**arrays), reason)


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"size: [", b"PK\x03\x04nothing", b"\xff\xfe\x00", b"- " * 9, b"a: !!python/none"]
)
def test_what_is_no_plate_at_all_is_refused(raw: bytes):
    refused(raw, "the file is no|the YAML needs")


BOMB = "[x, x]\n" + "".join(f"  - &{name} [{f'*{of}, ' * 9}]\n" for of, name in pairwise("abcdefghij"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("size: [9, 012]", "012 is 10 to some readers of YAML, and not to others; write the number"),
        ("size: [9, 9]\nstart: 12:30", "12:30 is 750 to some readers"),
        ("size: [9, 9]\nedges: {top: 1:30.5}", r"1:30\.5 is 90\.5 to some readers"),
        ("size: [9, 9]\nsteps: 5\nsteps: 50", "steps is given twice"),
        ("size: [9, 9]\nedges: {top: 5, top: 6}", "top is given twice"),
        (f"size: [9, 9]\nstart:\n  - &a {BOMB}", r"start is \[.*which is no number"),
        (f"size: [9, 9]\nedges:\n  - &a {BOMB}", "edges is .*Give temperatures of"),
        ("size: [9, &a [*a]]", r"size\[1\] is \[\[.*which is no number"),
        (f"size: [9, 0x{'f' * 5000}]", "0xfff.*is no number"),
        (f"size: [9, 9]\nspots: [{'x' * 5000}]", r"spots\[0\] is 'xxx"),
        (f'size: [9, 9]\n"\\e{"x" * 900}": 1', r"the unknown field \\x1bxxx"),
    ],
)
def test_yaml_that_has_two_meanings_or_no_end_is_refused_in_a_line(text: str, reason: str):
    assert len(refused(text.encode(), reason)) < 700


@pytest.mark.parametrize("members", [["initial"], ["initial.npy", "initial"], ["initial.npy", "initial.npy"]])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_npz_whose_member_is_no_array_or_there_twice_is_refused(members: list[str]):
    buffer, array = io.BytesIO(), io.BytesIO()
    np.save(array, INITIAL)
    with zipfile.ZipFile(buffer, "w") as packed:
        for name in members:
            packed.writestr(name, array.getvalue() if name.endswith(".npy") else b"5")
    refused(buffer.getvalue(), "the NPZ has initial twice, or as what is no array. Write it by numpy.savez")


def test_a_disc_wider_than_any_number_squared_covers_the_plate():
    spot = {**SPOT, "radius": 1e200, "temperature": 8}
    initial = read_problem(yaml.safe_dump({"size": [5, 5], "spots": [spot]}).encode()).initial
    assert (initial[1:-1, 1:-1] == 8).all()


def test_the_plate_that_is_shown_is_one():
    page = (PROJECT / "batch_jobs" / "heat" / "README.md").read_text()
    (shown,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert read_problem(shown.encode()).initial.shape == (200, 300)


def judged(field: np.ndarray, changes: list[float], tolerance: float = 1e-3) -> dict[str, Any]:
    state = State(10 * len(changes), field, [(10 * number, change) for number, change in enumerate(changes, 1)])
    sink = io.BytesIO()
    quality(io.BytesIO(pack(state, limits=(0.0, 10.0), tolerance=tolerance)), sink, {})
    return json.loads(sink.getvalue())


def test_a_field_is_judged_by_the_maximum_principle():
    good = judged(INITIAL, [3, 1, 1e-4])
    assert good == {"steps": 30, "last_change": 1e-4, "unsettled": 0, "outside": 0, "largest_rise": 0}
    assert judged(changed((3, 3), 11), [1e-4])["outside"] == pytest.approx(0.1)
    assert judged(changed((3, 3), -2), [1e-4])["outside"] == pytest.approx(0.2)
    assert judged(INITIAL, [1, 3])["largest_rise"] == pytest.approx(0.2)
    assert judged(INITIAL, [3, 1])["unsettled"] == 1
    assert judged(INITIAL, [3, 1], tolerance=0)["unsettled"] == 0


@pytest.mark.parametrize(
    ("state", "fits"),
    [
        (State(5, INITIAL, []), True),
        (State(5, INITIAL[:5], []), False),
        (State(11, INITIAL, []), False),
        (State(-1, INITIAL, []), False),
        (State(5, changed((3, 3), np.nan), []), False),
    ],
)
def test_a_checkpoint_that_is_not_of_the_problem_is_left(state: State, fits: bool):
    assert state.fits(read_problem(npz(initial=INITIAL, steps=10))) is fits
