"""Series that are odd for one reason: what a mother suffered stands in the series of every daughter."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lensfree.config import ScoreConfig
from lensfree.report.onsets import worst_hour

SAME_H = 2.0
"""Onsets in one cell that are no farther apart are one event."""


def fold_shared(
    ranked: pd.DataFrame, series: pd.DataFrame, windows: pd.DataFrame, score: ScoreConfig
) -> pd.DataFrame:
    """Return the first series of each event, with what else shows it.

    Two series show one event if they went wrong in a cell that they have in common, at nearly the same time,
    and both or neither is thought to be an error of the measurement; what it is called may differ. Where no
    onset is known the most unusual hour counts.

    Args:
        ranked: rows of `rank_series`, best first.
        series: the series table.
        windows: the windows table.
        score: settings of the windows.

    Returns:
        The rows that remain, in their order, with `also`: a tuple of (rank, series_id, kind) of those left
        out, and `event_cell`: the cell in which it happened, -1 if the series has no rows.
    """
    rows_of = dict(list(series[series["series_id"].isin(ranked["series_id"])].groupby("series_id")))
    windows_of = dict(list(windows[windows["series_id"].isin(ranked["series_id"])].groupby("series_id")))
    kept: list[dict] = []
    for row in ranked.to_dict("records"):
        name = row["series_id"]
        when_h = float(row["onset_h"])
        if not np.isfinite(when_h):
            when_h = worst_hour(windows_of[name], score)
        cell = cell_at(rows_of[name], when_h) if name in rows_of else -1
        event = (bool(row["is_acquisition"]), cell)
        first = next(
            (k for k in kept if cell >= 0 and k["event"] == event and abs(k["when_h"] - when_h) <= SAME_H),
            None,
        )
        if first is None:
            kept.append({**row, "event": event, "when_h": when_h, "event_cell": cell, "also": ()})
        else:
            first["also"] = (*first["also"], (int(row["rank"]), int(name), str(row["kind"])))
            first["is_flagged"] = bool(first["is_flagged"] or row["is_flagged"])
    columns = [*ranked.columns, "event_cell", "also"]
    table = pd.DataFrame(kept, columns=[*columns, "event", "when_h"])[columns]
    return table.astype({name: ranked[name].dtype for name in ranked.columns})


def cell_at(series: pd.DataFrame, time_h: float) -> int:
    """Return the cell of a series at a time, the nearest one beyond its ends."""
    return int(series["cell_id"].to_numpy()[int(np.abs(series["time_h"].to_numpy() - time_h).argmin())])
