"""The numbers of every figure of a page, one tidy table per figure, under `contracts_report`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lensfree.contracts_report import CARD_WINDOWS, CARDS, HISTOGRAMS, POPULATION
from lensfree.report.content import PageContent, Suspect
from lensfree.report.figures import durations_h, followed_bins_h, heaviest_pg, totals_per_frame
from lensfree.report.growth import growth_table
from lensfree.report.spans import forecast_centre_h, window_centre_h

MASS_BINS = 40


def tables_of(content: PageContent) -> dict[str, pd.DataFrame]:
    """Return the tables of all figures that the page has, by the names of their contracts."""
    tables = {"population": population_table(content)}
    if content.growth:
        tables["growth"] = growth_table(content.growth)
    if content.cells is not None and len(content.cells):
        tables["histograms"] = histogram_table(content.cells, content.tracks, content.series)
    if content.trees is not None and len(content.trees):
        tables["trees"] = content.trees
    if content.suspects:
        tables["cards"] = card_table(content.suspects)
        tables["card_windows"] = card_window_table(content)
    return tables


def population_table(content: PageContent) -> pd.DataFrame:
    """Return what is drawn against time: a row per frame, missing ones included."""
    per_frame = content.per_frame
    table = per_frame[["frame", "time_h", "is_missing"]].copy()
    for name in ("background_sd_nm", "misfit", "z_um"):
        table[name] = per_frame[name].astype(float) if name in per_frame else np.nan
    for found, suffix in ((content.cells, ""), (content.truth, "_true")):
        names = (f"n_cells{suffix}", f"total_dry_mass{suffix}_pg")
        if found is None:
            table[list(names)] = np.nan
            continue
        totals = totals_per_frame(per_frame, found).set_index("frame")
        table[names[0]] = table["frame"].map(totals["n_cells"]).astype(float)
        table[names[1]] = table["frame"].map(totals["dry_mass_ng"]).astype(float) * 1000
    return table[list(POPULATION.columns)]


def histogram_table(
    cells: pd.DataFrame, tracks: pd.DataFrame | None, series: pd.DataFrame | None
) -> pd.DataFrame:
    """Return the bins and counts of the histograms."""
    parts: list[tuple[str, np.ndarray, np.ndarray]] = []
    if tracks is not None and len(tracks):
        bins = followed_bins_h(tracks, series)
        parts.append(("cell_followed_h", durations_h(tracks, "cell_id").to_numpy(), bins))
        if series is not None and len(series):
            parts.append(("series_followed_h", durations_h(series, "series_id").to_numpy(), bins))
    mass_pg = cells["dry_mass_pg"].to_numpy()
    upper_pg = heaviest_pg(mass_pg)
    clipped_pg = np.clip(mass_pg, 0, upper_pg)
    edges = np.histogram_bin_edges(clipped_pg, bins=MASS_BINS)
    parts.append(("dry_mass_pg", clipped_pg, edges))
    tables = []
    for quantity, values, edges in parts:
        count, _ = np.histogram(values, edges)
        tables.append(
            pd.DataFrame({"quantity": quantity, "low": edges[:-1], "high": edges[1:], "count": count})
        )
    return pd.concat(tables, ignore_index=True)[list(HISTOGRAMS.columns)]


def card_table(suspects: Sequence[Suspect]) -> pd.DataFrame:
    """Return the dry-mass traces of the cards."""
    parts = [suspect.series.assign(rank=suspect.rank) for suspect in suspects]
    table = pd.concat(parts, ignore_index=True)
    if "dry_mass_se_pg" not in table:
        table["dry_mass_se_pg"] = np.nan
    return table[list(CARDS.columns)]


def card_window_table(content: PageContent) -> pd.DataFrame:
    """Return the windows of the cards, with where their points stand."""
    parts = []
    for suspect in content.suspects:
        windows = suspect.windows.sort_values("start_h")
        centre_h = window_centre_h if windows["surprise"].notna().any() else forecast_centre_h
        parts.append(windows.assign(rank=suspect.rank, drawn_at_h=centre_h(windows, content.score)))
    return pd.concat(parts, ignore_index=True)[list(CARD_WINDOWS.columns)]
