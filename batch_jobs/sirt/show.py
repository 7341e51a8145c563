"""The middle slice as a picture, how the residual fell, and figures of how far the slices can be trusted."""

import io
import json
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


def quality(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write the centre and its cross-check, what is odd in the scan, and the last residual."""
    made = np.load(io.BytesIO(source.read()))
    fall = made["residuals"].astype(np.float64)
    figures = {
        **json.loads(str(made["figures"])),
        "residual": float(fall[-1]),
        "largest_rise": float(np.max(np.diff(fall), initial=0.0)),
    }
    sink.write(json.dumps(figures, indent=2, allow_nan=False).encode() + b"\n")
