"""Condensed histories: bins keep to one cell, noise is measured, dips and filled points are left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hand_made import NORMS, path

from lensfree.anomaly.condensed import condense


def test_a_bin_belongs_to_one_cell_and_holds_half_an_hour():
    rows = path(40.0, births_h=(8.25, 28.1))
    history = condense(rows, NORMS)
    assert history.bin_h == 0.5
    assert np.diff(history.start_h[history.life == 1]) == pytest.approx(0.5)
    cells = rows.groupby("cell_id")["time_h"]
    assert history.birth_h == pytest.approx(cells.min().to_numpy())
    for life, (first_h, last_h) in enumerate(zip(cells.min(), cells.max(), strict=True)):
        mine = history.life == life
        assert (history.time_h[mine] >= first_h).all() and (history.time_h[mine] <= last_h).all()
    assert history.end_h == pytest.approx(40.0)


def test_a_bin_is_the_mean_of_its_points():
    rows = path(3.0, births_h=())
    history = condense(rows, NORMS)
    groups = rows["dry_mass_pg"].to_numpy().reshape(-1, 3)
    assert np.exp(history.ln) == pytest.approx(groups.mean(axis=1))
    assert history.time_h == pytest.approx(rows["time_h"].to_numpy().reshape(-1, 3).mean(axis=1))


def test_long_histories_get_longer_bins():
    history = condense(path(240.0, births_h=tuple(8 + 20 * np.arange(12.0))), NORMS)
    assert history.bin_h == pytest.approx(2.0)
    assert len(history.ln) <= 120 + 13


def test_coarse_grids_get_bins_of_a_point():
    rows = path(60.0, interval_h=1.0)
    assert condense(rows, NORMS).ln == pytest.approx(np.log(rows["dry_mass_pg"].to_numpy()))


@pytest.mark.parametrize("noise", [0.05, 0.12])
def test_the_noise_is_that_of_the_history(noise):
    history = condense(path(70.0, noise=noise, seed=4), NORMS)
    # Three independent points in a bin, and what normal growth may deviate by.
    expected = np.hypot(noise / 3**0.5, 0.02)
    assert np.median(history.sd) == pytest.approx(expected, rel=0.12)


def test_bins_of_noise_with_memory_are_less_certain():
    rows = path(70.0, noise=0.1, seed=4)
    plain, lasting = condense(rows, NORMS), condense(rows, replace(NORMS, noise_memory_h=0.25))
    assert (lasting.sd > 1.4 * plain.sd).all()


def test_a_history_without_noise_is_not_believed_to_be_exact():
    assert (condense(path(40.0), NORMS).sd > 0.02).all()


def test_dips_are_taken_out_and_told():
    def dip(time_h, dry_mass_pg):
        is_low = ((time_h > 15.1) & (time_h < 15.6)) | ((time_h > 21.1) & (time_h < 21.3))
        return dry_mass_pg * np.where(is_low, 0.3, 1.0)

    rows, spoiled = path(40.0, noise=0.05, seed=2), path(40.0, noise=0.05, seed=2, changed=dip)
    history = condense(spoiled, NORMS)
    assert history.dips_h == pytest.approx([15 + 1 / 6, 21 + 1 / 6])
    assert history.dips_depth == pytest.approx([0.3, 0.3], abs=0.04)
    assert history.dips_gain > 20
    clean = condense(rows, NORMS)
    assert len(clean.dips_h) == 0 and clean.dips_gain == 0
    # What is left of the bins with dips is near what it would have been without.
    assert np.abs(np.interp(history.time_h, clean.time_h, clean.ln) - history.ln).max() < 0.1


def test_neither_a_division_nor_a_long_loss_is_a_dip():
    assert len(condense(path(60.0, noise=0.1, seed=9), NORMS).dips_h) == 0
    lost = path(40.0, changed=lambda t, m: m * np.where((t > 15) & (t < 17), 0.4, 1.0))
    assert len(condense(lost, NORMS).dips_h) == 0


def test_filled_points_are_not_there():
    rows = path(40.0, noise=0.05)
    is_filled = rows["time_h"].between(12, 14).to_numpy()
    nonsense = rows.assign(is_filled=is_filled, dry_mass_pg=rows["dry_mass_pg"].where(~is_filled, np.nan))
    history = condense(nonsense, NORMS)
    assert not ((history.time_h >= 12) & (history.time_h <= 14)).any()
    assert history.birth_h == pytest.approx(condense(rows, NORMS).birth_h)


def test_the_order_of_rows_does_not_matter():
    rows = path(40.0, noise=0.05)
    mixed = condense(rows.sample(frac=1, random_state=1), NORMS)
    assert mixed.ln == pytest.approx(condense(rows, NORMS).ln)


@pytest.mark.parametrize("points", [0, 1, 2, 5])
def test_hardly_any_points_are_condensed_all_the_same(points):
    rows = path(40.0).iloc[:points]
    assert len(condense(rows, NORMS).ln) == (points + 2) // 3
    assert len(condense(rows.assign(is_filled=True), NORMS).ln) == 0


def test_running_means_are_taken_over_three_hours():
    history = condense(path(12.0, births_h=(), changed=lambda t, m: np.where(t < 6, 100.0, 200.0)), NORMS)
    running_pg = history.running_pg(0.0)
    assert running_pg[0] == pytest.approx(100) and running_pg[-1] == pytest.approx(200)
    assert history.running_pg(0.0, 6.0) == pytest.approx(100)
    assert len(history.running_pg(11.5)) == 1
    with pytest.raises(ValueError, match="nothing was measured from 12.0 to 13.0 h"):
        history.running_pg(12.0, 13.0)


def test_what_is_no_history_is_refused():
    rows = path(20.0)
    with pytest.raises(ValueError, match=r"lacks the columns \['is_filled'\]"):
        condense(rows.drop(columns="is_filled"), NORMS)
    twice = rows.iloc[np.append(np.arange(len(rows)), [4, 9])]
    with pytest.raises(ValueError, match="2 times occur twice"):
        condense(twice, NORMS)
    with pytest.raises(ValueError, match="1 of 120 dry masses are negative or not finite, the first is nan"):
        condense(rows.assign(dry_mass_pg=rows["dry_mass_pg"].where(rows.index != 5)), NORMS)
