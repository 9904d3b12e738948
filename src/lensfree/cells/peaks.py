"""Local maxima: quantitative representations back to a list of cells.

The inverse of `representation.draw_representation`, after Allier et al., Front. Phys. 9:776805
(2022), section 2.3, for maps that a network predicts. Three things make it exact on drawn maps:

- detection runs on the maps filtered with the disc itself less a ring around it, which has its one
  maximum at the centre of a flat-topped disc, also where discs of equal value touch;
- a weak disc beside a strong one is no maximum at all, so found discs are taken out and the rest is
  searched again; what is far weaker than the disc that it touches is that disc's blurred rim;
- a disc cut by a neighbour or by the border has a shifted centroid, so the centre is moved until a
  disc drawn there has, under the same cut, the centroid that is seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.morphology import local_maxima

from lensfree.cells.discs import area_inside, core_median, disc_kernel, refine_centres
from lensfree.cells.representation import MEASURES, SCALE, nearest_within
from lensfree.config import QuantifyConfig

CORE = 0.6
"""Radius of the core that is measured, in disc radii: inside the blurred rim of a predicted disc."""

SUPPORT = 0.6
"""Share of a disc's area that must be filled: what is left beside a disc taken out is less."""

RING = 1.5
"""Outer radius of the ring around a disc, in disc radii."""

RING_WEIGHT = 0.5
"""Weight of what the ring holds against what the disc holds: the places between discs that touch are
as full as their centres, but have more around them."""

SPILL = 0.25
"""Dry mass of a disc over that of a stronger one that it touches, at least: less is the strong one's rim."""

_PASSES = 3
_STEP = 1e-6  # equal sums that rounding keeps apart are one plateau again


@dataclass(frozen=True)
class _Sizes:
    """Radii in pixels, and the lowest value of the dry-mass map that is a cell."""

    radius_px: float
    core_px: float
    apart_px: float
    least: float


def find_peaks(maps: np.ndarray, pixel_pitch_um: float, config: QuantifyConfig) -> pd.DataFrame:
    """Return the cells that normalised maps show.

    Of two maxima nearer than `min_distance_um` the stronger stays. A measure is
    the median over the core of the disc. Cells below `min_dry_mass_pg`, and discs whose centre lies
    outside the field, are dropped.

    Args:
        maps: (4, y, x) in the order of `MEASURES`, each divided by its `SCALE`.
        pixel_pitch_um: distance between pixel centres [um].
        config: `disc_diameter_um`, `min_distance_um` and `min_dry_mass_pg` are used.

    Returns:
        columns `y_um`, `x_um` and `MEASURES` (float64), a row per cell, from top to bottom. Without
        cells the table has no rows.

    Raises:
        ValueError: if the maps have another shape or hold values that are not finite.
    """
    _check(maps)
    radius_px = config.disc_diameter_um / 2 / pixel_pitch_um
    apart_px = config.min_distance_um / pixel_pitch_um
    least = config.min_dry_mass_pg / SCALE["dry_mass_pg"]
    core_px = min(CORE * radius_px, apart_px / 2)
    sizes = _Sizes(radius_px, core_px, apart_px, least)
    # Saturated at 1, so that a rounded cell (OPD several times the scale) weighs as much as a flat one.
    presence = np.clip(maps, 0.0, 1.0).mean(axis=0, dtype=np.float64)

    centres_px = np.empty((0, 2))
    is_free = np.ones(presence.shape, bool)
    for _ in range(_PASSES):
        found_px = _search(presence, maps[0], is_free, centres_px, sizes)
        if not len(found_px):
            break
        centres_px = np.concatenate([centres_px, found_px])
        is_free.flat[nearest_within(centres_px, presence.shape, radius_px)[0]] = False
    centres_px = refine_centres(presence, centres_px, radius_px, core_px)

    half = 0.5
    is_inside = np.all((centres_px >= -half) & (centres_px < np.array(presence.shape) - half), axis=1)
    centres_px = centres_px[is_inside]
    values = _measure(maps, centres_px, core_px)
    is_cell = values[:, 0] >= least
    centres_px, values = centres_px[is_cell], values[is_cell]
    order = np.lexsort((centres_px[:, 1], centres_px[:, 0]))
    table = pd.DataFrame(centres_px[order] * pixel_pitch_um, columns=["y_um", "x_um"])
    for column, name in enumerate(MEASURES):
        table[name] = values[order, column] * SCALE[name]
    return table


def _search(
    presence: np.ndarray, mass: np.ndarray, is_free: np.ndarray, known_px: np.ndarray, sizes: _Sizes
) -> np.ndarray:
    """Return centres (n, 2) of discs that keep their distance from the known ones and from each other.

    `mass` is the dry-mass map; `is_free` is false on the discs that are known already.
    """
    left = np.where(is_free, presence, 0.0)
    disc, ring = disc_kernel(sizes.radius_px), disc_kernel(RING * sizes.radius_px)
    inner = (ring.shape[0] - disc.shape[0]) // 2
    ring[inner : inner + disc.shape[0], inner : inner + disc.shape[0]] -= disc
    total, around = (ndimage.correlate(left, kernel, mode="constant") for kernel in (disc, ring))
    # Ranked by the sum: the mean over what is inside would put border discs outside their centre.
    ranked = np.rint((total / disc.sum() - RING_WEIGHT * around / ring.sum()) / _STEP)
    is_peak = local_maxima(ranked, connectivity=2) & (total > _STEP)
    labels, count = ndimage.label(is_peak, structure=np.ones((3, 3)))
    if not count:
        return np.empty((0, 2))
    y, x = np.nonzero(is_peak)
    label = labels[y, x] - 1
    size = np.bincount(label)
    centres_px = np.stack([np.bincount(label, y) / size, np.bincount(label, x) / size], axis=1)
    strength = np.bincount(label, ranked[y, x]) / size
    filled = np.zeros(count)
    np.maximum.at(filled, label, total[y, x] / area_inside(y, x, presence.shape, disc))
    # Dry mass alone is a quarter of presence: below that the medians need not be looked at.
    is_candidate = filled >= SUPPORT * sizes.least / len(MEASURES)
    centres_px, strength, filled = centres_px[is_candidate], strength[is_candidate], filled[is_candidate]
    level = core_median(presence, centres_px, sizes.core_px, is_free=is_free)
    mass_level = core_median(mass, centres_px, sizes.core_px, is_free=is_free)
    is_disc = (filled >= SUPPORT * level) & (level > 0) & (mass_level >= sizes.least)
    if len(known_px):
        distance_px, nearest = cKDTree(known_px).query(centres_px, k=[1, 2, 3])
        beside = core_median(mass, known_px, sizes.core_px)
        beside = np.append(beside, 0.0)[nearest] * (distance_px < 2 * sizes.radius_px)
        is_disc &= mass_level >= SPILL * beside.max(axis=1)
        is_disc &= distance_px[:, 0] >= sizes.apart_px
    centres_px, strength = centres_px[is_disc], strength[is_disc]
    return centres_px[_suppress(centres_px, strength, sizes.apart_px)]


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


def _measure(maps: np.ndarray, centres_px: np.ndarray, core_px: float) -> np.ndarray:
    """Return the medians (n, 4) of the maps over the cores."""
    return np.stack([core_median(plane, centres_px, core_px) for plane in maps], axis=1)


def _check(maps: np.ndarray) -> None:
    if maps.ndim != 3 or maps.shape[0] != len(MEASURES):
        raise ValueError(
            f"maps have shape {maps.shape}, expected ({len(MEASURES)}, y, x): one map each of {MEASURES}"
        )
    is_bad = ~np.isfinite(maps)
    if is_bad.any():
        raise ValueError(
            f"maps hold {int(is_bad.sum())} values that are not finite, first at (map, y, x) = "
            f"{tuple(int(i) for i in np.argwhere(is_bad)[0])}; check the OPD that they were made from"
        )
