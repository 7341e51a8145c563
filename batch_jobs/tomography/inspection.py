"""The check of a scan before anything is computed of it; every pipeline that takes scans uses it.

Opening a scan has checked its structure and its angles (`scan.py`). Its frames are checked where they are read
(`correction.py`), and summed up behind (`figures.py`): so nothing is read twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from .angles import Degrees, even_gap, gap
from .beam import Beam, Reference, beam_of
from .datasets import check_written
from .scan import RawScan

_WIDE, _TIMES = 5.0, 5.0  # degrees, and times the even gap: a wider one leaves streaks
_MANY = 0.01  # of all values of the flats, or darks, may be saturated


@dataclass(frozen=True)
class Inspection:
    """The beam of a scan that passed, and what is odd in it, a sentence each."""

    beam: Beam
    notes: list[str]


def inspect(scan: RawScan, most_missing: float) -> Inspection:
    """Check what `read_scan` leaves: that all was written, flats, darks; note what is odd. Each is read once.

    `most_missing` is the per cent of pixels that may be without data.
    """
    for stack in {stack.name: stack for stack in (scan.data, scan.white, scan.dark)}.values():
        check_written(stack, stack.name)
    flat, dark = scan.references()
    beam = beam_of(flat, dark, most_missing, scan.white.name, scan.dark.name)
    return Inspection(beam, [*_odd_angles(scan.degrees), *_odd_references(scan, flat, dark)])


def _odd_angles(degrees: Degrees) -> Iterator[str]:
    widest = gap(degrees)
    if widest > max(_WIDE, _TIMES * even_gap(degrees)):
        yield f"no frame looks into {widest:.1f} of the 180 degrees: the volume has streaks across them"


def _odd_references(scan: RawScan, flat: Reference, dark: Reference) -> Iterator[str]:
    for name, kind in ((scan.white.name, flat), (scan.dark.name, dark)):
        if kind.not_finite:
            yield f"{name} has {kind.not_finite} values that are no numbers: they are left out of the mean"
        if kind.saturated > _MANY * kind.mean.size * len(kind.numbers):
            yield f"{name} has {kind.saturated} values at the most that its integers hold: the beam may be brighter"
