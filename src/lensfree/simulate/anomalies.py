"""Ways in which a cell, or its measurement, goes wrong.

The biological classes are those that were annotated among flagged cells: abnormal division, abnormal
growth, merging, giant and dead cells; the shares of the classes follow the mean of the two data sets
in Bailly et al. (2024), Table 3. What is drawn for a cell changes the parameters of its life
(`lensfree.simulate.lives`), so that world, detections and series go wrong in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

BIOLOGICAL = {
    "no_division": 0.05,
    "asymmetric_division": 0.04,
    "three_way_division": 0.03,
    "slow_growth": 0.15,
    "fast_growth": 0.12,
    "dry_mass_loss": 0.18,
    "merge": 0.15,
    "giant": 0.13,
    "death": 0.15,
}
"""Kind and share among cells that go wrong."""

ACQUISITION = ("dropout", "swap", "segmentation", "jump")
"""Errors of the measurement, for series: missed frames, a jump to another cell, a wrong outline."""

DIVISION_KINDS = ("asymmetric_division", "three_way_division")
"""Kinds that show in the daughters as well as in the mother."""


def draw_kind(
    rng: np.random.Generator, abnormal_fraction: float, shares_of: Mapping[str, float] = BIOLOGICAL
) -> str:
    """Draw one of these kinds, by their shares, with this probability, else the empty string."""
    if rng.random() >= abnormal_fraction:
        return ""
    kinds = list(shares_of)
    shares = np.array(list(shares_of.values()))
    return str(rng.choice(kinds, p=shares / shares.sum()))


def draw_rate_factor(rng: np.random.Generator, kind: str) -> float:
    """Return the factor on the growth rate; 1 for kinds that do not concern growth."""
    if kind == "slow_growth":
        return float(rng.uniform(0.25, 0.5))
    if kind == "fast_growth":
        return float(rng.uniform(1.8, 2.6))
    return 1.0


def draw_fractions(rng: np.random.Generator, kind: str, asymmetry_sd: float) -> np.ndarray:
    """Return the shares of the mother's dry mass that her daughters get; they sum to 1."""
    if kind == "three_way_division":
        shares = rng.normal(1.0, 0.1, 3).clip(0.7, 1.3)
        return shares / shares.sum()
    if kind == "asymmetric_division":
        share = rng.uniform(0.22, 0.36)
    else:
        share = float(np.clip(rng.normal(0.5, asymmetry_sd), 0.38, 0.62))
    return np.array([share, 1 - share])


def alter(life: dict[str, Any], rng: np.random.Generator) -> None:
    """Change a life in place to what its `kind` says.

    Args:
        life: a row of `lives.LIFE_COLUMNS` for a normal cell, with `kind` set.
        rng: source of everything random.
    """
    kind, division_h = life["kind"], life["end_h"]
    since_h = max(life["birth_h"], 0.0)
    midway_h = since_h + rng.uniform(0.15, 0.8) * max(division_h - since_h, 1.0)
    if kind in ("slow_growth", "fast_growth"):
        life["onset_h"] = life["birth_h"]
    elif kind in DIVISION_KINDS:
        life["onset_h"] = division_h
    elif kind == "no_division":
        _never_divide(life, division_h, rng.uniform(0.0, 0.06), 4.0)
    elif kind == "giant":
        if life["parent_id"] < 0:
            _never_divide(life, division_h, 0.1, 8.0)
            life["onset_h"] = life["birth_h"]
        else:
            _never_divide(life, division_h, rng.uniform(0.9, 1.6), rng.uniform(12, 20))
    elif kind == "dry_mass_loss":
        _never_divide(life, midway_h, -rng.uniform(0.25, 0.5), rng.uniform(2, 5))
    elif kind == "death":
        _never_divide(life, midway_h, -rng.uniform(0.4, 0.7), rng.uniform(2, 6))
        life["fate"] = "dead"
        if rng.random() < 0.6:
            life["end_h"] = midway_h + rng.uniform(3, 15)


def _never_divide(life: dict[str, Any], turn_h: float, gain: float, tau_h: float) -> None:
    life.update(
        turn_h=turn_h, tail_gain=gain, tail_tau_h=tau_h, onset_h=turn_h, end_h=np.inf, fate="undivided"
    )


def disturb(
    dry_mass_pg: np.ndarray, kind: str, onset: int, rng: np.random.Generator, other_pg: np.ndarray
) -> np.ndarray:
    """Return a measured series with an acquisition error from a point on.

    Args:
        dry_mass_pg: (time,) measured dry mass [pg].
        kind: one of `ACQUISITION`.
        onset: index of the first wrong point.
        rng: source of everything random.
        other_pg: (time,) dry mass of the cell that a swap jumps to [pg].

    Raises:
        ValueError: the kind is none of `ACQUISITION`.
    """
    out = dry_mass_pg.copy()
    if kind == "dropout":
        later = rng.integers(0, max(1, (out.size - onset) // 2), rng.integers(1, 5))
        for start in (onset, *(onset + later)):
            out[start : start + rng.integers(1, 5)] *= rng.uniform(0.05, 0.5)
    elif kind == "swap":
        out[onset:] = other_pg[onset:]
    elif kind == "segmentation":
        stop = onset + int(rng.integers(12, 60))
        out[onset:stop] *= rng.choice([rng.uniform(0.45, 0.7), rng.uniform(1.4, 1.9)])
    elif kind == "jump":
        out[onset:] *= rng.choice([rng.uniform(0.55, 0.75), rng.uniform(1.3, 1.6)])
    else:
        raise ValueError(f"kind={kind!r} is no acquisition error; expected one of {list(ACQUISITION)}")
    return out
