"""Cells to maps: OPD, absorption and true outlines, each cell drawn on its own small patch.

What crosses the border of the field is cut after a cell's whole patch has its exact dry mass and
maximum. Cells that overlap add up, as optical paths do.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numba import njit

from lensfree.simulate.outline import fit_outline
from lensfree.simulate.profile import draw_profile

SHAPE_COLUMNS = (
    "y_um",
    "x_um",
    "dry_mass_pg",
    "area_um2",
    "max_opd_nm",
    "length_um",
    "angle_rad",
    "roundness",
    "nuclei",
    "shape_seed",
    "shape_time_h",
)
ABSORPTION_PER_NM = 1e-4


def render_sample(
    cells: pd.DataFrame,
    shape_yx: tuple[int, int],
    pixel_pitch_um: float,
    oversampling: int = 1,
    absorption_per_nm: float = ABSORPTION_PER_NM,
) -> tuple[np.ndarray, np.ndarray]:
    """Return OPD and absorption of the cells; each cell is drawn once for both.

    Args:
        cells: truth rows with `SHAPE_COLUMNS`.
        shape_yx: pixels of the sensor.
        pixel_pitch_um: pitch of the sensor.
        oversampling: rendered pixels per sensor pixel and axis. The centre of sensor pixel (0, 0) stays
            the origin, so the mean of each block is the map at the sensor's pitch.
        absorption_per_nm: mean absorption per OPD [1/nm]; a cell's own lies within half and one and a half.

    Returns:
        The sum of the cells' OPD, float32 (y, x) [nm], and the sum of their absorption a (transmittance
        exp(-a), no unit), float32; both with shape_yx * oversampling pixels.

    Raises:
        ValueError: a column is missing, or oversampling is below 1.
    """
    fine = _fine_shape(shape_yx, oversampling)
    opd_nm, absorption = np.zeros(fine), np.zeros(fine)
    seeds = cells["shape_seed"].to_numpy() if "shape_seed" in cells else np.empty(0)
    for patch, row0, col0, row in _patches(cells, fine, pixel_pitch_um, oversampling):
        _add(opd_nm, patch, row0, col0, 1.0)
        own = 0.5 + np.random.default_rng(int(seeds[row]) + 1).random()
        _add(absorption, patch, row0, col0, absorption_per_nm * own)
    return opd_nm.astype(np.float32), absorption.astype(np.float32)


def render_opd(
    cells: pd.DataFrame, shape_yx: tuple[int, int], pixel_pitch_um: float, oversampling: int = 1
) -> np.ndarray:
    """Return the OPD alone [nm]; see `render_sample`."""
    return render_sample(cells, shape_yx, pixel_pitch_um, oversampling)[0]


def render_absorption(
    cells: pd.DataFrame, shape_yx: tuple[int, int], pixel_pitch_um: float, oversampling: int = 1
) -> np.ndarray:
    """Return the absorption alone; see `render_sample`."""
    return render_sample(cells, shape_yx, pixel_pitch_um, oversampling)[1]


def render_labels(cells: pd.DataFrame, shape_yx: tuple[int, int], pixel_pitch_um: float) -> np.ndarray:
    """Return the true outlines as int32 (y, x): row position in `cells` + 1, 0 outside every cell.

    Where cells overlap the denser one, by OPD in that pixel, is named.
    """
    labels = np.zeros(shape_yx, np.int32)
    highest = np.zeros(shape_yx, np.float64)
    for patch, row0, col0, row in _patches(cells, shape_yx, pixel_pitch_um, 1):
        _claim(labels, highest, patch, row0, col0, row + 1)
    return labels


def _fine_shape(shape_yx: tuple[int, int], oversampling: int) -> tuple[int, int]:
    if oversampling < 1:
        raise ValueError(f"oversampling={oversampling} must be at least 1 rendered pixel per sensor pixel")
    return shape_yx[0] * oversampling, shape_yx[1] * oversampling


def _patches(
    cells: pd.DataFrame, fine: tuple[int, int], pixel_pitch_um: float, oversampling: int
) -> Iterator[tuple[np.ndarray, int, int, int]]:
    """Yield (opd patch, first row, first column, row position) of every cell that touches the field."""
    missing = [name for name in SHAPE_COLUMNS if name not in cells.columns]
    if missing:
        raise ValueError(f"cells lack the columns {missing}; rendering needs {list(SHAPE_COLUMNS)}")
    pitch = pixel_pitch_um / oversampling
    origin_um = -(oversampling - 1) / 2 * pitch
    table = {name: cells[name].to_numpy() for name in SHAPE_COLUMNS}
    for row in range(len(cells)):
        cell = {name: values[row] for name, values in table.items()}
        centre_px = (np.array([cell["y_um"], cell["x_um"]]) - origin_um) / pitch
        far_px = 0.75 * cell["length_um"] / pitch
        if (centre_px < -far_px).any() or (centre_px > np.array(fine) + far_px).any():
            continue
        outline = fit_outline(
            shape_seed=cell["shape_seed"],
            shape_time_h=cell["shape_time_h"],
            roundness=cell["roundness"],
            area_um2=cell["area_um2"],
            length_um=cell["length_um"],
            angle_rad=cell["angle_rad"],
        )
        corners_px = outline.corners_xy_um()[:, ::-1] / pitch
        row0, col0 = (int(n) for n in np.floor(centre_px + corners_px.min(axis=0)))
        row_end, col_end = (int(n) for n in np.ceil(centre_px + corners_px.max(axis=0)) + 1)
        if row_end <= 0 or col_end <= 0 or row0 >= fine[0] or col0 >= fine[1]:
            continue
        first_y_um = origin_um + row0 * pitch - cell["y_um"]
        first_x_um = origin_um + col0 * pitch - cell["x_um"]
        patch_yx = (row_end - row0, col_end - col0)
        yield draw_profile(cell, outline, patch_yx, first_y_um, first_x_um, pitch), row0, col0, row


@njit(cache=True)
def _add(out: np.ndarray, patch: np.ndarray, row0: int, col0: int, factor: float) -> None:
    for row in range(max(0, -row0), min(patch.shape[0], out.shape[0] - row0)):
        for col in range(max(0, -col0), min(patch.shape[1], out.shape[1] - col0)):
            out[row0 + row, col0 + col] += factor * patch[row, col]


@njit(cache=True)
def _claim(
    labels: np.ndarray, highest: np.ndarray, patch: np.ndarray, row0: int, col0: int, label: int
) -> None:
    for row in range(max(0, -row0), min(patch.shape[0], labels.shape[0] - row0)):
        for col in range(max(0, -col0), min(patch.shape[1], labels.shape[1] - col0)):
            if patch[row, col] > highest[row0 + row, col0 + col]:
                highest[row0 + row, col0 + col] = patch[row, col]
                labels[row0 + row, col0 + col] = label
