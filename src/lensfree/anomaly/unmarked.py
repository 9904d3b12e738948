"""How probable the rest of a history is as that of another normal cell, whose divisions no one has marked."""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr, logsumexp

from lensfree.anomaly.condensed import Condensed
from lensfree.anomaly.norms import Norms
from lensfree.anomaly.robust import correlation_after

ODD = 0.02
"""Share of normal cells whose cycle says nothing."""
ODD_SPREAD = 0.6


def log_cycle(duration_h: np.ndarray, norms: Norms) -> np.ndarray:
    """Return the ln probability density of ln(cycle)."""
    x = np.log(np.maximum(duration_h, 1e-3) / norms.cycle_h)
    return np.logaddexp(
        np.log1p(-ODD) + _log_normal(x, norms.cycle_spread), np.log(ODD) + _log_normal(x, ODD_SPREAD)
    )


def log_survival(duration_h: np.ndarray, norms: Norms) -> np.ndarray:
    """Return the ln probability that a cell has not divided at this age."""
    x = np.log(np.maximum(duration_h, 1e-3) / norms.cycle_h)
    return np.logaddexp(
        np.log1p(-ODD) + log_ndtr(-x / norms.cycle_spread), np.log(ODD) + log_ndtr(-x / ODD_SPREAD)
    )


def log_remaining(duration_h: np.ndarray, norms: Norms) -> np.ndarray:
    """Return the ln probability that a cell of unknown age has not divided after this time."""
    share = 1 - np.asarray(duration_h) / norms.cycle_h
    return np.logaddexp(np.log(np.maximum(share, 1e-9)), log_survival(duration_h, norms) - np.log(4))


def _log_normal(x: np.ndarray, sd: float) -> np.ndarray:
    return -0.5 * (x / sd) ** 2 - np.log(sd * (2 * np.pi) ** 0.5)


def log_probability_after(history: Condensed, norms: Norms) -> np.ndarray:
    """Return for each bin the ln probability density of it and all later ones as another cell's.

    That cell is of any age, grows and divides normally, and a daughter goes on; when is summed over.

    Returns:
        (n + 1,), the last one 0: nothing remains.
    """
    n = len(history.ln)
    white = _white(history, norms)
    born = _pieces(history, norms, np.log(norms.birth_dry_mass_pg), norms.birth_spread, white)
    met = _pieces(history, norms, np.log(norms.dry_mass_pg), norms.dry_mass_spread, white)
    start_h, stop_h = history.start_h, np.append(history.start_h[1:], history.end_h)
    lasts_h = np.maximum(stop_h[None, :] - start_h[:, None], history.bin_h)
    step = np.log(history.bin_h)
    # Durations are looked up in a table: there are as many pairs as bins squared.
    table_h = np.arange(0.5, 2 * n + 8, 0.5) * history.bin_h
    ends = log_cycle(table_h, norms) - np.log(table_h) + step
    remains = log_remaining(table_h, norms)
    born_ends = born + np.interp(lasts_h, table_h, ends)
    met_ends = met + np.interp(lasts_h, table_h, remains - np.log(norms.cycle_h) + step)
    newborn = np.zeros(n + 1)
    newborn[:n] = born[:, -1] + log_survival(lasts_h[:, -1], norms)
    for i in range(n - 2, -1, -1):
        terms = born_ends[i, i : n - 1] + newborn[i + 1 : n]
        top = max(terms.max(), newborn[i])
        newborn[i] = top + np.log(np.exp(terms - top).sum() + np.exp(newborn[i] - top))
    stays = met[:, -1] + np.interp(lasts_h[:, -1], table_h, remains)
    divides = np.where(np.tri(n, n - 1, -1, dtype=bool), -np.inf, met_ends[:, : n - 1] + newborn[1:n])
    return np.append(logsumexp(np.column_stack([divides, stays]), axis=1), 0.0)


def _pieces(
    history: Condensed, norms: Norms, level: float, level_spread: float, white: np.ndarray
) -> np.ndarray:
    """Return (n, n) ln probability density of bins i..j as one growing cell; below the diagonal nonsense.

    Args:
        history: all bins.
        norms: how cells grow.
        level: ln of dry mass when the piece begins.
        level_spread: its sd.
        white: `_white`.
    """
    one, t, y, ln_sd = white
    t0_h = (history.start_h - history.time_h[0])[:, None]
    v = y - norms.growth_rate_per_h * t
    r = v - (level - norms.growth_rate_per_h * t0_h) * one
    x = t - t0_h * one
    sums = np.stack([one * one, one * x, x * x, one * r, x * r, r * r, ln_sd]).cumsum(axis=2)
    w, wx, wxx, wr, wxr, wrr, ln_sd = sums
    a, b, c = w + level_spread**-2.0, wx, wxx + norms.growth_rate_sd_per_h**-2.0
    determinant = np.maximum(a * c - b * b, 1e-12)
    fit = (c * wr**2 - 2 * b * wr * wxr + a * wxr**2) / determinant
    count = np.arange(1, len(one) + 1)[None, :] - np.arange(len(one))[:, None]
    scale = np.log(determinant) / 2 + np.log(level_spread * norms.growth_rate_sd_per_h)
    return (fit - wrr) / 2 - scale - ln_sd - count * np.log(2 * np.pi) / 2


def _white(history: Condensed, norms: Norms) -> np.ndarray:
    """Return what is left of a constant, of time and of ln(dry mass) once earlier bins of a piece are known.

    What is predicted is the slow ups and downs, which begin anew with each piece (a Kalman filter of one
    state, all pieces at once).

    Returns:
        (4, n, n): of constant, time since the first bin and ln(dry mass), each over the sd of what could not
        be predicted; ln of that sd. Row i is the piece that begins at bin i; 0 before it.
    """
    n = len(history.ln)
    columns = np.stack([np.ones(n), history.time_h - history.time_h[0], history.ln])
    variance = norms.wander_spread**2
    step_h = np.diff(history.time_h, prepend=history.time_h[0])
    lasting = correlation_after(step_h, norms.wander_memory_h)
    out = np.zeros((4, n, n))
    state, unsure = np.zeros((3, n)), np.full(n, variance)
    for k in range(n):
        begun = slice(0, k + 1)
        state[:, :k] *= lasting[k]
        unsure[:k] = lasting[k] ** 2 * unsure[:k] + (1 - lasting[k] ** 2) * variance
        sd = np.sqrt(unsure[begun] + history.sd[k] ** 2)
        left = columns[:, k, None] - state[:, begun]
        gain = unsure[begun] / sd**2
        state[:, begun] += gain * left
        unsure[begun] *= 1 - gain
        out[:3, begun, k] = left / sd
        out[3, begun, k] = np.log(sd)
    return out
