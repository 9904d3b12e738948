"""Mother-daughter paths: the true dry mass of a founder and one descendant after the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from lensfree.simulate.lives import Culture, divide, draw_founder, dry_mass_at

ONSET_SHARE = (0.1, 0.8)
"""Where in a series an anomaly may set in, as a share of its length."""

TRIES = 400


def draw_path(
    rng: np.random.Generator, culture: Culture, time_h: np.ndarray, kind: str
) -> tuple[np.ndarray, np.ndarray, float]:
    """Draw a path from a founder to a random descendant until the last time.

    Returns:
        True dry mass [pg] (NaN after the end of a cell that vanishes), generation of each point, onset [h]
        of the anomaly (NaN for none).
    """
    end_h = float(time_h[-1])
    for _ in range(TRIES):
        afflicted = int(rng.integers(0, 4)) if kind else -1
        lives = follow(rng, culture, end_h, kind, afflicted)
        marked = [life for life in lives if life["kind"] == kind] if kind else []
        if not kind:
            return *trace(lives, time_h), float("nan")
        if marked:
            onset_h = float(max(marked[0]["onset_h"], 0.0))
            is_lasting = ONSET_SHARE[0] * end_h <= onset_h <= ONSET_SHARE[1] * end_h
            if is_lasting or (marked[0]["onset_h"] <= 0 and marked[0]["end_h"] > 0.3 * end_h):
                return *trace(lives, time_h), onset_h
    raise RuntimeError(
        f"no series of {end_h:.1f} h with {kind} in {TRIES} tries: ask for longer series or a shorter cycle"
    )


def follow(
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


def trace(lives: list[dict[str, Any]], time_h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return true dry mass [pg] and generation at each time along a path."""
    generation = np.searchsorted([life["end_h"] for life in lives[:-1]], time_h, side="right")
    dry_mass_pg = np.empty(time_h.size)
    for index, life in enumerate(lives):
        here = generation == index
        dry_mass_pg[here] = dry_mass_at(life, time_h[here])
    dry_mass_pg[time_h >= lives[-1]["end_h"]] = np.nan
    return dry_mass_pg, generation.astype(np.int64)
