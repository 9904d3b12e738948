"""Kinds are drawn as often as they should be, and measurement errors do what their name says."""

import numpy as np
import pytest

from lensfree.simulate.anomalies import ACQUISITION, BIOLOGICAL, disturb, draw_fractions, draw_kind

SERIES_PG = np.linspace(150.0, 250.0, 120)
OTHER_PG = np.linspace(90.0, 120.0, 120)


def test_kinds_are_drawn_with_their_shares():
    rng = np.random.default_rng(0)
    drawn = np.array([draw_kind(rng, 0.5) for _ in range(8000)])
    assert (drawn != "").mean() == pytest.approx(0.5, abs=0.02)
    for kind, share in BIOLOGICAL.items():
        assert (drawn[drawn != ""] == kind).mean() == pytest.approx(share, abs=0.02)
    assert sum(BIOLOGICAL.values()) == pytest.approx(1.0)


def test_no_cell_goes_wrong_where_none_should():
    assert {draw_kind(np.random.default_rng(seed), 0.0) for seed in range(50)} == {""}


@pytest.mark.parametrize("kind", ["", "asymmetric_division", "three_way_division"])
def test_shares_of_daughters_sum_to_one(kind):
    for seed in range(50):
        shares = draw_fractions(np.random.default_rng(seed), kind, 0.03)
        assert shares.sum() == pytest.approx(1.0) and (shares > 0.15).all()


@pytest.mark.parametrize("kind", ACQUISITION)
def test_an_error_starts_at_its_onset_and_leaves_the_input_alone(kind):
    before = SERIES_PG.copy()
    out = disturb(SERIES_PG, kind, 50, np.random.default_rng(1), OTHER_PG)
    np.testing.assert_array_equal(SERIES_PG, before)
    np.testing.assert_array_equal(out[:50], SERIES_PG[:50])
    assert abs(out[50] / SERIES_PG[50] - 1) > 0.2


def test_each_error_has_its_form():
    def ratio(kind):
        return disturb(SERIES_PG, kind, 50, np.random.default_rng(2), OTHER_PG) / SERIES_PG

    assert 0.0 < (ratio("dropout") < 0.6).mean() < 0.2
    np.testing.assert_allclose(ratio("swap")[50:] * SERIES_PG[50:], OTHER_PG[50:])
    jump = ratio("jump")[50:]
    assert np.ptp(jump) < 1e-12 and abs(jump[0] - 1) > 0.2
    wrong = np.abs(ratio("segmentation") - 1) > 0.2
    assert 12 <= wrong.sum() <= 60 and np.diff(np.flatnonzero(wrong)).max() == 1


def test_an_unknown_error_is_refused():
    with pytest.raises(ValueError, match="kind='smudge' is no acquisition error; expected one of"):
        disturb(SERIES_PG, "smudge", 5, np.random.default_rng(0), OTHER_PG)
