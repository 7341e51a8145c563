"""Reconstruction: a slice of 512 x 512 pixels and 360 angles, beside scikit-image's iradon and plain numpy.

Ours is what the pipeline `tomography` does to a block of rows: ramp filter and back-projection, transfers included.
The kernel alone is told, too, as a share of what a copy inside the device's memory moves: each pixel loads two values
an angle. A share above 1 is what the caches give. Needs `make science`.

    python benchmarks/reconstruction.py
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any

import numpy as np
import pyopencl as cl
from common import finish, print_machine, row, verdict
from numpy.typing import NDArray
from skimage.transform import iradon

from batch_jobs.tomography.angles import weights
from batch_jobs.tomography.backprojection import LANES, Device, back_project, device
from batch_jobs.tomography.filtering import ramp_filter
from batch_jobs.tomography.phantom import Scan, projections, slices
from batch_jobs.tomography.quality import CIRCLE, circle, psnr
from batch_jobs.tomography.sample import half_turn

COLUMNS, ANGLES, ROUNDS = 512, 360, 5
TIMES_IRADON = 20


def by_numpy(filtered: NDArray[np.float32], degrees: NDArray[np.float64], centre: float) -> NDArray[np.float32]:
    """Back-project one sinogram (angle, column) in numpy: a loop over angles, all pixels at once."""
    columns = filtered.shape[1]
    place = np.arange(columns, dtype=np.float32) - (columns - 1) / 2
    made = np.zeros((columns, columns), np.float32)
    for line, angle, weight in zip(filtered, np.radians(degrees), weights(degrees), strict=True):
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


@dataclass(frozen=True)
class Timed:
    """A kernel that keeps the seconds of each of its runs, as the device counts them."""

    kernel: Any
    seconds: list[float] = field(default_factory=list)

    def __call__(self, *arguments: Any) -> Any:
        """Run it, and wait for its end."""
        event = self.kernel(*arguments)
        event.wait()
        self.seconds.append((event.profile.end - event.profile.start) * 1e-9)
        return event


def profiled(on: Device) -> Any:
    """Return a queue that tells how long its work took."""
    return cl.CommandQueue(on.queue.context, properties=cl.command_queue_properties.PROFILING_ENABLE)


def kernel_seconds(on: Device, filtered: NDArray[np.float32], degrees: NDArray[np.float64], centre: float) -> float:
    """Return the seconds of the kernel alone, without transfers."""
    timed = Timed(on.kernel)
    for _ in range(ROUNDS):
        back_project(replace(on, kernel=timed, queue=profiled(on)), filtered, degrees, centre)
    return min(timed.seconds)


def copied_per_second(on: Device, size: int = 256 * 1024**2) -> float:
    """Return the bytes a second that a copy inside the device's memory reads and writes."""
    queue, flags = profiled(on), cl.mem_flags.READ_WRITE
    shown, other = (cl.Buffer(queue.context, flags, size) for _ in range(2))
    seconds = []
    for _ in range(ROUNDS):
        event = cl.enqueue_copy(queue, other, shown, byte_count=size)
        event.wait()
        seconds.append((event.profile.end - event.profile.start) * 1e-9)
    return 2 * size / min(seconds)


def print_share(seconds: float, copied: float) -> None:
    """Print what the kernel loads and stores a second, beside what a copy does."""
    moved = 4 * LANES * COLUMNS**2 * (2 * ANGLES + 1) / seconds
    print(
        f"  the kernel loads {moved / 1e9:,.0f} GB/s, a copy moves {copied / 1e9:,.0f} GB/s: {moved / copied:.2f} of it"
    )


def main() -> None:
    """Time all, each on the same data, and hold ours against its target."""
    print_machine(**{name: version(name) for name in ("numpy", "scikit-image", "pyopencl")})
    scan = Scan(LANES, COLUMNS, half_turn(ANGLES), (COLUMNS - 1) / 2)
    sinograms = np.ascontiguousarray(projections(scan, slice(None)).swapaxes(0, 1))
    on, middle, degrees = device(False), LANES // 2, np.degrees(scan.angles)

    def ours() -> NDArray[np.float32]:
        return back_project(on, ramp_filter(sinograms, "ramp"), degrees, scan.centre)

    def theirs() -> NDArray[np.float64]:
        made: NDArray[np.float64] = iradon(sinograms[middle].T, degrees, circle=True)
        return made

    true, inside = slices(scan, slice(middle, middle + 1))[0], circle(COLUMNS, CIRCLE)
    quality = psnr(ours()[middle][inside], true[inside])
    print(f"{COLUMNS} x {COLUMNS} pixels, {ANGLES} angles, on {on.name}: {quality:.1f} dB")
    mine, filtered = best(ours) / LANES, ramp_filter(sinograms, "ramp")
    base = best(theirs)
    row("scikit-image iradon", base, base)
    row("numpy, a loop over angles", best(lambda: by_numpy(filtered[middle], degrees, scan.centre), 1), base)
    row(f"ours, a slice of {LANES}, with its filter", mine, base)
    alone = kernel_seconds(on, filtered, degrees, scan.centre)
    row("ours, kernel alone", alone / LANES, base)
    row("ours, kernel and transfers", best(lambda: back_project(on, filtered, degrees, scan.centre)) / LANES, base)
    row("ours, ramp filter alone", best(lambda: ramp_filter(sinograms, "ramp")) / LANES, base)
    print_share(alone, copied_per_second(on))
    finish([verdict("times as fast as iradon", base / mine, TIMES_IRADON, at_most=False)])


if __name__ == "__main__":
    main()
