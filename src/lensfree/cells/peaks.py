"""Local maxima: quantitative representations back to a list of cells.

The inverse of `representation.draw_representation`, after Allier et al., Front. Phys. 9:776805
(2022), section 2.3, for maps that a network predicts. Three things make it exact on drawn maps:

- detection runs on the maps filtered with the disc itself less a ring around it, which has its one
  maximum at the centre of a flat-topped disc, also where discs of equal value touch;
- a weak disc beside a strong one is no maximum at all, so found discs are taken out and the rest is
  searched again; what is far weaker than the disc that it touches is that disc's blurred rim;
- a disc cut by a neighbour or by the border has a shifted centroid, so the centre is moved until a
  disc drawn there has, under the same cut, the centroid that is seen.

What runs over the whole field or over the pixels of discs runs in the maps' library, on their device;
what decides between candidates runs on the host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from lensfree.arrays import array_namespace, to_numpy
from lensfree.cells.candidates import STEP, disc_maxima
from lensfree.cells.discs import core_medians, refine_centres
from lensfree.cells.representation import MEASURES, SCALE, is_on_grid, patches
from lensfree.config import QuantifyConfig

CORE = 0.6
"""Radius of the core that is measured, in disc radii: inside the blurred rim of a predicted disc."""

SUPPORT = 0.6
"""Share of a disc's area that must be filled: what is left beside a disc taken out is less."""

SPILL = 0.25
"""Dry mass of a disc over that of a stronger one that it touches, at least: less is the strong one's rim."""

_PASSES = 3


@dataclass(frozen=True)
class _Sizes:
    """Radii in pixels, and the lowest value of the dry-mass map that is a cell."""

    radius_px: float
    core_px: float
    apart_px: float
    least: float


def find_peaks(maps: Any, pixel_pitch_um: float, config: QuantifyConfig) -> pd.DataFrame:
    """Return the cells that normalised maps show.

    Of two maxima nearer than `min_distance_um` the stronger stays. A measure is
    the median over the core of the disc. Cells below `min_dry_mass_pg`, and discs whose centre lies
    outside the field, are dropped.

    Args:
        maps: (4, y, x) in the order of `MEASURES`, each divided by its `SCALE`; NumPy or CuPy.
        pixel_pitch_um: distance between pixel centres [um].
        config: `disc_diameter_um`, `min_distance_um` and `min_dry_mass_pg` are used.

    Returns:
        columns `y_um`, `x_um` and `MEASURES` (float64) and `touches_border` (bool: the border cuts the
        disc), a row per cell, from top to bottom. Without cells the table has no rows.

    Raises:
        ValueError: if the maps have another shape or hold values that are not finite.
    """
    _check(maps)
    xp = array_namespace(maps)
    radius_px = config.disc_diameter_um / 2 / pixel_pitch_um
    apart_px = config.min_distance_um / pixel_pitch_um
    least = config.min_dry_mass_pg / SCALE["dry_mass_pg"]
    core_px = min(CORE * radius_px, apart_px / 2)
    sizes = _Sizes(radius_px, core_px, apart_px, least)
    # Saturated at 1, so that a rounded cell (OPD several times the scale) weighs as much as a flat one.
    presence = xp.clip(maps, 0.0, 1.0).mean(axis=0, dtype=xp.float64)

    centres_px = np.empty((0, 2))
    is_free = xp.ones(presence.shape, bool)
    for _ in range(_PASSES):
        found_px = _search(presence, maps[0], is_free, centres_px, sizes)
        if not len(found_px):
            break
        centres_px = np.concatenate([centres_px, found_px])
        _take(is_free, found_px, radius_px)
    centres_px = refine_centres(presence, centres_px, radius_px, core_px)

    is_inside = np.all((centres_px >= -0.5) & (centres_px < np.array(presence.shape) - 0.5), axis=1)
    centres_px = centres_px[is_inside]
    values = to_numpy(core_medians(list(maps), xp.asarray(centres_px), core_px))
    is_cell = values[:, 0] >= least
    centres_px, values = centres_px[is_cell], values[is_cell]
    # Centres that only rounding sets apart are at one height, so that every library gives one order.
    order = np.lexsort((centres_px[:, 1], np.rint(centres_px[:, 0] / STEP)))
    table = pd.DataFrame(centres_px[order] * pixel_pitch_um, columns=["y_um", "x_um"])
    for column, name in enumerate(MEASURES):
        table[name] = values[order, column] * SCALE[name]
    table["touches_border"] = _to_border(centres_px[order], presence.shape) < radius_px - STEP
    return table


def _search(presence: Any, mass: Any, is_free: Any, known_px: np.ndarray, sizes: _Sizes) -> np.ndarray:
    """Return centres (n, 2) of discs that keep their distance from the known ones and from each other.

    `mass` is the dry-mass map; `is_free` is false on the discs that are known already.
    """
    # Dry mass alone is a quarter of presence: below that the medians need not be looked at.
    least_filled = SUPPORT * sizes.least / len(MEASURES)
    centres_px, strength, filled = disc_maxima(presence, is_free, sizes.radius_px, least_filled)
    if not len(centres_px):
        return centres_px
    xp = array_namespace(presence)
    medians = core_medians([presence, mass], xp.asarray(centres_px), sizes.core_px, is_free=is_free)
    level, mass_level = to_numpy(medians).T
    is_disc = (filled >= SUPPORT * level) & (level > 0) & (mass_level >= sizes.least)
    if len(known_px):
        distance_px, nearest = cKDTree(known_px).query(centres_px, k=[1, 2, 3])
        beside = to_numpy(core_medians([mass], xp.asarray(known_px), sizes.core_px))[:, 0]
        beside = np.append(beside, 0.0)[nearest] * (distance_px < 2 * sizes.radius_px)
        is_disc &= mass_level >= SPILL * beside.max(axis=1)
        is_disc &= distance_px[:, 0] >= sizes.apart_px
    centres_px, strength = centres_px[is_disc], strength[is_disc]
    return centres_px[_suppress(centres_px, strength, sizes.apart_px)]


def _take(is_free: Any, centres_px: np.ndarray, radius_px: float) -> None:
    """Mark the pixels of discs as no longer free, in place."""
    rows, columns, distance2 = patches(array_namespace(is_free).asarray(centres_px), radius_px)
    is_taken = (distance2 <= radius_px**2) & is_on_grid(rows, columns, is_free.shape)
    is_free[rows[is_taken], columns[is_taken]] = False


def _suppress(centres_px: np.ndarray, strength: np.ndarray, apart_px: float) -> np.ndarray:
    """Return which centres stay when, from the strongest down, each removes those nearer than `apart_px`."""
    is_kept = np.ones(len(centres_px), bool)
    if len(centres_px) < 2:
        return is_kept
    pairs = cKDTree(centres_px).query_pairs(np.nextafter(apart_px, 0), output_type="ndarray")
    rank = np.empty(len(centres_px), np.int64)
    rank[np.lexsort((centres_px[:, 1], centres_px[:, 0], -strength))] = np.arange(len(centres_px))
    ranked = np.sort(rank[pairs], axis=1)
    order = np.argsort(rank)
    for strong, weak in ranked[np.lexsort((ranked[:, 1], ranked[:, 0]))]:
        if is_kept[order[strong]]:
            is_kept[order[weak]] = False
    return is_kept


def _to_border(centres_px: np.ndarray, shape_yx: tuple[int, ...]) -> np.ndarray:
    """Return how far each centre is from the border of the field, in pixels."""
    first_px = centres_px + 0.5
    return np.minimum(first_px, np.array(shape_yx) - first_px).min(axis=1)


def _check(maps: Any) -> None:
    if maps.ndim != 3 or maps.shape[0] != len(MEASURES):
        raise ValueError(
            f"maps have shape {maps.shape}, expected ({len(MEASURES)}, y, x): one map each of {MEASURES}"
        )
    xp = array_namespace(maps)
    is_bad = ~xp.isfinite(maps)
    if bool(is_bad.any()):
        first = tuple(int(index) for index in np.argwhere(to_numpy(is_bad))[0])
        raise ValueError(
            f"maps hold {int(is_bad.sum())} values that are not finite, first at (map, y, x) = {first}; "
            "check the OPD that they were made from"
        )
