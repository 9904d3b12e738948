"""Quantitative representations: each cell a disc whose value is its measurement.

The maps are what the network learns to predict, after Allier et al., Front. Phys. 9:776805 (2022),
section 2.3: discs of 10 um diameter, one map per measure. `peaks.find_peaks` reads them back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lensfree.arrays import array_namespace

MEASURES = ("dry_mass_pg", "area_um2", "max_opd_nm", "length_um")
"""The measures in the order of the maps' first axis."""

SCALE = {"dry_mass_pg": 200.0, "area_um2": 650.0, "max_opd_nm": 80.0, "length_um": 40.0}
"""What a map's value of 1 stands for: about an average adherent cell, so that the network's targets
are near 1 in all four maps."""


def draw_representation(
    cells: pd.DataFrame,
    shape_yx: tuple[int, int],
    pixel_pitch_um: float,
    disc_diameter_um: float = 10.0,
) -> np.ndarray:
    """Return the four normalised maps of a list of cells.

    A pixel belongs to a disc when its centre is within half a diameter of the cell's centre. Where
    discs overlap a pixel belongs to the nearer centre, and to the earlier row at equal distance.
    Cells outside the field count as far as their disc reaches in.

    Args:
        cells: columns `y_um`, `x_um` and the four `MEASURES`; other columns are ignored.
        shape_yx: pixels of the maps, down and right.
        pixel_pitch_um: distance between pixel centres [um].
        disc_diameter_um: diameter of a disc [um].

    Returns:
        float32 (4, y, x) in the order of `MEASURES`, each divided by its `SCALE`; 0 is background.

    Raises:
        ValueError: if a column is missing, or a position or measure is not finite.
    """
    _check(cells)
    maps = np.zeros((len(MEASURES), *shape_yx), np.float32)
    if cells.empty:
        return maps
    centres_px = cells[["y_um", "x_um"]].to_numpy(float) / pixel_pitch_um
    pixel, row = nearest_within(centres_px, shape_yx, disc_diameter_um / 2 / pixel_pitch_um)
    scale = np.array([SCALE[name] for name in MEASURES])
    values = (cells[list(MEASURES)].to_numpy(float) / scale).astype(np.float32)
    maps.reshape(len(MEASURES), -1)[:, pixel] = values[row].T
    return maps


def nearest_within(
    centres_px: np.ndarray, shape_yx: tuple[int, int], radius_px: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels within a radius of any centre, each with the index of its nearest centre.

    Args:
        centres_px: (n, 2) positions y, x in pixels.
        shape_yx: pixels of the grid.
        radius_px: largest distance in pixels, inclusive.

    Returns:
        flat pixel indices, ascending and without repeats, and for each the index of its centre.
    """
    rows, columns, distance2 = patches(centres_px, radius_px)
    is_kept = (distance2 <= radius_px**2) & is_on_grid(rows, columns, shape_yx)
    row = np.broadcast_to(np.arange(len(centres_px))[:, None], is_kept.shape)[is_kept]
    pixel = np.ravel_multi_index((rows[is_kept], columns[is_kept]), shape_yx)
    order = np.lexsort((row, distance2[is_kept], pixel))
    pixel, first = np.unique(pixel[order], return_index=True)
    return pixel, row[order][first]


def patches(centres_px: Any, radius_px: float) -> tuple[Any, Any, Any]:
    """Return pixels around each centre, among them every one within the radius.

    Args:
        centres_px: (n, 2) positions y, x in pixels, NumPy or CuPy.
        radius_px: in pixels.

    Returns:
        rows and columns int (n, k) of k pixels around each centre, and the squared distance (n, k) of
        each to the centre, in pixels. They may lie outside the grid.
    """
    xp = array_namespace(centres_px)
    reach = int(np.ceil(radius_px)) + 1
    down, right = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    is_near = down**2 + right**2 <= reach**2
    nearest = xp.rint(centres_px).astype(xp.int64)
    rows = nearest[:, :1] + xp.asarray(down[is_near])
    columns = nearest[:, 1:] + xp.asarray(right[is_near])
    return rows, columns, (rows - centres_px[:, :1]) ** 2 + (columns - centres_px[:, 1:]) ** 2


def is_on_grid(rows: Any, columns: Any, shape_yx: tuple[int, ...]) -> Any:
    """Return which pixels lie on a grid."""
    return (rows >= 0) & (rows < shape_yx[0]) & (columns >= 0) & (columns < shape_yx[1])


def _check(cells: pd.DataFrame) -> None:
    wanted = ["y_um", "x_um", *MEASURES]
    missing = [name for name in wanted if name not in cells.columns]
    if missing:
        raise ValueError(
            f"cells have columns {list(cells.columns)}, expected {wanted}; "
            f"missing {missing}; measure them first"
        )
    is_finite = np.isfinite(cells[wanted].to_numpy(float))
    if not is_finite.all():
        names = [name for name, is_whole in zip(wanted, is_finite.all(axis=0), strict=True) if not is_whole]
        raise ValueError(
            f"cells have {int((~is_finite).sum())} values in {names} that are not finite; drop those rows"
        )
