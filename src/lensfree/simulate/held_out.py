"""Kinds of anomaly that no tuning may see: does a detector find what it was not made for?

They are apart from the kinds of `lensfree.simulate.anomalies` and are drawn only where they are asked for by
name: `simulate_series(..., kinds=HELD_OUT_KINDS)`.

- `pause`: growth stands still for 8 to 14 h and goes on as if nothing had been; the division comes later by
  as much.
- `early_division`: a cell divides after 0.6 of the dry mass that it would have added, and so does the
  daughter that is followed.
- `focus_drift`: an error of the acquisition; dry mass drifts to 0.6-0.7 or 1.3-1.4 of the true one within
  6 to 10 h, stays there for 8 to 16 h and comes back as slowly.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lensfree.simulate.lives import Culture, divide, draw_founder, dry_mass_at
from lensfree.simulate.paths import ONSET_SHARE, TRIES, draw_path, trace

PAUSE, EARLY_DIVISION, FOCUS_DRIFT = "pause", "early_division", "focus_drift"
HELD_OUT_KINDS = (PAUSE, EARLY_DIVISION, FOCUS_DRIFT)

PAUSE_H = (8.0, 14.0)
EARLY_ADDED = (0.55, 0.65)
DRIFT_SHARE = (0.3, 0.4)
DRIFT_H = (6.0, 10.0)
DRIFT_STAYS_H = (8.0, 16.0)


def draw_held_out(
    rng: np.random.Generator, culture: Culture, time_h: np.ndarray, kind: str
) -> tuple[np.ndarray, np.ndarray, float]:
    """Draw a path with a pause or with early divisions.

    Args:
        rng: source of everything random.
        culture: what the cells have in common.
        time_h: (time,) times of the points [h], from 0 on.
        kind: `pause` or `early_division`.

    Returns:
        True dry mass [pg], generation of each point, onset [h].

    Raises:
        ValueError: if the kind is another one.
        RuntimeError: if two early divisions do not fit into the series.
    """
    if kind == PAUSE:
        onset_h = float(time_h[-1] * rng.uniform(*ONSET_SHARE))
        stands_h = rng.uniform(*PAUSE_H)
        # Seen from the cell, no time passes while it pauses.
        own_h = np.where(time_h < onset_h, time_h, np.maximum(time_h - stands_h, onset_h))
        dry_mass_pg, generation, _ = draw_path(rng, culture, own_h, "")
        return dry_mass_pg, generation, onset_h
    if kind == EARLY_DIVISION:
        return _draw_early(rng, culture, time_h)
    raise ValueError(f"kind={kind!r} is no path of its own; expected '{PAUSE}' or '{EARLY_DIVISION}'")


def drift_focus(rng: np.random.Generator, time_h: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the gain on measured dry mass at each time, 1 before the onset, and the onset [h]."""
    onset_h = float(time_h[-1] * rng.uniform(*ONSET_SHARE))
    share = rng.choice([-1.0, 1.0]) * rng.uniform(*DRIFT_SHARE)
    drift_h, stays_h = rng.uniform(*DRIFT_H), rng.uniform(*DRIFT_STAYS_H)
    turns_h = onset_h + np.array([0.0, drift_h, drift_h + stays_h, 2 * drift_h + stays_h])
    return 1 + share * np.interp(time_h, turns_h, [0.0, 1.0, 1.0, 0.0]), onset_h


def _draw_early(
    rng: np.random.Generator, culture: Culture, time_h: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    end_h = float(time_h[-1])
    for _ in range(TRIES):
        first = int(rng.integers(0, 3))
        lives: list[dict[str, Any]] = []
        while not lives or lives[-1]["end_h"] <= end_h:
            life = draw_founder(rng, culture) if not lives else _followed_daughter(rng, culture, lives[-1])
            if len(lives) in (first, first + 1):
                _hasten(life, rng.uniform(*EARLY_ADDED))
            lives.append(life)
        # The last of the lives does not end within the series.
        if len(lives) < first + 3 or lives[0]["end_h"] <= 0:
            continue
        onset_h = float(lives[first]["end_h"])
        if ONSET_SHARE[0] * end_h <= onset_h <= ONSET_SHARE[1] * end_h:
            return *trace(lives, time_h), onset_h
    raise RuntimeError(
        f"no series of {end_h:.1f} h with {EARLY_DIVISION} twice in {TRIES} tries: ask for longer series or "
        "a shorter cycle"
    )


def _followed_daughter(rng: np.random.Generator, culture: Culture, mother: dict[str, Any]) -> dict[str, Any]:
    daughters = divide(rng, culture, mother, first_id=0, kinds=("", "", ""))
    return daughters[int(rng.integers(0, len(daughters)))]


def _hasten(life: dict[str, Any], share: float) -> None:
    """Let a life end when it has added this share of what it would have added."""
    birth_pg = life["birth_dry_mass_pg"]
    early_pg = birth_pg + share * (float(dry_mass_at(life, life["end_h"])) - birth_pg)
    grown = (
        (early_pg - birth_pg) / life["rate"]
        if life["is_linear"]
        else np.log(early_pg / birth_pg) / life["rate"]
    )
    life["end_h"] = life["birth_h"] + float(grown)
