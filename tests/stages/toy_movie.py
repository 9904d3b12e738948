"""A toy movie in place of the real one: synthetic discs as cells, with outlines around them."""

from pathlib import Path

import numpy as np
import tifffile

SHAPE_YX = (120, 201)
RADIUS_PX = 6.0
PLACES_PX = ((25, 30), (40, 70), (70, 25), (95, 40), (75, 75))
"""Centres in the right half."""

COUNTS = (40, 60, 80, 100, 120)
LEVEL = 10


def write_movie(folder: Path) -> None:
    """Write 31 frames; the first has outlines of five cells, the thirty-first none."""
    left = SHAPE_YX[1] // 2
    y, x = np.indices(SHAPE_YX)
    counts = np.full((31, *SHAPE_YX), LEVEL, np.uint8)
    counts[:, :30, :30] = 200
    outlines = np.zeros((2, *SHAPE_YX), np.uint16)
    for index, ((row, column), count) in enumerate(zip(PLACES_PX, COUNTS, strict=True)):
        distance = np.hypot(y - row, x - left - column)
        counts[:, distance <= RADIUS_PX] = LEVEL + count
        outlines[0][distance <= RADIUS_PX + 3] = 7 + 2 * index
    outlines[0, 40:50, 20:30] = 5  # of a cell in the other half
    tifffile.imwrite(folder / "mda_mb_231_phase.tif", counts, photometric="minisblack")
    tifffile.imwrite(folder / "mda_mb_231_outlines.tif", outlines, photometric="minisblack")
