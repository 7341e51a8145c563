"""A picture of what was docked: the pocket's energy in a plane, the best places in it, and grid against pairs."""

import io
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gristmill.task import Task

from .grid import make_grid
from .jobs import read_poses
from .molecules import read_molecule

_PROBE = "C"
_MARGIN = 4.0  # Å around the box that are drawn
_SHOWN = 1.0  # kcal/mol: what is above is drawn as this


def draw(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any], task: Task) -> None:
    """Draw the energy of a carbon in the plane through the pocket's middle, and energies against exact ones."""
    rows = read_poses(source)
    receptor = read_molecule(task.inputs["pocket"].read_bytes())
    half = parameters["box"] + _MARGIN
    grid = make_grid(receptor, {_PROBE}, half, parameters["spacing"], parameters["cutoff"])
    energies = grid.energies[_PROBE]
    plane = np.minimum(energies[:, :, energies.shape[2] // 2], _SHOWN)
    figure = Figure(figsize=(9, 4.2), dpi=100, layout="constrained")
    left, right = figure.subplots(1, 2)
    low, high = grid.corner[:2], grid.corner[:2] + grid.spacing * (energies.shape[0] - 1)
    shown = left.imshow(
        plane.T, origin="lower", extent=(low[0], high[0], low[1], high[1]), cmap="RdBu_r", vmin=-1, vmax=1
    )
    left.plot([float(row["x"]) for row in rows], [float(row["y"]) for row in rows], "k.", markersize=4)
    left.set(
        title=f"carbon, spacing {parameters['spacing']:g} Å, cutoff {parameters['cutoff']:g} Å",
        xlabel="x (Å)",
        ylabel="y (Å)",
    )
    figure.colorbar(shown, ax=left, label="kcal/mol")
    pairs, by_grid = ([float(row[name]) for row in rows] for name in ("exact", "energy"))
    ends = [min([*pairs, *by_grid]), max([*pairs, *by_grid])]
    right.plot(ends, ends, color="0.6", linewidth=1)
    right.plot(pairs, by_grid, ".", color="#2f7ed8")
    right.set(title=f"{len(rows):,} ligands", xlabel="all pairs of atoms (kcal/mol)", ylabel="grid (kcal/mol)")
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    sink.write(buffer.getvalue())
