"""The normal path: its probabilities are those of a joint normal distribution, written out here."""

from __future__ import annotations

import numpy as np
import pytest
from hand_made import NORMS, path
from scipy.stats import multivariate_normal

from lensfree.anomaly.condensed import condense
from lensfree.anomaly.expectation import BULGE, BULGE_SPREAD, expect, gain_of_size

ROWS = path(25.0, births_h=(9.0,), noise=0.08, seed=3)


def joint(history, norms):
    """Return mean and covariance of a mother and a daughter, with the row of the birth first of hers."""
    birth_h = history.birth_h[1]
    is_daughter = history.life == 1
    split = int(np.argmax(is_daughter))
    time_h = np.insert(history.time_h, split, birth_h)
    daughter = np.insert(is_daughter, split, True)
    old_h, new_h = np.minimum(time_h, birth_h), np.maximum(time_h - birth_h, 0)
    cycle_h = norms.cycle_h
    old_phase = 1 - (birth_h - old_h) / cycle_h
    new_phase = new_h / max(cycle_h, history.end_h - birth_h)
    bulges = [
        np.where(daughter, 0, 4 * old_phase * (1 - old_phase)),
        np.where(daughter, 4 * new_phase * (1 - new_phase), 0),
    ]
    columns = np.column_stack([np.ones(len(time_h)), daughter, old_h, new_h, *bulges])
    rate, rate_sd = norms.growth_rate_per_h, norms.growth_rate_sd_per_h
    centre = [np.log(norms.dry_mass_pg), np.log(norms.division_ratio), rate, rate, BULGE, BULGE]
    spread = [norms.dry_mass_spread, norms.division_spread, rate_sd, rate_sd, BULGE_SPREAD, BULGE_SPREAD]
    noise = np.insert(history.sd, split, norms.birth_spread)
    measured = np.insert(history.ln, split, np.log(norms.birth_dry_mass_pg))
    covariance = (columns * np.square(spread)) @ columns.T + np.diag(noise**2)
    return measured, columns @ centre, covariance, split


def test_the_probability_is_that_of_the_joint_distribution():
    history = condense(ROWS, NORMS)
    measured, mean, covariance, split = joint(history, NORMS)
    whole = multivariate_normal(mean, covariance).logpdf(measured)
    birth = multivariate_normal(mean[split], covariance[split, split]).logpdf(measured[split])
    assert expect(history, NORMS).log_probability_before()[-1] == pytest.approx(whole - birth)


@pytest.mark.parametrize("bins", [1, 7, 17, 30])
def test_the_probability_before_a_bin_is_that_of_the_shorter_history(bins):
    history = condense(ROWS, NORMS)
    measured, mean, covariance, split = joint(history, NORMS)
    rows = bins + (bins > split)
    short = multivariate_normal(mean[:rows], covariance[:rows, :rows]).logpdf(measured[:rows])
    if bins > split:
        short -= multivariate_normal(mean[split], covariance[split, split]).logpdf(measured[split])
    assert expect(history, NORMS).log_probability_before()[bins] == pytest.approx(short)


def test_nothing_has_happened_before_the_first_bin():
    assert expect(condense(ROWS, NORMS), NORMS).log_probability_before()[0] == 0


@pytest.mark.parametrize("touches_birth", [False, True])
@pytest.mark.parametrize("has_given", [False, True])
def test_a_gain_is_a_ratio_of_two_joint_distributions(touches_birth, has_given):
    history = condense(ROWS, NORMS)
    measured, mean, covariance, split = joint(history, NORMS)
    shape = (np.arange(len(mean)) >= 12).astype(float)
    given = 0.01 * np.arange(len(mean)) if has_given else np.zeros(len(mean))
    if not touches_birth:
        shape[split] = given[split] = 0.0

    def log_probability(size, sd):
        moved = mean + size * shape + given * (sd > 0)
        spread = covariance + sd**2 * np.outer(shape, shape)
        whole = multivariate_normal(moved, spread).logpdf(measured)
        return whole - multivariate_normal(moved[split], spread[split, split]).logpdf(measured[split])

    expected = log_probability(0.4, 0.15) - log_probability(0.0, 0.0)
    got = expect(history, NORMS).gain(shape[:, None], 0.4, 0.15, given[:, None] if has_given else None)
    assert got == pytest.approx([expected])


def test_several_deviations_gain_as_one_after_the_other():
    history = condense(ROWS, NORMS)
    measured, mean, covariance, split = joint(history, NORMS)
    shapes = np.column_stack([np.arange(len(mean)) >= 12, 0.1 * np.arange(len(mean)) ** 1.5]).astype(float)
    sizes, sd = np.array([0.3, -0.1]), np.array([0.2, 0.05])

    def log_probability(moved, spread):
        whole = multivariate_normal(moved, spread).logpdf(measured)
        return whole - multivariate_normal(moved[split], spread[split, split]).logpdf(measured[split])

    wide = covariance + (shapes * sd**2) @ shapes.T
    usual = log_probability(mean, covariance)
    expected = [log_probability(mean + shapes @ signed, wide) - usual for signed in (sizes, -sizes)]
    both = np.column_stack([sizes, -sizes])
    assert expect(history, NORMS).gain_together(shapes, both, sd) == pytest.approx(expected)


def test_one_deviation_gains_the_same_in_both_ways():
    expected = expect(condense(ROWS, NORMS), NORMS)
    shape = (expected.row_h >= 14).astype(float)[:, None]
    together = expected.gain_together(shape, np.array([[0.4]]), np.array([0.2]))
    assert expected.gain(shape, 0.4, 0.2) == pytest.approx(together)


def test_the_precision_gives_the_gain_of_any_stretch():
    expected = expect(condense(ROWS, NORMS), NORMS)
    precision, pull = expected.precision()
    shape = np.zeros((len(expected.row_h), 1))
    shape[expected.rows_of_bins[9:15]] = 1.0
    got = gain_of_size(precision[9:15, 9:15].sum(), pull[9:15].sum(), 0.5, 0.2)
    assert [got] == pytest.approx(expected.gain(shape, 0.5, 0.2))


def test_a_normal_path_is_expected_and_a_wrong_one_is_not():
    wrong = path(25.0, births_h=(9.0,), noise=0.08, seed=3, changed=lambda t, m: m * np.where(t > 14, 1.5, 1))
    fair = expect(condense(ROWS, NORMS), NORMS)
    far = expect(condense(wrong, NORMS), NORMS)
    assert (fair.white**2).mean() == pytest.approx(1, abs=0.4)
    assert far.log_probability_before()[-1] < fair.log_probability_before()[-1] - 20


def test_a_cell_of_which_all_points_are_filled_keeps_its_birth():
    rows = path(60.0, births_h=(10.0, 30.0, 50.0))
    hidden = rows.assign(is_filled=rows["time_h"].between(30, 49.99))
    expected = expect(condense(hidden, NORMS), NORMS)
    assert expected.is_birth.sum() == 3
    assert np.isfinite(expected.log_probability_before()).all()
