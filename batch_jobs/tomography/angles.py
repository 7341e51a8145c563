"""The angles of a scan: their unit and what they cover. Directions are taken modulo a turn, in any order and sense."""

import numpy as np
from numpy.typing import NDArray

from gristmill.errors import Refused

Degrees = NDArray[np.float64]
RADIANS = "radians"
UNITS = {
    **dict.fromkeys(("deg", "degs", "degree", "degrees", "°"), "degrees"),
    **dict.fromkeys(("rad", "rads", "radian", RADIANS), RADIANS),
}
_SAME = 6  # decimal places of a degree: what agrees to them is the same direction
_LARGEST = 1e6  # degrees; no stage turns so far
_WIDEST = 90.0  # degrees between neighbouring directions: half of all directions are missing
_TRIED = 16  # angles that the half turn for the centre may begin at
_RADIANS_AT_MOST = 20.0  # a scan that covers so few degrees may be one of some turns in radians


def in_degrees(values: NDArray[np.generic], units: str, chosen: str | None, path: str) -> Degrees:
    """Return angles in degrees: by the run's parameter, else by the dataset's `units`, else as they are.

    Refused for units that are neither degrees nor radians.
    """
    unit = chosen or UNITS.get(units.lower(), "" if units else "degrees")
    if not unit:
        raise Refused([f"{path} has the units {units!r}"], "Give theta_units=degrees or theta_units=radians.")
    angles = np.asarray(values, np.float64)
    return np.degrees(angles) if unit == RADIANS else angles


def check_angles(degrees: Degrees, numbers: NDArray[np.intp], path: str) -> None:
    """Refuse angles that are no numbers, absurd, or that leave out half of all directions.

    `numbers` are the places of the angles in their dataset, `path`.
    """
    wrong = np.flatnonzero(~(np.abs(degrees) <= _LARGEST))
    if wrong.size:
        first, more = int(wrong[0]), f", and {wrong.size - 1} more" if wrong.size > 1 else ""
        mend = "Mend the angles, or leave out those frames and their angles."
        raise Refused([f"{path}[{numbers[first]}] is {degrees[first]:g}, which is no angle{more}"], mend)
    widest = gap(degrees)
    if widest > _WIDEST:
        low, high = float(degrees.min()), float(degrees.max())
        mend = "Half a turn is needed, in steps as even as can be."
        if high - low <= _RADIANS_AT_MOST:
            mend += f" Is {path} in radians? Then give theta_units=radians."
        text = f"{path} goes from {low:g} to {high:g} degrees: no frame looks into {widest:.1f} of the 180 degrees"
        raise Refused([text], mend)


def gap(degrees: Degrees) -> float:
    """Return the widest angle between neighbouring directions, modulo half a turn."""
    directions = np.unique(_folded(degrees, 180))
    return float(np.max(np.diff(directions, append=directions[0] + 180)))


def even_gap(degrees: Degrees) -> float:
    """Return what the widest angle would be were the directions spread evenly."""
    return 180 / len(np.unique(_folded(degrees, 180)))


def repeated(degrees: Degrees) -> int:
    """Return how many frames have an angle that an earlier one has, modulo a turn."""
    return len(degrees) - len(np.unique(_folded(degrees, 360)))


def weights(degrees: Degrees) -> Degrees:
    """Return the share of the half turn that each angle stands for, in radians.

    Angles that see the same ray share alike: a scan that holds both 0 and 180 degrees sees that ray twice.
    """
    directions, which, counts = np.unique(_folded(degrees, 180), return_inverse=True, return_counts=True)
    around = np.concatenate([[directions[-1] - 180], directions, [directions[0] + 180]])
    shares: Degrees = np.radians((around[2:] - around[:-2]) / 2 / counts)[which]
    return shares


def half_turn(degrees: Degrees) -> tuple[NDArray[np.intp], Degrees]:
    """Return the frames of the half turn that is covered most evenly, in the order of their angles, and those angles.

    A frame of each angle is taken; the angles rise from their first, within half a turn.
    """
    turned, frames = np.unique(_folded(degrees, 360), return_index=True)
    start = min(_starts(turned), key=lambda start: _widest_within(turned, start))
    relative = np.round((turned - start) % 360, _SAME)
    order = np.argsort(relative, kind="stable")
    order = order[relative[order] <= 180]
    return frames[order], relative[order]


def _starts(turned: Degrees) -> list[float]:
    """Return where the half turn may begin: behind the widest gap of the turn, or at some of the angles."""
    behind = int(np.argmax(np.diff(turned, prepend=turned[-1] - 360)))
    return [float(turned[behind]), *map(float, turned[:: -(-len(turned) // _TRIED)])]


def _widest_within(turned: Degrees, start: float) -> float:
    relative = np.sort(np.round((turned - start) % 360, _SAME))
    return round(float(np.max(np.diff(relative[relative <= 180], append=180))), _SAME)


def _folded(degrees: Degrees, turn: int) -> Degrees:
    """Return angles modulo a turn; those that agree to rounding are equal."""
    return np.round(np.round(degrees, _SAME) % turn, _SAME) % turn
