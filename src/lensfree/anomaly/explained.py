"""Scores with what a person asks next: which histories were too short, and why others stand out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from lensfree.anomaly.by_history import by_history
from lensfree.anomaly.kinds import UNCLEAR
from lensfree.anomaly.norms import Norms
from lensfree.anomaly.reasons import Reason, explain_history
from lensfree.anomaly.wording import say_of_no_kind

MAX_EXPLAINED = 300
"""Besides those flagged, so many of the highest ranked are explained."""
NOT_ASKED = Reason("", False, float("nan"), float("nan"), "")


def with_short_series(scores: pd.DataFrame, series_id: np.ndarray, model: str) -> pd.DataFrame:
    """Return the scores with a row, of no windows, for every history that is shorter than a window.

    Args:
        scores: a row per judged history.
        series_id: of all histories, judged or not.
        model: what judged.
    """
    missing = np.setdiff1d(series_id, scores["series_id"].to_numpy())
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


def to_explain(scores: pd.DataFrame) -> set[int]:
    """Return series_id of the histories that are explained: those flagged, and the highest ranked.

    Args:
        scores: a row per history; ranked by `surprise`, by `anomaly_score` where there is none.
    """
    ranked = scores[scores["n_windows"] > 0].sort_values(["surprise", "anomaly_score"], ascending=False)
    return set(ranked["series_id"].head(MAX_EXPLAINED)) | set(scores.loc[scores["is_flagged"], "series_id"])


def with_reasons(
    scores: pd.DataFrame, series: pd.DataFrame, norms: Norms | None, events: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the scores with kind, onset and evidence for flagged and for highly ranked histories.

    Args:
        scores: a row per history.
        series: table under `contracts.SERIES`, of which it needs the histories `to_explain`.
        norms: what is normal; None explains nothing.
        events: table under `contracts.LINEAGE_EVENTS`.
    """
    asked = to_explain(scores)
    found: dict[int, Reason] = {}
    if norms is not None:
        of_cells = _OfCells(events)
        found = by_history(series, asked, lambda rows: explain_history(rows, norms, of_cells(rows)))
    reasons = [
        _stands_out(found.get(name, NOT_ASKED), view, is_flagged)
        for name, view, is_flagged in zip(
            scores["series_id"], scores["view"], scores["is_flagged"], strict=True
        )
    ]
    return scores.assign(
        kind=pd.Series([reason.kind for reason in reasons], dtype=object, index=scores.index),
        is_acquisition=np.array([reason.is_acquisition for reason in reasons], dtype=bool),
        onset_h=np.array([reason.onset_h for reason in reasons], dtype=np.float64),
        evidence=pd.Series([reason.evidence for reason in reasons], dtype=object, index=scores.index),
    )


def _stands_out(reason: Reason, view: str, is_flagged: bool) -> Reason:
    """Return a reason that does not call a flagged history normal: a view without names found it odd."""
    if is_flagged and reason.kind == UNCLEAR and view:
        return replace(reason, evidence=say_of_no_kind(view))
    return reason


class _OfCells:
    """The events of the cells of a history, found without going through all events for each."""

    def __init__(self, events: pd.DataFrame | None) -> None:
        self._events = events
        cell_id = np.empty(0, dtype=np.int64) if events is None else events["cell_id"].to_numpy()
        self._order = np.argsort(cell_id, kind="stable")
        self._cell_id = cell_id[self._order]

    def __call__(self, rows: pd.DataFrame) -> pd.DataFrame | None:
        """Return the events of the cells of these rows in the order of the table, None without a table."""
        if self._events is None:
            return None
        cells = np.unique(rows["cell_id"].to_numpy())
        first, last = (np.searchsorted(self._cell_id, cells, side=side) for side in ("left", "right"))
        found = [self._order[a:b] for a, b in zip(first, last, strict=True)]
        return self._events.iloc[np.sort(np.concatenate(found))]
