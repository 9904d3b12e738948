"""What can become of the last cell of a history instead of dividing.

It stops growing, loses dry mass for a part or for the most, fuses with another cell, or grows on far beyond
the dry mass at which cells divide. A cell that dies may detach, and its track then goes on along another.
"""

from __future__ import annotations

import numpy as np

from lensfree.anomaly.expectation import Expectation
from lensfree.anomaly.kinds import Candidate, shared
from lensfree.anomaly.unmarked import log_cycle, log_remaining

LOSSES, DEATHS = (0.15, 0.25, 0.35, 0.45), (0.55, 0.65, 0.75)
"""Shares of dry mass that are lost: more than half is called death."""
FALL_H = (2.0, 5.0)
"""Times over which it is lost, to 1/e [h]."""
GROWN_ON = (0.8, 1.2, 1.6)
GROWN_CYCLES = (0.6, 0.9)
"""What a giant adds beyond the time of her division over her dry mass then, and within how many cycles."""
LEAST_GIANT, SURELY_GIANT = 2.0, 4.0
"""Robust sd beyond the dry mass at division below which no cell is a giant, and above which every one is
that stays undivided."""
HUGE_SD = 0.2
FUSED_SD = 0.15
"""Sd of ln(dry mass / twice the usual) of a cell that is a giant already, and of one that fused."""
STOPS = (0.8, 1.0, 1.25)
"""Ages in cycles at which a cell that has fused stops growing."""
ON_TIME = 0.9
"""Share of cells that fail to divide which do so at the usual age."""
GONE_H = (1.5, 18.0)
"""Hours from the beginning of death until the cell detaches."""


def without_division(expected: Expectation, lives: np.ndarray) -> list[Candidate]:
    """Return plateaus, losses, deaths and giants, at every hour of the last cell's life."""
    norms = expected.norms
    onset_h, since_h = _onsets(expected)
    others = lives.sum() - lives[-1]
    if not len(onset_h):
        return []
    rate, rate_sd = norms.growth_rate_per_h, norms.growth_rate_sd_per_h
    in_time = _log_on_time(expected, onset_h) + others
    beyond = _beyond_division(expected)
    found = []
    if beyond < SURELY_GIANT:
        found.append(Candidate("no_division", onset_h, expected.gain(since_h, -rate, rate_sd) + in_time))
    for kind, shares in (("dry_mass_loss", LOSSES), ("death", DEATHS)):
        for tau_h in FALL_H:
            for share in shares:
                gain = expected.gain(since_h, -rate, rate_sd, given=_tail(since_h, -share, tau_h))
                weight = shared(gain, len(FALL_H) * len(shares)) + others
                found.append(Candidate(kind, onset_h, weight))
    if beyond < LEAST_GIANT:
        return found
    found += _giant_from_start(expected, others)
    for share in GROWN_ON:
        for cycles in GROWN_CYCLES:
            grown = _tail(since_h, share, cycles * norms.cycle_h) - rate * since_h
            gain = expected.gain(since_h, 0.0, rate_sd, given=grown)
            gain += in_time - np.log(len(GROWN_ON) * len(GROWN_CYCLES))
            found.append(Candidate("giant", onset_h, gain))
    return found


def fused(expected: Expectation, lives: np.ndarray) -> list[Candidate]:
    """Return fusions: the last cell becomes as heavy as two, half of which grows on, and does not divide."""
    history, norms = expected.history, expected.norms
    last = len(history.birth_h) - 1
    onset_h = history.start_h[history.life == last][1:-2]
    if not len(onset_h):
        return []
    row_h = expected.row_h[:, None]
    step = (row_h >= onset_h).astype(np.float64)
    half = norms.growth_rate_per_h / 2
    found = []
    for stop_h in (*(history.birth_h[last] + norms.cycle_h * np.array(STOPS)), history.end_h):
        slower_h = np.maximum(row_h - onset_h, 0) + np.maximum(row_h - np.maximum(onset_h, stop_h), 0)
        gain = expected.gain(step, 0.0, FUSED_SD, given=np.log(2) * step - half * slower_h)
        found.append(Candidate("merge", onset_h, shared(gain, len(STOPS) + 1) + lives.sum() - lives[-1]))
    return found


def died_and_left(expected: Expectation, lives: np.ndarray, after: np.ndarray) -> list[Candidate]:
    """Return deaths of the last cell after which the history goes on along another cell.

    Args:
        expected: the normal path.
        lives: `log_lives`.
        after: `log_probability_after`.
    """
    history = expected.history
    onset_h, since_h = _onsets(expected)
    lag_h = history.start_h[:, None] - onset_h
    is_possible = (lag_h > GONE_H[0]) & (lag_h < GONE_H[1])
    has_any = is_possible.any(axis=0)
    if not has_any.any():
        return []
    before = expected.log_probability_before()
    rest = (before[:-1] + after[:-1] - before[-1])[:, None]
    shares = (LOSSES[-1], *DEATHS)
    prior = np.log(is_possible.sum() * len(shares) * len(FALL_H))
    found = []
    for share in shares:
        for tau_h in FALL_H:
            fall = _tail(since_h, -share, tau_h) - expected.norms.growth_rate_per_h * since_h
            left = expected.white[:, None] - expected.whitener @ fall
            better = np.zeros((len(left) + 1, len(onset_h)))
            np.cumsum((expected.white[:, None] ** 2 - left**2) / 2, axis=0, out=better[1:])
            gain = np.where(is_possible, better[expected.rows_of_bins] + rest, -np.inf)[:, has_any]
            top = gain.max(axis=0)
            summed = top + np.log(np.exp(gain - top).sum(axis=0))
            weight = summed - prior + lives.sum() - lives[-1]
            gone_h = history.start_h[gain.argmax(axis=0)]
            found.append(Candidate("death", onset_h[has_any], weight, gone_h))
    return found


def _tail(since_h: np.ndarray, share: float, tau_h: float) -> np.ndarray:
    """Return ln of a dry mass that tends to 1 + share of what it was."""
    return np.log1p(-share * np.expm1(-since_h / tau_h))


def _onsets(expected: Expectation) -> tuple[np.ndarray, np.ndarray]:
    """Return the possible onsets within the last cell, an hour apart [h], and the time since at each row."""
    history = expected.history
    mine = history.start_h[history.life == len(history.birth_h) - 1]
    onset_h = mine[: -2 : max(1, round(1 / history.bin_h))]
    return onset_h, np.maximum(expected.row_h[:, None] - onset_h, 0.0)


def _log_on_time(expected: Expectation, onset_h: np.ndarray) -> np.ndarray:
    """Return the ln prior of onsets around the time when the last cell should have divided."""
    history, norms = expected.history, expected.norms
    age_h = onset_h - history.birth_h[-1]
    if len(history.birth_h) > 1:
        density_per_h = np.exp(log_cycle(age_h, norms)) / np.maximum(age_h, 1.0)
    else:
        density_per_h = np.exp(log_remaining(age_h, norms)) / norms.cycle_h
    return np.log(ON_TIME * density_per_h * max(1.0, history.bin_h) + (1 - ON_TIME) / len(onset_h))


def _beyond_division(expected: Expectation) -> float:
    """Return how far the last cell comes beyond the dry mass at division, in robust sd of its ln."""
    history, norms = expected.history, expected.norms
    heaviest_pg = history.running_pg(history.birth_h[-1]).max()
    return float(np.log(heaviest_pg / (2 * norms.birth_dry_mass_pg)) / norms.birth_spread)


def _giant_from_start(expected: Expectation, others: float) -> list[Candidate]:
    """Return a first and only cell that is twice as heavy as others from the start, and stops growing."""
    history, norms = expected.history, expected.norms
    if len(history.birth_h) > 1:
        return []
    stops_h = np.append(_onsets(expected)[0], history.end_h)
    flat = norms.growth_rate_per_h * np.maximum(expected.row_h[:, None] - stops_h, 0.0)
    gain = expected.gain(np.ones_like(flat), 0.0, HUGE_SD, given=np.log(2) - flat)
    return [Candidate("giant", np.repeat(history.birth_h, len(stops_h)), shared(gain) + others)]
