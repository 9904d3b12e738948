"""Another cell with unmarked divisions: what is summed over quickly is summed here one by one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hand_made import NORMS, path
from scipy.integrate import quad
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from lensfree.anomaly.condensed import condense
from lensfree.anomaly.unmarked import (
    log_cycle,
    log_probability_after,
    log_remaining,
    log_survival,
)


def test_cycles_are_a_distribution_and_survival_is_what_is_left_of_it():
    whole = quad(lambda x: np.exp(log_cycle(20 * np.exp(x), NORMS)), -4, 4, points=[0])[0]
    assert whole == pytest.approx(1, abs=1e-6)
    for age_h in (3.0, 18.0, 24.0, 60.0):
        later = quad(lambda x: np.exp(log_cycle(20 * np.exp(x), NORMS)), np.log(age_h / 20), 4, points=[0])[0]
        assert np.exp(log_survival(np.array(age_h), NORMS)) == pytest.approx(later, abs=1e-5)


def test_a_cell_of_any_age_is_not_believed_to_stay_for_two_cycles():
    remaining = log_remaining(np.array([0.0, 10.0, 19.0, 40.0]), NORMS)
    assert (np.diff(remaining) < 0).all()
    assert np.exp(remaining[1]) == pytest.approx(0.5, rel=0.6)
    assert remaining[-1] < np.log(0.02)


def one_cell(history, a, b, level, spread):
    """Return the ln density of bins a..b-1 as a cell with a level at the first one, and a rate."""
    since_h = history.time_h[a:b] - history.start_h[a]
    mean = level + NORMS.growth_rate_per_h * since_h
    covariance = (
        spread**2 + NORMS.growth_rate_sd_per_h**2 * np.outer(since_h, since_h) + np.diag(history.sd[a:b] ** 2)
    )
    return multivariate_normal(mean, covariance).logpdf(history.ln[a:b])


def one_by_one(history, first):
    """Return the same as `log_probability_after`, by going through every set of divisions."""
    n = len(history.ln)
    stop_h = np.append(history.start_h[1:], history.end_h)
    step = np.log(history.bin_h)
    terms = []
    for chosen in range(2 ** (n - first - 1)):
        cuts = [first, *(first + 1 + k for k in range(n - first - 1) if chosen >> k & 1), n]
        total = 0.0
        for number, (a, b) in enumerate(pairwise(cuts)):
            lasts_h = stop_h[b - 1] - history.start_h[a]
            if number == 0:
                total += one_cell(history, a, b, np.log(NORMS.dry_mass_pg), NORMS.dry_mass_spread)
                total += log_remaining(lasts_h, NORMS) + (step - np.log(NORMS.cycle_h) if b < n else 0)
            else:
                total += one_cell(history, a, b, np.log(NORMS.birth_dry_mass_pg), NORMS.birth_spread)
                ends = log_cycle(lasts_h, NORMS) - np.log(lasts_h) + step
                total += ends if b < n else log_survival(lasts_h, NORMS)
        terms.append(total)
    return logsumexp(terms)


@pytest.mark.parametrize("interval_h", [0.5, 4.0])
def test_the_sum_over_all_divisions_is_complete(interval_h):
    rows = path(9 * interval_h, births_h=(5 * interval_h,), interval_h=interval_h, noise=0.1, seed=6)
    history = condense(rows, NORMS)
    got = log_probability_after(history, NORMS)
    # Durations come from a table, which is coarse for the shortest lives.
    assert [got[first] for first in (0, 3, 8)] == pytest.approx(
        [one_by_one(history, first) for first in (0, 3, 8)], abs=0.05
    )
    assert got[-1] == 0 and len(got) == len(history.ln) + 1


def test_a_division_that_no_one_marked_is_found():
    marked = path(40.0, births_h=(18.0,), noise=0.08, seed=2)
    shifted = marked.assign(dry_mass_pg=marked["dry_mass_pg"].sample(frac=1, random_state=1).to_numpy())
    fair = log_probability_after(condense(marked.assign(cell_id=1), NORMS), NORMS)[0]
    assert fair > log_probability_after(condense(shifted.assign(cell_id=1), NORMS), NORMS)[0] + 50
