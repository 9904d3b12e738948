"""Which lineages are drawn as trees, where their branches lie, and which parts of them look wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lensfree.config import ScoreConfig
from lensfree.report.onsets import worst_hour

NORMAL, FLAGGED, ERROR = "normal", "flagged", "suspected error"
SMOOTHED_LOOKS = 5
MOST_LEAVES = 60
"""Branches side by side in all trees together that can still be told apart."""


def choose_lineages(
    tracks: pd.DataFrame, series: pd.DataFrame | None, ranked: pd.DataFrame | None, count: int
) -> list[int]:
    """Return the lineages to draw: those of the highest ranked series first, then the largest.

    Half of the places, rounded up, go to the ranked ones: a reader wants to see normal lineages too.

    Args:
        tracks: the tracks table.
        series: the series table, None before it is made.
        ranked: what `rank_series` returned, None before scoring.
        count: how many.
    """
    cells = tracks[["cell_id", "parent_id", "lineage_id"]].drop_duplicates("cell_id")
    chosen: list[int] = []
    if series is not None and ranked is not None:
        best = ranked.loc[~ranked["is_acquisition"].to_numpy(dtype=bool), "series_id"].head(4 * count)
        cell_of = series.drop_duplicates("series_id").set_index("series_id")["cell_id"]
        lineage_of = cells.set_index("cell_id")["lineage_id"]
        found = [int(lineage_of[cell_of[k]]) for k in best if cell_of.get(k) in lineage_of.index]
        chosen = list(dict.fromkeys(found))[: (count + 1) // 2]
    sizes = cells.groupby("lineage_id").size()
    rows = tracks.groupby("lineage_id").size()
    order = np.lexsort([sizes.index.to_numpy(), -rows.to_numpy(), -sizes.to_numpy()])
    largest = [int(k) for k in sizes.index.to_numpy()[order] if int(k) not in chosen]
    kept: list[int] = []
    for lineage in [*chosen, *largest[: count - len(chosen)]]:
        if kept and count_leaves(cells, [*kept, lineage]) > MOST_LEAVES:
            continue
        kept.append(lineage)
    return kept


def count_leaves(cells: pd.DataFrame, lineages: Sequence[int]) -> int:
    """Return how many cells of these lineages have no daughter."""
    own = cells[cells["lineage_id"].isin(lineages)]
    return int((~own["cell_id"].isin(own["parent_id"])).sum())


def branch_slots(cells: pd.DataFrame) -> dict[int, float]:
    """Return the height of every branch of one lineage: leaves 0, 1, 2 ..., a mother amid her daughters.

    Args:
        cells: `cell_id, parent_id`, a row per cell; one whose mother is not among them begins a tree.
    """
    known = set(cells["cell_id"].tolist())
    daughters: dict[int, list[int]] = {}
    for cell, mother in sorted(cells[["cell_id", "parent_id"]].itertuples(index=False, name=None)):
        daughters.setdefault(mother if mother in known else -1, []).append(cell)
    slots: dict[int, float] = {}
    n_leaves = 0
    waiting = [(cell, False) for cell in reversed(daughters.get(-1, []))]
    while waiting:  # no recursion: a lineage of bacteria may be deep
        cell, is_below_done = waiting.pop()
        own = daughters.get(cell, [])
        if not own:
            slots[cell] = float(n_leaves)
            n_leaves += 1
        elif is_below_done:
            slots[cell] = float(np.mean([slots[daughter] for daughter in own]))
        else:
            waiting.append((cell, True))
            waiting += [(daughter, False) for daughter in reversed(own)]
    return slots


def wrong_since(
    series: pd.DataFrame | None,
    windows: pd.DataFrame | None,
    scores: pd.DataFrame | None,
    score: ScoreConfig,
) -> dict[int, tuple[float, str]]:
    """Return for the cells of flagged series since when, and how, they look wrong.

    A series is wrong from its onset on, or from its most unusual hour where no onset is known; a cell that
    several flagged series share counts from the first of them, and as flagged if one is no suspected error.
    """
    if series is None or windows is None or scores is None:
        return {}
    flagged = scores[scores["is_flagged"].to_numpy(dtype=bool) & (scores["n_windows"].to_numpy() > 0)]
    spans = series[series["series_id"].isin(flagged["series_id"])]
    ends = spans.groupby(["series_id", "cell_id"])["time_h"].max().reset_index()
    wrong: dict[int, tuple[float, str]] = {}
    for row in flagged.to_dict("records"):
        begin_h = float(row["onset_h"])
        if not np.isfinite(begin_h):
            begin_h = worst_hour(windows[windows["series_id"] == row["series_id"]], score)
        state = ERROR if row["is_acquisition"] else FLAGGED
        own = ends[(ends["series_id"] == row["series_id"]) & (ends["time_h"] >= begin_h)]
        for cell in own["cell_id"].tolist():
            before = wrong.get(cell, (np.inf, ERROR))
            wrong[cell] = (min(begin_h, before[0]), FLAGGED if FLAGGED in (state, before[1]) else ERROR)
    return wrong


def tree_table(
    tracks: pd.DataFrame, lineages: Sequence[int], wrong: dict[int, tuple[float, str]]
) -> pd.DataFrame:
    """Return the branches of some lineages, in their order, as `contracts_report.TREES` has them."""
    parts = []
    for lineage in lineages:
        own = tracks[tracks["lineage_id"] == lineage].sort_values(["cell_id", "time_h"], kind="stable")
        slots = branch_slots(own[["cell_id", "parent_id"]].drop_duplicates("cell_id"))
        smooth = own.groupby("cell_id")["dry_mass_pg"].transform(
            lambda pg: pg.rolling(SMOOTHED_LOOKS, center=True, min_periods=1).median()
        )
        since = own["cell_id"].map({cell: begin_h for cell, (begin_h, _) in wrong.items()})
        words = own["cell_id"].map({cell: state for cell, (_, state) in wrong.items()})
        is_wrong = (own["time_h"] >= since.astype(float)).to_numpy(dtype=bool)
        parts.append(
            own[["lineage_id", "cell_id", "parent_id", "time_h"]].assign(
                slot=own["cell_id"].map(slots),
                dry_mass_pg=smooth,
                state=np.where(is_wrong, words.astype(object), NORMAL),
            )
        )
    columns = ["lineage_id", "cell_id", "parent_id", "slot", "time_h", "dry_mass_pg", "state"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
