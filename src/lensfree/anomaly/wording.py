"""One sentence for a biologist about what a history shows, with numbers taken from the history itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lensfree.anomaly.condensed import Condensed
from lensfree.anomaly.norms import Norms

NEAR_H = 3.0
"""Hours on either side whose mean is given as the dry mass before and after."""


@dataclass(frozen=True)
class Finding:
    """A kind in a history: what a sentence is about.

    Attributes:
        history: the condensed history.
        norms: what is normal for the population.
        onset_h: when it began [h].
        stop_h: when it ended [h], the end of the history if it lasts.
        daughters: number of daughters of a division into more than two, 0 if it is not known.
    """

    history: Condensed
    norms: Norms
    onset_h: float
    stop_h: float
    daughters: int = 0

    @property
    def life(self) -> int:
        """Return the number of the cell at the onset."""
        return max(int(np.searchsorted(self.history.birth_h, self.onset_h + 1e-6)) - 1, 0)

    @property
    def before_pg(self) -> float:
        """Return the dry mass before the onset [pg]; at a birth what the mother would have given."""
        birth_h = float(self.history.birth_h[self.life])
        within_pg = self.mean_pg(max(self.onset_h - NEAR_H, birth_h), self.onset_h)
        mother_pg = self.mean_pg(birth_h - NEAR_H, birth_h)
        values_pg = (within_pg, mother_pg * self.norms.division_ratio, self.after_pg)
        return next((value for value in values_pg if np.isfinite(value)), float("nan"))

    @property
    def after_pg(self) -> float:
        """Return the dry mass after the onset [pg]."""
        return self.mean_pg(self.onset_h, self.onset_h + NEAR_H)

    @property
    def undivided(self) -> str:
        """Say for how long the cell did not divide."""
        return f"the cell did not divide in the {self.history.end_h - self.onset_h:.1f} h after"

    def mean_pg(self, from_h: float, to_h: float) -> float:
        """Return the geometric mean dry mass from one time to another [pg], NaN if nothing was measured."""
        start_h = self.history.start_h
        inside = (start_h >= from_h - 1e-6) & (start_h < to_h - 1e-6)
        return float(np.exp(self.history.ln[inside].mean())) if inside.any() else float("nan")


def say(kind: str, finding: Finding) -> str:
    """Return the sentence for a kind.

    Raises:
        ValueError: the kind is unknown.
    """
    if kind not in _SENTENCES:
        raise ValueError(f"kind={kind!r} has no sentence; expected one of {sorted(_SENTENCES)}")
    return _SENTENCES[kind](finding)


def _changed(before_pg: float, after_pg: float) -> str:
    if after_pg >= before_pg:
        return f"rose {after_pg / before_pg:.2f}-fold"
    return f"fell to {_percent(after_pg / before_pg)} of what it was"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _unclear(finding: Finding) -> str:
    return "growth, divisions and dry mass are those of a normal cell"


def _no_division(finding: Finding) -> str:
    last_pg = finding.mean_pg(finding.stop_h - NEAR_H, finding.stop_h)
    return (
        f"dry mass stopped growing at {finding.onset_h:.1f} h ({finding.after_pg:.0f}, at last {last_pg:.0f} "
        f"pg) and {finding.undivided}; cells here usually divide {finding.norms.cycle_h:.0f} h after birth"
    )


def _giant(finding: Finding) -> str:
    heaviest_pg = finding.history.running_pg(finding.onset_h).max()
    return (
        f"dry mass reached {heaviest_pg:.0f} pg, where 95 % of the points of the population lie below "
        f"{finding.norms.dry_mass_high_pg:.0f} pg, and from {finding.onset_h:.1f} h on {finding.undivided}"
    )


def _merge(finding: Finding) -> str:
    changed = _changed(finding.before_pg, finding.after_pg)
    at_h = f"{finding.onset_h:.1f} h"
    return f"dry mass {changed} within an hour at {at_h} without a division, and {finding.undivided}"


def _loss(finding: Finding) -> str:
    from_pg = finding.before_pg
    least_pg = finding.history.running_pg(finding.onset_h, finding.stop_h).min()
    is_gone = finding.stop_h < finding.history.end_h
    then = f"its track went on along another cell at {finding.stop_h:.1f} h" if is_gone else finding.undivided
    return (
        f"from {finding.onset_h:.1f} h on dry mass fell from {from_pg:.0f} to {least_pg:.0f} pg, by "
        f"{_percent(1 - least_pg / from_pg)}, and {then}"
    )


def _growth(finding: Finding) -> str:
    history, life = finding.history, finding.life
    mine = history.life == life
    rate = np.polyfit(history.time_h[mine], history.ln[mine], 1)[0] if mine.sum() > 1 else float("nan")
    who = f"the cell born at {finding.onset_h:.1f} h" if life else "the cell that was there at the start"
    stop_h = float(np.append(history.birth_h[1:], history.end_h)[life])
    fate = "divided" if life + 1 < len(history.birth_h) else "had not divided"
    return (
        f"{who} grew by {100 * rate:.1f} % per hour, where {100 * finding.norms.growth_rate_per_h:.1f} % is "
        f"usual, and {fate} after {stop_h - history.birth_h[life]:.1f} h"
    )


def _uneven(finding: Finding) -> str:
    ratio = finding.after_pg / finding.mean_pg(finding.onset_h - NEAR_H, finding.onset_h)
    into = f" into {finding.daughters} daughters" if finding.daughters > 2 else ""
    if not np.isfinite(ratio):
        return f"there was a division{into} at {finding.onset_h:.1f} h"
    return (
        f"at the division{into} at {finding.onset_h:.1f} h the daughter got {_percent(ratio)} of the dry "
        f"mass of the mother, where {_percent(finding.norms.division_ratio)} is usual"
    )


def _jump(finding: Finding) -> str:
    changed = _changed(finding.before_pg, finding.after_pg)
    lasts_h = finding.history.end_h - finding.onset_h
    later = int((finding.history.birth_h > finding.onset_h).sum())
    across = f", across {_counted(later, 'division')}" if later else ""
    return (
        f"dry mass {changed} within an hour at {finding.onset_h:.1f} h and stays off by such a factor for "
        f"the {lasts_h:.1f} h after{across}"
    )


def _segmentation(finding: Finding) -> str:
    changed = _changed(finding.before_pg, finding.mean_pg(finding.onset_h, finding.stop_h))
    return f"dry mass {changed} at {finding.onset_h:.1f} h and came back at {finding.stop_h:.1f} h"


def _swap(finding: Finding) -> str:
    around = f"{finding.before_pg:.0f} pg before, {finding.after_pg:.0f} pg after"
    return (
        f"from {finding.onset_h:.1f} h on dry mass does not go on as before ({around}): level, age or "
        "divisions are those of another normal cell"
    )


def _dropout(finding: Finding) -> str:
    depth = finding.history.dips_depth
    deepest = "the deepest to" if len(depth) > 1 else "down to"
    return (
        f"{_counted(len(depth), 'dip')} of at most an hour, the first at {finding.onset_h:.1f} h, {deepest} "
        f"{_percent(depth.min())} of the dry mass around"
    )


_SENTENCES: dict[str, Callable[[Finding], str]] = {
    "unclear": _unclear,
    "no_division": _no_division,
    "abnormal_division": _uneven,
    "slow_growth": _growth,
    "fast_growth": _growth,
    "dry_mass_loss": _loss,
    "merge": _merge,
    "giant": _giant,
    "death": _loss,
    "jump": _jump,
    "swap": _swap,
    "dropout": _dropout,
    "segmentation": _segmentation,
}
