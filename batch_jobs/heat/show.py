"""The solved field as a picture, and how it came about as figures."""

import io
import json
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .checkpoint import unpack
from .problem import Field

_SIDE = 512  # pixels of the shorter side at least
_LARGEST = 4096  # pixels of a side at most
_BAR = 24  # pixels: the scale beside the picture, from the coldest to the hottest


def picture(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Draw the field as a PNG: black is the coldest point, white the hottest, with the scale at the right."""
    draw(unpack(source.read()).field).save(sink, "PNG")


def quality(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write figures of how far the field can be trusted.

    By the maximum principle no point leaves the range of the initial temperatures, and no step changes more than those
    before it: what does is a share of the largest of these. `unsettled` is 1 where the tolerance was not met.
    """
    raw = source.read()
    state = unpack(raw)
    with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
        (low, high), tolerance = arrays["limits"].tolist(), float(arrays["tolerance"])
    size, changes = max(abs(low), abs(high)) or 1.0, np.array([change for _, change in state.changes])
    record = {
        "steps": state.step,
        "last_change": float(changes[-1]),
        "unsettled": int(changes[-1] > tolerance > 0),
        "outside": float(max(low - state.field.min(), state.field.max() - high, 0.0)) / size,
        "largest_rise": float(np.max(np.diff(changes), initial=0.0)) / size,
    }
    sink.write(json.dumps(record, indent=2, allow_nan=False).encode() + b"\n")


def draw(field: Field) -> Image.Image:
    """Return the picture of a field."""
    low, high = float(field.min()), float(field.max())
    image = Image.fromarray(glow((field - low) / (high - low or 1.0)))
    scale = max(1, -(-_SIDE // min(image.size)))
    size = (min(image.width * scale, _LARGEST), min(image.height * scale, _LARGEST))
    image = image.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BILINEAR)
    canvas = Image.new("RGB", (image.width + 2 * _BAR, image.height), "white")
    canvas.paste(image, (0, 0))
    bar = np.repeat(np.linspace(1, 0, image.height)[:, None], _BAR, axis=1)
    canvas.paste(Image.fromarray(glow(bar)), (image.width + _BAR, 0))
    return canvas


def glow(values: Field) -> NDArray[np.uint8]:
    """Return colours of values from 0 to 1: black, red, yellow, white."""
    shades = [np.clip(values * 3 - offset, 0, 1) for offset in range(3)]
    return (np.stack(shades, axis=-1) * 255).round().astype(np.uint8)


def figures(source: BinaryIO, sink: BinaryIO, parameters: Mapping[str, Any]) -> None:
    """Write how much the largest change of a step was as it went on, as CSV."""
    state = unpack(source.read())
    sink.write(b"step,largest_change\n")
    for step, change in state.changes:
        sink.write(f"{step},{change:.9g}\n".encode())
