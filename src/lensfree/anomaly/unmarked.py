"""How probable the rest of a history is as that of another normal cell, whose divisions no one has marked."""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr

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
    pieces = _Pieces(history, norms)
    born = pieces.log_density(np.log(norms.birth_dry_mass_pg), norms.birth_spread)
    met = pieces.log_density(np.log(norms.dry_mass_pg), norms.dry_mass_spread)
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
        newborn[i] = np.logaddexp.reduce(born_ends[i, i : n - 1] + newborn[i + 1 : n], initial=newborn[i])
    stays = met[:, -1] + np.interp(lasts_h[:, -1], table_h, remains)
    divides = np.where(np.tri(n, n - 1, -1, dtype=bool), -np.inf, met_ends[:, : n - 1] + newborn[1:n])
    ways = np.column_stack([divides, stays])
    most = ways.max(axis=1)  # finite: a cell can always stay; and sums of exp are quicker than logaddexp
    return np.append(most + np.log(np.exp(ways - most[:, None]).sum(axis=1)), 0.0)


class _Pieces:
    """All runs of bins i..j of a history, each as the life of one growing cell that is met at its beginning.

    Args:
        history: all bins.
        norms: how cells grow.
    """

    def __init__(self, history: Condensed, norms: Norms) -> None:
        rate = norms.growth_rate_per_h
        self._rate_sd = norms.growth_rate_sd_per_h
        self._start_h = history.start_h - history.time_h[0]
        one, t, y, ln_sd = _white(history, norms)
        v = y - rate * t
        x = t - self._start_h * one
        # Sums over the bins of each run, [j, i]: its level and its growth rate are fitted from them.
        self._w, self._wx, self._wxx, self._wv, self._wxv, self._wvv, self._ln_sd = (
            terms.cumsum(axis=0) for terms in (one * one, one * x, x * x, one * v, x * v, v * v, ln_sd)
        )
        self._rate = rate
        number = np.arange(len(history.ln))
        self._count = number[:, None] - number + 1

    def log_density(self, level: float, level_spread: float) -> np.ndarray:
        """Return (n, n) ln probability density of bins i..j; nonsense below the diagonal.

        Args:
            level: ln of dry mass when the run begins.
            level_spread: its sd.
        """
        usual = level - self._rate * self._start_h
        w, wx = self._w, self._wx
        wr, wxr = self._wv - usual * w, self._wxv - usual * wx
        wrr = self._wvv - usual * (self._wv + wr)
        a, b, c = w + level_spread**-2.0, wx, self._wxx + self._rate_sd**-2.0
        determinant = np.maximum(a * c - b * b, 1e-12)
        fit = (c * wr**2 - 2 * b * wr * wxr + a * wxr**2) / determinant
        scale = np.log(determinant) / 2 + np.log(level_spread * self._rate_sd)
        return ((fit - wrr) / 2 - scale - self._ln_sd - self._count * np.log(2 * np.pi) / 2).T


def _white(history: Condensed, norms: Norms) -> np.ndarray:
    """Return what is left of a constant, of time and of ln(dry mass) once earlier bins of a run are known.

    What is predicted is the slow ups and downs, which begin anew with each run (a Kalman filter of one
    state, all runs at once).

    Returns:
        (4, n, n): of constant, time since the first bin and ln(dry mass), each over the sd of what could not
        be predicted; ln of that sd. Column i is the run that begins at bin i; 0 before it.
    """
    n = len(history.ln)
    columns = np.stack([np.ones(n), history.time_h - history.time_h[0], history.ln])
    variance, noise = norms.wander_spread**2, history.sd**2
    lasting = correlation_after(np.diff(history.time_h, append=history.end_h), norms.wander_memory_h)
    # First how sure it is of the ups and downs at each bin, which the measured values have no part in.
    seen, unsure = np.empty((n, n)), np.full(n, variance)
    kept, renewed = lasting**2 * noise, (1 - lasting**2) * variance
    for k in range(n):
        unsure[k:] = variance  # of a run that begins here; what stands right of it is of no run
        np.add(unsure, noise[k], out=seen[k])
        run = unsure[: k + 1]
        run /= seen[k, : k + 1]
        run *= kept[k]
        run += renewed[k]
    begun = np.tri(n, dtype=bool)
    gain = np.where(begun, 1 - noise[:, None] / seen, 0.0)
    state = np.zeros((3, n, n))
    stays, learnt = lasting[:, None] * (1 - gain), lasting[:, None] * gain * columns[:, :, None]
    for k in range(n - 1):
        run = state[:, k + 1, : k + 1]
        np.multiply(state[:, k, : k + 1], stays[k, : k + 1], out=run)
        run += learnt[:, k, : k + 1]
    sd = np.sqrt(seen)
    left = (columns[:, :, None] - state) / sd
    return np.where(begun, np.concatenate([left, np.log(sd)[None]]), 0.0)
