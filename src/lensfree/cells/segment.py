"""Cell outlines in an OPD map: growing from seeds, which a blob detector finds or others bring.

The classical pipeline of Allier et al., Front. Phys. 9:776805 (2022), section 2.3: a Laplacian of
Gaussian finds the cells, as TrackMate does, and regions grow from the seeds over all pixels above a
threshold. An elongated or lobed cell may have several seeds; regions that meet without a real dip
between them are joined. Where each seed is known to be one cell, nothing is joined.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.segmentation import watershed

from lensfree.cells.background import spread_below_nm, white_noise_sd_nm
from lensfree.config import QuantifyConfig

COMPRESSION_NM = 50.0
"""OPD enters detection as log(1 + OPD / this): a rounded cell, ten times as thick, must not drown the
one beside it."""

DISTANCE_WEIGHT_PER_UM = 0.03
"""What one um of distance to the background adds to the relief: necks of an outline part cells too."""

NOISE_MARGIN = 3.0
"""A dip shallower than this many sd of the noise is no dip."""

QUIET = 0.25
"""White noise that the map is smoothed down to before it is thresholded, as a share of the threshold: at four
sd above the background few pixels are cell by noise alone."""

_RELIEF_UM = 1.5
_EDGE_UM = 0.5


@dataclass(frozen=True)
class _Ground:
    """Where regions grow: the pixels of cells, and a relief whose tops are cells.

    Attributes:
        is_cell: (y, x) above the threshold.
        relief: (y, x) logarithm of OPD and distance to the background.
        noise_nm: sd of the OPD that the relief was made of.
    """

    is_cell: np.ndarray
    relief: np.ndarray
    noise_nm: float


def label_cells(above_nm: np.ndarray, pixel_pitch_um: float, config: QuantifyConfig) -> np.ndarray:
    """Return the outlines of the cells.

    Args:
        above_nm: OPD above the local background (y, x) [nm].
        pixel_pitch_um: distance between pixel centres [um].
        config: `threshold_nm`, `detection_sigma_um`, `min_distance_um`, `merge_above` and
            `min_area_um2` are used.

    Returns:
        int32 (y, x): 0 outside cells, 1..n inside, without gaps in the numbers.
    """
    least_px = config.min_area_um2 / pixel_pitch_um**2
    ground = _ground(above_nm, pixel_pitch_um, config.threshold_nm, least_px)
    seeds = find_seeds(above_nm, ground.is_cell, pixel_pitch_um, config)
    labels = watershed(-ground.relief, markers=seeds, mask=ground.is_cell)
    labels = _join(labels, ground.relief, config.merge_above, ground.noise_nm)
    return _drop_small(labels, least_px)


def grow_regions(
    above_nm: np.ndarray, centres_um: np.ndarray, pixel_pitch_um: float, threshold_nm: float
) -> np.ndarray:
    """Return the region of each of the cells whose centres are known.

    Args:
        above_nm: OPD above the local background (y, x) [nm].
        centres_um: (cell, yx) [um].
        pixel_pitch_um: distance between pixel centres [um].
        threshold_nm: OPD that is cell [nm].

    Returns:
        int32 (y, x): 0 outside cells, k + 1 in the region of cell k, which has its pixel at least. Of cells
        whose centres share a pixel only the last has it.
    """
    ground = _ground(above_nm, pixel_pitch_um, threshold_nm, least_px=0.0)
    at = _pixels_of(centres_um, pixel_pitch_um, above_nm.shape)
    seeds = np.zeros(above_nm.shape, np.int32)
    seeds[at] = np.arange(1, len(centres_um) + 1)
    return np.asarray(watershed(-ground.relief, markers=seeds, mask=ground.is_cell | (seeds > 0)))


def covered_by_cells(
    above_nm: np.ndarray, centres_um: np.ndarray, pixel_pitch_um: float, threshold_nm: float
) -> np.ndarray:
    """Return where `grow_regions` finds regions (y, x), without the cost of telling them apart."""
    is_cell = _above_threshold(above_nm, pixel_pitch_um, threshold_nm, _quiet_px(above_nm, threshold_nm))
    at = _pixels_of(centres_um, pixel_pitch_um, above_nm.shape)
    is_cell[at] = True
    parts, count = ndimage.label(is_cell)
    is_known = np.zeros(count + 1, bool)
    is_known[parts[at]] = True
    return np.asarray(is_known[parts])


def _pixels_of(
    centres_um: np.ndarray, pixel_pitch_um: float, shape_yx: tuple[int, ...]
) -> tuple[np.ndarray, ...]:
    """Return the rows and columns of the pixels nearest to centres (cell, yx)."""
    return tuple(np.clip(np.rint(centres_um / pixel_pitch_um).astype(int), 0, np.array(shape_yx) - 1).T)


def _quiet_px(above_nm: np.ndarray, threshold_nm: float) -> float:
    """Return the sd of the Gaussian that smooths white noise down to `QUIET` [pixels]."""
    # A Gaussian of sd s pixels leaves 1 / (2 s sqrt(pi)) of the sd of white noise.
    return white_noise_sd_nm(above_nm) / (2 * np.pi**0.5 * QUIET * threshold_nm)


def _above_threshold(
    above_nm: np.ndarray, pixel_pitch_um: float, threshold_nm: float, quiet_px: float
) -> np.ndarray:
    edge_px = max(_EDGE_UM / pixel_pitch_um, quiet_px)
    smooth_nm = ndimage.gaussian_filter(above_nm, edge_px, output=np.float64)
    return np.asarray(ndimage.binary_fill_holes(smooth_nm > threshold_nm))


def _ground(above_nm: np.ndarray, pixel_pitch_um: float, threshold_nm: float, least_px: float) -> _Ground:
    """Threshold a map, holes filled and specks dropped, and make its relief; noise is smoothed first."""
    quiet_px = _quiet_px(above_nm, threshold_nm)
    is_above = _above_threshold(above_nm, pixel_pitch_um, threshold_nm, quiet_px)
    is_cell = _drop_small(ndimage.label(is_above)[0], least_px) > 0
    thick_px = max(_RELIEF_UM / pixel_pitch_um, quiet_px)
    thick_nm = ndimage.gaussian_filter(above_nm, thick_px, output=np.float64)
    inside_um = ndimage.distance_transform_edt(is_cell) * pixel_pitch_um
    relief = _compress(thick_nm)
    relief += DISTANCE_WEIGHT_PER_UM * ndimage.gaussian_filter(inside_um, 1.0 / pixel_pitch_um)
    return _Ground(is_cell, relief, spread_below_nm(thick_nm))


def find_seeds(
    above_nm: np.ndarray, is_cell: np.ndarray, pixel_pitch_um: float, config: QuantifyConfig
) -> np.ndarray:
    """Return one numbered pixel per blob of the size of a cell body, int32 (y, x), 0 elsewhere."""
    sigma_px = config.detection_sigma_um / pixel_pitch_um
    response = -(sigma_px**2) * ndimage.gaussian_laplace(_compress(above_nm), sigma_px)
    reach_px = max(1, int(config.min_distance_um / pixel_pitch_um))
    at = peak_local_max(response, min_distance=reach_px, threshold_abs=0.0, exclude_border=False)
    at = at[is_cell[tuple(at.T)]]
    # A part of the mask whose own maximum a stronger neighbour suppressed is a cell all the same.
    parts, count = ndimage.label(is_cell)
    is_seedless = np.ones(count + 1, bool)
    is_seedless[parts[tuple(at.T)]] = False
    lonely = np.flatnonzero(is_seedless[1:]) + 1
    if len(lonely):
        at = np.concatenate([at, np.array(ndimage.maximum_position(response, parts, lonely), int)])
    seeds = np.zeros(above_nm.shape, np.int32)
    seeds[tuple(at.T)] = np.arange(1, len(at) + 1)
    return seeds


def _compress(above_nm: np.ndarray) -> np.ndarray:
    return np.log1p(np.maximum(above_nm, 0.0, dtype=np.float64) / COMPRESSION_NM)


def _join(labels: np.ndarray, relief: np.ndarray, merge_above: float, noise_nm: float) -> np.ndarray:
    """Join regions without a dip between them, from the highest saddle down.

    A dip is a saddle below a share of the lower top, less what noise can make: relief is a logarithm,
    so that noise of the OPD counts as noise / (COMPRESSION_NM + OPD).
    """
    low, high, saddle = _saddles(labels, relief)
    n = int(labels.max())
    top = np.concatenate([[0.0], np.atleast_1d(ndimage.maximum(relief, labels, np.arange(1, n + 1)))])
    joined = np.arange(n + 1)

    def root(label: int) -> int:
        while joined[label] != label:
            joined[label] = joined[joined[label]]
            label = int(joined[label])
        return label

    for index in np.argsort(-saddle, kind="stable"):
        one, other = root(int(low[index])), root(int(high[index]))
        lower = min(top[one], top[other])
        margin = NOISE_MARGIN * noise_nm / COMPRESSION_NM * np.exp(-lower)
        if one != other and saddle[index] > merge_above * lower - margin:
            lesser, greater = sorted((one, other), key=lambda label: top[label])
            joined[lesser] = greater
    return np.array([root(label) for label in range(n + 1)], np.int32)[labels]


def _saddles(labels: np.ndarray, relief: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the pairs of labels that touch and the highest relief on the border of each pair."""
    first, second, height = [], [], []
    for one, other in ((np.s_[:-1, :], np.s_[1:, :]), (np.s_[:, :-1], np.s_[:, 1:])):
        a, b = labels[one], labels[other]
        is_border = (a != b) & (a > 0) & (b > 0)
        first.append(np.minimum(a, b)[is_border])
        second.append(np.maximum(a, b)[is_border])
        height.append(np.minimum(relief[one], relief[other])[is_border])
    pairs = np.stack([np.concatenate(first), np.concatenate(second)], axis=1)
    names, which = np.unique(pairs, axis=0, return_inverse=True)
    saddle = np.full(len(names), -np.inf)
    np.maximum.at(saddle, which.ravel(), np.concatenate(height))
    return names[:, 0], names[:, 1], saddle


def _drop_small(labels: np.ndarray, least_px: float) -> np.ndarray:
    """Return labels numbered without gaps, regions below the least size dropped."""
    size = np.bincount(labels.ravel())
    is_kept = size >= max(least_px, 1)
    is_kept[0] = False
    names = np.zeros(len(size), np.int32)
    names[is_kept] = np.arange(1, is_kept.sum() + 1)
    return names[labels]
