"""From tracks to what a biologist asks of each cell: how long, how fast, how evenly it divided."""

from __future__ import annotations

import numpy as np
import pandas as pd

COLUMNS = (
    "cell_id",
    "parent_id",
    "lineage_id",
    "first_h",
    "last_h",
    "n_frames",
    "n_daughters",
    "cycle_h",
    "first_dry_mass_pg",
    "last_dry_mass_pg",
    "growth_rate_per_h",
    "division_asymmetry",
)

EDGE_FRAMES = 6
"""Looks whose median dry mass is that of a cell at birth or at division."""

FEWEST_FRAMES = 12
"""With fewer looks no growth rate is given: noise of dry mass would be most of it."""


def describe_cells(tracks: pd.DataFrame, *, frame_interval_h: float) -> pd.DataFrame:
    """Describe every cell by its whole life as far as it was seen.

    Args:
        tracks: `frame, time_h, dry_mass_pg, is_shared, cell_id, parent_id, lineage_id`, any order of rows.
        frame_interval_h: time between two frames.

    Returns:
        A row per cell in the order of `cell_id` with `COLUMNS`. `first_h` and `last_h` are the times of its
        first and last row; `cycle_h` lasts from the first frame of the cell to the first of its daughters,
        NaN unless it was seen to be born from a mother and to divide; the two dry masses are medians of up to
        6 looks at its ends; `growth_rate_per_h` is the slope of ln(dry mass) over time [1/h], over the looks
        at the cell alone, NaN with fewer than 12; `division_asymmetry` is (heaviest - lightest) / (their sum)
        of its daughters at birth, NaN if it did not divide.
    """
    ordered = tracks.sort_values(["cell_id", "frame"], kind="stable", ignore_index=True)
    cell_id, start, index = np.unique(ordered["cell_id"].to_numpy(), return_index=True, return_inverse=True)
    stop = np.append(start[1:], len(ordered))[: len(start)]
    parent_id = ordered["parent_id"].to_numpy()[start]
    time_h = ordered["time_h"].to_numpy(dtype=np.float64)
    dry_mass_pg = ordered["dry_mass_pg"].to_numpy(dtype=np.float64)
    first_pg, last_pg = (
        np.array([np.median(dry_mass_pg[part]) for part in parts])
        for parts in (
            [slice(a, min(a + EDGE_FRAMES, b)) for a, b in zip(start, stop, strict=True)],
            [slice(max(b - EDGE_FRAMES, a), b) for a, b in zip(start, stop, strict=True)],
        )
    )
    daughters = pd.DataFrame(
        {"mother": parent_id, "pg": first_pg, "frame": ordered["frame"].to_numpy()[start]}
    )
    of_mother = daughters[daughters["mother"] >= 0].groupby("mother")
    n_daughters = of_mother.size().reindex(cell_id, fill_value=0).to_numpy()
    born = of_mother["frame"].min().reindex(cell_id).to_numpy()
    light, heavy = (of_mother["pg"].agg(name).reindex(cell_id).to_numpy() for name in ("min", "max"))
    is_whole = (parent_id >= 0) & (n_daughters > 0)
    return pd.DataFrame(
        {
            "cell_id": cell_id,
            "parent_id": parent_id,
            "lineage_id": ordered["lineage_id"].to_numpy()[start],
            "first_h": time_h[start],
            "last_h": time_h[stop - 1],
            "n_frames": stop - start,
            "n_daughters": n_daughters.astype(np.int64),
            "cycle_h": np.where(
                is_whole, (born - ordered["frame"].to_numpy()[start]) * frame_interval_h, np.nan
            ),
            "first_dry_mass_pg": first_pg,
            "last_dry_mass_pg": last_pg,
            "growth_rate_per_h": _slopes(
                time_h, dry_mass_pg, ~ordered["is_shared"].to_numpy(dtype=bool), index
            ),
            "division_asymmetry": np.where(n_daughters > 1, (heavy - light) / (heavy + light), np.nan),
        }
    )


def _slopes(
    time_h: np.ndarray, dry_mass_pg: np.ndarray, is_alone: np.ndarray, index: np.ndarray
) -> np.ndarray:
    """Return the least-squares slope of ln(dry mass) over time of each cell, from its looks with dry mass."""
    count = int(index.max(initial=-1)) + 1
    is_counted = is_alone & (dry_mass_pg > 0)
    who, x, y = index[is_counted], time_h[is_counted], np.log(dry_mass_pg[is_counted])
    n = np.bincount(who, minlength=count)
    mean_x, mean_y = (np.bincount(who, v, minlength=count) / np.maximum(n, 1) for v in (x, y))
    away_h = x - mean_x[who]
    square = np.bincount(who, away_h**2, minlength=count)
    product = np.bincount(who, away_h * (y - mean_y[who]), minlength=count)
    return np.where((n >= FEWEST_FRAMES) & (square > 0), product / np.where(square > 0, square, 1.0), np.nan)
