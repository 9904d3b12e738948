"""Lives that go wrong from their beginning: which of them, and how much speaks for it."""

from __future__ import annotations

import numpy as np
import pytest
from hand_made import NORMS, RATE_PER_H, path

from lensfree.anomaly.condensed import condense
from lensfree.anomaly.expectation import expect
from lensfree.anomaly.kinds import log_lives
from lensfree.anomaly.life_kinds import other_growth, uneven_divisions


def parts(rows):
    history = condense(rows, NORMS)
    expected = expect(history, NORMS)
    return expected, log_lives(history, expected)


def gain_at(candidates, kind, onset_h):
    gains = [
        candidate.gain[np.abs(candidate.onset_h - onset_h) < 0.2]
        for candidate in candidates
        if candidate.kind == kind
    ]
    return float(np.logaddexp.reduce(np.concatenate(gains)))


@pytest.mark.parametrize("share", [0.28, 0.33, 0.72])
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_an_uneven_division_is_told_from_the_even_ones(share, noise):
    def uneven(time_h, dry_mass_pg):
        # Until she divides at 48 h she grows towards what others weigh then.
        excess = np.log(2 * share) * np.clip((48 - time_h) / 20, 0, 1)
        return dry_mass_pg * np.exp(np.where(time_h >= 28, excess, 0))

    expected, lives = parts(path(60.0, changed=uneven, noise=noise, seed=3))
    found = uneven_divisions(expected, lives)
    assert gain_at(found, "abnormal_division", 28.0) > lives.sum() + 5
    assert gain_at(found, "abnormal_division", 8.0) < gain_at(found, "abnormal_division", 28.0) - 3
    assert gain_at(found, "abnormal_division", 48.0) < gain_at(found, "abnormal_division", 28.0) - 3


def test_uneven_divisions_in_a_row_begin_with_the_first():
    def uneven(time_h, dry_mass_pg):
        return dry_mass_pg * np.select([time_h >= 48, time_h >= 28], [1.45 * 0.6, 0.6], 1.0)

    expected, lives = parts(path(68.0, changed=uneven, noise=0.08, seed=3))
    found = uneven_divisions(expected, lives)
    assert gain_at(found, "abnormal_division", 28.0) > gain_at(found, "abnormal_division", 48.0) + 5


def test_even_divisions_gain_nothing():
    expected, lives = parts(path(60.0, noise=0.08, seed=3))
    found = uneven_divisions(expected, lives)
    assert all(candidate.gain[0] < lives.sum() for candidate in found)
    assert uneven_divisions(*parts(path(15.0, births_h=()))) == []


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_slow_cell_is_slow_from_its_birth(noise):
    def slow(time_h, dry_mass_pg):
        return np.where(time_h >= 28, 130 * np.exp(0.4 * RATE_PER_H * (time_h - 28)), dry_mass_pg)

    expected, lives = parts(path(68.0, births_h=(8.0, 28.0), changed=slow, noise=noise, seed=3))
    found = other_growth(expected, lives)
    assert gain_at(found, "slow_growth", 28.0) > lives.sum() + 10
    assert gain_at(found, "slow_growth", 8.0) < lives.sum()
    assert gain_at(found, "fast_growth", 28.0) < lives.sum()


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_fast_cell_divides_early(noise):
    births_h = (8.0, 28.0, 38.0, 58.0)
    begun_h = np.array([-12.0, *births_h])
    rate = RATE_PER_H * np.array([1.0, 1.0, 2.0, 1.0, 1.0])

    def fast(time_h, dry_mass_pg):
        life = np.searchsorted(births_h, time_h + 1e-9, side="right")
        return 130 * np.exp(rate[life] * (time_h - begun_h[life]))

    expected, lives = parts(path(66.0, births_h=births_h, changed=fast, noise=noise, seed=3))
    found = other_growth(expected, lives)
    assert gain_at(found, "fast_growth", 28.0) > lives.sum() + 6
    assert gain_at(found, "fast_growth", 38.0) < lives.sum()
    assert gain_at(found, "slow_growth", 28.0) < lives.sum()


def test_a_long_life_at_the_usual_rate_is_hardly_slow():
    expected, lives = parts(path(40.0, births_h=(8.0,), noise=0.05))
    # The length of the life alone would gain more than 4.
    assert gain_at(other_growth(expected, lives), "slow_growth", 8.0) < lives.sum() + 1
