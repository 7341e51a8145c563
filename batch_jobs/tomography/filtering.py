"""Ramp filters for filtered back-projection, built in the spatial domain so that the mean is right.

Kak and Slaney, "Principles of Computerized Tomographic Imaging", section 3.3, equation 61: h(0) = 1/4, h(odd k) =
-1/(pi k)^2, h(even k) = 0 for pixels of width 1.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

WINDOWS = ("ramp", "shepp-logan", "hann")
Floats = NDArray[np.float32]


def ramp_filter(sinograms: Floats, window: str) -> Floats:
    """Filter along the last axis (detector columns), zero-padded to twice its length or more."""
    columns = sinograms.shape[-1]
    length = next_fast_len(2 * columns, real=True)
    spectrum = rfft(sinograms, length, axis=-1) * response(length, window)
    filtered: Floats = irfft(spectrum, length, axis=-1)[..., :columns].astype(np.float32)
    return filtered


@cache
def response(length: int, window: str) -> Floats:
    """Return the filter's frequency response for a transform of `length` points; `window` is one of WINDOWS."""
    place = np.fft.fftfreq(length, 1 / length)  # 0, 1, ..., -1
    kernel = np.zeros(length)
    kernel[0] = 0.25
    odd = place % 2 == 1
    kernel[odd] = -1 / (np.pi * place[odd]) ** 2
    frequency = np.fft.rfftfreq(length)  # cycles per pixel: 0 .. 0.5
    shape = {
        "ramp": np.ones_like(frequency),
        "shepp-logan": np.sinc(frequency),
        "hann": 0.5 + 0.5 * np.cos(2 * np.pi * frequency),
    }[window]
    answer: Floats = (np.fft.rfft(kernel).real * shape).astype(np.float32)
    return answer
