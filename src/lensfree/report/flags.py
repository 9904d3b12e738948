"""The series that a person is asked about: where each is, what is thought of it, and why."""

from __future__ import annotations

import pandas as pd

from lensfree.config import ScoreConfig
from lensfree.report.onsets import place_at, worst_hour
from lensfree.report.ranking import rank_series
from lensfree.report.shared import fold_shared

_OF_SCORES = (
    *("rank", "series_id", "kind", "is_acquisition", "surprise", "normal_share", "anomaly_score"),
    *("is_flagged", "evidence"),
)


def flag_rows(
    scores: pd.DataFrame,
    windows: pd.DataFrame,
    series: pd.DataFrame,
    tracks: pd.DataFrame,
    *,
    n_highest: int,
    score: ScoreConfig,
) -> pd.DataFrame:
    """Return a row per flagged series and per series among the first of the ranking, in its order.

    Args:
        scores: the scores table.
        windows: the windows table.
        series: the series table.
        tracks: the tracks table.
        n_highest: how many of the highest ranked are listed, flagged or not.
        score: settings of the windows.

    Returns:
        What the scores say, and `cell_id, frame, time_h, y_um, x_um` at the onset, or at the most unusual
        hour where no onset is known; missing for a series whose cells are not in the tracks.
    """
    ranked = rank_series(scores, windows)
    asked = ranked[ranked["is_flagged"].to_numpy(dtype=bool) | (ranked["rank"] <= n_highest)]
    rows_of, windows_of = dict(list(series.groupby("series_id"))), dict(list(windows.groupby("series_id")))
    places = []
    for name, onset_h in asked[["series_id", "onset_h"]].itertuples(index=False):
        when_h = worst_hour(windows_of[name], score) if pd.isna(onset_h) else float(onset_h)
        place = place_at(rows_of[name], tracks, when_h) if name in rows_of else None
        places.append({} if place is None else vars(place))
    asked = asked.assign(evidence=_with_shared(asked, series, windows, score))
    columns = ["cell_id", "frame", "time_h", "y_um", "x_um"]
    where = pd.DataFrame(places, columns=columns, index=asked.index)
    # Whole numbers stay whole in a file although some may be missing.
    where = where.astype({"cell_id": "Int64", "frame": "Int64", **dict.fromkeys(columns[2:], "float64")})
    return pd.concat([asked[list(_OF_SCORES)], where], axis=1)


def _with_shared(
    asked: pd.DataFrame, series: pd.DataFrame, windows: pd.DataFrame, score: ScoreConfig
) -> list[str]:
    """Return the evidence; of series that show an event which a better-ranked one shows too, it says so."""
    events = fold_shared(asked, series, windows, score)
    first_of = {
        other: name
        for name, also in events[["series_id", "also"]].itertuples(index=False)
        for _, other, _ in also
    }
    return [
        f"{evidence}; the same event as in series {first_of[name]}" if name in first_of else evidence
        for name, evidence in asked[["series_id", "evidence"]].itertuples(index=False)
    ]
