"""Pixels at the top of the camera's range: all they tell is that the light was at least that strong."""

from __future__ import annotations

import numpy as np

FULL_SCALES = tuple(2**bits - 1 for bits in (8, 10, 12, 14, 16))
"""Largest counts of cameras; those of 10 to 14 bits come in files of 16."""


def saturated_pixels(counts: np.ndarray) -> np.ndarray:
    """Return where an image (..., y, x) of uint8 or uint16 counts is saturated, bool of its shape.

    A channel is taken to saturate where it reaches the largest count of a common camera exactly and
    never exceeds it. A 16 bit image that happens to peak there loses those pixels' upper bound, no more.
    """
    top = counts.max(axis=(-2, -1), keepdims=True)
    scales = [scale for scale in FULL_SCALES if scale <= np.iinfo(counts.dtype).max]
    if counts.dtype == np.uint16:
        scales.remove(255)  # a dark image, not a camera
    return np.asarray((counts == top) & np.isin(top, scales))
