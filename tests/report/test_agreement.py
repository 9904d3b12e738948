from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lensfree.report.agreement import (
    compare,
    compare_anomalies,
    compare_cells,
    inside_field,
    match_cells,
    true_anomalies_of_series,
)

FIELD_UM = (400.0, 600.0)


def cells_at(rows: list[tuple[int, float, float, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["frame", "y_um", "x_um", "dry_mass_pg"])


@pytest.fixture
def scattered() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    grid = np.stack(np.meshgrid(np.arange(30, 380, 35), np.arange(30, 580, 35), indexing="ij"), -1).reshape(
        -1, 2
    )
    rows = [(frame, *yx, rng.uniform(100, 900)) for frame in (0, 1) for yx in grid.astype(float)]
    return cells_at(rows)


def test_each_cell_matches_the_nearest_true_cell_of_its_own_frame():
    truth = cells_at([(0, 50, 50, 1), (1, 50, 50, 1), (1, 90, 50, 1)])
    found = cells_at([(1, 88, 51, 1), (0, 52, 50, 1), (2, 50, 50, 1)])
    assert match_cells(truth, found).tolist() == [2, 0, -1]


def test_a_true_cell_is_matched_once_by_the_nearer_detection():
    truth = cells_at([(0, 50, 50, 1)])
    assert match_cells(truth, cells_at([(0, 55, 50, 1), (0, 51, 50, 1)])).tolist() == [-1, 0]


def test_cells_farther_apart_than_the_radius_do_not_match():
    truth = cells_at([(0, 50, 50, 1)])
    assert match_cells(truth, cells_at([(0, 60.5, 50, 1)])).tolist() == [-1]
    assert match_cells(truth, cells_at([(0, 59.5, 50, 1)])).tolist() == [0]


def test_no_cells_match_nothing():
    truth = cells_at([(0, 50, 50, 1)])
    assert match_cells(truth, truth.iloc[:0]).tolist() == []
    assert match_cells(truth.iloc[:0], truth).tolist() == [-1]


def test_the_truth_against_itself_is_perfect(scattered):
    numbers = compare_cells(scattered, scattered.sample(frac=1, random_state=2), FIELD_UM)
    assert numbers["recall"] == numbers["precision"] == numbers["count_ratio"] == 1.0
    assert numbers["dry_mass_slope"] == pytest.approx(1.0)
    assert numbers["dry_mass_r2"] == pytest.approx(1.0)
    assert numbers["dry_mass_bias_pg"] == pytest.approx(0.0)


def test_a_known_error_of_dry_mass_is_recovered(scattered):
    found = scattered.assign(dry_mass_pg=0.9 * scattered["dry_mass_pg"] + 20)
    numbers = compare_cells(scattered, found, FIELD_UM)
    assert numbers["dry_mass_slope"] == pytest.approx(0.9)
    assert numbers["dry_mass_bias_pg"] == pytest.approx(20 - 0.1 * scattered["dry_mass_pg"].mean())
    assert numbers["total_dry_mass_ratio"] == pytest.approx(
        found["dry_mass_pg"].sum() / scattered["dry_mass_pg"].sum()
    )


def test_missed_and_invented_cells_lower_recall_and_precision(scattered):
    invented = cells_at([(0, 47.0, 47.0, 300.0)] * 1)
    numbers = compare_cells(scattered, pd.concat([scattered.iloc[10:], invented]), FIELD_UM)
    n = len(scattered)
    assert numbers["recall"] == pytest.approx((n - 10) / n)
    assert numbers["precision"] == pytest.approx((n - 10) / (n - 9))


def test_cells_cut_by_the_border_do_not_count(scattered):
    at_border = cells_at([(0, 5.0, 300.0, 400.0), (0, 200.0, 595.0, 400.0)])
    numbers = compare_cells(pd.concat([scattered, at_border]), scattered, FIELD_UM)
    assert numbers["recall"] == 1.0


def test_a_frame_without_any_result_is_not_a_failure_of_detection(scattered):
    numbers = compare_cells(scattered, scattered[scattered["frame"] == 0], FIELD_UM)
    assert numbers["recall"] == 1.0


def test_nothing_found_gives_numbers_that_are_not_defined(scattered):
    numbers = compare_cells(scattered, scattered.iloc[:0], FIELD_UM)
    assert np.isnan(numbers["dry_mass_slope"])
    assert np.isnan(numbers["precision"])


def test_inside_the_field_means_between_its_first_and_last_pixel_centres():
    truth = cells_at([(0, 0.0, 600.0, 1), (0, -0.1, 5.0, 1), (0, 5.0, 600.1, 1), (0, 401.0, 5.0, 1)])
    assert inside_field(truth, FIELD_UM).tolist() == [True, False, False, False]


def test_a_series_is_as_abnormal_as_the_true_cells_it_followed(world):
    kinds = true_anomalies_of_series(world.truth, world.tracks, world.series)
    assert kinds.to_dict() == {0: "", 1: "loss", 2: ""}


def test_flags_are_held_against_what_was_simulated(world):
    kinds = pd.Series({0: "", 1: "loss", 2: "giant"})
    numbers = compare_anomalies(kinds, world.scores)
    assert (numbers["n_scored"], numbers["n_abnormal"], numbers["n_flagged"]) == (3, 2, 1)
    assert (numbers["flag_recall"], numbers["flag_precision"]) == (0.5, 1.0)
    # Of the pairs (1, 0) and (2, 0) the first is ranked right and the second is a tie.
    assert numbers["anomaly_auc"] == 0.75


def test_series_that_were_not_judged_do_not_count_and_the_surprise_ranks(surprised):
    kinds = pd.Series({0: "giant", 1: "loss", 2: "", 3: "death"})
    numbers = compare_anomalies(kinds, surprised.scores)
    assert (numbers["n_scored"], numbers["n_abnormal"], numbers["n_flagged"]) == (3, 2, 2)
    # Series 1 surprises more than series 2, series 0 less.
    assert numbers["surprise_auc"] == 0.5
    assert "anomaly_auc" not in numbers


def test_without_an_abnormal_series_there_is_no_auc(world):
    assert np.isnan(compare_anomalies(pd.Series({0: "", 1: "", 2: ""}), world.scores)["anomaly_auc"])


def test_only_stages_that_ran_are_compared(world):
    assert compare(world.truth, None, None, world.field_um) == {}
    numbers = compare(world.truth, world.cells, world.tracks, world.field_um)
    assert numbers["n_divisions_true"] == numbers["n_divisions_found"] == 1
    assert "n_divisions_true" not in compare(world.truth, world.cells, None, world.field_um)
