"""Cutting regions out of a field: crops around a cell, and the part of a large field that is shown."""

from __future__ import annotations

import numpy as np


def crop_square(
    image: np.ndarray, centre_um: tuple[float, float], *, side_um: float, pixel_pitch_um: float
) -> np.ndarray:
    """Return a square around a position, NaN where it reaches beyond the field.

    Args:
        image: a picture (y, x).
        centre_um: position (y, x) from the centre of pixel (0, 0).
        side_um: side of the square; it is rounded to an odd number of pixels.
        pixel_pitch_um: pitch of the picture.
    """
    half = max(1, round(side_um / pixel_pitch_um / 2))
    crop = np.full((2 * half + 1, 2 * half + 1), np.nan, dtype=np.float32)
    first = [round(c / pixel_pitch_um) - half for c in centre_um]
    inside = [
        slice(max(0, f), max(0, min(n, f + 2 * half + 1))) for f, n in zip(first, image.shape, strict=True)
    ]
    target = tuple(slice(part.start - f, part.stop - f) for part, f in zip(inside, first, strict=True))
    if all(part.stop > part.start for part in inside):
        crop[target] = image[tuple(inside)]
    return crop


def centred_region(
    shape_yx: tuple[int, int],
    *,
    width_um: float,
    pixel_pitch_um: float,
    centre_um: tuple[float, float] | None = None,
) -> tuple[slice, slice]:
    """Return the pixels of a region of the field's own proportions, at most `width_um` wide.

    Args:
        shape_yx: pixels of the field.
        width_um: width of the region; a smaller field is shown whole.
        pixel_pitch_um: pitch of the field.
        centre_um: position (y, x) to show, moved inwards at a border; None is the middle of the field.
    """
    share = min(1.0, width_um / (shape_yx[1] * pixel_pitch_um))
    parts = []
    for axis, n in enumerate(shape_yx):
        length = max(1, round(n * share))
        middle = (n - 1) / 2 if centre_um is None else centre_um[axis] / pixel_pitch_um
        first = int(np.clip(round(middle - (length - 1) / 2), 0, n - length))
        parts.append(slice(first, first + length))
    return parts[0], parts[1]
