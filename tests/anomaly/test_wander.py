"""Slow ups and downs: told from noise that is over soon and from growth; what they take from certainty."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hand_made import NORMS, path
from scipy.stats import multivariate_normal

from lensfree.anomaly.condensed import condense
from lensfree.anomaly.expectation import expect
from lensfree.anomaly.reasons import log_odds
from lensfree.anomaly.unmarked import log_probability_after, log_remaining
from lensfree.anomaly.wander import learn_wander
from lensfree.simulate.measurement import SeriesNoise
from lensfree.simulate.series import simulate_series

QUIET = SeriesNoise(sd_pg=(2.0, 6.0), relative=0.01, correlation=0.3)
RESTLESS = replace(QUIET, wander=0.07, wander_h=3.0, wander_variety=0.0)


def learnt(noise: SeriesNoise, abnormal: float = 0.0) -> tuple[float, float]:
    series = simulate_series(120, (300, 432), np.random.default_rng(8), abnormal, noise=noise)[0]
    return learn_wander(series.assign(ln=np.log(series["dry_mass_pg"])))


def test_ups_and_downs_are_measured():
    spread, memory_h = learnt(RESTLESS)
    assert spread == pytest.approx(0.07, rel=0.15)
    assert 1.5 <= memory_h <= 6


def test_noise_and_growth_are_no_ups_and_downs():
    assert learnt(QUIET)[0] < 0.02


def test_abnormal_histories_hardly_count():
    assert learnt(RESTLESS, 0.14)[0] == pytest.approx(learnt(RESTLESS)[0], rel=0.25)


def test_too_few_points_show_none():
    assert learn_wander(path(4.0, births_h=()).assign(ln=5.0))[0] == 0
    assert learn_wander(path(4.0).iloc[:0].assign(ln=5.0))[0] == 0


def test_the_expectation_has_the_covariance_of_each_cell():
    norms = replace(NORMS, wander_spread=0.12, wander_memory_h=4.0)
    history = condense(path(25.0, births_h=(9.0,), noise=0.05, seed=3), norms)
    plain, wandering = (expect(history, one) for one in (replace(norms, wander_spread=0.0), norms))

    def covariance(expected):
        factor = np.linalg.inv(expected.whitener)
        return factor @ factor.T

    added = covariance(wandering) - covariance(plain)
    rows = wandering.rows_of_bins
    apart_h = np.abs(np.subtract.outer(history.time_h, history.time_h))
    same = np.equal.outer(history.life, history.life)
    np.testing.assert_allclose(
        added[np.ix_(rows, rows)], np.where(same, 0.12**2 * np.exp(-apart_h / 4), 0), atol=1e-10
    )
    assert np.abs(added[wandering.is_birth]).max() < 1e-10


def test_another_cell_is_as_probable_as_its_joint_distribution():
    norms = replace(NORMS, wander_spread=0.12, wander_memory_h=4.0, cycle_h=400.0)
    # Cells that hardly ever divide leave one term: a cell that was there and stays.
    history = condense(path(9.0, births_h=(), noise=0.05, seed=5), norms)
    since_h = history.time_h - history.start_h[0]
    apart_h = np.abs(np.subtract.outer(history.time_h, history.time_h))
    covariance = (
        norms.dry_mass_spread**2
        + norms.growth_rate_sd_per_h**2 * np.outer(since_h, since_h)
        + 0.12**2 * np.exp(-apart_h / 4)
        + np.diag(history.sd**2)
    )
    mean = np.log(norms.dry_mass_pg) + norms.growth_rate_per_h * since_h
    stays = multivariate_normal(mean, covariance).logpdf(history.ln)
    undivided = log_remaining(history.end_h - history.start_h[0], norms)
    assert log_probability_after(history, norms)[0] == pytest.approx(stays + undivided, abs=0.02)


def test_normal_cells_that_go_up_and_down_are_not_called_abnormal_with_certainty():
    def odds(norms):
        tables = [rows for _, rows in series.groupby("series_id")]
        return np.median([log_odds(rows, norms) for rows in tables])

    series: pd.DataFrame
    series = simulate_series(30, (300, 432), np.random.default_rng(9), 0.0, noise=RESTLESS)[0]
    norms = replace(NORMS, noise_relative=0.02)
    assert odds(norms) > 10
    assert odds(replace(norms, wander_spread=0.07, wander_memory_h=3.0)) < 1
