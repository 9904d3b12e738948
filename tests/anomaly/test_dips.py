"""Dips: what is usual for a population explains nothing, what is rare does."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hand_made import NORMS, path
from scipy.stats import poisson

from lensfree.anomaly.condensed import condense
from lensfree.anomaly.dips import LEAST_RATE_PER_H, Dips, learn_dip_rate, unusual
from lensfree.simulate.measurement import SeriesNoise
from lensfree.simulate.series import simulate_series


def with_dips(time_h, dry_mass_pg):
    is_low = ((time_h > 15.1) & (time_h < 15.6)) | ((time_h > 21.1) & (time_h < 21.3))
    return dry_mass_pg * np.where(is_low, 0.3, 1.0)


@pytest.mark.parametrize("rate_per_h", [1e-6, 1e-3, 0.05])
def test_dips_speak_for_an_error_by_how_rare_they_are(rate_per_h):
    rows = path(40.0, noise=0.05, seed=2, changed=with_dips)
    history = condense(rows, replace(NORMS, dip_rate_per_h=rate_per_h))
    assert len(history.dips_h) == 2
    assert history.dips_gain == pytest.approx(-np.log(poisson.sf(1, 40 * rate_per_h)))


def test_a_doubtful_dip_is_not_surer_for_being_rare():
    def shallow(time_h, dry_mass_pg):
        return dry_mass_pg * np.where((time_h > 15.1) & (time_h < 15.3), 0.6, 1.0)

    rows = path(40.0, noise=0.1, seed=2, changed=shallow)
    assert condense(rows, replace(NORMS, dip_rate_per_h=1e-12)).dips_gain < 15


def test_dips_beyond_all_probability_count_for_what_they_are():
    gain = np.full(400, 5.0)
    dips = Dips(np.arange(400), np.arange(400), np.full(400, 0.5), gain, np.full(800, 0.1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert unusual(dips, 40.0, 1e-6) == gain.sum()
        assert unusual(replace(dips, gain=np.zeros(400)), 40.0, 1e-6) == 0.0


def rate(dips_per_h: float, abnormal: float = 0.0) -> float:
    noise = SeriesNoise(dips_per_h=dips_per_h)
    series = simulate_series(150, (300, 432), np.random.default_rng(4), abnormal, noise=noise)[0]
    return learn_dip_rate(series, 0.09, 0.24)


def test_the_rate_is_learnt():
    # A shallow or cut dip is missed, and as many as a twentieth may be errors.
    assert 0.5 * 0.03 < rate(0.03) < 0.03


@pytest.mark.parametrize("abnormal", [0.0, 0.3])
def test_where_they_are_rare_none_is_usual(abnormal):
    assert rate(0.0, abnormal) == LEAST_RATE_PER_H


def test_hardly_any_points_tell_nothing():
    assert learn_dip_rate(path(20.0).iloc[:1], 0.05, 0.0) == LEAST_RATE_PER_H
    assert learn_dip_rate(path(20.0).iloc[:0], 0.05, 0.0) == LEAST_RATE_PER_H
