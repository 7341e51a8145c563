"""What is to be solved: a plate, its edges held at fixed temperatures, and when to stop. From YAML or NPZ."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

Field = NDArray[np.float64]
_ZIP = b"PK"
_SMALLEST = 3  # rows or columns: two edges and something between
_STABLE = 0.25  # the explicit scheme in two dimensions is stable up to this (von Neumann)
_EDGES = ("top", "bottom", "left", "right")


@dataclass(frozen=True)
class Problem:
    """The initial field with its edges, which stay as they are; `diffusion` is alpha dt / h^2."""

    initial: Field
    diffusion: float
    steps: int
    tolerance: float  # stop when no point changes by more in one step


def read_problem(raw: bytes) -> Problem:
    """Read a dropped file; ValueError says what is wrong with it."""
    given = _from_npz(raw) if raw.startswith(_ZIP) else _from_yaml(raw)
    problem = Problem(
        initial=given["initial"],
        diffusion=float(given.get("diffusion", 0.2)),
        steps=int(given.get("steps", 10_000)),
        tolerance=float(given.get("tolerance", 1e-4)),
    )
    rows, columns = problem.initial.shape
    if min(rows, columns) < _SMALLEST:
        raise ValueError(f"the plate has {rows} x {columns} points; it needs {_SMALLEST} x {_SMALLEST} at least")
    if not 0 < problem.diffusion <= _STABLE:
        raise ValueError(f"diffusion is {problem.diffusion:g}; the scheme is stable above 0 up to {_STABLE:g}")
    if problem.steps < 1 or problem.tolerance < 0 or not np.isfinite(problem.initial).all():
        raise ValueError("steps must be 1 or more, tolerance 0 or more, and every temperature a number")
    return problem


def _from_npz(raw: bytes) -> dict[str, Any]:
    try:
        with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
            given = {name: arrays[name] for name in arrays.files}
    except Exception as error:  # zip, header and array errors of many kinds
        raise ValueError(f"the file is no NPZ that can be read: {error}") from error
    if "initial" not in given or given["initial"].ndim != 2:
        raise ValueError("the NPZ needs a two-dimensional array `initial`")
    return {**given, "initial": given["initial"].astype(np.float64)}


def _from_yaml(raw: bytes) -> dict[str, Any]:
    try:
        given = yaml.safe_load(raw)
    except yaml.YAMLError as error:
        raise ValueError(f"the file is no YAML: {error}") from error
    known = {"size", "edges", "spots", "start", "diffusion", "steps", "tolerance"}
    if not isinstance(given, dict) or "size" not in given or set(given) - known:
        raise ValueError(f"the YAML needs `size: [rows, columns]`, and may have {', '.join(sorted(known - {'size'}))}")
    rows, columns = (int(count) for count in given["size"])
    if min(rows, columns) < _SMALLEST:
        raise ValueError(f"the plate has {rows} x {columns} points; it needs {_SMALLEST} x {_SMALLEST} at least")
    initial = np.full((rows, columns), float(given.get("start", 0)))
    for spot in given.get("spots") or []:
        _heat(initial, spot)
    _hold_edges(initial, given.get("edges") or {})
    return {**given, "initial": initial}


def _heat(field: Field, spot: dict[str, float]) -> None:
    """Put a disc at a temperature; places and radius are shares of the plate."""
    rows, columns = field.shape
    row, column = np.ogrid[0:rows, 0:columns]
    down, across = row / (rows - 1) - float(spot["row"]), column / (columns - 1) - float(spot["column"])
    field[down**2 + across**2 <= float(spot["radius"]) ** 2] = float(spot["temperature"])


def _hold_edges(field: Field, edges: dict[str, float]) -> None:
    unknown = set(edges) - set(_EDGES)
    if unknown:
        raise ValueError(f"edges: there is no {', '.join(sorted(unknown))}; there are: {', '.join(_EDGES)}")
    for name, line in zip(_EDGES, (field[0], field[-1], field[:, 0], field[:, -1]), strict=True):
        line[:] = float(edges.get(name, 0))
