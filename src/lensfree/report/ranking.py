"""Which series look wrong first, and which of them are shown."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd


def is_judged_by_surprise(scores: pd.DataFrame) -> bool:
    """Return whether any series has a surprise: the published method gives none."""
    return bool(scores["surprise"].notna().any())


def rank_series(scores: pd.DataFrame, windows: pd.DataFrame, count: int | None = None) -> pd.DataFrame:
    """Return the most suspicious series, best first, with their `rank` (from 1) and `mean_mse`.

    The surprise decides where there is one; then the anomaly score, the mean MSE of the windows and the
    identity break ties, so that the same tables always give the same page. A series without windows was not
    judged and has no rank.

    Args:
        scores: the scores table.
        windows: the windows table.
        count: how many to return at most, None for all.
    """
    mean_mse = windows.groupby("series_id")["forecast_mse"].mean().rename("mean_mse")
    ranked = scores[scores["n_windows"] > 0].join(mean_mse, on="series_id")
    order = ["surprise", "anomaly_score", "mean_mse", "series_id"]
    ranked = ranked.sort_values(order, ascending=[False, False, False, True], ignore_index=True)
    ranked = ranked.assign(rank=range(1, len(ranked) + 1))
    return ranked if count is None else ranked.head(count)


def choose_shown(ranked: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return the rows that get a card, in the order of the page, ranks as they are.

    First at most `count` of what is not thought to be an error of the measurement, then at most `count`
    suspected errors: those that are flagged or among the first `count` of all.

    Args:
        ranked: what `rank_series` returned, all of it.
        count: how many of either.
    """
    is_error = ranked["is_acquisition"].to_numpy(dtype=bool)
    is_worth_mending = ranked["is_flagged"].to_numpy(dtype=bool) | (ranked["rank"].to_numpy() <= count)
    parts = [ranked[~is_error].head(count), ranked[is_error & is_worth_mending].head(count)]
    return pd.concat([part for part in parts if len(part)] or [ranked], ignore_index=True)


def first_sharing_rank(ranks: Sequence[int], cells: Sequence[set[int]]) -> list[int | None]:
    """Return for each series the best rank of a better one that has a cell in common with it, None if none.

    Args:
        ranks: of the series.
        cells: of each series.
    """
    pairs = sorted(zip(ranks, cells, strict=True), key=lambda pair: pair[0])
    return [
        next((other for other, others in pairs if other < rank and others & mine), None)
        for rank, mine in zip(ranks, cells, strict=True)
    ]
