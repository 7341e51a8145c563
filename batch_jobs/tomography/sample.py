"""Makes a scan of the Shepp-Logan phantom: `python -m batch_jobs.tomography.sample OUT.h5 --columns 256 --angles 181`.

HDF5 in the layout Scientific Data Exchange, with flats, darks and, where asked for, noise, rings and a shifted axis.
The file says that it is the phantom, so that a run can tell how near it came.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from .phantom import Scan, projections

_DARK = 100.0  # counts
_BEAM = 50_000.0  # counts of the open beam where there is no noise to ask for
_REFERENCES = 10  # flats, and darks
_FULL = np.iinfo(np.uint16).max
_BLOCK = 16  # frames made at a time


class Saturated(ValueError):
    """Raised where a pixel counts more than is stored."""


@dataclass(frozen=True)
class Detector:
    """What a detector does to a projection: `photons` a pixel (0: no noise), `gain` (row, column) of its pixels."""

    photons: float
    gain: NDArray[np.float64]
    chance: np.random.Generator

    def counts(self, transmission: NDArray[Any]) -> NDArray[Any]:
        """Return what is read out for a transmission of 0 to 1: (frame, row, column)."""
        beam = transmission * (self.photons or _BEAM) * self.gain
        seen: NDArray[Any] = (self.chance.poisson(beam) if self.photons else beam) + _DARK
        if not self.photons:
            return seen.astype(np.float32)
        if seen.max() > _FULL:
            raise Saturated(
                f"a pixel counts {seen.max():.0f}, and {_FULL} at most are stored: take fewer photons, or rings"
            )
        return seen.astype(np.uint16)


def write(path: Path, scan: Scan, photons: float, rings: float, seed: int = 0) -> None:
    """Write a scan to a file, a block of frames at a time; `rings` is the spread of a gain that flats do not see."""
    chance = np.random.default_rng(seed)
    flat = Detector(photons, 1 + 0.05 * chance.standard_normal((1, scan.rows, scan.columns)).clip(-3, 3), chance)
    seen = Detector(photons, flat.gain * (1 + rings * chance.standard_normal((1, 1, scan.columns))), chance)
    attenuation, shape = 4 / scan.columns, (len(scan.angles), scan.rows, scan.columns)
    with h5py.File(path, "w", fs_strategy="page", fs_page_size=1 << 20) as file:
        group = file.create_group("exchange")
        kind = np.uint16 if photons else np.float32
        data = group.create_dataset("data", shape, kind, chunks=(1, *shape[1:]))
        for first in range(0, shape[0], _BLOCK):
            block = slice(first, min(first + _BLOCK, shape[0]))
            data[block] = seen.counts(np.exp(-attenuation * projections(scan, block)))
        group["data_white"] = flat.counts(np.ones((_REFERENCES, *shape[1:])))
        group["data_dark"] = np.full((_REFERENCES, *shape[1:]), _DARK, kind)
        group["theta"] = np.degrees(scan.angles)
        group["title"] = "Shepp-Logan phantom"
        group.create_group("phantom").attrs.update(centre=scan.centre, attenuation=attenuation)


def half_turn(count: int) -> NDArray[np.float64]:
    """Return angles from 0 to 180 degrees, both included, in radians."""
    return np.linspace(0, np.pi, count)


def main(arguments: Sequence[str]) -> None:
    """Make the file that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m batch_jobs.tomography.sample", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT.h5")
    parser.add_argument("--columns", type=int, default=256, help="of the detector (default: %(default)s)")
    parser.add_argument("--rows", type=int, default=32, help="of the detector (default: %(default)s)")
    parser.add_argument("--angles", type=int, default=181, help="from 0 to 180 degrees (default: %(default)s)")
    parser.add_argument("--noise", type=float, default=0, metavar="I0", help="photons a pixel (default: no noise)")
    parser.add_argument("--rings", type=float, default=0, metavar="S", help="spread of the columns' gain, as 0.01")
    parser.add_argument("--shift", type=float, default=0, metavar="PX", help="of the axis from the detector's middle")
    given = parser.parse_args(arguments)
    scan = Scan(given.rows, given.columns, half_turn(given.angles), (given.columns - 1) / 2 + given.shift)
    try:
        write(given.out, scan, given.noise, given.rings)
    except Saturated as error:
        given.out.unlink()
        parser.error(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
