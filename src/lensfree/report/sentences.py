"""What the page says in words: key numbers, and for each part why it is empty where it is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from lensfree.report.content import PageContent
from lensfree.report.figures import durations_h, totals_per_frame
from lensfree.report.lineages import count_divisions
from lensfree.report.method import count_judged, window_length_h
from lensfree.report.quality import fits_badly, was_refocused

_ACCURACY = {
    "n_true": ("true cells, all frames", ".0f"),
    "n_found": ("found cells, all frames", ".0f"),
    "count_ratio": ("found / true", ".3f"),
    "recall": ("share of the true cells that were found", ".3f"),
    "precision": ("share of the found cells that are true", ".3f"),
    "dry_mass_slope": ("dry mass: slope of measured on true", ".3f"),
    "dry_mass_r2": ("dry mass: R² of that line", ".3f"),
    "dry_mass_bias_pg": ("dry mass: mean of measured − true [pg]", "+.1f"),
    "dry_mass_sd_pg": ("dry mass: sd of measured − true [pg]", ".1f"),
    "total_dry_mass_ratio": ("total dry mass, measured / true", ".3f"),
    "n_divisions_true": ("true divisions", ".0f"),
    "n_divisions_found": ("found divisions", ".0f"),
    "n_scored": ("scored series", ".0f"),
    "n_abnormal": ("of these, with a cell that was made to go wrong", ".0f"),
    "n_flagged": ("flagged series", ".0f"),
    "flag_recall": ("share of the abnormal series that were flagged", ".2f"),
    "flag_precision": ("share of the flagged series that are abnormal", ".2f"),
    "anomaly_auc": ("ROC AUC of the anomaly score", ".2f"),
    "surprise_auc": ("ROC AUC of the surprise", ".2f"),
}

_FAULTS = {
    "lost": ("file cut short", "{:.0%} of the file left"),
    "dim": ("weak light", "{:.2f} of the usual light"),
    "defocus": ("out of focus", "{:+g} µm in distance"),
    "stage_jump": ("stage jump", "{:g} µm, from here on"),
}


def key_numbers(content: PageContent) -> list[tuple[str, str]]:
    """Return (value, meaning) of the numbers at the top of the page."""
    per_frame = content.per_frame
    n_missing = int(per_frame["is_missing"].sum())
    frames = "frame" if len(per_frame) == 1 else "frames"
    numbers = [(str(len(per_frame)), frames if n_missing == 0 else f"{frames}, {n_missing} missing")]
    if len(per_frame) > 1:
        numbers.append((f"{per_frame['time_h'].max() - per_frame['time_h'].min():.1f} h", "duration"))
    if _has_rows(content.cells):
        assert content.cells is not None
        totals = totals_per_frame(per_frame, content.cells)["n_cells"]
        first, last = int(totals.iloc[0]), int(totals.iloc[-1])
        numbers.append((f"{first} → {last}" if len(totals) > 1 else str(first), "cells, first → last frame"))
        numbers.append((f"{content.cells['dry_mass_pg'].median():.0f} pg", "median dry mass"))
    if _has_rows(content.tracks):
        assert content.tracks is not None
        numbers.append((str(content.tracks["cell_id"].nunique()), "cells followed"))
        numbers.append((str(count_divisions(content.tracks)), "divisions"))
    if _has_rows(content.scores):
        assert content.scores is not None
        n_flagged = int(content.scores["is_flagged"].sum())
        numbers.append((f"{n_flagged} of {count_judged(content)}", "scored series flagged"))
    return numbers


def absence_of_cells(content: PageContent) -> str | None:
    """Say why there are no cells, None if there are some."""
    if content.facts.until == "reconstruct":
        return "This acquisition stops after reconstruction, as its sheet says: no cells are measured."
    if content.cells is None:
        return "No cells are shown: the stage quantify has not run."
    if content.cells.empty:
        return "No cell was found in any frame."
    return None


def absence_of_tracks(content: PageContent) -> str | None:
    """Say why there are no tracks, None if there are some."""
    if content.tracks is None:
        return "No tracks are shown: the stage track has not run."
    return "No cell could be followed: there are no tracks." if content.tracks.empty else None


def absence_of_scores(content: PageContent) -> str | None:
    """Say why no series is ranked, None if some are."""
    if content.scores is None or content.windows is None or content.series is None:
        return "No anomalies are shown: the stage score has not run."
    if content.suspects:
        return None
    window_h = window_length_h(content)
    if content.series.empty:
        return "No series could be scored: there are none."
    longest_h = float(durations_h(content.series, "series_id").max())
    return (
        f"No series could be scored: a window is {window_h:g} h long, and the longest of "
        f"{content.series['series_id'].nunique()} series has {longest_h:.1f} h."
    )


def missing_frames(per_frame: pd.DataFrame, at_most: int = 20) -> list[str]:
    """Return one line per missing frame with its reason, and a last line that counts the rest."""
    missing = per_frame[per_frame["is_missing"]]
    lines = [
        f"frame {frame} ({time_h:.1f} h): {reason or 'no reason recorded'}"
        for frame, time_h, reason in missing[["frame", "time_h", "reason"]]
        .head(at_most)
        .itertuples(index=False)
    ]
    return lines + ([f"and {len(missing) - at_most} more"] if len(missing) > at_most else [])


def accuracy_rows(accuracy: Mapping[str, float]) -> list[tuple[str, str]]:
    """Return (meaning, value) of the numbers against the truth; a key without words shows as it is."""
    rows = []
    for key, value in accuracy.items():
        meaning, form = _ACCURACY.get(key, (key, ".4g"))
        rows.append(
            (meaning, "not defined" if value is None or not np.isfinite(value) else format(value, form))
        )
    return rows


def fault_rows(faults: pd.DataFrame, per_frame: pd.DataFrame) -> list[tuple[str, str, str, str, str, str]]:
    """Return frame, time, kind, channel, amount and whether it was noticed, for each simulated error.

    A frame that cannot be read is recorded as missing, one that the model cannot explain fits badly; what
    tracking does about a jump stands in its log. A kind without words shows as it is.
    """
    seen = {
        "recorded as missing": set(per_frame.loc[per_frame["is_missing"], "frame"]),
        "refocused": was_refocused(per_frame),
        "fits badly": fits_badly(per_frame),
    }
    names = ["frame", "time_h", "kind", "channel", "amount"]
    rows = []
    for frame, time_h, kind, channel, amount in faults[names].to_numpy(dtype=object).tolist():
        words, form = _FAULTS.get(kind, (kind, "{:.4g}"))
        noticed = next((words for words, frames in seen.items() if frame in frames), "no")
        rows.append((str(frame), f"{time_h:.1f} h", words, channel or "all", form.format(amount), noticed))
    return rows


def _has_rows(table: pd.DataFrame | None) -> bool:
    return table is not None and len(table) > 0
