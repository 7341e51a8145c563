"""Back-projection in OpenCL: on a GPU, or by PoCL on the CPU; the same kernel everywhere.

A work-item makes some neighbouring pixels of 16 slices at once: index arithmetic is paid once for all slices and every
load is contiguous, so filtered sinograms are laid out (angle, column, 16). Columns of zeros on each side stand for
all that lies beyond the detector: a place is clamped instead of asked about, so the inner loop has no branch.
"""

import os
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .angles import Degrees, weights

Floats = NDArray[np.float32]
LANES = 16

_MARGIN = 2  # columns of zeros on each side of the detector: what is clamped lies between two of them
_PIXELS = 8  # of a work-item on a CPU, whose loads then lie close; a GPU hides waiting behind many small ones

_KERNEL = """
__kernel void back_project(__global const float16 *filtered, __global const float4 *rays, __global float16 *volume,
                           const int angles, const int columns, const float centre)
{
    const int first = PIXELS * get_global_id(0), y = get_global_id(1);
    const float middle = 0.5f * (columns - 1), last = columns + MARGIN;
    float16 sum[PIXELS];
    #pragma unroll
    for (int i = 0; i < PIXELS; ++i) sum[i] = 0.0f;
    const __global float16 *line = filtered;
    for (int angle = 0; angle < angles; ++angle, line += columns + 2 * MARGIN) {
        const float4 ray = rays[angle];  /* cosine, sine, weight */
        const float row = (y - middle) * ray.y + centre + MARGIN;
        #pragma unroll
        for (int i = 0; i < PIXELS; ++i) {
            const float place = clamp((first + i - middle) * ray.x + row, 0.0f, last);
            const int left = (int)place;
            const float share = ray.z * (place - left);
            sum[i] += (ray.z - share) * line[left] + share * line[left + 1];
        }
    }
    #pragma unroll
    for (int i = 0; i < PIXELS; ++i)
        if (first + i < columns) volume[y * columns + first + i] = sum[i];
}
"""


@dataclass(frozen=True)
class Device:
    """An OpenCL device: its queue and built kernel, how many pixels a work-item makes, and what it calls itself."""

    queue: Any
    kernel: Any
    pixels: int
    name: str
    is_gpu: bool


class NoDevice(RuntimeError):
    """Raised when there is no OpenCL device of the wanted kind; says which there are."""


@cache
def device(require_gpu: bool) -> Device:
    """Return the best OpenCL device: a GPU before a CPU; NoDevice where a GPU is required and there is none."""
    if not os.access(Path.home(), os.W_OK):  # PoCL has no device where it cannot keep the kernels that it has built
        os.environ.setdefault("POCL_CACHE_DIR", tempfile.mkdtemp(prefix="pocl-"))
    import pyopencl as cl

    found = [item for platform in _platforms(cl) for item in platform.get_devices()]
    gpus = [item for item in found if item.type & cl.device_type.GPU]
    if not found or (require_gpu and not gpus):
        names = ", ".join(item.name.strip() for item in found) or "none"
        raise NoDevice(f"no OpenCL {'GPU' if require_gpu else 'device'} is here (devices: {names})")
    chosen = (gpus or found)[0]
    context, pixels = cl.Context([chosen]), 1 if gpus else _PIXELS
    options = ["-cl-fast-relaxed-math", f"-DPIXELS={pixels}", f"-DMARGIN={_MARGIN}"]
    kernel = cl.Kernel(cl.Program(context, _KERNEL).build(options=options), "back_project")
    return Device(cl.CommandQueue(context), kernel, pixels, chosen.name.strip(), bool(gpus))


def _platforms(cl: Any) -> list[Any]:
    try:
        platforms: list[Any] = cl.get_platforms()
    except cl.LogicError:  # PLATFORM_NOT_FOUND_KHR: no OpenCL at all
        return []
    return platforms


def back_project(on: Device, filtered: Floats, degrees: Degrees, centre: float) -> Floats:
    """Return slices (row, y, x) from filtered sinograms (row, angle, column); the centre is in columns."""
    rows, columns = filtered.shape[0], filtered.shape[2]
    angles = np.radians(degrees)
    rays = np.stack([np.cos(angles), np.sin(angles), weights(degrees), np.zeros_like(angles)], axis=-1)
    made = np.empty((rows, columns, columns), np.float32)
    for first in range(0, rows, LANES):
        group = _last(filtered[first : first + LANES])
        made[first : first + LANES] = _group(on, group, rays.astype(np.float32), centre)[: rows - first]
    return made


def _last(group: Floats) -> Floats:
    """Return (angle, column, 16) from (row, angle, column), zero-padded to 16 rows and by the margin."""
    rows, angles, columns = group.shape
    padded = np.zeros((angles, columns + 2 * _MARGIN, LANES), np.float32)
    padded[:, _MARGIN:-_MARGIN, :rows] = np.moveaxis(group, 0, -1)
    return padded


def _group(on: Device, group: Floats, rays: Floats, centre: float) -> Floats:
    import pyopencl as cl

    angles, columns = group.shape[0], group.shape[1] - 2 * _MARGIN
    flags, context = cl.mem_flags, on.queue.context
    source = cl.Buffer(context, flags.READ_ONLY | flags.COPY_HOST_PTR, hostbuf=group)
    constants = cl.Buffer(context, flags.READ_ONLY | flags.COPY_HOST_PTR, hostbuf=rays)
    made = np.empty((columns, columns, LANES), np.float32)
    target = cl.Buffer(context, flags.WRITE_ONLY, made.nbytes)
    numbers = (np.int32(angles), np.int32(columns), np.float32(centre))
    on.kernel(on.queue, (-(-columns // on.pixels), columns), None, source, constants, target, *numbers)
    cl.enqueue_copy(on.queue, made, target)
    return np.moveaxis(made, -1, 0)
