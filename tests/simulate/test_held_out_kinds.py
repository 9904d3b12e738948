"""Kinds that are held out from tuning do what their name says, and are drawn only on demand."""

import numpy as np
import pytest

from lensfree.simulate.held_out import (
    DRIFT_H,
    DRIFT_SHARE,
    DRIFT_STAYS_H,
    EARLY_ADDED,
    HELD_OUT_KINDS,
    PAUSE_H,
    draw_held_out,
    drift_focus,
)
from lensfree.simulate.lives import Culture
from lensfree.simulate.measurement import SeriesNoise
from lensfree.simulate.series import KINDS, simulate_series

SILENT = SeriesNoise(sd_pg=(0.0, 0.0), relative=0.0)
UNIFORM = Culture(cycle_cv=0.0, founder_cv=0.0, asymmetry_sd=0.0)
POINT_H = 1 / 6


def draw(kind, n=40, seed=1, points=432, culture=None):
    drawn = simulate_series(
        n, (points, points), np.random.default_rng(seed), 1.0, culture=culture, noise=SILENT, kinds=(kind,)
    )
    for row in drawn[1].itertuples():
        yield drawn[0][drawn[0]["series_id"] == row.series_id], row.onset_h


def test_they_are_apart_from_the_kinds_that_training_and_tuning_see():
    assert not set(HELD_OUT_KINDS) & set(KINDS)
    _, labels = simulate_series(300, (200, 300), np.random.default_rng(0), 1.0)
    assert not set(labels["kind"]) & set(HELD_OUT_KINDS)


def test_all_three_are_drawn_where_they_are_asked_for_with_onsets_inside_the_series():
    series, labels = simulate_series(90, (180, 432), np.random.default_rng(1), 1.0, kinds=HELD_OUT_KINDS)
    assert set(labels["kind"]) == set(HELD_OUT_KINDS) and labels["is_abnormal"].all()
    end_h = series.groupby("series_id")["time_h"].max().to_numpy()
    assert (labels["onset_h"] >= 0.1 * end_h).all() and (labels["onset_h"] <= 0.8 * end_h).all()
    assert np.isfinite(series["dry_mass_pg"]).all()


def test_in_a_pause_nothing_grows_or_divides_and_growth_goes_on_after_it():
    stood_h = []
    for rows, onset_h in draw("pause"):
        time_h, dry_mass_pg = rows["time_h"].to_numpy(), rows["dry_mass_pg"].to_numpy()
        still = np.abs(np.diff(dry_mass_pg)) < 1e-9
        inside = (time_h[:-1] >= onset_h) & (time_h[1:] <= onset_h + PAUSE_H[0])
        assert still[inside].all()
        assert rows.loc[rows["time_h"].between(onset_h, onset_h + PAUSE_H[0]), "cell_id"].nunique() == 1
        if onset_h + PAUSE_H[1] < time_h[-1] - 1:
            stood_h.append(still.sum() * POINT_H)
            outside = (time_h[1:] < onset_h) | (time_h[:-1] > onset_h + PAUSE_H[1])
            assert not still[outside].any()
    assert len(stood_h) > 20
    assert PAUSE_H[0] - 2 * POINT_H <= min(stood_h) < max(stood_h) <= PAUSE_H[1]
    assert np.ptp(stood_h) > 3


@pytest.mark.parametrize("linear_fraction", [0.0, 1.0])
def test_two_divisions_in_a_row_come_after_six_tenths_of_the_usual_growth(linear_fraction):
    culture = Culture(cycle_cv=0.0, founder_cv=0.0, asymmetry_sd=0.0, linear_fraction=linear_fraction)
    early, usual = [], []
    for rows, onset_h in draw("early_division", culture=culture):
        cells = [cell.sort_values("time_h") for _, cell in rows.groupby("cell_id", sort=True)]
        ends = [cell["time_h"].iloc[-1] for cell in cells]
        at = int(np.argmin(np.abs(np.array(ends) - onset_h)))
        assert abs(ends[at] - onset_h) <= POINT_H
        # The last cell does not divide within the series.
        assert at + 2 < len(cells)
        for index, cell in enumerate(cells[:-1]):
            # The founder is born before the series begins, with the culture's birth dry mass.
            birth_pg = 133.0 if index == 0 else cell["dry_mass_pg"].iloc[0]
            added = (cell["dry_mass_pg"].iloc[-1] - birth_pg) / 133.0
            (early if index in (at, at + 1) else usual).append(added)
    unseen = 4 * np.log(2) / culture.cycle_h * POINT_H
    assert len(early) == 80 and len(usual) > 20
    assert EARLY_ADDED[0] - 2 * unseen <= min(early) < max(early) <= EARLY_ADDED[1]
    assert 1 - 2 * unseen <= min(usual) <= max(usual) <= 1 + 1e-9


def test_focus_drifts_away_stays_and_comes_back():
    rng, signs = np.random.default_rng(2), []
    time_h = np.arange(0, 400) * POINT_H
    for _ in range(60):
        gain, onset_h = drift_focus(rng, time_h)
        off = gain - 1
        farthest = off[np.argmax(np.abs(off))]
        signs.append(np.sign(farthest))
        assert (off[time_h <= onset_h] == 0).all()
        if onset_h + 2 * DRIFT_H[1] + DRIFT_STAYS_H[1] < time_h[-1]:
            assert DRIFT_SHARE[0] <= abs(farthest) <= DRIFT_SHARE[1]
            stays_h = (np.abs(off - farthest) < 1e-12).sum() * POINT_H
            assert DRIFT_STAYS_H[0] - POINT_H <= stays_h <= DRIFT_STAYS_H[1] + POINT_H
            rises_h = ((off != 0) & (np.abs(off - farthest) > 1e-12)).sum() * POINT_H
            assert 2 * DRIFT_H[0] - 2 * POINT_H <= rises_h <= 2 * DRIFT_H[1]
            assert off[-1] == 0
            assert np.abs(np.diff(off)).max() <= DRIFT_SHARE[1] / DRIFT_H[0] * POINT_H + 1e-12
    assert {-1.0, 1.0} == set(signs)


def test_a_focus_drift_is_a_gain_on_what_is_measured():
    still = Culture(cycle_h=1e9, cycle_cv=0.0, founder_cv=0.0, linear_fraction=1.0)
    for rows, onset_h in draw("focus_drift", n=6, culture=still):
        gain = rows["dry_mass_pg"].to_numpy() / rows["dry_mass_pg"].iloc[0]
        np.testing.assert_allclose(gain[rows["time_h"] <= onset_h], 1, rtol=1e-6)
        assert DRIFT_SHARE[0] - 1e-6 <= np.abs(gain - 1).max() <= DRIFT_SHARE[1] + 1e-6


def test_early_divisions_that_do_not_fit_are_an_error():
    with pytest.raises(RuntimeError, match="no series of 0.3 h with early_division twice .* longer series"):
        simulate_series(1, (3, 3), np.random.default_rng(0), 1.0, kinds=("early_division",))


def test_another_kind_is_no_path_of_its_own():
    with pytest.raises(ValueError, match="kind='merge' is no path of its own; expected 'pause' or"):
        draw_held_out(np.random.default_rng(0), UNIFORM, np.arange(200) * POINT_H, "merge")
