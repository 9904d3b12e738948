"""One sentence for a biologist about what a history shows, with numbers taken from the history itself."""

from __future__ import annotations

import numpy as np

from lensfree.anomaly.condensed import Condensed
from lensfree.anomaly.norms import Norms

NEAR_H = 3.0
"""Hours on either side whose mean is given as the dry mass before and after."""


def say(
    kind: str, history: Condensed, norms: Norms, onset_h: float, stop_h: float, daughters: int = 0
) -> str:
    """Return the sentence for a kind.

    Args:
        kind: one of the kinds.
        history: the condensed history.
        norms: what is normal for the population.
        onset_h: when it began [h].
        stop_h: when it ended [h], the end of the history if it lasts.
        daughters: number of daughters of a division into more than two, 0 if it is not known.

    Raises:
        ValueError: the kind is unknown.
    """
    life = max(int(np.searchsorted(history.birth_h, onset_h + 1e-6)) - 1, 0)
    cell_stop_h = float(np.append(history.birth_h[1:], history.end_h)[life])
    before_pg = _mean_pg(history, max(onset_h - NEAR_H, float(history.birth_h[life])), onset_h)
    after_pg = _mean_pg(history, onset_h, onset_h + NEAR_H)
    last_pg = _mean_pg(history, stop_h - NEAR_H, stop_h)
    seen_h = history.end_h - onset_h
    undivided = f"did not divide in the {seen_h:.1f} h after"
    if kind == "unclear":
        return "growth, divisions and dry mass are those of a normal cell"
    if kind == "no_division":
        return (
            f"dry mass stopped growing at {onset_h:.1f} h ({after_pg:.0f} pg, at last {last_pg:.0f} pg) and the "
            f"cell {undivided}; cells here usually divide {norms.cycle_h:.0f} h after birth"
        )
    if kind == "giant":
        heaviest_pg = float(history.running_pg(onset_h).max())
        return (
            f"dry mass reached {heaviest_pg:.0f} pg, where 95 % of the points of the population lie below "
            f"{norms.dry_mass_high_pg:.0f} pg, and from {onset_h:.1f} h on the cell {undivided}"
        )
    if kind == "merge":
        return (
            f"dry mass {_changed(before_pg, after_pg)} within an hour at {onset_h:.1f} h without a division, "
            f"and the cell {undivided}"
        )
    if kind in ("dry_mass_loss", "death"):
        least_pg = float(history.running_pg(onset_h).min())
        words = f"from {onset_h:.1f} h on dry mass fell from {_first(before_pg, after_pg):.0f} to {least_pg:.0f} pg"
        return f"{words}, by {1 - least_pg / _first(before_pg, after_pg):.0%}, and the cell {undivided}"
    if kind in ("slow_growth", "fast_growth"):
        rate = _rate_per_h(history, life)
        words = (
            f"the cell born at {onset_h:.1f} h" if life else "the cell that was there at the start"
        ) + f" grew by {100 * rate:.1f} % per hour, where {100 * norms.growth_rate_per_h:.1f} % is usual"
        is_done = cell_stop_h < history.end_h
        return f"{words}, {'and divided' if is_done else 'and had not divided'} after {cell_stop_h - onset_h:.1f} h"
    if kind == "abnormal_division":
        mother_pg = _mean_pg(history, onset_h - NEAR_H, onset_h)
        many = f" into {daughters} daughters" if daughters > 2 else ""
        return (
            f"at the division{many} at {onset_h:.1f} h the daughter got {after_pg / mother_pg:.0%} of the dry mass "
            f"of the mother, where {norms.division_ratio:.0%} is usual"
        )
    if kind == "jump":
        later = int((history.birth_h > onset_h).sum())
        across = f", across {later} division{'' if later == 1 else 's'}" if later else ""
        return (
            f"dry mass {_changed(before_pg, after_pg)} within an hour at {onset_h:.1f} h and stays off by such a "
            f"factor for the {seen_h:.1f} h after{across}"
        )
    if kind == "segmentation":
        inside_pg = _mean_pg(history, onset_h, stop_h)
        return (
            f"dry mass {_changed(_first(before_pg, inside_pg), inside_pg)} at {onset_h:.1f} h and came back at "
            f"{stop_h:.1f} h"
        )
    if kind == "swap":
        return (
            f"from {onset_h:.1f} h on dry mass does not go on as before ({_first(before_pg, after_pg):.0f} pg before, "
            f"{after_pg:.0f} pg after) but follows that of another normal cell, whose divisions are not those marked"
        )
    if kind == "dropout":
        count = len(history.dips_h)
        return (
            f"{count} dip{'' if count == 1 else 's'} of at most an hour, the first at {onset_h:.1f} h, the deepest to "
            f"{history.dips_depth.min():.0%} of the dry mass around it"
        )
    raise ValueError(f"kind={kind!r} has no sentence; expected one of lensfree.anomaly.kinds")


def _mean_pg(history: Condensed, from_h: float, to_h: float) -> float:
    """Return the geometric mean dry mass from one time to another [pg], NaN if nothing was measured."""
    inside = (history.start_h >= from_h - 1e-6) & (history.start_h < to_h - 1e-6)
    return float(np.exp(history.ln[inside].mean())) if inside.any() else float("nan")


def _first(*values_pg: float) -> float:
    return next((value for value in values_pg if np.isfinite(value)), float("nan"))


def _changed(before_pg: float, after_pg: float) -> str:
    if after_pg >= before_pg:
        return f"rose {after_pg / before_pg:.2f}-fold"
    return f"fell to {after_pg / before_pg:.0%}"


def _rate_per_h(history: Condensed, life: int) -> float:
    mine = history.life == life
    if mine.sum() < 2:
        return float("nan")
    return float(np.polyfit(history.time_h[mine], history.ln[mine], 1)[0])
