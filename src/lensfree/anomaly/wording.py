"""One sentence for a biologist about what a history shows, with numbers taken from the history itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lensfree.anomaly.finding import NEAR_H, Finding


def say(kind: str, finding: Finding) -> str:
    """Return the sentence for a kind.

    Raises:
        ValueError: the kind is unknown.
    """
    if kind not in _SENTENCES:
        raise ValueError(f"kind={kind!r} has no sentence; expected one of {sorted(_SENTENCES)}")
    return _SENTENCES[kind](finding)


_STANDS_OUT = {
    "window": "its course over 30 h is unlike that of any known cell",
    "third": "10 h of its course are unlike those of any known cell",
    "tenth": "3 h of its course are unlike those of any known cell",
    "forecast": "its dry mass went otherwise than the hours before let expect",
}


def say_of_no_kind(view: str) -> str:
    """Return the sentence for a history that stands out in a view and shows no known kind."""
    return (
        f"no known kind fits: {_STANDS_OUT.get(view, 'it stands out by what was measured besides dry mass')}"
    )


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
    return (
        f"dry mass stopped growing at {finding.onset_h:.1f} h ({finding.after_pg:.0f}, at last "
        f"{finding.last_pg:.0f} pg) and {finding.undivided}; cells here usually divide "
        f"{finding.norms.cycle_h:.0f} h after birth"
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
    least_pg = finding.least_pg
    is_gone = finding.stop_h < finding.history.end_h
    then = f"its track went on along another cell at {finding.stop_h:.1f} h" if is_gone else finding.undivided
    return (
        f"from {finding.onset_h:.1f} h on dry mass fell from {from_pg:.0f} to {least_pg:.0f} pg, by "
        f"{_percent(1 - least_pg / from_pg)}, and {then}"
    )


def _growth(finding: Finding) -> str:
    history, life, rate = finding.history, finding.life, finding.rate_per_h
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
