"""Stretches of histories and how far they are from known ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lensfree.anomaly.density import NEIGHBOUR, Density, View, cut_stretches, fit_density, views
from lensfree.anomaly.windows import cut_windows
from lensfree.config import ScoreConfig

CONFIG = ScoreConfig(input_points=20, target_points=10)
PLAIN = View("plain", 30, False, 5, 0.0, 400, 1, 0.9)
SHORT = View("short", 4, True, 3, 0.0, 200, 2, 0.98)


@pytest.fixture
def windows(make_population):
    return cut_windows(make_population(1, 12, 0, n_points=41)[0], CONFIG)


def test_the_views_divide_a_window():
    names, points = zip(*((view.name, view.points) for view in views(180)), strict=True)
    assert names == ("window", "third", "tenth") and points == (180, 60, 18)
    assert all(view.points >= 4 for view in views(6))


def test_stretches_are_those_of_the_histories_and_never_cross_them(windows, make_population):
    table = make_population(1, 12, 0, n_points=41)[0]
    stretches = cut_stretches(windows, SHORT, unit=200.0)
    # 12 windows of 30 points cover 41 points: every second of the 38 beginnings.
    assert len(stretches.first) == 12 * 19
    assert np.bincount(stretches.series_id).tolist() == [19] * 12
    rows = stretches.rows(slice(None))
    of_fifth = table.loc[table["series_id"] == 5, "dry_mass_pg"].to_numpy()
    expected = np.stack([of_fifth[i : i + 4] / of_fifth[i : i + 4].mean() for i in range(0, 38, 2)])
    np.testing.assert_allclose(rows[stretches.series_id == 5], expected, rtol=1e-6)


def test_absolute_stretches_are_in_units_of_the_population(windows):
    one, other = (cut_stretches(windows, PLAIN, unit_pg).rows([0, 3]) for unit_pg in (100.0, 200.0))
    np.testing.assert_allclose(one, 2 * other, rtol=1e-6)
    np.testing.assert_allclose(one[0] * 100, np.hstack([windows.inputs, windows.targets_raw])[0], rtol=1e-6)


def by_hand(density: Density, rows: np.ndarray, lineage=None, own=None) -> np.ndarray:
    placed = (rows - density.centre) @ density.axes.T
    distance = np.linalg.norm(placed[:, None] - density.references.astype(np.float32)[None], axis=2)
    if lineage is not None:
        distance[own[:, None] == lineage[None]] = np.inf
    return np.log(np.sort(distance, axis=1)[:, NEIGHBOUR - 1])


def test_the_distance_is_that_to_the_tenth_known_stretch(windows):
    stretches = cut_stretches(windows, PLAIN, unit=300.0)
    density, _ = fit_density(stretches, np.ones(len(stretches.first), bool), np.random.default_rng(1))
    np.testing.assert_allclose(
        density.log_distance(stretches), by_hand(density, stretches.rows(slice(None))), atol=1e-3
    )


def test_a_known_history_is_not_compared_with_its_own_family(windows):
    stretches = cut_stretches(windows, PLAIN, unit=300.0)
    density, lineage = fit_density(stretches, np.ones(len(stretches.first), bool), np.random.default_rng(1))
    apart = density.log_distance(stretches, lineage)
    rows = stretches.rows(slice(None))
    np.testing.assert_allclose(apart, by_hand(density, rows, lineage, stretches.lineage), atol=1e-3)
    assert (apart >= density.log_distance(stretches) - 1e-6).all()
    assert (apart > density.log_distance(stretches) + 0.01).mean() > 0.5


def test_what_is_not_known_is_not_kept(windows):
    stretches = cut_stretches(windows, PLAIN, unit=300.0)
    is_known = stretches.series_id < 4
    _, lineage = fit_density(stretches, is_known, np.random.default_rng(1))
    assert len(lineage) == is_known.sum() and set(lineage) == set(stretches.lineage[is_known])


def test_references_are_a_sample_that_a_seed_decides(windows):
    stretches = cut_stretches(windows, replace(PLAIN, references=20), unit=300.0)
    everything = np.ones(len(stretches.first), bool)
    one, other, third = (fit_density(stretches, everything, np.random.default_rng(i))[0] for i in (1, 1, 2))
    assert one.references.shape == (20, 5)
    np.testing.assert_array_equal(one.references, other.references)
    assert not np.array_equal(one.references, third.references)


def test_a_strange_course_is_far_from_all(windows, make_history):
    stretches = cut_stretches(windows, PLAIN, unit=300.0)
    density, _ = fit_density(stretches, np.ones(len(stretches.first), bool), np.random.default_rng(1))
    strange = cut_windows(make_history(0, np.r_[np.full(16, 400.0), np.full(15, 900.0)]), CONFIG)
    far = density.log_distance(cut_stretches(strange, PLAIN, unit=300.0))
    assert far.min() > density.log_distance(stretches).max() + 0.5


def test_evening_makes_small_components_count(windows):
    stretches = cut_stretches(windows, PLAIN, unit=300.0)
    everything = np.ones(len(stretches.first), bool)
    spreads = []
    for evening in (0.0, 1.0):
        view = replace(PLAIN, evening=evening)
        density, _ = fit_density(replace(stretches, view=view), everything, np.random.default_rng(1))
        spread = density.references.astype(float).std(axis=0)
        spreads.append(spread.max() / spread.min())
    assert spreads[0] > 3 and spreads[1] == pytest.approx(1, abs=0.2)


def test_a_density_survives_a_file_of_arrays(windows):
    stretches = cut_stretches(windows, SHORT, unit=300.0)
    density, _ = fit_density(stretches, np.ones(len(stretches.first), bool), np.random.default_rng(1))
    again = Density.from_arrays(SHORT, density.arrays())
    np.testing.assert_array_equal(again.log_distance(stretches), density.log_distance(stretches))
    with pytest.raises(KeyError, match="plain.centre"):
        Density.from_arrays(PLAIN, density.arrays())


def test_too_few_stretches_are_refused(windows):
    stretches = cut_stretches(windows, PLAIN, unit=300.0)
    with pytest.raises(
        ValueError, match="got 10 stretches of 30 points to learn from, expected more than 10"
    ):
        fit_density(stretches, np.arange(len(stretches.first)) < 10, np.random.default_rng(1))


def test_no_history_has_no_stretches(make_history):
    none = cut_windows(make_history(0, np.ones(7)), CONFIG)
    assert len(cut_stretches(none, SHORT, 1.0).first) == 0
    assert isinstance(pd.Series(cut_stretches(none, SHORT, 1.0).series_id).tolist(), list)
