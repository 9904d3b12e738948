"""Windows of dry-mass histories: what a forecaster sees and what it must foretell.

StArDusTS (Bailly et al. 2024) cuts every history into windows of 30 h at 10 min, one window per
starting point: 120 points are the input, the 60 that follow are the target. The paper leaves three
things open; they are decided here:

- A history is a root-to-leaf path, so its windows run across divisions.
- The target is smoothed by a centred running mean over 1 h. Six points have no centre, so the mean
  takes seven with the outer two at half weight. It runs over the whole history before windows are
  cut, and at the two ends of a history it shrinks to the points that exist. Inputs stay unsmoothed.
- Every split is standardised with mean and sd of the training split, which travel with the model;
  `score.normalisation: per_split` standardises each by itself, as the paper says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from lensfree.anomaly.histories import each_history, lineages, on_grid
from lensfree.config import ScoreConfig
from lensfree.units import MIN_PER_H

DRY_MASS = "dry_mass"
CHANNELS = {"area": "area_um2", "max_opd": "max_opd_nm", "speed": "speed_um_per_h"}
"""Columns of the table series that `score.channels` names."""


@dataclass(frozen=True)
class Windows:
    """Overlapping windows, stored as positions in the histories so that they cost no memory.

    Attributes:
        dry_mass_pg: (point,) all histories one after the other, on the grid of the windows.
        smoothed_pg: (point,) the same after the running mean.
        first: (n,) index of the first point of each window.
        series_id: (n,) history that the window belongs to.
        lineage: (n,) number shared by histories that share a cell.
        last_cell_id: (n,) cell at the last point of the window.
        start_h: (n,) time of the first point [h].
        input_points: points that the forecaster sees.
        target_points: points that it must foretell.
        channels: (point,) of other quantities by name of the channel, like `dry_mass_pg`.
    """

    dry_mass_pg: np.ndarray
    smoothed_pg: np.ndarray
    first: np.ndarray
    series_id: np.ndarray
    lineage: np.ndarray
    last_cell_id: np.ndarray
    start_h: np.ndarray
    input_points: int
    target_points: int
    channels: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.first)

    @property
    def inputs(self) -> np.ndarray:
        """Dry mass that the forecaster sees [pg], (n, input_points)."""
        return self._cut(self.dry_mass_pg, 0, self.input_points)

    @property
    def targets(self) -> np.ndarray:
        """Smoothed dry mass that it must foretell [pg], (n, target_points)."""
        return self._cut(self.smoothed_pg, self.input_points, self.target_points)

    @property
    def targets_raw(self) -> np.ndarray:
        """Dry mass that it must foretell, as measured [pg], (n, target_points)."""
        return self._cut(self.dry_mass_pg, self.input_points, self.target_points)

    def take(self, chosen: np.ndarray | slice) -> Windows:
        """Return the chosen windows, given by index, by slice or by a mask."""
        names = ("first", "series_id", "lineage", "last_cell_id", "start_h")
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})

    def scaled(self, mean_pg: float, sd_pg: float) -> Windows:
        """Return the windows of (value - mean) / sd, float32, whose values have no unit any more."""
        return replace(
            self,
            dry_mass_pg=((self.dry_mass_pg - mean_pg) / sd_pg).astype(np.float32),
            smoothed_pg=((self.smoothed_pg - mean_pg) / sd_pg).astype(np.float32),
        )

    def standardised(self, mean_pg: float, sd_pg: float) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and smoothed targets as (value - mean) / sd, float32."""
        scaled = self.scaled(mean_pg, sd_pg)
        return scaled.inputs, scaled.targets

    @property
    def covered_pg(self) -> np.ndarray:
        """Dry mass [pg] of the points that the windows cover, each counted once."""
        return self.covered(DRY_MASS)

    def points_of(self, quantity: str) -> np.ndarray:
        """Return (point,) values of the dry mass or of a channel."""
        return self.dry_mass_pg if quantity == DRY_MASS else self.channels[quantity]

    def covered(self, quantity: str) -> np.ndarray:
        """Return the values of a quantity at the points that the windows cover, each counted once."""
        span = self.input_points + self.target_points
        change = np.bincount(self.first, minlength=len(self.dry_mass_pg) + 1)
        change -= np.bincount(self.first + span, minlength=len(change))[: len(change)]
        return np.asarray(self.points_of(quantity)[np.cumsum(change)[:-1] > 0])

    def median_pg(self) -> float:
        """Return the median dry mass [pg] of the points that the windows cover, each counted once.

        Raises:
            ValueError: if there is no window.
        """
        if len(self) == 0:
            raise ValueError("got no windows, expected at least one; use histories longer than a window")
        return float(np.median(self.covered_pg))

    def _cut(self, points: np.ndarray, offset: int, length: int) -> np.ndarray:
        return points[(self.first + offset)[:, None] + np.arange(length)]


def cut_windows(series: pd.DataFrame, config: ScoreConfig) -> Windows:
    """Cut every history into all windows that fit into it, one per starting point.

    Histories whose grid is not `config.interval_min` are interpolated onto it. Histories shorter than a
    window give none.

    Args:
        series: table under `contracts.SERIES`.
        config: section `score`.

    Raises:
        ValueError: if a history is not on a regular grid, holds a dry mass that is not finite, or lacks one
            of `config.channels`.
    """
    _check_channels(series, config.channels)
    span = config.input_points + config.target_points
    weights = running_mean_weights(config.smoothing_points)
    lineage_of = lineages(series)
    parts: list[Windows] = []
    n_points = 0
    columns = ["time_h", "dry_mass_pg", "cell_id", *(CHANNELS[name] for name in config.channels)]
    for series_id, (measured_h, measured_pg, cells, *others) in each_history(series, columns):
        time_h, dry_mass_pg, cell_id = on_grid(
            series_id, measured_h, measured_pg, cells, config.interval_min / MIN_PER_H
        )
        n_windows = len(time_h) - span + 1
        if n_windows < 1:
            continue
        first = np.arange(n_windows)
        parts.append(
            Windows(
                dry_mass_pg=dry_mass_pg,
                smoothed_pg=smooth(dry_mass_pg, weights),
                first=first + n_points,
                series_id=np.full(n_windows, series_id, dtype=np.int64),
                lineage=np.full(n_windows, lineage_of[series_id], dtype=np.int64),
                last_cell_id=cell_id[first + span - 1],
                start_h=time_h[first],
                input_points=config.input_points,
                target_points=config.target_points,
                channels={
                    name: np.interp(time_h, measured_h, values)
                    for name, values in zip(config.channels, others, strict=True)
                },
            )
        )
        n_points += len(time_h)
    return _joined(parts, config)


def running_mean_weights(points: int) -> np.ndarray:
    """Return centred weights over `points` grid steps; an even number gets half weights at both ends."""
    if points % 2:
        return np.full(points, 1 / points)
    weights = np.full(points + 1, 1 / points)
    weights[[0, -1]] /= 2
    return weights


def smooth(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the running mean of a history; at its ends over the points that exist."""
    reach = len(weights) // 2
    padded = np.pad(values, reach)
    present = np.pad(np.ones(len(values)), reach)
    return np.convolve(padded, weights, mode="valid") / np.convolve(present, weights, mode="valid")


def _joined(parts: list[Windows], config: ScoreConfig) -> Windows:
    def column(name: str, dtype: type) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts] or [np.empty(0)]).astype(dtype)

    return Windows(
        dry_mass_pg=column("dry_mass_pg", np.float64),
        smoothed_pg=column("smoothed_pg", np.float64),
        first=column("first", np.int64),
        series_id=column("series_id", np.int64),
        lineage=column("lineage", np.int64),
        last_cell_id=column("last_cell_id", np.int64),
        start_h=column("start_h", np.float64),
        input_points=config.input_points,
        target_points=config.target_points,
        channels={
            name: np.concatenate([part.channels[name] for part in parts] or [np.empty(0)])
            for name in config.channels
        },
    )


def _check_channels(series: pd.DataFrame, channels: Sequence[str]) -> None:
    for name in channels:
        column = CHANNELS[name]
        if column not in series.columns:
            raise ValueError(
                f"score.channels asks for {name}, the histories have no column {column}; rerun the stage "
                "series, or leave the channel out"
            )
        wrong = ~np.isfinite(series[column].to_numpy(dtype=np.float64))
        if wrong.any():
            raise ValueError(
                f"{int(wrong.sum())} of {len(wrong)} values of {column} are not finite, expected none where "
                f"score.channels asks for {name}; rerun the stages quantify to series, or leave it out"
            )
