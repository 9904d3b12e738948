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
from lensfree.config_tracks import FRAMES_OF_MIN
from lensfree.tracks.motion import MASS_MEMORY, VELOCITY_MEMORY
from lensfree.units import MIN_PER_H

logger = logging.getLogger(__name__)

RAYLEIGH_MEDIAN = 1.1774
"""Median length of a 2-D normal step whose sd is 1 along each axis, sqrt(2 ln 2)."""

SAME_MASS = 1e-3
"""Spread of ln(dry mass) below which nobody measured it; cells of one culture differ by a factor of two."""

NORMAL_MAD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""


@dataclass(frozen=True)
class Scales:
    """What linking and lineage measure with.

    Attributes:
        search_range_um: largest step between two frames that is tried.
        step_sd_um: sd of the step between two frames along one axis.
        persistence: share of its running velocity that a cell keeps from frame to frame, 0 to 1.
        log_mass_sd: sd of one measurement of ln(dry mass), from differences between frames.
        log_mass_weight_um: distance that a difference of 1 in ln(dry mass) counts for.
    """

    search_range_um: float
    step_sd_um: float
    persistence: float
    log_mass_sd: float
    log_mass_weight_um: float


def at_interval(config: TrackConfig, cells: pd.DataFrame) -> TrackConfig:
    """Return the settings with the frames of an acquisition instead of frames of 10 min.

    Args:
        config: the section `track`.
        cells: `frame, time_h`; with fewer than two frames nothing changes.
    """
    times = cells[["frame", "time_h"]].drop_duplicates().sort_values("frame")
    if len(times) < 2:
        return config
    interval_min = MIN_PER_H * float(np.median(np.diff(times["time_h"]) / np.diff(times["frame"])))
    frames = {
        name: int(getattr(config, name) * FRAMES_OF_MIN / interval_min + 1e-6)
        for name in ("memory_frames", "max_gap_frames", "max_fusion_frames", "min_track_frames")
    }
    return config.model_copy(update={**frames, "min_track_frames": max(frames["min_track_frames"], 1)})


def log_dry_mass(dry_mass_pg: np.ndarray, config: TrackConfig) -> np.ndarray:
    """Return ln(dry mass in pg), clipped from below so that negative masses have a finite one."""
    return np.log(np.maximum(np.asarray(dry_mass_pg, dtype=np.float64), config.min_dry_mass_pg))


def estimate_scales(cells: pd.DataFrame, config: TrackConfig) -> Scales:
    """Estimate steps and mass noise of an acquisition; numbers given in the configuration are kept.

    The search range is `search_range_steps` times a robust upper quantile of the steps, and no less than
    `search_range_leaps` times what one step in a thousand exceeds: some cells leap. The weight of mass is the
    sd of a step off its prediction over the sd of ln(dry mass) off its running mean: one sd of either then
    costs the same, so that a noisy mass counts for little and a good one decides; times `log_mass_trust`, as
    cells that fuse and divide change their mass without any noise.

    Args:
        cells: `frame, y_um, x_um, dry_mass_pg`, any order of rows.
        config: the section `track`.

    Returns:
        The scales. With fewer than `min_pairs` pairs of cells to learn from, the fallbacks of the
        configuration are used and the log says so.
    """
    step_um, log_mass_change = _follow(cells, config, frames=2)
    length_um = np.linalg.norm(step_um[:, 0], axis=1)
    if len(length_um) < config.min_pairs:
        logger.warning(
            "only %d pairs of cells in successive frames, fewer than min_pairs=%d: search range and weight "
            "of mass are the fallback; set search_range_um and log_mass_weight_um if tracks look wrong",
            len(length_um),
            config.min_pairs,
        )
        step_sd_um, log_mass_sd = config.fallback_step_sd_um, config.fallback_log_mass_sd
        persistence, residual_sd_um, upper_um, far_um = 0.0, step_sd_um, 3 * step_sd_um, 0.0
    else:
        far_um = config.search_range_leaps * float(np.quantile(length_um, 0.999))
        step_sd_um = max(float(np.median(length_um)) / RAYLEIGH_MEDIAN, config.min_step_sd_um)
        deviation = np.abs(log_mass_change[:, 0] - np.median(log_mass_change[:, 0]))
        log_mass_sd = max(NORMAL_MAD * float(np.median(deviation)) / 2**0.5, config.min_log_mass_sd)
        upper_um = max(float(np.quantile(length_um, 0.95)), 3 * step_sd_um)
        persistence, residual_sd_um = _persistence(_follow(cells, config, frames=4)[0], upper_um, config)
        residual_sd_um = max(residual_sd_um or step_sd_um, config.min_step_sd_um)
    wanted_um, weight_um = config.search_range_um, config.log_mass_weight_um
    log_mass_change_sd = log_mass_sd * (1 + MASS_MEMORY / (2 - MASS_MEMORY)) ** 0.5
    justified_um = config.log_mass_trust * residual_sd_um / log_mass_change_sd
    if (
        weight_um == "auto"
        and len(cells)
        and np.std(log_dry_mass(cells["dry_mass_pg"].to_numpy(), config)) < SAME_MASS
    ):
        logger.warning("all cells have the same dry mass: it was not measured, and counts for nothing")
        justified_um = 0.0
    return Scales(
        search_range_um=max(config.search_range_steps * upper_um, far_um)
        if wanted_um == "auto"
        else wanted_um,
        step_sd_um=step_sd_um,
        persistence=persistence,
        log_mass_sd=log_mass_sd,
        log_mass_weight_um=justified_um if weight_um == "auto" else weight_um,
    )


def _persistence(step_um: np.ndarray, upper_um: float, config: TrackConfig) -> tuple[float, float]:
    """Return the regression of steps on the running velocity before, and the sd per axis of what remains."""
    step_um = step_um[(np.linalg.norm(step_um, axis=2) <= 1.5 * upper_um).all(axis=1)]
    if len(step_um) < config.min_pairs:
        return 0.0, 0.0
    velocity_um = VELOCITY_MEMORY * step_um[:, 1] + (1 - VELOCITY_MEMORY) * step_um[:, 0]
    power = float(np.sum(velocity_um**2))
    persistence = float(np.clip(np.sum(velocity_um * step_um[:, 2]) / power, 0, 1)) if power > 0 else 0.0
    remainder_um = np.linalg.norm(step_um[:, 2] - persistence * velocity_um, axis=1)
    return persistence, float(np.median(remainder_um)) / RAYLEIGH_MEDIAN


def _follow(cells: pd.DataFrame, config: TrackConfig, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Follow mutual nearest neighbours through runs of successive frames, sampled over the acquisition.

    Returns:
        Steps (cell, frames - 1, 2) in um and changes of ln(dry mass) (cell, frames - 1).
    """
    frame = cells["frame"].to_numpy()
    order = np.argsort(frame, kind="stable")
    point = np.column_stack(
        [
            cells[["y_um", "x_um"]].to_numpy(dtype=np.float64)[order],
            log_dry_mass(cells["dry_mass_pg"].to_numpy(), config)[order],
        ]
    )
    numbers, starts = np.unique(frame[order], return_index=True)
    points = np.split(point, starts[1:])
    run = frames - 1
    firsts = np.flatnonzero(numbers[run:] - numbers[: max(len(numbers) - run, 0)] == run)
    if len(firsts) > config.sampled_frames:
        firsts = firsts[np.linspace(0, len(firsts) - 1, config.sampled_frames).astype(int)]
    followed = [np.empty((0, frames, 3))]
    for first in firsts:
        chain = points[first][:, None]
        rows = np.arange(len(chain))
        for later in range(first + 1, first + frames):
            now, then = points[later - 1][:, :2], points[later][:, :2]
            match = cKDTree(then).query(now[rows])[1]
            is_mutual = cKDTree(now).query(then[match])[1] == rows
            rows = match[is_mutual]
            chain = np.concatenate([chain[is_mutual], points[later][rows][:, None]], axis=1)
        followed.append(chain)
    change = np.diff(np.concatenate(followed), axis=1)
    return change[..., :2], change[..., 2]
