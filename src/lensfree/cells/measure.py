"""The classical reference pipeline: an OPD map to a list of measured cells.

Local background, detection, growing, measurement, as in Allier et al., Front. Phys. 9:776805 (2022),
section 2.3 and Eq. 2 to 4. It makes training targets from real cells, and can replace the network.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import ndimage

from lensfree.cells.background import above_background_nm
from lensfree.cells.representation import MEASURES
from lensfree.cells.segment import label_cells
from lensfree.config import QuantifyConfig
from lensfree.units import dry_mass_pg, optical_volume_um3

_PEAK_UM = 0.6
"""The maximum is taken on a map smoothed by this sd: the highest of a hundred noisy pixels is too high."""


def measure_cells(opd_nm: np.ndarray, pixel_pitch_um: float, config: QuantifyConfig) -> pd.DataFrame:
    """Find and measure the cells of an OPD map.

    Args:
        opd_nm: map (y, x) [nm]; an offset or slow background is taken away.
        pixel_pitch_um: distance between pixel centres [um].
        config: all but `method`, `model`, `disc_diameter_um` and `device` is used.

    Returns:
        columns `y_um`, `x_um` (centroid of the outline) and `MEASURES` (float64) and `touches_border`
        (bool), a row per cell, from top to bottom; see `measure_regions`. Without cells the table has no
        rows.

    Raises:
        ValueError: if the map is not two-dimensional or holds values that are not finite.
    """
    check_opd(opd_nm)
    above_nm = above_background_nm(opd_nm, pixel_pitch_um, config)
    labels = label_cells(above_nm, pixel_pitch_um, config)
    cells = measure_regions(above_nm, labels, pixel_pitch_um, config.specific_refraction_increment_um3_per_pg)
    is_cell = cells["dry_mass_pg"] >= config.min_dry_mass_pg
    return cells[is_cell].sort_values(["y_um", "x_um"], ignore_index=True)


def measure_regions(
    above_nm: np.ndarray,
    labels: np.ndarray,
    pixel_pitch_um: float,
    specific_refraction_increment_um3_per_pg: float,
) -> pd.DataFrame:
    """Measure given outlines.

    Args:
        above_nm: OPD above the local background (y, x) [nm].
        labels: int (y, x), 0 outside cells, 1..n inside.
        pixel_pitch_um: distance between pixel centres [um].
        specific_refraction_increment_um3_per_pg: alpha of Eq. 4 [um3/pg].

    Returns:
        A row per label in order: `y_um`, `x_um` of the outline's centroid, every pixel alike; dry mass,
        the integral of OPD over the outline divided by alpha (Eq. 3 and 4); projected area; the largest
        OPD; length, the major axis of the ellipse with the outline's second central moments, as
        scikit-image's `axis_major_length`; `touches_border`, whether the outline has a pixel in the
        outermost rows or columns, so that the measures are those of a part. Labels without pixels are
        left out.
    """
    count = int(labels.max(initial=0))
    index = np.arange(1, count + 1)
    y, x = np.nonzero(labels)
    region = labels[y, x] - 1
    size = np.bincount(region, minlength=count)
    index, is_there = index[size > 0], size > 0

    def mean(values: np.ndarray) -> np.ndarray:
        return np.bincount(region, values, minlength=count)[is_there] / size[is_there]

    mean_y, mean_x = mean(y), mean(x)
    # About the centroid, because the mean of squares minus the square of the mean loses digits.
    dy = y - _spread(mean_y, is_there)[region]
    dx = x - _spread(mean_x, is_there)[region]
    yy, xx, yx = mean(dy * dy), mean(dx * dx), mean(dy * dx)
    largest = (yy + xx) / 2 + np.hypot((yy - xx) / 2, yx)
    total_nm = np.bincount(region, above_nm[y, x], minlength=count)[is_there]
    peak_nm = ndimage.gaussian_filter(above_nm, _PEAK_UM / pixel_pitch_um, output=np.float64)
    volume_um3 = optical_volume_um3(total_nm, pixel_pitch_um)
    measures = {
        "dry_mass_pg": dry_mass_pg(volume_um3, specific_refraction_increment_um3_per_pg),
        "area_um2": size[is_there] * pixel_pitch_um**2,
        "max_opd_nm": np.atleast_1d(ndimage.maximum(peak_nm, labels, index)) if len(index) else np.empty(0),
        "length_um": 4.0 * np.sqrt(largest) * pixel_pitch_um,
    }
    centres = {"y_um": mean_y * pixel_pitch_um, "x_um": mean_x * pixel_pitch_um}
    table = pd.DataFrame(centres | {name: measures[name] for name in MEASURES}, dtype=float)
    is_at_border = (y == 0) | (y == labels.shape[0] - 1) | (x == 0) | (x == labels.shape[1] - 1)
    return table.assign(touches_border=mean(is_at_border) > 0)


def check_opd(opd_nm: np.ndarray) -> None:
    """Refuse what cannot be measured.

    Raises:
        ValueError: if the map is not two-dimensional or holds values that are not finite.
    """
    if opd_nm.ndim != 2:
        raise ValueError(f"opd_nm has shape {opd_nm.shape}, expected (y, x); pass one frame at a time")
    is_bad = ~np.isfinite(opd_nm)
    if is_bad.any():
        raise ValueError(
            f"opd_nm holds {int(is_bad.sum())} values that are not finite, first at (y, x) = "
            f"{tuple(int(i) for i in np.argwhere(is_bad)[0])}; mend the map or mark the frame missing"
        )


def _spread(values: np.ndarray, is_there: np.ndarray) -> np.ndarray:
    """Return the values of the labels that exist at the places of all labels."""
    full = np.zeros(len(is_there))
    full[is_there] = values
    return full
