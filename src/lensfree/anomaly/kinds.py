"""The ways in which a history can be abnormal, each with how probable it makes the history and since when.

A kind is a shape of deviation from the normal path (`expectation`), at every onset that is possible for it, and
what it means for the length of the cell's life. Sizes are wide: they say what would be called by that name,
not what any population shows. All gains are ln probabilities against a path that is normal but for the length
of its lives; the onsets of a kind share its prior.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lensfree.anomaly.expectation import Expectation, gain_of_size
from lensfree.anomaly.unmarked import log_cycle, log_probability_after, log_remaining, log_survival

UNCLEAR = "unclear"
BIOLOGICAL = (
    "no_division",
    "abnormal_division",
    "slow_growth",
    "fast_growth",
    "dry_mass_loss",
    "merge",
    "giant",
    "death",
)
ACQUISITION = ("jump", "swap", "dropout", "segmentation")

JUMP, JUMP_SD = 0.42, 0.15
BOX, BOX_SD, BOX_H = 0.5, 0.2, (1.2, 12.0)
UNEVEN, UNEVEN_SD, UNEVEN_AGAIN, UNEVEN_RATE = 0.45, 0.2, 0.5, 0.3
LEAST_LIFE = -3.0
SLOW, SLOW_SD, FAST, FAST_SD = -0.6, 0.15, 1.1, 0.4
SLOW_LIFE, FAST_LIFE = 2.5, 0.47
LOSSES, DEATHS, FALL_H = (0.25, 0.35, 0.42), (0.48, 0.55, 0.65), (2.0, 5.0)
FUSED_SD = 0.15
HUGE, HUGE_SD = 0.75, 0.2
GROWN_ON = (0.9, 1.25, 1.6)
LONGEST_TO_GONE_H = 18.0


@dataclass(frozen=True)
class Candidate:
    """One kind at all its onsets.

    Attributes:
        kind: what it is.
        onset_h: (k,) when it may have begun [h].
        gain: (k,) ln probability of the history with it, prior of the onset included.
    """

    kind: str
    onset_h: np.ndarray
    gain: np.ndarray


def candidates(expected: Expectation) -> list[Candidate]:
    """Return all kinds that are possible for a history, `unclear` (nothing is abnormal) first."""
    lives = _log_lives(expected)
    found = [Candidate(UNCLEAR, expected.history.birth_h[:1], np.array([lives.sum()]))]
    found += _steps(expected, lives)
    found += _other_cell(expected, lives)
    found += _divisions(expected, lives)
    found += _growth(expected, lives)
    found += _ends(expected, lives)
    found += _gone(expected, lives)
    if expected.history.dips_gain > 0:
        gain = np.full(len(expected.history.dips_h), expected.history.dips_gain) + lives.sum()
        found.append(Candidate("dropout", expected.history.dips_h[:1], gain[:1]))
    return found


def _log_lives(expected: Expectation) -> np.ndarray:
    """Return for each cell the ln probability of how long it was seen."""
    history, norms = expected.history, expected.norms
    stop_h = np.append(history.birth_h[1:], history.end_h)
    seen_h = stop_h - history.birth_h
    out = log_cycle(seen_h, norms)
    out[-1] = log_survival(seen_h[-1], norms)
    out[0] = log_remaining(seen_h[0], norms)
    return out


def _uniform(gain: np.ndarray) -> np.ndarray:
    return gain - np.log(max(gain.size, 1))


def _steps(expected: Expectation, lives: np.ndarray) -> list[Candidate]:
    """Wrong by a factor, for good (jump) or for some hours (segmentation)."""
    history = expected.history
    n = len(history.ln)
    precision, pull = expected.precision()
    square = np.zeros((n + 1, n + 1))
    square[1:, 1:] = precision.cumsum(axis=0).cumsum(axis=1)
    product = np.append(0.0, pull.cumsum())
    diagonal = square.diagonal()
    found = []
    a = np.arange(2, n - 2)
    lengths = square[n, n] - 2 * square[a, n] + diagonal[a]
    for sign in (-1, 1):
        gain = gain_of_size(lengths, product[n] - product[a], sign * JUMP, JUMP_SD)
        found.append(Candidate("jump", history.start_h[a], _uniform(gain) - np.log(2) + lives.sum()))
    starts, stops = np.triu_indices(n, 1)
    lasts_h = history.start_h[stops] - history.start_h[starts]
    is_box = (lasts_h >= BOX_H[0]) & (lasts_h <= BOX_H[1]) & (starts >= 1)
    a, b = starts[is_box], stops[is_box]
    lengths = diagonal[b] - 2 * square[a, b] + diagonal[a]
    for sign in (-1, 1):
        gain = gain_of_size(lengths, product[b] - product[a], sign * BOX, BOX_SD)
        found.append(Candidate("segmentation", history.start_h[a], _uniform(gain) - np.log(2) + lives.sum()))
    return found


def _other_cell(expected: Expectation, lives: np.ndarray) -> list[Candidate]:
    """From some time on the dry mass is that of another cell."""
    before = expected.log_probability_before()
    after = log_probability_after(expected.history, expected.norms)
    n = len(expected.history.ln)
    at = np.arange(2, n - 2)
    gain = before[at] + after[at] - before[-1]
    return [Candidate("swap", expected.history.start_h[at], _uniform(gain) + lives.sum())]


def _divisions(expected: Expectation, lives: np.ndarray) -> list[Candidate]:
    """A daughter got much more or much less than her share, and perhaps her daughters again.

    An uneven daughter may grow at another rate until she is as heavy as others, and her life may last long.
    """
    history, rate = expected.history, expected.norms.growth_rate_per_h
    stop_h = np.append(history.birth_h[1:], history.end_h)
    age_h = np.clip(expected.row_h[:, None], history.birth_h, stop_h) - history.birth_h
    born = (expected.row_life[:, None] >= np.arange(len(lives))).astype(np.float64)
    # The row that says how heavy cells are at birth holds for what an even division would have given.
    born[expected.is_birth[:, None] & (expected.row_life[:, None] == np.arange(len(lives)))] = 0.0
    eased = np.maximum(lives, LEAST_LIFE)
    found = []
    for first in range(1, len(lives)):
        for last in range(first, len(lives)):
            chosen = np.arange(first, last + 1)
            shapes = np.hstack([born[:, chosen], age_h[:, chosen]])
            k = len(chosen)
            sd = np.repeat([UNEVEN_AGAIN, UNEVEN_RATE * rate], k)
            sd[0] = UNEVEN_SD
            mean = np.zeros(2 * k)
            both = []
            for sign in (-1, 1):
                mean[0] = sign * UNEVEN
                both.append(expected.gain_together(shapes, mean, sd))
            others = lives.sum() - lives[chosen].sum() + eased[chosen].sum()
            prior = np.log(2 * (len(lives) - 1) * (len(lives) - first))
            gain = np.logaddexp(*both) - prior + others
            found.append(Candidate("abnormal_division", history.birth_h[[first]], np.array([gain])))
    return found


def _growth(expected: Expectation, lives: np.ndarray) -> list[Candidate]:
    """A cell grows much slower or faster than others from its birth on, and divides late or early."""
    history, norms = expected.history, expected.norms
    stop_h = np.append(history.birth_h[1:], history.end_h)
    seen_h = stop_h - history.birth_h
    age_h = np.clip(expected.row_h[:, None], history.birth_h, stop_h) - history.birth_h
    found = []
    for kind, mean, sd, factor in (
        ("slow_growth", SLOW, SLOW_SD, SLOW_LIFE),
        ("fast_growth", FAST, FAST_SD, FAST_LIFE),
    ):
        rate = norms.growth_rate_per_h
        gain = expected.gain(age_h, mean * rate, sd * rate)
        own = log_cycle(seen_h / factor, norms)
        own[-1] = log_survival(seen_h[-1] / factor, norms)
        own[0] = log_remaining(seen_h[0] / factor, norms)
        found.append(Candidate(kind, history.birth_h, _uniform(gain + lives.sum() - lives + own)))
    return found


def _last_cell(expected: Expectation) -> tuple[np.ndarray, np.ndarray]:
    """Return the possible onsets within the last cell [h], and time since each at every row [h]."""
    history = expected.history
    mine = history.start_h[history.life == len(history.birth_h) - 1]
    every = max(1, round(1 / history.bin_h))
    onset_h = mine[:-2:every]
    return onset_h, np.maximum(expected.row_h[:, None] - onset_h, 0.0)


def _onset_at_division(expected: Expectation, onset_h: np.ndarray) -> np.ndarray:
    """Return the ln prior of onsets at the time when the last cell should have divided."""
    history, norms = expected.history, expected.norms
    age_h = onset_h - history.birth_h[-1]
    if len(history.birth_h) > 1:
        density = np.exp(log_cycle(age_h, norms)) / np.maximum(age_h, 1.0)
    else:
        density = np.exp(log_remaining(age_h, norms)) / norms.cycle_h
    uniform = 0.1 / max(len(onset_h), 1)
    return np.log(0.9 * density * max(1.0, history.bin_h) + uniform)


def _ends(expected: Expectation, lives: np.ndarray) -> list[Candidate]:
    """The last cell does not divide: it stops growing, loses dry mass, fuses, or grows on."""
    history, norms = expected.history, expected.norms
    onset_h, since_h = _last_cell(expected)
    if not len(onset_h):
        return []
    rate, rate_sd = norms.growth_rate_per_h, norms.growth_rate_sd_per_h
    others = lives.sum() - lives[-1]
    in_time = _onset_at_division(expected, onset_h) + others
    found = [Candidate("no_division", onset_h, expected.gain(since_h, -rate, 1.2 * rate_sd) + in_time)]
    for kind, shares in (("dry_mass_loss", LOSSES), ("death", DEATHS)):
        for tau_h in FALL_H:
            for share in shares:
                fall = np.log1p(-share * -np.expm1(-since_h / tau_h))
                gain = expected.gain(since_h, -rate, 1.2 * rate_sd, given=fall)
                weight = gain - np.log(len(onset_h) * len(FALL_H) * len(shares)) + others
                found.append(Candidate(kind, onset_h, weight))
    found += _fusions(expected, others)
    for share in GROWN_ON:
        for tau_h in (0.6 * norms.cycle_h, 0.9 * norms.cycle_h):
            grown = np.log1p(share * -np.expm1(-since_h / tau_h)) - rate * since_h
            gain = expected.gain(since_h, 0.0, rate_sd, given=grown)
            found.append(Candidate("giant", onset_h, gain + in_time - np.log(6)))
    if len(lives) == 1:
        whole = np.ones_like(since_h)
        for stop_h in (0.0, 0.3 * norms.cycle_h, 0.6 * norms.cycle_h, norms.cycle_h):
            flat = HUGE * whole - rate * np.maximum(expected.row_h[:, None] - history.birth_h[0] - stop_h, 0.0)
            gain = expected.gain(whole[:, :1], 0.0, HUGE_SD, given=flat[:, :1]) - np.log(4) + others
            found.append(Candidate("giant", history.birth_h[:1], gain))
    return found


def _fusions(expected: Expectation, others: float) -> list[Candidate]:
    """The last cell becomes as heavy as two, at half the growth rate, and stops growing at division time."""
    history, norms = expected.history, expected.norms
    last = len(history.birth_h) - 1
    onset_h = history.start_h[history.life == last][1:-2]
    if not len(onset_h):
        return []
    since_h = np.maximum(expected.row_h[:, None] - onset_h, 0.0)
    step = (expected.row_h[:, None] >= onset_h).astype(np.float64)
    rate = norms.growth_rate_per_h
    found = []
    stops = history.birth_h[last] + norms.cycle_h * np.array([0.8, 1.0, 1.25])
    for stop_h in (*stops, history.end_h):
        stopped_h = np.maximum(expected.row_h[:, None] - np.maximum(onset_h, stop_h), 0.0)
        given = np.log(2) * step - rate / 2 * since_h - rate / 2 * stopped_h
        gain = expected.gain(step, 0.0, FUSED_SD, given=given)
        found.append(Candidate("merge", onset_h, _uniform(gain) - np.log(4) + others))
    return found


def _gone(expected: Expectation, lives: np.ndarray) -> list[Candidate]:
    """The last cell dies and detaches, and its track goes on along another cell."""
    history, norms = expected.history, expected.norms
    onset_h, since_h = _last_cell(expected)
    if not len(onset_h):
        return []
    after = log_probability_after(history, norms)
    before = expected.log_probability_before()
    bins = expected.rows_of_bins
    n = len(history.ln)
    gone_h = history.start_h
    found = []
    for share in (0.4, *DEATHS):
        for tau_h in FALL_H:
            fall = np.log1p(-share * -np.expm1(-since_h / tau_h)) - norms.growth_rate_per_h * since_h
            z = expected.white[:, None] - expected.whitener @ fall
            change = np.cumsum((expected.white[:, None] ** 2 - z**2) / 2, axis=0)
            change = np.vstack([np.zeros((1, len(onset_h))), change])[bins]
            gain = change + (before[:-1] + after[:-1] - before[-1])[:, None]
            lag_h = gone_h[:, None] - onset_h
            is_possible = (lag_h > 1.5) & (lag_h < LONGEST_TO_GONE_H)
            total = np.where(is_possible, gain, -np.inf)
            top = total.max(axis=0)
            ok = np.isfinite(top)
            if not ok.any():
                continue
            summed = top[ok] + np.log(np.exp(total[:, ok] - top[ok]).sum(axis=0))
            count = len(onset_h) * is_possible.sum() / len(onset_h) * 8
            found.append(Candidate("death", onset_h[ok], summed - np.log(count) + lives.sum() - lives[-1]))
    assert n
    return found
