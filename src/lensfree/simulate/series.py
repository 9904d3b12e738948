"""Dry-mass histories along mother-daughter paths, normal and abnormal, for training and evaluation.

No pictures and no tracking: the true dry mass of a path, plus measurement noise that is correlated in
time. Abnormal series carry one anomaly, biological or of the acquisition, at a known time; every kind
is equally frequent among them, so that rare kinds are measured as well as common ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lensfree.simulate.anomalies import ACQUISITION, BIOLOGICAL, disturb
from lensfree.simulate.lives import Culture, divide, draw_founder, dry_mass_at

KINDS = (*BIOLOGICAL, *ACQUISITION)
NOISE_PG = (8.0, 22.0)
NOISE_RELATIVE = 0.04
NOISE_CORRELATION = 0.5
_ONSET_SHARE = (0.1, 0.8)
_TRIES = 400


def simulate_series(
    n: int,
    length_range: tuple[int, int],
    rng: np.random.Generator,
    abnormal_fraction: float,
    *,
    interval_h: float = 1 / 6,
    culture: Culture | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Simulate series as tracking would give them.

    Args:
        n: number of series.
        length_range: fewest and most points of a series.
        rng: source of everything random.
        abnormal_fraction: share of abnormal series.
        interval_h: time between points.
        culture: what the cells have in common; its own abnormal fraction is not used.

    Returns:
        Series table `series_id, cell_id, time_h, dry_mass_pg, is_filled, is_repeated` (never either), and
        labels `series_id, is_abnormal, kind, onset_h` (kind "" and onset NaN for normal ones).

    Raises:
        ValueError: fewer than two points are asked for, or the range is empty.
    """
    if not 2 <= length_range[0] <= length_range[1]:
        raise ValueError(f"length_range={length_range} must hold two rising numbers of at least 2 points")
    culture = culture or Culture()
    tables, labels = [], []
    for series_id in range(n):
        points = int(rng.integers(length_range[0], length_range[1] + 1))
        kind = str(rng.choice(KINDS)) if rng.random() < abnormal_fraction else ""
        time_h = interval_h * np.arange(points)
        measured, cell_id, onset_h = _draw_series(rng, culture, time_h, kind)
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
    rng: np.random.Generator, culture: Culture, time_h: np.ndarray, kind: str
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return measured dry mass [pg], cell of each point, and onset [h]."""
    if kind in ACQUISITION:
        dry_mass_pg, cell_id, _ = _draw_path(rng, culture, time_h, "")
        other_pg, _, _ = _draw_path(rng, culture, time_h, "")
        onset = int(time_h.size * rng.uniform(*_ONSET_SHARE))
        measured = disturb(_measure(rng, dry_mass_pg), kind, onset, rng, _measure(rng, other_pg))
        return measured, cell_id, float(time_h[onset])
    dry_mass_pg, cell_id, onset_h = _draw_path(rng, culture, time_h, kind)
    is_gone = np.isnan(dry_mass_pg)
    if is_gone.any():
        # The cell has detached. A tracker then often goes on along a neighbour.
        other_pg, _, _ = _draw_path(rng, culture, time_h, "")
        dry_mass_pg = np.where(is_gone, other_pg, dry_mass_pg)
    return _measure(rng, dry_mass_pg), cell_id, onset_h


def _draw_path(
    rng: np.random.Generator, culture: Culture, time_h: np.ndarray, kind: str
) -> tuple[np.ndarray, np.ndarray, float]:
    """Draw a path from a founder to a random descendant until the last time.

    Returns:
        True dry mass [pg] (NaN after the end of a cell that vanishes), generation of each point, onset [h]
        of the anomaly (NaN for none).
    """
    end_h = float(time_h[-1])
    for _ in range(_TRIES):
        afflicted = int(rng.integers(0, 4)) if kind else -1
        lives = _follow(rng, culture, end_h, kind, afflicted)
        marked = [life for life in lives if life["kind"] == kind] if kind else []
        if not kind:
            return *_trace(lives, time_h), float("nan")
        if marked:
            onset_h = float(max(marked[0]["onset_h"], 0.0))
            is_lasting = _ONSET_SHARE[0] * end_h <= onset_h <= _ONSET_SHARE[1] * end_h
            if is_lasting or (marked[0]["onset_h"] <= 0 and marked[0]["end_h"] > 0.3 * end_h):
                return *_trace(lives, time_h), onset_h
    raise RuntimeError(
        f"no series of {end_h:.1f} h with {kind} in {_TRIES} tries: ask for longer series or a shorter cycle"
    )


def _follow(
    rng: np.random.Generator, culture: Culture, end_h: float, kind: str, afflicted: int
) -> list[dict[str, Any]]:
    """Return the lives along one path; the `afflicted`-th of them gets the anomaly."""
    lives = [draw_founder(rng, culture, kind=kind if afflicted == 0 else "")]
    while lives[-1]["fate"] == "division" and lives[-1]["end_h"] <= end_h:
        own = kind if afflicted == len(lives) else ""
        daughters = divide(rng, culture, lives[-1], first_id=0, kinds=(own, own, own))
        # Of two sisters that fuse the first goes on; otherwise any daughter is followed.
        is_fusing = daughters[0]["fusion_h"] < np.inf
        lives.append(daughters[0 if is_fusing else int(rng.integers(0, len(daughters)))])
    return lives


def _trace(lives: list[dict[str, Any]], time_h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return true dry mass [pg] and generation at each time along a path."""
    generation = np.searchsorted([life["end_h"] for life in lives[:-1]], time_h, side="right")
    dry_mass_pg = np.empty(time_h.size)
    for index, life in enumerate(lives):
        here = generation == index
        dry_mass_pg[here] = dry_mass_at(life, time_h[here])
    dry_mass_pg[time_h >= lives[-1]["end_h"]] = np.nan
    return dry_mass_pg, generation.astype(np.int64)


def _measure(rng: np.random.Generator, dry_mass_pg: np.ndarray) -> np.ndarray:
    """Return a dry mass with noise: a sd of the series' own plus 4 %, correlation 0.5 between points."""
    white = rng.standard_normal(dry_mass_pg.size)
    noise = np.empty_like(white)
    noise[0] = white[0]
    for k in range(1, white.size):
        noise[k] = NOISE_CORRELATION * noise[k - 1] + (1 - NOISE_CORRELATION**2) ** 0.5 * white[k]
    sd_pg = np.hypot(rng.uniform(*NOISE_PG), NOISE_RELATIVE * dry_mass_pg)
    return np.maximum(dry_mass_pg + sd_pg * noise, 1.0)
