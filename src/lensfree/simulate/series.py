"""Dry-mass histories along mother-daughter paths, normal and abnormal, for training and evaluation.

No pictures and no tracking: the true dry mass of a path, plus measurement noise that is correlated in
time. Abnormal series carry one anomaly, biological or of the acquisition, at a known time; every kind
is equally frequent among them, so that rare kinds are measured as well as common ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lensfree.simulate.anomalies import ACQUISITION, BIOLOGICAL, disturb
from lensfree.simulate.held_out import FOCUS_DRIFT, HELD_OUT_KINDS, draw_held_out, drift_focus
from lensfree.simulate.lives import Culture
from lensfree.simulate.measurement import SeriesNoise, measure
from lensfree.simulate.paths import ONSET_SHARE, draw_path

KINDS = (*BIOLOGICAL, *ACQUISITION)


def simulate_series(
    n: int,
    length_range: tuple[int, int],
    rng: np.random.Generator,
    abnormal_fraction: float,
    *,
    interval_h: float = 1 / 6,
    culture: Culture | None = None,
    noise: SeriesNoise | None = None,
    kinds: Sequence[str] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Simulate series as tracking would give them.

    Args:
        n: number of series.
        length_range: fewest and most points of a series.
        rng: source of everything random.
        abnormal_fraction: share of abnormal series.
        interval_h: time between points.
        culture: what the cells have in common; its own abnormal fraction is not used.
        noise: of the measurement.
        kinds: what abnormal series are drawn from, equally often: of `KINDS` (the default: all of them)
            and `held_out.HELD_OUT_KINDS`.

    Returns:
        Series table `series_id, cell_id, time_h, dry_mass_pg, is_filled, is_repeated` (never either), and
        labels `series_id, is_abnormal, kind, onset_h` (kind "" and onset NaN for normal ones).

    Raises:
        ValueError: fewer than two points are asked for, the range is empty, or a kind is unknown.
        RuntimeError: a kind does not fit into a series of this length.
    """
    kinds = KINDS if kinds is None else kinds
    unknown = sorted(set(kinds) - {*KINDS, *HELD_OUT_KINDS})
    if unknown or not kinds:
        raise ValueError(
            f"kinds={tuple(kinds)} has the unknown {unknown}, expected at least one and all of "
            f"{[*KINDS, *HELD_OUT_KINDS]}"
        )
    if not 2 <= length_range[0] <= length_range[1]:
        raise ValueError(f"length_range={length_range} must hold two rising numbers of at least 2 points")
    culture, noise = culture or Culture(), noise or SeriesNoise()
    tables, labels = [], []
    for series_id in range(n):
        points = int(rng.integers(length_range[0], length_range[1] + 1))
        kind = str(rng.choice(kinds)) if rng.random() < abnormal_fraction else ""
        time_h = interval_h * np.arange(points)
        measured, cell_id, onset_h = _draw_series(rng, culture, noise, time_h, kind)
        tables.append(
            pd.DataFrame(
                {
                    "series_id": np.int64(series_id),
                    "cell_id": 100 * series_id + cell_id[: measured.size],
                    "time_h": time_h[: measured.size],
                    "dry_mass_pg": measured,
                    "is_filled": False,
                    "is_repeated": False,
                }
            )
        )
        labels.append((series_id, kind != "", kind, onset_h))
    return (
        pd.concat(tables, ignore_index=True),
        pd.DataFrame(labels, columns=["series_id", "is_abnormal", "kind", "onset_h"]),
    )


def _draw_series(
    rng: np.random.Generator, culture: Culture, noise: SeriesNoise, time_h: np.ndarray, kind: str
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return measured dry mass [pg], cell of each point, and onset [h]."""

    def measured(dry_mass_pg: np.ndarray) -> np.ndarray:
        return measure(rng, noise, dry_mass_pg, float(time_h[1] - time_h[0]))

    if kind in ACQUISITION:
        dry_mass_pg, cell_id, _ = draw_path(rng, culture, time_h, "")
        other_pg, _, _ = draw_path(rng, culture, time_h, "")
        onset = int(time_h.size * rng.uniform(*ONSET_SHARE))
        spoilt = disturb(measured(dry_mass_pg), kind, onset, rng, measured(other_pg))
        return spoilt, cell_id, float(time_h[onset])
    if kind == FOCUS_DRIFT:
        dry_mass_pg, cell_id, _ = draw_path(rng, culture, time_h, "")
        gain, onset_h = drift_focus(rng, time_h)
        return gain * measured(dry_mass_pg), cell_id, onset_h
    if kind in HELD_OUT_KINDS:
        dry_mass_pg, cell_id, onset_h = draw_held_out(rng, culture, time_h, kind)
        return measured(dry_mass_pg), cell_id, onset_h
    dry_mass_pg, cell_id, onset_h = draw_path(rng, culture, time_h, kind)
    is_gone = np.isnan(dry_mass_pg)
    if is_gone.any():
        # The cell has detached. A tracker then often goes on along a neighbour.
        other_pg, _, _ = draw_path(rng, culture, time_h, "")
        dry_mass_pg = np.where(is_gone, other_pg, dry_mass_pg)
    return measured(dry_mass_pg), cell_id, onset_h
