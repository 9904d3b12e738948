"""Divisions and lineages counted from tracks."""

from __future__ import annotations

import pandas as pd


def count_divisions(tracks: pd.DataFrame) -> int:
    """Return the number of mothers with at least two daughters among the tracks."""
    return int((_daughters_per_mother(tracks) >= 2).sum())


def lineage_counts(tracks: pd.DataFrame) -> pd.DataFrame:
    """Return how many lineages divided how often.

    Returns:
        n_divisions, n_lineages, n_cells; one row per number of divisions that occurs.
    """
    daughters = _daughters_per_mother(tracks)
    mothers = daughters[daughters >= 2].index
    cells = tracks[["cell_id", "lineage_id"]].drop_duplicates("cell_id")
    per_lineage = pd.DataFrame(
        {
            "n_divisions": cells["cell_id"].isin(mothers).groupby(cells["lineage_id"]).sum(),
            "n_cells": cells.groupby("lineage_id").size(),
        }
    )
    grouped = per_lineage.groupby("n_divisions")["n_cells"]
    return grouped.agg(n_lineages="size", n_cells="sum").reset_index()


def _daughters_per_mother(tracks: pd.DataFrame) -> pd.Series:
    daughters = tracks.loc[tracks["parent_id"] >= 0, ["cell_id", "parent_id"]].drop_duplicates("cell_id")
    return daughters.groupby("parent_id").size()
