"""Label images: every cell a disc of its own number, and none without a pixel."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np

from lensfree.cells.representation import nearest_within

logger = logging.getLogger(__name__)


def draw_labels(
    centres_px: np.ndarray, labels: np.ndarray, shape_yx: tuple[int, int], radius_px: float
) -> np.ndarray:
    """Draw each cell as a disc that holds its label.

    Where discs overlap a pixel belongs to the nearer centre, as in `representation`. A cell that would
    be left without a pixel, because others are nearer to all of them, its disc is too small or it lies
    outside of the field, gets the nearest pixel that is not the last one of another cell.

    Args:
        centres_px: (n, 2) positions y, x in pixels.
        labels: (n,) positive integers, one per cell.
        shape_yx: pixels of the field.
        radius_px: radius of a disc in pixels.

    Returns:
        int64 (y, x), 0 where there is no cell.

    Raises:
        ValueError: if there are more cells than pixels.
    """
    n_pixels = shape_yx[0] * shape_yx[1]
    if len(labels) > n_pixels:
        raise ValueError(
            f"got {len(labels)} cells in a field of {shape_yx[0]} x {shape_yx[1]} pixels, expected at most "
            "one per pixel; check the size of the field"
        )
    owner = np.full(n_pixels, -1)
    if len(labels):
        pixel, row = nearest_within(centres_px, shape_yx, radius_px)
        owner[pixel] = row
        _give_each_a_pixel(owner, centres_px, shape_yx)
    return np.append(0, labels).astype(np.int64)[owner + 1].reshape(shape_yx)


def draw_frames(
    frame: np.ndarray,
    centres_px: np.ndarray,
    labels: np.ndarray,
    n_frames: int,
    shape_yx: tuple[int, int],
    radius_px: float,
) -> Iterator[np.ndarray]:
    """Yield the label image of every frame from 0, one by one; frames without cells are empty.

    Args:
        frame: (n,) ascending, the frame of each cell.
        centres_px: (n, 2) positions y, x in pixels.
        labels: (n,) positive integers, each once per frame.
        n_frames: images that are made.
        shape_yx: pixels of the field.
        radius_px: radius of a disc in pixels.
    """
    ends = np.searchsorted(frame, np.arange(n_frames + 1))
    for start, end in zip(ends[:-1], ends[1:], strict=True):
        yield draw_labels(centres_px[start:end], labels[start:end], shape_yx, radius_px)


def _give_each_a_pixel(owner: np.ndarray, centres_px: np.ndarray, shape_yx: tuple[int, int]) -> None:
    """Change `owner` (pixels of the field, -1 if free) so that every cell owns a pixel."""
    n_owned = np.bincount(owner[owner >= 0], minlength=len(centres_px))
    poor = np.flatnonzero(n_owned == 0)
    if len(poor):
        logger.info("%d cells of a frame lie below others or outside of the field: one pixel each", len(poor))
    for cell in poor:
        y, x = np.unravel_index(np.arange(len(owner)), shape_yx)
        distance2 = (y - centres_px[cell, 0]) ** 2 + (x - centres_px[cell, 1]) ** 2
        is_last = (owner >= 0) & (n_owned[owner] == 1)
        pixel = int(np.argmin(np.where(is_last, np.inf, distance2)))
        if owner[pixel] >= 0:
            n_owned[owner[pixel]] -= 1
        owner[pixel] = cell
        n_owned[cell] = 1
