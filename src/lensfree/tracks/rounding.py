"""Mitotic rounding: a cell that divides is thick and small just before, and so are its daughters just after.

How much thicker is learnt from the divisions of the acquisition that are sure without it. Two cells that part
after they were found as one, or a cell that comes from below another, look like a division to geometry and
dry mass, but they have not rounded up. Maximum OPD says it: area is what OPD is spread over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lensfree.tracks.candidates import LinkedTracks
from lensfree.tracks.scales import NORMAL_MAD

ROUND_FRAMES = 2
"""Looks before and after a division that show the rounded cell."""

FLAT_FRAMES = (8, 30)
"""Looks before and after it that show the same cell flat."""

CLEAR_SD = 2.0
"""Rounding is used where dividing cells differ from others by this many sd."""

MOST_REWARD, MOST_COST = 4.0, 12.0
_SAMPLED_ROWS = 4000


@dataclass(frozen=True)
class Rounding:
    """ln(maximum OPD at a division / that of the flat cell), of dividing cells and of any others.

    Attributes:
        mean: of dividing cells.
        sd: of dividing cells.
        other_mean: of cells at any time.
        other_sd: of cells at any time.
    """

    mean: float
    sd: float
    other_mean: float
    other_sd: float

    @classmethod
    def learn(cls, tracks: LinkedTracks, mother: np.ndarray, daughters: np.ndarray) -> Rounding | None:
        """Return what sure divisions and other rows show; None where dividing cells are not clearly rounder.

        Args:
            tracks: the linked cells.
            mother: (n,) last rows of mothers.
            daughters: (n, k) first rows of daughters.
        """
        dividing = log_rounding(tracks, mother, daughters)
        rows = np.linspace(0, len(tracks.frame) - 1, min(_SAMPLED_ROWS, len(tracks.frame))).astype(int)
        others = log_rounding(tracks, rows, rows[:, None])
        dividing, others = dividing[np.isfinite(dividing)], others[np.isfinite(others)]
        if not len(dividing) or not len(others):
            return None
        (mean, sd), (other_mean, other_sd) = _robust(dividing), _robust(others)
        if mean - other_mean < CLEAR_SD * np.hypot(sd, other_sd) or min(sd, other_sd) <= 0:
            return None
        return cls(mean, sd, other_mean, other_sd)

    def cost(self, tracks: LinkedTracks, mother: np.ndarray, daughters: np.ndarray) -> np.ndarray:
        """Return twice the log likelihood ratio against rounding, bounded; 0 where too little was seen."""
        seen = log_rounding(tracks, mother, daughters)
        as_division = ((seen - self.mean) / self.sd) ** 2 + 2 * np.log(self.sd)
        as_other = ((seen - self.other_mean) / self.other_sd) ** 2 + 2 * np.log(self.other_sd)
        ratio = np.where(seen > self.mean, -MOST_REWARD, as_division - as_other)
        return np.clip(np.nan_to_num(ratio), -MOST_REWARD, MOST_COST)


def log_rounding(tracks: LinkedTracks, mother: np.ndarray, daughters: np.ndarray) -> np.ndarray:
    """Return the mean over mother and daughters of ln(maximum OPD at the division / that of the flat cell).

    Those that were not seen for long enough to have been flat do not count; NaN where none was.
    """
    parts = [_thicker(tracks, mother, -1)[:, None]]
    parts += [_thicker(tracks, daughters[:, k], 1)[:, None] for k in range(daughters.shape[1])]
    thicker = np.concatenate(parts, axis=1)
    is_known = np.isfinite(thicker)
    total = np.where(is_known, thicker, 0.0).sum(axis=1)
    return np.where(is_known.any(axis=1), total / np.maximum(is_known.sum(axis=1), 1), np.nan)


def _thicker(tracks: LinkedTracks, rows: np.ndarray, sign: int) -> np.ndarray:
    now = _log_median(tracks, rows, sign * np.arange(ROUND_FRAMES))
    return now - _log_median(tracks, rows, sign * np.arange(*FLAT_FRAMES))


def _log_median(tracks: LinkedTracks, rows: np.ndarray, steps: np.ndarray) -> np.ndarray:
    window = rows[:, None] + steps
    track = tracks.track[rows][:, None]
    is_inside = (window >= tracks.start[track]) & (window < tracks.stop[track])
    log_opd = tracks.log_max_opd[np.clip(window, 0, len(tracks.frame) - 1)]
    # Half of the looks of a window must be there; masked medians of few looks say little.
    is_enough = 2 * is_inside.sum(axis=1) >= len(steps)
    masked = np.where(is_inside, log_opd, np.nan)
    masked[~is_enough] = 0.0
    return np.where(is_enough, np.nanmedian(masked, axis=1), np.nan)


def _robust(values: np.ndarray) -> tuple[float, float]:
    median = float(np.median(values))
    return median, NORMAL_MAD * float(np.median(np.abs(values - median)))
