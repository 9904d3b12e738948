"""The band of a normal cell: a joint normal distribution, written out, and where normal cells lie."""

from __future__ import annotations

import numpy as np
import pytest
from hand_made import NORMS, path

from lensfree.anomaly.condensed import condense
from lensfree.anomaly.expectation import expect
from lensfree.anomaly.foreseen import WIDTH_SD, foreseen

ROWS = path(25.0, births_h=(9.0,), noise=0.08, seed=3)


def test_with_nothing_measured_it_is_what_the_norms_say_of_a_path_without_divisions():
    rows = path(14.0, births_h=(), noise=0.02, seed=1)
    band = foreseen(rows, NORMS)
    history = condense(rows, NORMS)
    assert band["time_h"].tolist() == pytest.approx(history.time_h.tolist())
    assert band["middle_pg"].iloc[0] == pytest.approx(NORMS.dry_mass_pg, rel=0.05)
    half = np.log(band["high_pg"] / band["low_pg"]).iloc[0] / 2
    noise = history.sd[0]
    assert half == pytest.approx(WIDTH_SD * np.hypot(NORMS.dry_mass_spread, noise), rel=0.02)


def test_the_band_is_the_conditional_distribution():
    """The same from the inverse of the covariance: its block of the unknown, and that with the rest."""
    from_h = 15.0
    band = foreseen(ROWS, NORMS, from_h)
    history = condense(ROWS, NORMS)
    expected = expect(history, NORMS)
    precision = expected.whitener.T @ expected.whitener
    deviation = np.linalg.solve(expected.whitener, expected.white)
    asked = expected.rows_of_bins[history.time_h >= from_h]
    known = np.setdiff1d(np.arange(len(deviation)), asked)
    variance = np.linalg.inv(precision[np.ix_(asked, asked)])
    mean = -variance @ precision[np.ix_(asked, known)] @ deviation[known]
    middle = history.ln[history.time_h >= from_h] - deviation[asked] + mean
    np.testing.assert_allclose(np.log(band["middle_pg"]), middle, atol=1e-8)
    reach = np.log(band["high_pg"] / band["middle_pg"])
    np.testing.assert_allclose(reach, WIDTH_SD * np.sqrt(np.diag(variance)), rtol=1e-6)
    np.testing.assert_allclose(np.log(band["middle_pg"] / band["low_pg"]), reach, rtol=1e-9)


def test_what_was_measured_narrows_it_and_it_opens_with_time():
    late = foreseen(ROWS, NORMS, 15.0)
    early = foreseen(ROWS, NORMS)
    width = np.log(late["high_pg"] / late["low_pg"]).to_numpy()
    before = np.log(early["high_pg"] / early["low_pg"]).to_numpy()[-len(width) :]
    assert (width < 0.8 * before).all()
    assert width[-1] > 1.2 * width[0]


def test_a_normal_cell_stays_in_it_and_a_cell_that_loses_half_leaves_it():
    def halved(time_h, dry_mass_pg):
        return np.where(time_h < 15.0, dry_mass_pg, dry_mass_pg / 2)

    for changed, is_in in ((None, True), (halved, False)):
        rows = path(25.0, births_h=(9.0,), noise=0.04, seed=4, changed=changed)
        band = foreseen(rows, NORMS, 15.0)
        measured_pg = np.interp(band["time_h"], rows["time_h"], rows["dry_mass_pg"])
        inside = ((measured_pg > band["low_pg"]) & (measured_pg < band["high_pg"])).mean()
        assert (inside > 0.9) == is_in and (inside < 0.1) != is_in


def test_nothing_measured_afterwards_gives_no_rows():
    band = foreseen(ROWS, NORMS, 99.0)
    assert band.empty and list(band.columns) == ["time_h", "low_pg", "middle_pg", "high_pg"]


def test_a_history_without_its_columns_is_refused():
    with pytest.raises(ValueError, match=r"lacks the columns \['cell_id'\]"):
        foreseen(ROWS.drop(columns="cell_id"), NORMS)
