"""Dry mass of cells that a network found: what it says, and the integral of OPD over the region of each.

Dry mass is the integral of OPD (Allier et al., Front. Phys. 9:776805 (2022), Eq. 3 and 4). A network that
answers with a disc has learnt to integrate, to some per cent; the sum over a region that grows from the
cell's centre errs less where the region is right, and by a lot where it is not: it leaks into a neighbour,
or stops at a dip. Their errors have little in common, so both count, and the network decides where they
disagree.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lensfree.arrays import to_numpy
from lensfree.cells.background import above_background_nm, background_beside_nm
from lensfree.cells.peaks import find_peaks
from lensfree.cells.segment import covered_by_cells, grow_regions
from lensfree.config import QuantifyConfig
from lensfree.units import SPECIFIC_REFRACTION_INCREMENT_UM3_PER_PG, dry_mass_pg, optical_volume_um3

DISAGREEMENT = 0.2
"""ln(integral / network) at which the integral counts half of its share; beyond, soon for nothing."""

BESIDE = 0.5
"""Scale of the background beside known cells, over that of a background under unknown ones."""


def find_cells(maps: Any, opd_nm: np.ndarray, pixel_pitch_um: float, config: QuantifyConfig) -> pd.DataFrame:
    """Return the cells that normalised maps show, their dry mass corrected by the OPD map itself.

    Args:
        maps: (4, y, x) as `find_peaks` takes them.
        opd_nm: the map (y, x) [nm] that they were made from, on the host.
        pixel_pitch_um: distance between pixel centres [um].
        config: beside what `find_peaks` uses, `integral_share`, `threshold_nm`, `background_um` and
            `specific_refraction_increment_um3_per_pg`.

    Returns:
        As `find_peaks`.

    Raises:
        ValueError: if the maps have another shape or hold values that are not finite.
    """
    # What a network has learnt is an optical volume over the alpha of its training cells.
    gain = SPECIFIC_REFRACTION_INCREMENT_UM3_PER_PG / config.specific_refraction_increment_um3_per_pg
    least = {"min_dry_mass_pg": config.min_dry_mass_pg / gain}
    cells = find_peaks(maps, pixel_pitch_um, config.model_copy(update=least))
    cells["dry_mass_pg"] *= gain
    return weigh_integrals(cells, opd_nm, pixel_pitch_um, config)


def as_learnt(config: QuantifyConfig) -> QuantifyConfig:
    """Return the settings with the alpha that networks learn with, for labels to train or to judge one by."""
    alpha = {"specific_refraction_increment_um3_per_pg": SPECIFIC_REFRACTION_INCREMENT_UM3_PER_PG}
    return config.model_copy(update=alpha)


def weigh_integrals(
    cells: pd.DataFrame, opd_nm: np.ndarray, pixel_pitch_um: float, config: QuantifyConfig
) -> pd.DataFrame:
    """Return the cells with the weighted mean of their dry mass and that of their regions.

    The weight of the region is `integral_share / (1 + (ln(region / cell) / DISAGREEMENT)^4)`. With a share of
    0 the cells stay as they are.
    """
    if cells.empty or config.integral_share == 0:
        return cells
    told_pg = cells["dry_mass_pg"].to_numpy(float)
    region_pg = region_dry_mass_pg(cells, opd_nm, pixel_pitch_um, config)
    # Below zero is background that was taken for a cell; the logarithm then only has to be far off.
    disagreement = np.log(np.maximum(region_pg / told_pg, 1e-3)) / DISAGREEMENT
    share = config.integral_share / (1 + disagreement**4)
    return cells.assign(dry_mass_pg=(1 - share) * told_pg + share * region_pg)


def region_dry_mass_pg(
    cells: pd.DataFrame, opd_nm: np.ndarray, pixel_pitch_um: float, config: QuantifyConfig
) -> np.ndarray:
    """Return the integral of OPD above the local background over the region of each cell, over alpha [pg]."""
    regions, above_nm = regions_of_cells(cells, opd_nm, pixel_pitch_um, config)
    total_nm = np.bincount(regions.ravel(), above_nm.ravel(), len(cells) + 1)[1:]
    alpha = config.specific_refraction_increment_um3_per_pg
    return np.asarray(dry_mass_pg(optical_volume_um3(total_nm, pixel_pitch_um), alpha))


def regions_of_cells(
    cells: pd.DataFrame, opd_nm: np.ndarray, pixel_pitch_um: float, config: QuantifyConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Return the regions that grow from the centres of known cells, and the OPD that is integrated there.

    The background is that of the reference pipeline, corrected beside the cells, which are known here.

    Args:
        cells: `y_um`, `x_um`.
        opd_nm: map (y, x) [nm].
        pixel_pitch_um: distance between pixel centres [um].
        config: `threshold_nm` and `background_um` are used.

    Returns:
        int32 (y, x), 0 outside cells and k + 1 in the region of row k; OPD above the background (y, x) [nm].
    """
    opd_nm = to_numpy(opd_nm)
    centres_um = cells[["y_um", "x_um"]].to_numpy(float)
    first_nm = above_background_nm(opd_nm, pixel_pitch_um, config)
    is_cell = covered_by_cells(first_nm, centres_um, pixel_pitch_um, config.threshold_nm)
    scale_um = BESIDE * config.background_um
    above_nm = first_nm - background_beside_nm(first_nm, is_cell, pixel_pitch_um, scale_um)
    return grow_regions(above_nm, centres_um, pixel_pitch_um, config.threshold_nm), above_nm
