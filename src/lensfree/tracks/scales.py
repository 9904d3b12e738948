"""How far cells go and how well their mass is known, estimated from the acquisition itself.

Neither an image nor a first linking is needed: cells of one frame are paired with their mutual nearest
neighbours in the next. In a field that can be tracked at all most of those pairs are the same cell,
and medians do not mind the rest.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from lensfree.config import TrackConfig

logger = logging.getLogger(__name__)

RAYLEIGH_MEDIAN = 1.1774
"""Median length of a 2-D normal step whose sd is 1 along each axis, sqrt(2 ln 2)."""

NORMAL_MAD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


@dataclass(frozen=True)
class Scales:
    """What linking and lineage measure with.

    Attributes:
        search_range_um: largest step between two frames that is tried.
        step_sd_um: sd of the step between two frames along one axis.
        log_mass_sd: sd of one measurement of ln(dry mass), from differences between frames.
        log_mass_weight_um: distance that a difference of 1 in ln(dry mass) counts for.
    """

    search_range_um: float
    step_sd_um: float
    log_mass_sd: float
    log_mass_weight_um: float


def log_dry_mass(dry_mass_pg: np.ndarray, config: TrackConfig) -> np.ndarray:
    """Return ln(dry mass in pg), clipped from below so that debris and negative masses keep a finite value."""
    return np.log(np.maximum(np.asarray(dry_mass_pg, dtype=np.float64), config.min_dry_mass_pg))


def estimate_scales(cells: pd.DataFrame, config: TrackConfig) -> Scales:
    """Estimate steps and mass noise of an acquisition; numbers given in the configuration are kept.

    The search range is `search_range_steps` times a robust upper quantile of the steps. The weight of
    mass is the sd of a step over the sd of the change of ln(dry mass) between frames: one sd of either
    then costs the same, so that a noisy mass counts for little and a good one decides.

    Args:
        cells: `frame, y_um, x_um, dry_mass_pg`, any order of rows.
        config: the section `track`.

    Returns:
        The scales. With fewer than `min_pairs` pairs of cells to learn from, the fallbacks of the
        configuration are used and the log says so.
    """
    step_um, log_mass_change = _mutual_neighbours(cells, config)
    if len(step_um) < config.min_pairs:
        logger.warning(
            "only %d pairs of cells in successive frames, fewer than min_pairs=%d: search range and weight of mass "
            "are the fallback, not estimated; set search_range_um and log_mass_weight_um if tracks look wrong",
            len(step_um),
            config.min_pairs,
        )
        step_sd_um, log_mass_change_sd = config.fallback_step_sd_um, config.fallback_log_mass_sd * 2**0.5
        upper_um = 3 * step_sd_um
    else:
        step_sd_um = max(float(np.median(step_um)) / RAYLEIGH_MEDIAN, config.min_step_sd_um)
        deviation = np.abs(log_mass_change - np.median(log_mass_change))
        log_mass_change_sd = max(NORMAL_MAD * float(np.median(deviation)), config.min_log_mass_sd * 2**0.5)
        upper_um = max(float(np.quantile(step_um, 0.95)), 3 * step_sd_um)
    wanted_um, weight_um = config.search_range_um, config.log_mass_weight_um
    return Scales(
        search_range_um=config.search_range_steps * upper_um if wanted_um == "auto" else wanted_um,
        step_sd_um=step_sd_um,
        log_mass_sd=log_mass_change_sd / 2**0.5,
        log_mass_weight_um=step_sd_um / log_mass_change_sd if weight_um == "auto" else weight_um,
    )


def _mutual_neighbours(cells: pd.DataFrame, config: TrackConfig) -> tuple[np.ndarray, np.ndarray]:
    """Return step [um] and change of ln(dry mass) of mutual nearest neighbours in sampled pairs of frames."""
    frame = cells["frame"].to_numpy()
    order = np.argsort(frame, kind="stable")
    position_um = cells[["y_um", "x_um"]].to_numpy(dtype=np.float64)[order]
    log_mass = log_dry_mass(cells["dry_mass_pg"].to_numpy(), config)[order]
    frames, starts = np.unique(frame[order], return_index=True)
    ends = np.append(starts[1:], len(order))
    first_of_pair = np.flatnonzero(np.diff(frames) == 1)
    if len(first_of_pair) > config.sampled_frames:
        first_of_pair = first_of_pair[
            np.linspace(0, len(first_of_pair) - 1, config.sampled_frames).astype(int)
        ]
    steps_um, changes = [np.empty(0)], [np.empty(0)]
    for k in first_of_pair:
        now, later = slice(starts[k], ends[k]), slice(starts[k + 1], ends[k + 1])
        step_um, match = cKDTree(position_um[later]).query(position_um[now])
        _, back = cKDTree(position_um[now]).query(position_um[later])
        is_mutual = back[match] == np.arange(len(match))
        steps_um.append(step_um[is_mutual])
        changes.append((log_mass[later][match] - log_mass[now])[is_mutual])
    return np.concatenate(steps_um), np.concatenate(changes)
