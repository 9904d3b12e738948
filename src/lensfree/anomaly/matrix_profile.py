"""The matrix profile as a detector: how far is every third of a window from the nearest in other histories.

The subsequences are not normalised one by one (`aamp`): in dry mass, amplitude is information. The package
stumpy is an optional one; without it there is no such method.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import pandas as pd

from lensfree.anomaly.methods import Scale, max_by_cell, split_training
from lensfree.anomaly.scaled_judge import ScaledJudge
from lensfree.anomaly.windows import Windows
from lensfree.config import ScoreConfig

PARTS = 3
"""A subsequence is a window divided by this: 10 h."""

TRAINING_HISTORIES = 40


def is_available() -> bool:
    """Return whether stumpy is installed."""
    return find_spec("stumpy") is not None


def compile_profile() -> None:
    """Let stumpy compile what it needs, which takes half a minute once per process."""
    import stumpy

    points = np.random.default_rng(0).normal(size=30)
    stumpy.aamp(points, 10, points[::-1].copy(), ignore_trivial=False)


@dataclass(frozen=True)
class ProfileJudge(ScaledJudge):
    """Training histories to join with, and the threshold of cells.

    Attributes:
        known: standardised training histories, NaN between them.
    """

    known: np.ndarray

    def scores(self, windows: Windows) -> np.ndarray:
        """Return per window the largest distance of a subsequence in it to the nearest known one."""
        import stumpy

        if len(windows) == 0:
            return np.empty(0)
        joined, place = _joined_histories(windows, self.scale)
        span = windows.input_points + windows.target_points
        profile = stumpy.aamp(joined, span // PARTS, self.known, ignore_trivial=False)
        distances = profile[:, 0].astype(np.float64)
        inside = span - span // PARTS + 1
        return np.asarray(np.lib.stride_tricks.sliding_window_view(distances, inside)[place].max(axis=1))


@dataclass(frozen=True)
class MatrixProfileMethod:
    """The matrix profile (stumpy) against 40 histories of the training part."""

    name: str = "matrix_profile"
    is_slow: bool = True

    def fit(self, series: pd.DataFrame, config: ScoreConfig, seed: int) -> ProfileJudge:
        """Draw the histories to join with; the threshold comes from the cells that were held back.

        Raises:
            ModuleNotFoundError: if stumpy is not installed.
        """
        if not is_available():
            raise ModuleNotFoundError("the matrix profile needs stumpy; install the extra `peers`")
        split = split_training(series, config, seed)
        scale = Scale.of(split.training)
        ids = np.unique(split.training.series_id)
        drawn = np.random.default_rng(seed).permutation(ids)[:TRAINING_HISTORIES]
        known, _ = _joined_histories(split.training.take(np.isin(split.training.series_id, drawn)), scale)
        return ProfileJudge(max_by_cell, scale, config, float("nan"), known).with_threshold(split)


def _joined_histories(windows: Windows, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """Return the standardised histories of the windows, NaN after each, and where each window begins in it.

    NaN keeps a subsequence from running from one history into the next.
    """
    span = windows.input_points + windows.target_points
    order = np.lexsort([windows.first, windows.series_id])
    first, series_id = windows.first[order], windows.series_id[order]
    is_new = np.append(True, (series_id[1:] != series_id[:-1]) | (np.diff(first) >= span))
    begins, run = np.flatnonzero(is_new), np.cumsum(is_new) - 1
    stops = np.append(first[begins[1:] - 1], first[-1]) + span
    pieces, offsets, total = [], [], 0
    for begin, stop in zip(first[begins], stops, strict=True):
        points = (windows.dry_mass_pg[begin:stop] - scale.mean_pg) / scale.sd_pg
        pieces += [points, np.array([np.nan])]
        offsets.append(total - begin)
        total += len(points) + 1
    place = np.empty(len(windows), dtype=np.int64)
    place[order] = first + np.array(offsets)[run]
    return np.concatenate(pieces), place
