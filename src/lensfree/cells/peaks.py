"""Local maxima: quantitative representations back to a list of cells.

The inverse of `representation.draw_representation`, after Allier et al., Front. Phys. 9:776805
(2022), section 2.3, for maps that a network predicts. Three things make it exact on drawn maps:

- detection runs on the maps filtered with the disc itself less a ring around it, which has its one
  maximum at the centre of a flat-topped disc, also where discs of equal value touch;
- a weak disc beside a strong one is no maximum at all, so found discs are taken out and the rest is
  searched again;
- a disc cut by a neighbour or by the border has a shifted centroid, so the centre is moved until a
  disc drawn there has, under the same cut, the centroid that is seen.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.morphology import local_maxima

from lensfree.cells.representation import MEASURES, SCALE, nearest_within, patches
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

_PASSES = 3
_ITERATIONS = 6
_NEIGHBOURS = 6
_STEP = 1e-6  # equal sums that rounding keeps apart are one plateau again


def find_peaks(maps: np.ndarray, pixel_pitch_um: float, config: QuantifyConfig) -> pd.DataFrame:
    """Return the cells that normalised maps show.

    Two cells are at least `min_distance_um` apart; of nearer ones the stronger stays. A measure is
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
    # Saturated at 1, so that a rounded cell (OPD several times the scale) weighs as much as a flat one.
    presence = np.clip(maps, 0.0, 1.0).mean(axis=0, dtype=np.float64)

    centres_px = np.empty((0, 2))
    remaining = np.concatenate([presence[None], maps])
    for _ in range(_PASSES):
        found_px = _search(remaining, centres_px, radius_px, core_px, apart_px, least)
        if not len(found_px):
            break
        centres_px = np.concatenate([centres_px, found_px])
        taken = nearest_within(centres_px, presence.shape, radius_px)[0]
        remaining.reshape(len(remaining), -1)[:, taken] = 0.0
    centres_px = _refine(presence, centres_px, radius_px, core_px)

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
    planes: np.ndarray, known_px: np.ndarray, radius_px: float, core_px: float, apart_px: float, least: float
) -> np.ndarray:
    """Return centres (n, 2) of discs that keep their distance from the known ones and from each other.

    `planes` are presence and the four maps, less the discs known already; `least` is the lowest value
    of the dry-mass map that is a cell.
    """
    presence = planes[0]
    disc = _disc(radius_px)
    total = ndimage.correlate(presence, disc, mode="constant")
    ring = _disc(RING * radius_px)
    middle = slice(ring.shape[0] // 2 - disc.shape[0] // 2, ring.shape[0] // 2 + disc.shape[0] // 2 + 1)
    ring[middle, middle] -= disc
    around = ndimage.correlate(presence, ring, mode="constant")
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
    np.maximum.at(filled, label, total[y, x] / _area_inside(y, x, presence.shape, disc))
    # Dry mass alone is a quarter of presence: below that the medians need not be looked at.
    is_candidate = filled >= SUPPORT * least / len(MEASURES)
    centres_px, strength, filled = centres_px[is_candidate], strength[is_candidate], filled[is_candidate]
    values = _measure(planes[:2], centres_px, core_px)
    is_disc = (values[:, 0] > 0) & (values[:, 1] >= least) & (filled >= SUPPORT * values[:, 0])
    if len(known_px):
        is_disc[is_disc] = cKDTree(known_px).query(centres_px[is_disc])[0] >= apart_px
    centres_px, strength = centres_px[is_disc], strength[is_disc]
    return centres_px[_suppress(centres_px, strength, apart_px)]


def _area_inside(y: np.ndarray, x: np.ndarray, shape_yx: tuple[int, ...], disc: np.ndarray) -> np.ndarray:
    """Return the area in pixels of a disc at each pixel, as far as it lies inside the field."""
    steps = np.argwhere(disc) - disc.shape[0] // 2
    index_yx = np.stack([y, x], axis=1)[:, None, :] + steps
    return np.all((index_yx >= 0) & (index_yx < shape_yx), axis=-1) @ disc[disc > 0]


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


def _refine(presence: np.ndarray, centres_px: np.ndarray, radius_px: float, core_px: float) -> np.ndarray:
    """Return centres moved to where a drawn disc has the centroid that is seen, under the same cut."""
    if not len(centres_px):
        return centres_px
    start_px = centres_px
    window_px = radius_px + 1.0
    for _ in range(_ITERATIONS):
        index_yx, distance2 = patches(centres_px, window_px)
        is_own = np.all((index_yx >= 0) & (index_yx < presence.shape), axis=-1) & (distance2 <= window_px**2)
        reach = min(_NEIGHBOURS, len(centres_px))
        _, near = cKDTree(centres_px).query(centres_px, k=list(range(1, reach + 1)))
        for column in range(1, reach):
            other_px = centres_px[near[:, column]]
            is_own &= distance2 <= np.sum((index_yx - other_px[:, None, :]) ** 2, axis=-1)
        clipped = np.clip(index_yx, 0, np.array(presence.shape) - 1)
        level = np.maximum(_core_median(presence, centres_px, core_px), _STEP)[:, None]
        seen = np.clip(presence[clipped[..., 0], clipped[..., 1]] / level, 0.0, 1.0) * is_own
        drawn = (is_own & (distance2 <= radius_px**2)).astype(float)
        move = _centroid(seen, index_yx) - _centroid(drawn, index_yx)
        centres_px = centres_px + np.where(np.isfinite(move), move, 0.0)
        centres_px = np.clip(centres_px, start_px - radius_px, start_px + radius_px)
        if np.nanmax(np.abs(move), initial=0.0) < 1e-3:
            break
    return centres_px


def _centroid(weight: np.ndarray, index_yx: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sum(weight[..., None] * index_yx, axis=1) / weight.sum(axis=1)[:, None]


def _measure(maps: np.ndarray, centres_px: np.ndarray, core_px: float) -> np.ndarray:
    """Return the medians (n, 4) of the maps over the cores."""
    return np.stack([_core_median(plane, centres_px, core_px) for plane in maps], axis=1)


def _core_median(plane: np.ndarray, centres_px: np.ndarray, core_px: float) -> np.ndarray:
    """Return the median over the pixels of each core inside the field, at least the nearest pixel."""
    if not len(centres_px):
        return np.empty(0)
    index_yx, distance2 = patches(centres_px, core_px)
    is_inside = np.all((index_yx >= 0) & (index_yx < plane.shape), axis=-1)
    distance2 = np.where(is_inside, distance2, np.inf)
    is_core = (distance2 <= core_px**2) | (distance2 == distance2.min(axis=1, keepdims=True))
    clipped = np.clip(index_yx, 0, np.array(plane.shape) - 1)
    values = np.sort(np.where(is_core & is_inside, plane[clipped[..., 0], clipped[..., 1]], np.inf), axis=1)
    count = np.sum(is_core & is_inside, axis=1)
    row = np.arange(len(values))
    return np.asarray((values[row, (count - 1) // 2].astype(float) + values[row, count // 2]) / 2)


def _disc(radius_px: float) -> np.ndarray:
    """Return a disc centred on a pixel, its rim shared out so that the area is that of the disc."""
    reach = int(np.ceil(radius_px))
    y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    return np.clip(radius_px + 0.5 - np.hypot(y, x), 0.0, 1.0)


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
