"""What the summary tells of the table, gathered in one pass in little memory."""

from collections import Counter
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from pyarrow import RecordBatch

from .columns import PERCENTS, VALUES
from .table import read

Floats = NDArray[np.float64]
DRAWN = ("length", *VALUES)
_EDGES: dict[str, Floats] = {
    "length": np.logspace(0, 5, 61),
    "molecular_weight": np.logspace(2, 7, 61),
    "isoelectric_point": np.linspace(3, 13, 61),
    "gravy": np.linspace(-4.5, 4.5, 181),
    "instability_index": np.linspace(-60, 140, 61),
}


@dataclass
class Column:
    """A column's histogram and moments. What lies outside the edges counts in the outermost bins."""

    edges: Floats
    bins: NDArray[np.int64] = field(init=False)
    count: int = 0
    total: float = 0
    low: float = np.inf
    high: float = -np.inf

    def __post_init__(self) -> None:
        """Begin with empty bins."""
        self.bins = np.zeros(len(self.edges) - 1, np.int64)

    def add(self, numbers: Floats) -> None:
        """Take more of the column."""
        known = numbers[~np.isnan(numbers)]
        if known.size:
            self.bins += np.histogram(np.clip(known, self.edges[0], self.edges[-1]), self.edges)[0]
            self.count += known.size
            self.total += float(known.sum())
            self.low, self.high = min(self.low, float(known.min())), max(self.high, float(known.max()))

    @property
    def mean(self) -> float:
        """Return the mean, NaN of nothing."""
        return self.total / self.count if self.count else np.nan

    @property
    def is_logarithmic(self) -> bool:
        """Return whether the bins grow."""
        return bool(self.edges[2] - self.edges[1] > 1.01 * (self.edges[1] - self.edges[0]))


@dataclass
class Figures:
    """All that the picture and the page show; `residues` counts each of the 20 residues."""

    columns: dict[str, Column] = field(default_factory=lambda: {name: Column(_EDGES[name]) for name in DRAWN})
    residues: Floats = field(default_factory=lambda: np.zeros(len(PERCENTS)))
    flags: Counter[str] = field(default_factory=Counter)  # sequences with each kind of flag
    sequences: int = 0


def gather(source: BinaryIO) -> Figures:
    """Return the figures of a table."""
    made = Figures()
    for batch in read(source):
        made.sequences += batch.num_rows
        lengths = _floats(batch, "length")
        for name, column in made.columns.items():
            # an empty sequence has no length to draw
            column.add(lengths[lengths > 0] if name == "length" else _floats(batch, name))
        shares = np.stack([_floats(batch, name) for name in PERCENTS])
        made.residues += np.nansum(shares * lengths / 100, axis=1)
        for flags in batch.column("flags").to_pylist():
            made.flags.update({flag.partition("=")[0] for flag in flags.split(";") if flag})
    return made


def _floats(batch: RecordBatch, name: str) -> Floats:
    return np.asarray(batch.column(name).to_numpy(zero_copy_only=False), dtype=np.float64)
