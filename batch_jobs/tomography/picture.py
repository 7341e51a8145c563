"""Slices as pictures: the darkest and brightest half per cent are clipped."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_CLIPPED = 0.5  # per cent at each end
_SIDE = 512  # pixels of a picture's width at least


def draw(values: NDArray[np.float32]) -> Image.Image:
    """Return a grey picture of a slice (y, x)."""
    low, high = np.percentile(values, (_CLIPPED, 100 - _CLIPPED))
    grey = np.clip((values - low) / (high - low or 1.0), 0, 1)
    image = Image.fromarray((grey * 255).round().astype(np.uint8))
    scale = -(-_SIDE // image.width)
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST) if scale > 1 else image


def beside(left: NDArray[np.float32], right: NDArray[np.float32]) -> Image.Image:
    """Return two pictures beside each other; the shorter one is centred on black."""
    pictures = [draw(left), draw(right)]
    canvas = Image.new("L", (sum(picture.width for picture in pictures), max(picture.height for picture in pictures)))
    for picture, place in zip(pictures, (0, pictures[0].width), strict=True):
        canvas.paste(picture, (place, (canvas.height - picture.height) // 2))
    return canvas
