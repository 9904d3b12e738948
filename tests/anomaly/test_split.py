"""Splits: no lineage on two sides, no window twice, seeded."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lensfree.anomaly.split import deduplicated, mean_and_sd, split_by_lineage
from lensfree.anomaly.windows import cut_windows
from lensfree.config import ScoreConfig, SeriesConfig
from lensfree.tracks.series import build_series

SMALL = ScoreConfig(input_points=5, target_points=3, smoothing_points=1)


@pytest.fixture
def two_daughters(make_history):
    """A mother of 20 points, measured once, and two daughters of 6 points each: two paths."""
    rng = np.random.default_rng(8)
    mother = rng.normal(400, 20, 20)
    cells = [np.repeat([1, daughter], [20, 6]) for daughter in (2, 3)]
    paths = [np.concatenate([mother, rng.normal(200, 20, 6)]) for _ in cells]
    return pd.concat([make_history(i, path, cell_id=cells[i]) for i, path in enumerate(paths)])


def test_windows_of_the_mother_alone_occur_once(two_daughters):
    windows = cut_windows(two_daughters, SMALL)
    unique = deduplicated(windows)
    n_of_mother, n_with_a_daughter = 20 - 8 + 1, 6
    assert len(windows) == 2 * (n_of_mother + n_with_a_daughter)
    assert len(unique) == n_of_mother + 2 * n_with_a_daughter
    points = np.hstack([unique.inputs, unique.targets_raw])
    assert len(np.unique(points, axis=0)) == len(unique)
    assert {tuple(row) for row in points} == {
        tuple(row) for row in np.hstack([windows.inputs, windows.targets_raw])
    }


@pytest.mark.parametrize("interval_min", [10.0, 15.0])
def test_windows_that_train_once_are_those_with_a_point_that_is_not_repeated(interval_min):
    """A family of three generations through the stage series, one frame of the mother missed."""
    rng = np.random.default_rng(9)
    lives = {1: (0, 40, -1), 2: (40, 75, 1), 3: (40, 90, 1), 4: (75, 110, 2), 5: (75, 96, 2)}
    frames = [(cell, frame, parent) for cell, (a, b, parent) in lives.items() for frame in range(a, b)]
    tracks = pd.DataFrame(frames, columns=["cell_id", "frame", "parent_id"]).query("frame != 17")
    tracks = tracks.assign(dry_mass_pg=rng.normal(300, 20, len(tracks)), is_shared=False)
    series = build_series(tracks, frame_interval_h=1 / 6, config=SeriesConfig(min_length_h=1.0))
    assert series["series_id"].nunique() == 3 and series["is_repeated"].sum() == 40 + 75
    windows = cut_windows(series, SMALL.model_copy(update={"interval_min": interval_min}))
    unique = deduplicated(windows)
    key = list(zip(unique.series_id.tolist(), np.round(unique.start_h, 4).tolist(), strict=True))
    known = series[~series["is_repeated"]]
    expected = []
    for series_id, start_h in zip(windows.series_id.tolist(), windows.start_h, strict=True):
        end_h = start_h + 7 * interval_min / 60
        own = known[known["series_id"] == series_id]
        # Between frames a grid point still is the earlier one's.
        if (own["time_h"].between(start_h - 1e-6, end_h + 1e-6)).any():
            expected.append((series_id, round(float(start_h), 4)))
    assert len(unique) < len(windows)
    assert key == expected


def test_equal_windows_of_different_lineages_are_kept(make_history):
    series = pd.concat([make_history(i, np.ones(10)) for i in range(3)])
    assert len(deduplicated(cut_windows(series, SMALL))) == 9


@pytest.fixture
def families(make_history):
    """Forty lineages of two paths; every point of lineage k has a dry mass between 10 k and 10 k + 9."""
    rng = np.random.default_rng(1)
    tables = []
    for family in range(40):
        n_points = int(rng.integers(12, 30))
        for leaf in range(2):
            cell_id = np.where(np.arange(n_points) < 6, 100 * family, 100 * family + 1 + leaf)
            path = 10 * family + rng.uniform(0, 9, n_points)
            tables.append(make_history(2 * family + leaf, path, cell_id=cell_id))
    return cut_windows(pd.concat(tables), SMALL)


@pytest.mark.parametrize("seed", range(5))
def test_no_lineage_leaks_from_one_side_to_another(families, seed):
    split = split_by_lineage(families, seed)
    sides = [set(np.unique(part.inputs // 10)) for part in (split.training, split.validation, split.test)]
    assert all(sides)
    assert sides[0].isdisjoint(sides[1]) and sides[0].isdisjoint(sides[2]) and sides[1].isdisjoint(sides[2])
    assert set.union(*sides) == set(range(40))


@pytest.mark.parametrize("seed", range(5))
def test_shares_are_eighty_ten_ten_up_to_one_lineage(families, seed):
    split = split_by_lineage(families, seed)
    n_largest = np.unique(families.lineage, return_counts=True)[1].max()
    sizes = [len(part) for part in (split.training, split.validation, split.test)]
    assert sum(sizes) == len(families)
    np.testing.assert_allclose(sizes, np.array([0.8, 0.1, 0.1]) * len(families), atol=n_largest)


def test_the_seed_decides_the_split(families):
    again, other = split_by_lineage(families, 3), split_by_lineage(families, 4)
    np.testing.assert_array_equal(split_by_lineage(families, 3).test.first, again.test.first)
    assert set(again.test.lineage) != set(other.test.lineage)


@pytest.mark.parametrize("n_lineages", [2, 3, 4])
def test_few_lineages_still_leave_some_to_validate(make_history, n_lineages):
    series = pd.concat([make_history(i, np.arange(20.0)) for i in range(n_lineages)])
    split = split_by_lineage(cut_windows(series, SMALL), seed=0)
    assert len(split.training) and len(split.validation)
    assert len(split.training) + len(split.validation) + len(split.test) == 13 * n_lineages


def test_a_single_lineage_cannot_be_split(two_daughters):
    with pytest.raises(ValueError, match="38 windows of 1 lineages cannot be split, expected at least 2"):
        split_by_lineage(cut_windows(two_daughters, SMALL), seed=0)


def test_mean_and_sd_count_every_covered_point_once(two_daughters):
    windows = deduplicated(cut_windows(two_daughters, SMALL))
    covered = {}
    for first in windows.first:
        covered.update({i: windows.dry_mass_pg[i] for i in range(first, first + 8)})
    expected = np.array(list(covered.values()))
    assert len(expected) < len(windows.dry_mass_pg)
    assert mean_and_sd(windows) == pytest.approx((expected.mean(), expected.std()))


def test_mean_and_sd_see_only_their_own_windows(families):
    split = split_by_lineage(families, 0)
    points = split.training.dry_mass_pg
    used = np.isin(points // 10, np.unique(split.training.inputs // 10))
    assert mean_and_sd(split.training) == pytest.approx((points[used].mean(), points[used].std()))


def test_equal_points_cannot_be_standardised(make_history):
    with pytest.raises(ValueError, match="3 windows with dry mass sd 0 pg cannot be standardised"):
        mean_and_sd(cut_windows(make_history(0, np.full(10, 5.0)), SMALL))
