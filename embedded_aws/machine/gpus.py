"""The GPUs of this machine."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from functools import cache

_SECONDS = 10.0  # the first call of nvidia-smi wakes the driver up


@cache
def present() -> tuple[str, ...]:
    """Return what CUDA_VISIBLE_DEVICES calls the GPUs that this process may use; none without NVIDIA's driver."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return tuple(name.strip() for name in visible.split(",") if name.strip())
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    command = [program, "--query-gpu=index", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):  # a driver without a device, or a broken one: no GPU to use
        return ()
    return tuple(line.strip() for line in done.stdout.splitlines() if line.strip().isdecimal())


def real(numbers: Iterable[int]) -> list[str]:
    """Return which of the GPUs that a job got are there; the CPU stands for the others."""
    return [present()[number] for number in numbers if number < len(present())]
