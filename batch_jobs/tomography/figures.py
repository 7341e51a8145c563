"""Figures by which a volume is judged, and what stops a run that computes nonsense."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gristmill.errors import Refused

from .angles import Degrees, gap, repeated

_NEIGHBOURS = 5  # frames next to each other in angle, whose middle is the level of each
_JUMP = 0.1  # of attenuation: the beam of one frame is so much brighter or darker than that of its neighbours
_MANY = 1.0  # per cent of the values that are brighter than the beam by far
_NEGATIVE = -0.05  # mean attenuation: more passed the sample than was sent


def check_centre(given: float | None, columns: int) -> None:
    """Refuse a centre that is not on the detector."""
    if given is not None and not 0 <= given <= columns - 1:
        raise Refused([f"the parameter centre is {given:g}; columns go from 0 to {columns - 1}"], "Give one of them.")


def check_finite(values: NDArray[Any], what: str) -> None:
    """Raise where a result has values that are no numbers, naming the first."""
    wrong = ~np.isfinite(values)
    if wrong.any():
        place = [int(axis[0]) for axis in np.nonzero(wrong)]
        raise ArithmeticError(f"{what} has {int(wrong.sum())} values that are no numbers, the first at {place}")


def scan_figures(
    notes: Sequence[str], degrees: Degrees, shape: Sequence[int], counts: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the figures of a scan from the counts of its frames, of which each begins at its `first`.

    `notes` are what was odd before; what is odd in the frames is added. A trial has not read all of them.
    """
    values = int(np.prod(shape))
    missing, saturated, bright = (
        100 * sum(count[name] for count in counts) / values for name in ("missing", "saturated", "bright")
    )
    levels = np.full(shape[0], np.nan)
    for count in counts:
        levels[count["first"] : count["first"] + len(count["levels"])] = count["levels"]
    found = [*notes, *_odd_levels(levels, degrees)]
    if bright > _MANY:
        stuck = "a part of the detector may be stuck, or the flats be of another exposure"
        found.append(f"{bright:.3g} % of the values are 1.6 times as bright as the flats, or more: {stuck}")
    return {
        "frames": shape[0],
        "gap_degrees": gap(degrees),
        "repeated_angles": repeated(degrees),
        "missing_percent": missing,
        "saturated_percent": saturated,
        "bright_percent": bright,
        "odd": len(found),
        "notes": found,
    }


def _odd_levels(levels: NDArray[np.float64], degrees: Degrees) -> list[str]:
    """Return what is odd in the mean attenuation of frames; around the object it changes little from angle to angle."""
    notes = []
    read = np.flatnonzero(np.isfinite(levels))
    if len(read) < len(levels):
        notes.append(f"{len(levels) - len(read)} of {len(levels)} frames were not read, and are zero")
    mean = float(levels[read].mean())
    if mean < _NEGATIVE:
        notes.append(f"the mean attenuation is {mean:.3g}: the frames are brighter than the flats")
    order = read[np.argsort(degrees[read] % 180, kind="stable")]
    jumps = np.zeros(len(levels))
    jumps[order] = np.abs(levels[order] - _middle(levels[order]))
    if jumps.max() > _JUMP:
        frame = int(jumps.argmax())
        notes.append(f"frame {frame} has another beam than its neighbours: {jumps[frame]:.2g} in mean attenuation")
    return notes


def _middle(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median of each level and its neighbours, around the turn."""
    ring = np.pad(levels, _NEIGHBOURS // 2, mode="wrap")
    middle: NDArray[np.float64] = np.median(np.lib.stride_tricks.sliding_window_view(ring, _NEIGHBOURS), axis=1)
    return middle
