"""The distributions as one picture."""

import io
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .columns import RESIDUES, UNITS
from .figures import Column, Figures, gather

_COLOUR, _LINE = "#4878a8", "#c05020"
_WHOLE = 1000  # from here on no decimals are told


def draw(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:  # noqa: ARG001
    """Write a PNG of the distributions."""
    sink.write(picture(gather(source)))


def picture(found: Figures) -> bytes:
    """Return a PNG: a histogram of each value, and the share of each residue."""
    figure = Figure(figsize=(12, 7), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    panels = figure.subplots(2, 3).flat
    for panel, (name, column) in zip(panels, found.columns.items(), strict=False):
        _histogram(panel, name, column)
    _composition(figure.axes[-1], found)
    figure.suptitle(f"{found.sequences:,} sequences")
    made = io.BytesIO()
    canvas.print_png(made)
    return made.getvalue()


def _histogram(panel: Axes, name: str, column: Column) -> None:
    panel.stairs(column.bins, column.edges, fill=True, color=_COLOUR)
    if column.is_logarithmic:
        panel.set_xscale("log")
    filled = np.flatnonzero(column.bins)
    if filled.size:
        panel.set_xlim(column.edges[filled[0]], column.edges[filled[-1] + 1])
        panel.axvline(column.mean, color=_LINE, linewidth=1, label=f"mean {decimal(column.mean)}")
        panel.legend(frameon=False)
    panel.set_xlabel(f"{name.replace('_', ' ')} ({UNITS[name]})")
    panel.set_ylabel("sequences")
    panel.spines[["top", "right"]].set_visible(False)


def decimal(number: float) -> str:
    """Return a number with as many digits as tell something here."""
    return f"{number:,.0f}" if abs(number) >= _WHOLE else f"{number:.4g}"


def _composition(panel: Axes, found: Figures) -> None:
    total = found.residues.sum() or 1
    panel.bar(list(RESIDUES), 100 * found.residues / total, color=_COLOUR)
    panel.set_xlabel("residue")
    panel.set_ylabel("% of the 20 residues")
    panel.spines[["top", "right"]].set_visible(False)
