"""Reconstruction: a slice of 512 x 512 pixels and 360 angles, beside scikit-image's iradon and plain numpy.

Ours is what the pipeline `tomography` does to a block of rows: ramp filter and back-projection, transfers included.
Needs `make science`.

    python benchmarks/reconstruction.py
"""

import time
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
from common import finish, print_machine, row, verdict
from numpy.typing import NDArray
from skimage.transform import iradon

from batch_jobs.tomography.backprojection import LANES, back_project, device, weights
from batch_jobs.tomography.filtering import ramp_filter
from batch_jobs.tomography.phantom import Scan, projections, slices
from batch_jobs.tomography.quality import circle, psnr
from batch_jobs.tomography.sample import half_turn

COLUMNS, ANGLES, ROUNDS = 512, 360, 5
TIMES_IRADON = 20


def by_numpy(filtered: NDArray[np.float32], angles: NDArray[np.float64], centre: float) -> NDArray[np.float32]:
    """Back-project one sinogram (angle, column) in numpy: a loop over angles, all pixels at once."""
    columns = filtered.shape[1]
    place = np.arange(columns, dtype=np.float32) - (columns - 1) / 2
    made = np.zeros((columns, columns), np.float32)
    for line, angle, weight in zip(filtered, angles, weights(angles), strict=True):
        at = place[None, :] * np.cos(angle) + place[:, None] * np.sin(angle) + centre
        made += weight * np.interp(at.ravel(), np.arange(columns), line, left=0, right=0).reshape(at.shape)
    return made


def best(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the seconds of the fastest of some rounds."""
    seconds = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def main() -> None:
    """Time all, each on the same data, and hold ours against its target."""
    print_machine(**{name: version(name) for name in ("numpy", "scikit-image", "pyopencl")})
    scan = Scan(LANES, COLUMNS, half_turn(ANGLES), (COLUMNS - 1) / 2)
    sinograms = np.ascontiguousarray(projections(scan, slice(None)).swapaxes(0, 1))
    on, middle = device(False), LANES // 2

    def ours() -> NDArray[np.float32]:
        return back_project(on, ramp_filter(sinograms, "ramp"), scan.angles, scan.centre)

    def theirs() -> NDArray[np.float64]:
        made: NDArray[np.float64] = iradon(sinograms[middle].T, np.degrees(scan.angles), circle=True)
        return made

    true, inside = slices(scan, slice(middle, middle + 1))[0], circle(COLUMNS)
    quality = psnr(ours()[middle][inside], true[inside])
    print(f"{COLUMNS} x {COLUMNS} pixels, {ANGLES} angles, on {on.name}: {quality:.1f} dB")
    mine, filtered = best(ours) / LANES, ramp_filter(sinograms, "ramp")
    base = best(theirs)
    row("scikit-image iradon", base, base)
    row("numpy, a loop over angles", best(lambda: by_numpy(filtered[middle], scan.angles, scan.centre), 1), base)
    row(f"ours, a slice of {LANES}, with its filter", mine, base)
    row("ours, back-projection alone", best(lambda: back_project(on, filtered, scan.angles, scan.centre)) / LANES, base)
    row("ours, ramp filter alone", best(lambda: ramp_filter(sinograms, "ramp")) / LANES, base)
    finish([verdict("times as fast as iradon", base / mine, TIMES_IRADON, at_most=False)])


if __name__ == "__main__":
    main()
