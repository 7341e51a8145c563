"""What is to be solved: a plate, its edges held at fixed temperatures, and when to stop. From YAML or NPZ.

All that is given is checked by the name of its field; nothing is clamped.
"""

import io
import reprlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from gristmill import printable
from gristmill.errors import Refused
from gristmill.strict_yaml import StrictLoader

Field = NDArray[np.float64]
_ZIP = b"PK"
_SMALLEST = 3  # rows or columns: two edges and something between
_LARGEST = 1 << 26  # points: 512 MiB, of which a node holds a few copies
_STABLE = 0.25  # the explicit scheme in two dimensions is stable up to this (von Neumann)
_HOTTEST = 1e12  # of any sign; a step adds some of them, and must not lose the small ones
_MOST_STEPS = 1_000_000_000
_EDGES = ("top", "bottom", "left", "right")
_SPOT = ("row", "column", "radius", "temperature")
_NUMBERS = ("diffusion", "steps", "tolerance")
_YAML_FIELDS = ("size", "edges", "spots", "start", *_NUMBERS)
_SHOWN = 200  # characters of what is there
_SHOW = reprlib.Repr()  # what aliases put into one another has no end
_SHOW.maxlevel, _SHOW.maxstring, _SHOW.maxother = 2, 80, 80


@dataclass(frozen=True)
class Problem:
    """The initial field with its edges, which stay as they are; `diffusion` is alpha dt / h^2."""

    initial: Field
    diffusion: float
    steps: int
    tolerance: float  # stop when no point changes by more in one step


def read_problem(raw: bytes) -> Problem:
    """Read a dropped file; Refused says which field is wrong."""
    given = _from_npz(raw) if raw.startswith(_ZIP) else _from_yaml(raw)
    diffusion = number(given.get("diffusion", 0.2), "diffusion")
    if not 0 < diffusion <= _STABLE:
        raise Refused(
            [f"diffusion is {diffusion:.12g}: the scheme is stable above 0 up to {_STABLE:g}"], "Take shorter steps."
        )
    tolerance = number(given.get("tolerance", 1e-4), "tolerance")
    if tolerance < 0:
        raise Refused([f"tolerance is {tolerance:g}"], "Give 0 to take all steps, or more to stop earlier.")
    return Problem(given["initial"], diffusion, _whole(given.get("steps", 10_000), "steps", 1, _MOST_STEPS), tolerance)


def number(value: Any, name: str) -> float:
    """Return a finite number, also of a text such as 1e-4, which YAML takes for one; Refused names the field."""
    given = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
    try:
        made = float(given) if isinstance(given, int | float | str) and not isinstance(given, bool) else np.nan
    except (ValueError, OverflowError):
        made = np.nan
    if not np.isfinite(made):
        raise Refused([f"{name} is {_shown(value)}, which is no number"], "Give a finite number.")
    return made


def _shown(value: Any) -> str:
    return printable.short(_SHOW.repr(value), _SHOWN)


def _temperature(value: Any, name: str) -> float:
    made = number(value, name)
    if abs(made) > _HOTTEST:
        raise Refused([f"{name} is {made:g}"], f"Temperatures go from {-_HOTTEST:g} to {_HOTTEST:g}.")
    return made


def _whole(value: Any, name: str, least: int, most: int) -> int:
    made = number(value, name)
    if made != int(made) or not least <= made <= most:
        raise Refused([f"{name} is {made:.17g}"], f"Give a whole number from {least} to {most}.")
    return int(made)


def _check_points(rows: int, columns: int, name: str) -> None:
    if min(rows, columns) < _SMALLEST or rows * columns > _LARGEST:
        limits = f"It needs {_SMALLEST} x {_SMALLEST} at least, and {_LARGEST} points at most."
        raise Refused([f"{name}: the plate has {rows} x {columns} points"], limits)


def _check_fields(given: Mapping[Any, Any], known: tuple[str, ...], name: str) -> None:
    unknown = sorted(str(field) for field in given if field not in known)
    if unknown:
        text = f"{name} has the unknown field {printable.short(', '.join(unknown), _SHOWN)}"
        raise Refused([text], f"It may have {', '.join(known)}.")


def _from_npz(raw: bytes) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            unpacked = sum(entry.file_size for entry in packed.infolist())
        if unpacked > 2 * _LARGEST * np.dtype(np.float64).itemsize:
            raise Refused([f"the NPZ unpacks to {unpacked} bytes"], f"A plate may have {_LARGEST} points.")
        with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
            given = {name: arrays[name] for name in arrays.files}
            odd = [name for name in given if arrays.files.count(name) > 1 or not isinstance(given[name], np.ndarray)]
            if odd:
                text = f"the NPZ has {printable.short(odd[0], _SHOWN)} twice, or as what is no array"
                raise Refused([text], "Write it by numpy.savez.")
    except Refused:
        raise
    except Exception as error:  # zip, header and array errors of many kinds
        raise Refused(
            [f"the file is no NPZ that can be read: {printable.short(str(error), _SHOWN)}"], "Write it by numpy.savez."
        ) from error
    _check_fields(given, ("initial", *_NUMBERS), "the NPZ")
    initial = given.get("initial")
    if initial is None or initial.ndim != 2 or initial.dtype.kind not in "iuf":
        found = "there is none" if initial is None else f"it is {initial.dtype} of shape {initial.shape}"
        raise Refused([f"the NPZ needs a two-dimensional array of numbers `initial`: {found}"], "Write one.")
    _check_points(initial.shape[0], initial.shape[1], "initial")
    return {**given, "initial": _temperatures(initial)}


def _temperatures(initial: NDArray[Any]) -> Field:
    field = initial.astype(np.float64)
    odd = np.argwhere(~(np.abs(field) <= _HOTTEST))
    if len(odd):
        row, column = odd[0]
        text = f"initial[{row}, {column}] is {field[row, column]:g}, and {len(odd) - 1} more are like it"
        raise Refused([text], f"Temperatures go from {-_HOTTEST:g} to {_HOTTEST:g}.")
    return field


def _from_yaml(raw: bytes) -> dict[str, Any]:
    try:
        given = yaml.load(raw, Loader=StrictLoader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError) as error:
        text = f"the file is no YAML: {printable.line(' '.join(str(error).split()))}"
        raise Refused([text], "Give size: [rows, columns], and so on.") from error
    if not isinstance(given, dict) or not isinstance(given.get("size"), list) or len(given["size"]) != 2:
        raise Refused(["the YAML needs `size: [rows, columns]`"], f"It may have {', '.join(_YAML_FIELDS[1:])}.")
    _check_fields(given, _YAML_FIELDS, "the YAML")
    sizes = (_whole(size, f"size[{place}]", 1, _LARGEST) for place, size in enumerate(given["size"]))
    rows, columns = sizes
    _check_points(rows, columns, "size")
    initial = np.full((rows, columns), _temperature(given.get("start", 0), "start"))
    for place, spot in enumerate(_sequence(given.get("spots"))):
        _heat(initial, spot, f"spots[{place}]")
    _hold_edges(initial, {} if given.get("edges") is None else given["edges"])
    return {**given, "initial": initial}


def _sequence(spots: Any) -> list[Any]:
    if spots is not None and not isinstance(spots, list):
        raise Refused([f"spots is {_shown(spots)}"], f"Give a list of {', '.join(_SPOT)}.")
    return spots or []


def _heat(field: Field, spot: Any, name: str) -> None:
    """Put a disc at a temperature; places and radius are shares of the plate."""
    if not isinstance(spot, dict) or set(spot) != set(_SPOT):
        raise Refused([f"{name} is {_shown(spot)}"], f"Give each of {', '.join(_SPOT)}.")
    place = {part: number(spot[part], f"{name}.{part}") for part in _SPOT[:-1]}
    rows, columns = field.shape
    row, column = np.ogrid[0:rows, 0:columns]
    down, across = row / (rows - 1) - place["row"], column / (columns - 1) - place["column"]
    inside = np.hypot(down, across) <= place["radius"]
    if place["radius"] < 0 or not inside.any():
        raise Refused([f"{name} covers no point of the plate"], "Places and radius are shares of it, from 0 to 1.")
    field[inside] = _temperature(spot["temperature"], f"{name}.temperature")


def _hold_edges(field: Field, edges: Any) -> None:
    if not isinstance(edges, dict):
        raise Refused([f"edges is {_shown(edges)}"], f"Give temperatures of {', '.join(_EDGES)}.")
    _check_fields(edges, _EDGES, "edges")
    for name, line in zip(_EDGES, (field[0], field[-1], field[:, 0], field[:, -1]), strict=True):
        line[:] = _temperature(edges.get(name, 0), f"edges.{name}")
