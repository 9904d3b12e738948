"""Errors of simulated dry mass: noise, ups and downs that last for hours, outlines cut short."""

from __future__ import annotations

import numpy as np
import pytest

from lensfree.simulate.measurement import SeriesNoise, measure

INTERVAL_H = 1 / 6
SILENT = SeriesNoise(sd_pg=(0.0, 0.0), relative=0.0)


def drawn(noise: SeriesNoise, n: int = 60, points: int = 432) -> np.ndarray:
    rng = np.random.default_rng(3)
    return np.array([measure(rng, noise, np.full(points, 200.0), INTERVAL_H) for _ in range(n)])


def test_without_errors_dry_mass_is_as_it_is():
    assert (drawn(SILENT) == 200).all()


def test_noise_has_its_sd_and_correlation():
    error = drawn(SeriesNoise(sd_pg=(10.0, 10.0), relative=0.04)) - 200
    assert error.std() == pytest.approx(np.hypot(10, 8), rel=0.03)
    assert np.corrcoef(error[:, 1:].ravel(), error[:, :-1].ravel())[0, 1] == pytest.approx(0.5, abs=0.03)


def test_ups_and_downs_have_their_spread_and_memory():
    noise = SeriesNoise((0.0, 0.0), 0.0, wander=0.1, wander_h=3.0, wander_variety=0.0)
    ln = np.log(drawn(noise) / 200)
    assert ln.std() == pytest.approx(0.1, rel=0.1)
    lag = round(3.0 / INTERVAL_H)
    assert np.corrcoef(ln[:, lag:].ravel(), ln[:, :-lag].ravel())[0, 1] == pytest.approx(np.exp(-1), abs=0.08)


def test_series_differ_in_their_ups_and_downs():
    noise = SeriesNoise((0.0, 0.0), 0.0, wander=0.1, wander_h=0.3, wander_variety=0.5)
    spread = np.log(drawn(noise) / 200).std(axis=1)
    assert np.log(spread).std() == pytest.approx(0.5, rel=0.3)


def test_dips_come_as_often_as_asked():
    noise = SeriesNoise((0.0, 0.0), 0.0, dips_per_h=0.02)
    is_low = drawn(noise) < 150
    begins = is_low & ~np.pad(is_low, ((0, 0), (1, 0)))[:, :-1]
    # Poisson: 60 x 72 h x 0.02 = 86, sd 9.
    assert 60 < begins.sum() < 114


def test_what_is_not_asked_for_draws_nothing():
    plain, other = np.random.default_rng(1), np.random.default_rng(1)
    measure(plain, SeriesNoise(), np.full(50, 200.0), INTERVAL_H)
    measure(other, SeriesNoise(wander_h=9.0, wander_variety=3.0), np.full(50, 200.0), INTERVAL_H)
    assert plain.random() == other.random()
