"""Lives that go wrong from their beginning: uneven divisions, slow and fast growth."""

from __future__ import annotations

import numpy as np

from lensfree.anomaly.expectation import Expectation
from lensfree.anomaly.kinds import Candidate, ages_h, log_lives, shared

UNEVEN, UNEVEN_SD = 0.4, 0.2
"""ln of what a daughter has over her fair share, more or less: a third, or three quarters, of the mother."""
UNEVEN_AGAIN, UNEVEN_RATE = 0.5, 0.3
"""Sd of the same at her own division, and of her growth rate over the usual one."""
LEAST_LIFE = -3.0
"""How improbable, in ln, the length of an uneven daughter's life may count at most."""
SLOW, SLOW_SD = -0.6, 0.15
FAST, FAST_SD = 1.0, 0.4
"""Growth rate over the usual one, less 1."""


def uneven_divisions(expected: Expectation, lives: np.ndarray) -> list[Candidate]:
    """Return divisions in which a daughter got much more or less than her share, into two or into more.

    An uneven daughter may grow at another rate until she is as heavy as others, her life may last long, and
    her own division, and so on, may be uneven again.
    """
    history, rate = expected.history, expected.norms.growth_rate_per_h
    ages = ages_h(expected)
    number = np.arange(len(lives))
    born = (expected.row_life[:, None] >= number).astype(np.float64)
    # The row that says how heavy cells are at birth holds for what an even division would have given.
    born[expected.is_birth[:, None] & (expected.row_life[:, None] == number)] = 0.0
    eased = np.maximum(lives, LEAST_LIFE)
    found = []
    for first in number[1:]:
        for last in number[first:]:
            chosen = number[first : last + 1]
            shapes = np.hstack([born[:, chosen], ages[:, chosen]])
            sd = np.repeat([UNEVEN_AGAIN, UNEVEN_RATE * rate], len(chosen))
            sd[0] = UNEVEN_SD
            mean = np.zeros((len(sd), 2))
            mean[0] = -UNEVEN, UNEVEN
            gains = expected.gain_together(shapes, mean, sd)
            prior = -np.log(2 * (len(lives) - 1) * (len(lives) - first))
            others = lives.sum() - lives[chosen].sum() + eased[chosen].sum()
            gain = np.array([np.logaddexp(gains[0], gains[1]) + prior + others])
            found.append(Candidate("abnormal_division", history.birth_h[[first]], gain))
    return found


def other_growth(expected: Expectation, lives: np.ndarray) -> list[Candidate]:
    """Return cells that grow much slower or faster from birth on, and divide late or early for it."""
    rate = expected.norms.growth_rate_per_h
    ages = ages_h(expected)
    found = []
    for kind, mean, sd in (("slow_growth", SLOW, SLOW_SD), ("fast_growth", FAST, FAST_SD)):
        own = log_lives(expected.history, expected, 1 / (1 + mean))
        gain = expected.gain(ages, mean * rate, sd * rate) + lives.sum() - lives + own
        found.append(Candidate(kind, expected.history.birth_h, shared(gain)))
    return found
