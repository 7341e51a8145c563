"""The middle slice as a picture, and how the residual fell as figures."""

import io
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from batch_jobs.tomography.picture import draw


def preview(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Draw the middle slice."""
    slices = np.load(io.BytesIO(source.read()))["slices"]
    draw(slices[len(slices) // 2]).save(sink, "PNG")


def residuals(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write the relative residual before each iteration, as CSV."""
    sink.write(b"iteration,residual\n")
    for number, residual in enumerate(np.load(io.BytesIO(source.read()))["residuals"]):
        sink.write(f"{number},{residual:.6g}\n".encode())
