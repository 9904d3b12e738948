"""Errors of the measurement: a factor for good or for some hours, another cell, lost looks.

What repairs a history explains it: divided by a factor from some time on, or for some hours, it is normal;
cut in two, both halves are those of normal cells.
"""

from __future__ import annotations

import numpy as np

from lensfree.anomaly.expectation import Expectation, gain_of_size
from lensfree.anomaly.kinds import Candidate, shared
from lensfree.anomaly.unmarked import log_remaining, log_survival

JUMP, JUMP_SD = 0.4, 0.15
"""ln of the factor of a jump, up or down: 1.5."""
BOX, BOX_SD = 0.5, 0.2
"""The same of a wrong outline: 1.6."""
BOX_SHORTEST_H = 1.2
EDGE_BINS = 2
FOLLOWED = 0.3
"""Share of swaps after which the divisions of the other cell are marked."""


def wrong_by_a_factor(expected: Expectation, lives: np.ndarray) -> list[Candidate]:
    """Return jumps, which stay, and wrong outlines, which last less than a cell cycle.

    The gain of a stretch of bins follows from sums over a square of the precision matrix, so that all
    stretches cost one double cumulative sum.
    """
    history = expected.history
    n = len(history.ln)
    precision, pull = expected.precision()
    square = np.zeros((n + 1, n + 1))
    square[1:, 1:] = precision.cumsum(axis=0).cumsum(axis=1)
    product = np.append(0.0, pull.cumsum())

    def of(kind: str, a: np.ndarray, b: np.ndarray, size: float, sd: float) -> list[Candidate]:
        length = square[b, b] - 2 * square[a, b] + square[a, a]
        stop_h = None if kind == "jump" else history.start_h[b]
        gains = [gain_of_size(length, product[b] - product[a], sign * size, sd) for sign in (-1, 1)]
        return [Candidate(kind, history.start_h[a], shared(gain, 2) + lives.sum(), stop_h) for gain in gains]

    jumps = np.arange(EDGE_BINS, n - EDGE_BINS)
    a, b = np.triu_indices(n, 1)
    lasts_h = history.start_h[b] - history.start_h[a]
    is_box = (lasts_h >= BOX_SHORTEST_H) & (lasts_h <= expected.norms.cycle_h) & (a > 0)
    found = of("jump", jumps, np.full(len(jumps), n), JUMP, JUMP_SD)
    return found + of("segmentation", a[is_box], b[is_box], BOX, BOX_SD)


def other_cell(expected: Expectation, lives: np.ndarray, after: np.ndarray) -> list[Candidate]:
    """Return swaps: from some time on the dry mass is that of another normal cell.

    Args:
        expected: the normal path.
        lives: `log_lives`.
        after: `log_probability_after`.
    """
    history, norms = expected.history, expected.norms
    before = expected.log_probability_before()
    at = np.arange(EDGE_BINS, len(history.ln) - EDGE_BINS)
    onset_h = history.start_h[at]
    gain = before[at] + after[at] - before[-1]
    found = [Candidate("swap", onset_h, shared(gain) + lives.sum() + np.log(1 - FOLLOWED))]
    # Tracking that goes on along the other cell marks its divisions as well: only level and age do not fit.
    step = (expected.row_h[:, None] >= onset_h).astype(np.float64)
    level = expected.gain(step, 0.0, norms.dry_mass_spread * 2**0.5)
    life = history.life[at]
    stop_h = np.append(history.birth_h[1:], history.end_h)[life]
    met = log_survival(onset_h - history.birth_h[life], norms) + log_remaining(stop_h - onset_h, norms)
    gain = shared(level) + lives.sum() - lives[life] + met + np.log(FOLLOWED)
    return [*found, Candidate("swap", onset_h, gain)]


def lost_looks(expected: Expectation, lives: np.ndarray) -> list[Candidate]:
    """Return dropouts: short dips, which no other kind needs to explain."""
    history = expected.history
    if history.dips_gain <= 0:
        return []
    return [Candidate("dropout", history.dips_h[:1], np.array([history.dips_gain + lives.sum()]))]
