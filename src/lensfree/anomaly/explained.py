"""Scores with what a person asks next: which histories were too short, and why others stand out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lensfree.anomaly.norms import Norms
from lensfree.anomaly.reasons import Reason, explain_history

MAX_EXPLAINED = 300
"""Besides those flagged, so many of the highest ranked are explained."""
NOT_ASKED = Reason("", False, float("nan"), float("nan"), "")


def with_short_series(scores: pd.DataFrame, series: pd.DataFrame, model: str) -> pd.DataFrame:
    """Return the scores with a row, of no windows, for every history that is shorter than a window.

    Args:
        scores: a row per judged history.
        series: table under `contracts.SERIES` that they come from.
        model: what judged.
    """
    missing = np.setdiff1d(series["series_id"].unique(), scores["series_id"].to_numpy())
    if missing.size == 0:
        return scores
    nothing = np.full(missing.size, np.nan)
    rows = pd.DataFrame(
        {
            "series_id": missing.astype(np.int64),
            "n_windows": np.zeros(missing.size, dtype=np.int64),
            "anomaly_score": nothing,
            "surprise": nothing,
            "normal_share": nothing,
            "view": [""] * missing.size,
            "is_flagged": np.zeros(missing.size, dtype=bool),
            "model": [model] * missing.size,
        }
    )
    parts = [part for part in (scores, rows) if len(part)]
    return pd.concat(parts, ignore_index=True).sort_values("series_id", ignore_index=True)


def with_reasons(
    scores: pd.DataFrame, series: pd.DataFrame, norms: Norms | None, events: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the scores with kind, onset and evidence for flagged and for highly ranked histories.

    Args:
        scores: a row per history; ranked by `surprise`, by `anomaly_score` where there is none.
        series: table under `contracts.SERIES`.
        norms: what is normal; None explains nothing.
        events: table under `contracts.LINEAGE_EVENTS`.
    """
    ranked = scores[scores["n_windows"] > 0].sort_values(["surprise", "anomaly_score"], ascending=False)
    asked = set(ranked["series_id"].head(MAX_EXPLAINED)) | set(scores.loc[scores["is_flagged"], "series_id"])
    if norms is None:
        asked = set()
    rows = series[series["series_id"].isin(asked)].sort_values(["series_id", "time_h"])
    found = {
        name: explain_history(part, norms, _of_its_cells(events, part))
        for name, part in rows.groupby("series_id", sort=True)
        if norms is not None
    }
    reasons = [found.get(name, NOT_ASKED) for name in scores["series_id"]]
    return scores.assign(
        kind=pd.Series([reason.kind for reason in reasons], dtype=object, index=scores.index),
        is_acquisition=np.array([reason.is_acquisition for reason in reasons], dtype=bool),
        onset_h=np.array([reason.onset_h for reason in reasons], dtype=np.float64),
        evidence=pd.Series([reason.evidence for reason in reasons], dtype=object, index=scores.index),
    )


def _of_its_cells(events: pd.DataFrame | None, rows: pd.DataFrame) -> pd.DataFrame | None:
    return None if events is None else events[events["cell_id"].isin(rows["cell_id"].unique())]
