"""The open beam and the dark signal of a detector: the means of a scan's flats and darks, checked frame by frame."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gristmill.errors import Refused

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
_BRIGHT = 90  # per cent of the pixels are not brighter: what the beam is where it is
_DEAD = 0.01  # of that: a pixel that sees less of the beam has no data
_APART = 0.5  # of the middle flat's brightness: one that differs by more was taken with another beam
_LIT = 0.1  # of that: a dark that differs by more from the middle one saw the beam


@dataclass(frozen=True)
class Beam:
    """The open beam less the dark signal, NaN for a pixel without data, and the dark signal: (row, column).

    Both are divided by 2 to the `exponent`, so that any scale of counts fits float32 with the same digits.
    """

    open: Floats
    dark: Floats
    exponent: int

    def scaled(self, counts: NDArray[Any]) -> Floats:
        """Return raw counts on the scale of the beam."""
        if counts.dtype.kind == "f" and counts.dtype.itemsize > np.dtype(np.float32).itemsize:
            return np.ldexp(counts.astype(np.float64), -self.exponent).astype(np.float32)
        return np.ldexp(counts.astype(np.float32), np.int32(-self.exponent))

    @property
    def dead_rows(self) -> NDArray[np.bool_]:
        """Return which rows have no data in any frame."""
        rows: NDArray[np.bool_] = np.all(self.dead, axis=1, keepdims=False)
        return rows

    @property
    def dead(self) -> NDArray[np.bool_]:
        """Return which pixels have no data in any frame."""
        return np.isnan(self.open)


@dataclass(frozen=True)
class Reference:
    """The mean of some flats or darks (row, column), NaN where no frame has a number; what was found on the way."""

    mean: Doubles
    numbers: NDArray[np.intp]  # of the frames in their dataset
    brightness: list[float]  # of each frame
    not_finite: int  # values left out of the mean
    saturated: int  # values at the most that the file's integers hold


def reference(frames: Iterable[NDArray[Any]], numbers: NDArray[np.intp]) -> Reference:
    """Return the mean of frames, of which one at a time is held; `numbers` are theirs in the dataset."""
    total: Any = 0.0
    count: Any = 0
    brightness, saturated, values = [], 0, 0
    for frame in frames:
        counts = frame.astype(np.float64)
        known = np.isfinite(counts)
        counts[~known] = 0
        total, count, values = total + counts, count + known, values + known.size
        brightness.append(float(counts.sum() / known.sum()) if known.any() else np.nan)
        saturated += count_saturated(frame)
    with np.errstate(invalid="ignore"):
        mean = np.where(count > 0, total / count, np.nan)
    return Reference(mean, numbers, brightness, values - int(np.sum(count)), saturated)


def count_saturated(frame: NDArray[Any]) -> int:
    """Return how many values are the most that an integer type holds; floats have no such value."""
    return int(np.count_nonzero(frame == np.iinfo(frame.dtype).max)) if frame.dtype.kind in "iu" else 0


def beam_of(flat: Reference, dark: Reference, most_missing: float, flats: str, darks: str) -> Beam:
    """Return the beam of flats and darks; Refused where it is none, or too many pixels see nothing of it.

    `most_missing` is a per cent of all pixels; `flats` and `darks` name the datasets.
    """
    seen = flat.mean - dark.mean
    level = float(np.nanpercentile(seen, _BRIGHT)) if np.isfinite(seen).any() else np.nan
    if not level > 0:
        bright, black = (f"{np.mean(kind.brightness):g}" for kind in (flat, dark))
        text = f"{flats} is no brighter than {darks}: their means are {bright} and {black}"
        raise Refused([text], "Are data_white and data_dark the right way round? Flats are taken with the beam on.")
    _check_frames(flat, dark, flats, darks)
    dead = ~(seen > _DEAD * level)
    check_missing(dead, most_missing, f"{flats} less {darks}", "has no beam")
    exponent = int(np.frexp(level)[1])
    with np.errstate(invalid="ignore"):
        return Beam(
            np.ldexp(np.where(dead, np.nan, seen), -exponent).astype(np.float32),
            np.ldexp(np.where(dead, 0, dark.mean), -exponent).astype(np.float32),
            exponent,
        )


def _check_frames(flat: Reference, dark: Reference, flats: str, darks: str) -> None:
    """Refuse flats of which one was taken without the beam, or with another one, and darks of which one saw it."""
    black = float(np.nanmedian(dark.brightness))
    usual = float(np.nanmedian(flat.brightness)) - black
    for kind, path, middle, apart in ((flat, flats, usual, _APART), (dark, darks, 0.0, _LIT)):
        levels = np.array(kind.brightness) - black
        odd = np.flatnonzero(~(np.abs(levels - middle) <= apart * abs(usual)))
        if odd.size:
            first = int(odd[0])
            text = (
                f"{path}[{kind.numbers[first]}] is {levels[first]:g} above the middle dark, the middle flat {usual:g}"
            )
            raise Refused([text], "Leave out flats that were taken without the full beam, and darks with some of it.")


def check_missing(missing: NDArray[np.bool_], most: float, what: str, why: str) -> None:
    """Refuse pixels (row, column) of which more than `most` per cent are missing; names the first of them."""
    count = int(np.count_nonzero(missing))
    if 100 * count > most * missing.size:
        row, column = (int(place[0]) for place in np.nonzero(missing))
        share = f"{count} of {missing.size} pixels ({100 * count / missing.size:.3g} %)"
        mend = "Leave out what was not measured, or give a higher missing_percent: such pixels are interpolated."
        raise Refused([f"{what} {why} in {share}, the first in row {row}, column {column}; {most:g} % may lack"], mend)
