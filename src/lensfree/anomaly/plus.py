"""StArDusTS plus: density of a history's stretches at three lengths, a forecast with its own sd, known kinds.

Each of the five views gives every history one number; `surprise` makes them comparable and the most
surprised view counts. Learning is robust against abnormal histories in the training set: the most surprising
share is left out of what counts as known, and normal cells' scores are learnt from the middle of all
(`surprise`). A history is never compared with its own family.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy import ndimage

from lensfree.anomaly.by_history import begin_by_history
from lensfree.anomaly.density import Density, Stretches, cut_stretches, fit_density, views
from lensfree.anomaly.norms import Norms
from lensfree.anomaly.outlooks import Outlook, Trainer, cross_fitted, forecast_scores
from lensfree.anomaly.reasons import log_odds
from lensfree.anomaly.surprise import Scales, Tail, learn_scales, learn_tail
from lensfree.anomaly.windows import DRY_MASS, Windows

FORECAST = "forecast"
KINDS = "kinds"
MAX_HISTORIES = 2000
"""More training histories than this are drawn from: density and tail need no more."""
_SD_PER_MAD = 1.4826


@dataclass(frozen=True)
class Plus:
    """A fitted detector.

    Attributes:
        unit_pg: dry mass that counts as 1: the median of the training points [pg].
        spread: robust sd of the training points in that unit.
        densities: known stretches, a density per view.
        outlook: the forecast.
        norms: what is normal for the population that is judged.
        cells: how normal cells score in the views: densities, forecast, known kinds.
        tail: upper tail of their surprise.
        of_windows: how normal windows score in the views.
        tail_of_windows: upper tail of their surprise.
        channel_units: medians of the training points in the channels that it judges besides dry mass.
    """

    unit_pg: float
    spread: float
    densities: tuple[Density, ...]
    outlook: Outlook
    norms: Norms
    cells: Scales
    tail: Tail
    of_windows: Scales
    tail_of_windows: Tail
    channel_units: Mapping[str, float] = field(default_factory=dict)

    @property
    def view_names(self) -> tuple[str, ...]:
        """Return the names of the views in the order of the scales."""
        names = (*(density.view.name for density in self.densities), FORECAST, KINDS)
        return names[: len(self.cells.median)]

    def for_population(self, unit_pg: float, norms: Norms) -> Plus:
        """Return the detector for a population of another median dry mass [pg] and other norms."""
        return replace(self, unit_pg=unit_pg, norms=norms)

    def judge(
        self, windows: Windows, series: pd.DataFrame, alpha: float
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Judge all windows and histories.

        Args:
            windows: all windows of some histories.
            series: the table under `contracts.SERIES` that they were cut from.
            alpha: share of normal cells that may be flagged.

        Returns:
            Windows: `series_id, start_h, forecast_mse, surprise, is_abnormal`. Histories: `series_id,
            n_windows, anomaly_score, surprise, normal_share, view, is_flagged`; `view` is the one that is
            most surprised.
        """
        return self.begin(windows, series, alpha)()

    def begin(
        self, windows: Windows, series: pd.DataFrame, alpha: float
    ) -> Callable[[], tuple[pd.DataFrame, pd.DataFrame]]:
        """Judge as far as this process can; what is returned waits for the others and answers."""
        odds = _begin_odds(windows, series, self.norms) if KINDS in self.view_names else None
        scores = [
            _by_window(density.log_distance(part), part, windows)
            for density, part in self._stretches(windows)
        ]
        errors, mse = forecast_scores(windows, self.outlook, self.unit_pg, self.spread)
        scores.append((errors, errors))
        return lambda: self._tables(windows, scores, odds() if odds else None, mse, alpha)

    def _stretches(self, windows: Windows) -> list[tuple[Density, Stretches]]:
        units = {DRY_MASS: self.unit_pg, **self.channel_units}
        return [
            (each, cut_stretches(windows, each.view, units[each.view.quantity])) for each in self.densities
        ]

    def _tables(
        self,
        windows: Windows,
        scores: list[tuple[np.ndarray, np.ndarray]],
        odds: pd.Series | None,
        mse: np.ndarray,
        alpha: float,
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        by_window = np.stack([part[0] for part in scores], axis=1)
        surprise = self.of_windows.surprise(by_window).max(axis=1)
        judged = pd.DataFrame(
            {
                "series_id": windows.series_id,
                "start_h": windows.start_h,
                "forecast_mse": mse,
                "surprise": surprise,
                "is_abnormal": surprise > self.tail_of_windows.threshold(alpha),
            }
        )
        table = cell_scores(windows, self.densities, [part[1] for part in scores], self.unit_pg)
        if odds is not None:
            table = table.assign(**{KINDS: odds.reindex(table.index)})
        by_view = self.cells.surprise(table.to_numpy())
        grouped = judged.groupby("series_id", sort=True)["is_abnormal"]
        highest = by_view.max(axis=1) if len(table) else np.empty(0)
        histories = pd.DataFrame(
            {
                "series_id": table.index.to_numpy(np.int64),
                "n_windows": grouped.size().to_numpy(np.int64),
                "anomaly_score": grouped.mean().to_numpy(np.float64),
                "surprise": highest,
                "normal_share": self.tail.normal_share(highest),
                "view": np.array(self.view_names, dtype=object)[by_view.argmax(axis=1)]
                if len(table)
                else np.empty(0, dtype=object),
                "is_flagged": highest > self.tail.threshold(alpha),
            }
        )
        return judged, histories


def fit_plus(
    windows: Windows,
    series: pd.DataFrame,
    train: Trainer,
    *,
    contamination: float,
    seed: int,
    is_kinds_asked: bool = True,
    population_of: np.ndarray | None = None,
) -> Plus:
    """Fit to the windows of histories of which an unknown share is abnormal.

    Args:
        windows: all windows of the data set.
        series: the table under `contracts.SERIES` that they were cut from.
        train: makes the forecast.
        contamination: share of the histories that is not counted as known, the most surprising ones.
        seed: of all that is drawn.
        is_kinds_asked: whether the known kinds are a view; without, nothing that this project knows of
            anomalies decides.
        population_of: population of each series_id, if there are several: a history is then asked for known
            kinds by what is normal for its own, as it will be for that of others.

    Raises:
        ValueError: too few histories, or they do not vary, or a channel is mostly 0.
    """
    rng = np.random.default_rng(seed)
    windows = _drawn(windows, rng)
    points = windows.covered_pg
    unit_pg = windows.median_pg()
    spread = float(_SD_PER_MAD * np.median(np.abs(points / unit_pg - 1))) if unit_pg > 0 else 0.0
    if spread == 0:
        raise ValueError(
            f"{len(windows)} windows with median dry mass {unit_pg:g} pg and spread {spread:g} cannot be "
            "learnt from, expected dry mass that varies; check the series table"
        )
    span = windows.input_points + windows.target_points
    channel_units = {name: _median(windows, name) for name in windows.channels}
    units = {DRY_MASS: unit_pg, **channel_units}
    stretches = [
        cut_stretches(windows, view, units[view.quantity]) for view in views(span, tuple(windows.channels))
    ]
    is_known = dict.fromkeys(np.unique(windows.series_id).tolist(), True)
    for is_last in (False, True):
        fitted = [
            fit_density(part, np.vectorize(is_known.get, otypes=[bool])(part.series_id), rng)
            for part in stretches
        ]
        scores = [
            _by_window(density.log_distance(part, lineage), part, windows)
            for (density, lineage), part in zip(fitted, stretches, strict=True)
        ]
        densities = tuple(density for density, _ in fitted)
        table = cell_scores(windows, densities, [part[1] for part in scores], unit_pg)
        if not is_last:
            rank = table.rank(pct=True).max(axis=1)
            worst = rank > rank.quantile(1 - contamination)
            is_known.update(zip(worst.index.tolist(), (~worst).tolist(), strict=True))
    known = np.vectorize(is_known.get, otypes=[bool])(windows.series_id)
    errors, outlook = cross_fitted(windows, known, train, unit_pg, spread, rng)
    scores.append((errors, errors))
    norms = Norms.learn(series)
    table = cell_scores(windows, densities, [part[1] for part in scores], unit_pg)
    if is_kinds_asked:
        odds = (
            _begin_odds(windows, series, norms)()
            if population_of is None
            else _odds_by_population(windows, series, population_of)
        )
        table = table.assign(**{KINDS: odds.reindex(table.index)})
    cells = learn_scales(table.to_numpy(), contamination)
    by_window = np.stack([part[0] for part in scores], axis=1)
    of_windows = learn_scales(by_window, contamination)
    return Plus(
        unit_pg=unit_pg,
        spread=spread,
        densities=densities,
        outlook=outlook,
        norms=norms,
        cells=cells,
        tail=learn_tail(cells.surprise(table.to_numpy()).max(axis=1)),
        of_windows=of_windows,
        tail_of_windows=learn_tail(of_windows.surprise(by_window).max(axis=1)),
        channel_units=channel_units,
    )


def _median(windows: Windows, channel: str) -> float:
    """Return the median of a channel over the points that the windows cover."""
    median = float(np.median(windows.covered(channel)))
    if not median > 0:
        raise ValueError(
            f"the median of the channel {channel} is {median:g}, expected a positive number; check the table "
            f"series or leave {channel} out of score.channels"
        )
    return median


def cell_scores(
    windows: Windows, densities: tuple[Density, ...], scores: list[np.ndarray], unit_pg: float
) -> pd.DataFrame:
    """Return a row per history and a column per view: quantile of distances, mean of forecast errors."""
    columns = {}
    for density, values in zip(densities, scores, strict=False):
        owner = cut_stretches(windows, density.view, unit_pg).series_id
        columns[density.view.name] = pd.Series(values).groupby(owner).quantile(density.view.quantile)
    if len(scores) > len(densities):
        columns[FORECAST] = pd.Series(scores[-1]).groupby(windows.series_id).mean()
    return pd.DataFrame(columns)


def _begin_odds(windows: Windows, series: pd.DataFrame, norms: Norms) -> Callable[[], pd.Series]:
    """Begin to find by series_id how much likelier each history is with something wrong, in ln."""
    wanted = np.unique(windows.series_id)
    odds = begin_by_history(series, wanted, lambda rows: log_odds(rows, norms))
    return lambda: pd.Series(odds(), index=wanted, dtype=np.float64)


def _odds_by_population(windows: Windows, series: pd.DataFrame, population_of: np.ndarray) -> pd.Series:
    """Return the same with the norms of each population for its own histories."""
    of_rows, of_windows = (population_of[ids] for ids in (series["series_id"].to_numpy(), windows.series_id))
    parts = []
    for population in np.unique(of_windows):
        own = series[of_rows == population]
        parts.append(_begin_odds(windows.take(of_windows == population), own, Norms.learn(own))())
    return pd.concat(parts)


def _by_window(values: np.ndarray, stretches: Stretches, windows: Windows) -> tuple[np.ndarray, np.ndarray]:
    """Return the highest value among the stretches within each window, and the values of the stretches."""
    span = windows.input_points + windows.target_points
    view = stretches.view
    within = (span - view.points) // view.step + 1
    if within == 1 and view.step == 1:
        return values, values
    # Windows of a history begin where its first stretch begins; the filter looks ahead.
    ahead = ndimage.maximum_filter1d(values, within, origin=-((within - 1) // 2), mode="nearest")
    _, at, index = np.unique(windows.series_id, return_index=True, return_inverse=True)
    _, start = np.unique(stretches.series_id, return_index=True)
    offset = (windows.first - windows.first[at][index]) // view.step
    return ahead[start[index] + offset], values


def _drawn(windows: Windows, rng: np.random.Generator) -> Windows:
    """Return the windows of whole families until there are enough histories."""
    lineage, first = np.unique(windows.lineage, return_index=True)
    order = rng.permutation(len(lineage))
    pairs = np.unique(np.stack([windows.lineage, windows.series_id]), axis=1)[0]
    n_histories = np.unique(pairs, return_counts=True)[1]
    enough = int(np.searchsorted(np.cumsum(n_histories[order]), MAX_HISTORIES)) + 1
    return windows.take(np.isin(windows.lineage, lineage[order[:enough]]))
