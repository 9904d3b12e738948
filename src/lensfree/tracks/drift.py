"""Where the field is in every frame: a stage that jumped or drifts moves all cells alike.

Cells are linked in a field held still and put back to where the sensor saw them.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lensfree.config import TrackConfig
from lensfree.tracks.displacement import Displacement, OwnSteps, find_displacement
from lensfree.tracks.scales import NORMAL_MAD, log_dry_mass

logger = logging.getLogger(__name__)

LEARNING_PAIRS = 20
"""Pairs of frames that a cell's own step and the noise of ln(dry mass) are learnt from."""

LAG_POWER = 0.75
"""Steps over k frames are k to this power longer: between diffusion (0.5) and straight walks (1)."""

DRIFT_FRAMES = 13
"""Frames around one that show whether the field drifts just then."""

DRIFT_SHARE = 1 / 3
"""Where more of the frames around have moved with certainty, every displacement found is believed."""

JUMP_STEPS = 3.0
"""Displacements longer than this many step sd are called jumps in the log, shorter ones drift."""

CROWD = 20
"""Frames with this many cells are expected to show where the field is."""


@dataclass(frozen=True)
class FieldMotion:
    """Where the field is in each frame that has cells.

    Attributes:
        frame: (n,) frame numbers, ascending.
        position_um: (n, yx) position on the sensor against the first frame; exactly 0 while never moved.
    """

    frame: np.ndarray
    position_um: np.ndarray

    @property
    def step_um(self) -> np.ndarray:
        """Displacement (n - 1, yx) between successive frames that have cells."""
        return np.diff(self.position_um, axis=0)

    @property
    def is_still(self) -> bool:
        """Whether the field never moved."""
        return not self.position_um.any()


def estimate_field_motion(cells: pd.DataFrame, config: TrackConfig) -> FieldMotion:
    """Find the displacements of the whole field, such as a stage that jumped or drifts.

    A displacement is accepted if it explains two frames better than chance and better than no
    displacement, both with certainty; all others are exactly 0. Amid many that are certain the field
    drifts, and what is found there is believed. A frame that shows no common displacement, blurred or
    strewn with debris, is passed over: the next one is also compared with the last good one.

    Args:
        cells: `frame, y_um, x_um, dry_mass_pg`, any order of rows; cells that lack a number do not count.
        config: the section `track`; `max_field_step_um` is the longest displacement between two frames,
            and 0 says that the field never moves.

    Returns:
        The position of the field in every frame that has cells. The log says what was found.
    """
    frames, points = _points_by_frame(cells, config)
    position_um = np.zeros((len(frames), 2))
    if config.max_field_step_um == 0 or len(frames) < 2:
        return FieldMotion(frames, position_um)
    own = _learn_own_steps(frames, points, config)
    found: dict[int, tuple[int, Displacement]] = {}
    good, unmatched = 0, []
    for k in range(1, len(frames)):
        is_recent = frames[k] - frames[good] <= config.max_gap_frames + 1
        for before in [k - 1] if good == k - 1 or not is_recent else [k - 1, good]:
            own_then = _over(own, frames[k] - frames[before])
            displacement = find_displacement(
                points[before], points[k], own_then, limit_um=config.max_field_step_um
            )
            if displacement is not None and displacement.is_certain:
                found[k], good = (before, displacement), k
                break
        else:
            if min(len(points[k - 1]), len(points[k])) >= CROWD:
                unmatched.append(k)
    is_moving = _is_moving(
        len(frames), [k for k, (_, displacement) in found.items() if displacement.has_moved]
    )
    for k in range(1, len(frames)):
        before, displacement = found.get(k, (k - 1, None))
        position_um[k] = position_um[before]
        if displacement is not None and is_moving[k]:
            position_um[k] += displacement.vector_um
    motion = FieldMotion(frames, position_um)
    _tell(motion, own, unmatched, config)
    return motion


def hold_still(cells: pd.DataFrame, motion: FieldMotion) -> pd.DataFrame:
    """Return the cells at their places in the field held still; `put_back` undoes it exactly.

    Raises:
        ValueError: if there are cells in a frame whose motion is not known.
    """
    frame = cells["frame"].to_numpy()
    is_unknown = ~np.isin(frame, motion.frame)
    if is_unknown.any():
        raise ValueError(
            f"the motion of the field is not known in frame {frame[is_unknown][0]}, expected every frame "
            "that has cells: estimate it from the same cells"
        )
    moved_um = motion.position_um[np.searchsorted(motion.frame, frame)]
    return cells.assign(
        sensor_y_um=cells["y_um"],
        sensor_x_um=cells["x_um"],
        y_um=cells["y_um"] - moved_um[:, 0],
        x_um=cells["x_um"] - moved_um[:, 1],
    )


def put_back(cells: pd.DataFrame, motion: FieldMotion) -> pd.DataFrame:
    """Return the cells of `hold_still` at their places on the sensor, those shared meanwhile where they
    go."""
    moved_um = motion.position_um[np.searchsorted(motion.frame, cells["frame"].to_numpy())]
    is_shared = cells["is_shared"].to_numpy() if "is_shared" in cells else np.zeros(len(cells), bool)
    places = {
        name: np.where(is_shared, cells[name] + moved_um[:, axis], cells[f"sensor_{name}"])
        for axis, name in enumerate(("y_um", "x_um"))
    }
    return cells.assign(**places).drop(columns=["sensor_y_um", "sensor_x_um"])


def _points_by_frame(cells: pd.DataFrame, config: TrackConfig) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the frames that have cells, and y, x and ln(dry mass) of each frame's cells, sorted by place."""
    frame = cells["frame"].to_numpy(dtype=np.int64)
    point = cells[["y_um", "x_um", "dry_mass_pg"]].to_numpy(dtype=np.float64)
    frames = np.unique(frame)
    is_known = np.isfinite(point).all(axis=1)
    frame, point = frame[is_known], point[is_known]
    point[:, 2] = log_dry_mass(point[:, 2], config)
    order = np.argsort(frame, kind="stable")
    parts = np.split(point[order], np.searchsorted(frame[order], frames[1:]))
    # the sample and the last digits of sums must not depend on the order of rows
    return frames, [part[np.lexsort((part[:, 1], part[:, 0]))] for part in parts]


def _learn_own_steps(frames: np.ndarray, points: list[np.ndarray], config: TrackConfig) -> OwnSteps:
    """Learn what cells do between successive frames from some of them, whether the field moved or not."""
    log_mass = np.concatenate(points)[:, 2]
    spread = NORMAL_MAD * float(np.median(np.abs(log_mass - np.median(log_mass)))) if len(log_mass) else 0.0
    guess = OwnSteps(config.fallback_step_sd_um, is_known=False)
    learnt = []
    for k in np.unique(np.linspace(1, len(frames) - 1, LEARNING_PAIRS).astype(int)):
        lag = frames[k] - frames[k - 1]
        pair = find_displacement(
            points[k - 1], points[k], _over(guess, lag), limit_um=config.max_field_step_um
        )
        if pair is not None and pair.is_certain:
            learnt.append((pair.sd_um / lag**LAG_POWER, pair.log_mass_change_sd))
    sd_um, change_sd = guess.sd_um, 2**0.5 * config.fallback_log_mass_sd
    if learnt:
        sd_um, change_sd = (float(value) for value in np.nanmedian(learnt, axis=0))
    is_compared = config.log_mass_weight_um != 0 and spread > 0
    return OwnSteps(
        sd_um=max(sd_um, config.min_step_sd_um),
        log_mass_change_sd=max(change_sd, config.min_log_mass_sd) if is_compared else None,
        log_mass_difference_sd=2**0.5 * spread,
    )


def _over(own: OwnSteps, lag: int) -> OwnSteps:
    """Return own steps over so many frames."""
    return own if lag == 1 else replace(own, sd_um=own.sd_um * float(lag) ** LAG_POWER)


def _is_moving(n_frames: int, certain: list[int]) -> np.ndarray:
    """Return in which frames a displacement is believed: those certain, and all amid many that are."""
    is_certain = np.zeros(n_frames)
    is_certain[certain] = 1
    window = np.ones(DRIFT_FRAMES)
    certain_around, around = (
        np.convolve(series, window)[DRIFT_FRAMES // 2 :][:n_frames]
        for series in (is_certain, np.ones(n_frames))
    )
    return (is_certain > 0) | (certain_around > DRIFT_SHARE * around)


def _tell(motion: FieldMotion, own: OwnSteps, unmatched: list[int], config: TrackConfig) -> None:
    """Log every jump, all drift in one sentence, and frames that nothing was found for."""
    length_um = np.hypot(*motion.step_um.T)
    is_jump = length_um > JUMP_STEPS * own.sd_um
    for k in np.flatnonzero(is_jump):
        logger.info(
            "the field jumped by y %+.1f um, x %+.1f um between frames %d and %d; "
            "cells are linked as if it had not",
            *motion.step_um[k],
            motion.frame[k],
            motion.frame[k + 1],
        )
    drifts = np.flatnonzero((length_um > 0) & ~is_jump)
    if len(drifts):
        logger.info(
            "the field drifted by y %+.1f um, x %+.1f um in all, in %d step(s) of at most %.1f um "
            "between frames %d and %d; cells are linked as if it had not",
            *motion.step_um[drifts].sum(axis=0),
            len(drifts),
            length_um[drifts].max(),
            motion.frame[drifts[0]],
            motion.frame[drifts[-1] + 1],
        )
    if unmatched:
        logger.warning(
            "no common displacement of the cells up to max_field_step_um=%g um between the frame before and "
            "frame %d (and %d more): the field counts as unmoved there; if it jumped farther, raise that",
            config.max_field_step_um,
            motion.frame[unmatched[0]],
            len(unmatched) - 1,
        )
