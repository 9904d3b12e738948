"""Whether the plain numbers of a history bear a kind out.

The most probable kind rests on a model of the whole history. A person who reads "lost dry mass" looks at the
dry mass before and after; where that did not fall, the name is wrong, however probable the model thinks it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lensfree.anomaly.finding import Finding

LOST = 0.93
"""What may be left of the dry mass, at most, after a loss."""
FUSED = 1.3
"""How many times as heavy a cell is that fused with another, at least."""
CHANGED = 1.1
"""By what factor, up or down, an error changes dry mass at least."""
STAYS = 1.3
"""By what factor dry mass grows at most after it stopped growing."""
SLOW, FAST = 0.8, 1.2
"""Growth rate over the usual one, at most and at least."""


def is_borne_out(kind: str, finding: Finding) -> bool:
    """Return whether dry mass before, after and over the life of the cell is what the kind says.

    Kinds that say nothing of these are borne out, and so is what cannot be measured for want of points.
    """
    return _CHECKS[kind](finding) if kind in _CHECKS else True


def _lost(finding: Finding) -> bool:
    return not finding.least_pg > LOST * finding.before_pg


def _fused(finding: Finding) -> bool:
    return not finding.after_pg < FUSED * finding.before_pg


def _changed(finding: Finding) -> bool:
    return not abs(np.log(finding.during_pg / finding.before_pg)) < np.log(CHANGED)


def _stopped(finding: Finding) -> bool:
    return not finding.last_pg > STAYS * finding.after_pg


def _slow(finding: Finding) -> bool:
    return not finding.rate_per_h > SLOW * finding.norms.growth_rate_per_h


def _fast(finding: Finding) -> bool:
    return not finding.rate_per_h < FAST * finding.norms.growth_rate_per_h


_CHECKS: dict[str, Callable[[Finding], bool]] = {
    "dry_mass_loss": _lost,
    "death": _lost,
    "merge": _fused,
    "segmentation": _changed,
    "no_division": _stopped,
    "slow_growth": _slow,
    "fast_growth": _fast,
}
