"""Dry-mass histories: paths, grid, gaps."""

import cases
import numpy as np
import pandas as pd
import pytest

from lensfree.config import SeriesConfig
from lensfree.contracts import SERIES
from lensfree.tracks.series import build_series

CONFIG = SeriesConfig(max_gap_frames=3, min_length_h=0.0)
HOUR = cases.INTERVAL_H


def build(truth, **changes):
    return build_series(truth, frame_interval_h=HOUR, config=CONFIG.model_copy(update=changes))


def test_every_leaf_has_the_path_from_its_founder():
    series = build(cases.two_generations())
    assert list(series.columns) == [*SERIES.columns, *SERIES.optional]
    paths = {k: part["cell_id"].unique().tolist() for k, part in series.groupby("series_id")}
    assert paths == {0: [0, 2], 1: [0, 1, 3], 2: [0, 1, 4]}
    assert not series["is_filled"].any()


def test_the_points_are_those_of_the_tracks_on_the_grid():
    truth = cases.two_generations()
    part = build(truth).query("series_id == 1")
    np.testing.assert_allclose(part["time_h"], np.arange(120) / 6, rtol=1e-12)
    expected = truth[truth["cell_id"].isin([0, 1, 3])].sort_values("frame")["dry_mass_pg"]
    np.testing.assert_array_equal(part["dry_mass_pg"], expected)


def test_a_gap_is_filled_on_the_straight_line_and_marked():
    truth = cases.missed_frame()
    truth["dry_mass_pg"] = 200.0 + 10 * truth["frame"] + 30.0 * (truth["frame"] > 9)
    series = build(truth)
    gap = series[series["is_filled"]]
    np.testing.assert_allclose(gap["time_h"], [8 / 6, 9 / 6])
    np.testing.assert_allclose(gap["dry_mass_pg"], [290.0, 310.0])  # from 270 in frame 7 to 330 in frame 10
    assert len(series) == 20 and (gap["cell_id"] == 0).all()


def test_a_longer_gap_splits():
    series = build(cases.long_absence())
    assert series.groupby("series_id")["time_h"].agg(["min", "max"]).to_numpy() * 6 == pytest.approx(
        np.array([[0, 9], [15, 29]])
    )
    assert not series["is_filled"].any()
    assert build(cases.long_absence(), max_gap_frames=5)["series_id"].nunique() == 1


def test_a_part_that_two_paths_share_entirely_is_given_once():
    truth = cases.two_generations()
    truth = truth[~((truth["cell_id"] == 0) & truth["frame"].between(20, 26))]
    parts = [part["cell_id"].unique().tolist() for _, part in build(truth).groupby("series_id")]
    assert parts == [[0], [0, 2], [0, 1, 3], [0, 1, 4]]


def test_short_series_are_dropped_by_their_duration():
    truth = cases.straight_walk()  # 20 points, 19 intervals
    assert len(build(truth, min_length_h=19 / 6)) == 20
    assert build(truth, min_length_h=19 / 6 + 0.01).empty


def test_the_order_of_rows_does_not_matter():
    truth = cases.two_generations()
    pd.testing.assert_frame_equal(build(truth), build(truth.sample(frac=1, random_state=3)))


def test_nothing_gives_nothing_with_the_right_types():
    series = build(cases.straight_walk().iloc[:0])
    columns = {**SERIES.columns, **SERIES.optional}
    assert {name: str(kind) for name, kind in series.dtypes.items()} == {
        name: column.dtype for name, column in columns.items()
    }
    bare = build(cases.straight_walk().iloc[:0].drop(columns="area_um2"))
    assert list(bare.columns) == list(SERIES.columns)


def test_a_cell_twice_in_a_frame_is_refused():
    truth = cases.straight_walk()
    with pytest.raises(
        ValueError, match="cell 0 is in frame 4 and cell 0 of the same path in frame 4; expected one row"
    ):
        build(pd.concat([truth, truth[truth["frame"] == 4]]))


def test_a_mother_that_outlives_her_division_is_refused():
    truth = cases.two_generations()
    extra = truth[truth["cell_id"] == 0].assign(frame=lambda t: t["frame"] + 40)
    with pytest.raises(
        ValueError, match="cell 0 is in frame 79 and cell 2 of the same path in frame 40; expected"
    ):
        build(pd.concat([truth, extra]))


def test_an_interval_of_nothing_is_refused():
    with pytest.raises(ValueError, match="frame_interval_h is 0.0, expected a positive number"):
        build_series(cases.straight_walk(), frame_interval_h=0.0, config=CONFIG)


def test_a_mothers_points_count_once():
    series = build(cases.two_generations())
    once = series[~series["is_repeated"]]
    assert not once.duplicated(["cell_id", "time_h"]).any()
    assert len(once) == len(cases.two_generations())
    first = series[series["series_id"] == 0]
    assert not first["is_repeated"].any() and series["is_repeated"].any()


def test_a_share_of_two_cells_is_marked_as_filled():
    truth = cases.straight_walk().assign(is_shared=lambda table: table["frame"].isin([4, 5]))
    series = build(truth)
    np.testing.assert_allclose(series.loc[series["is_filled"], "time_h"], [4 * HOUR, 5 * HOUR])


def test_a_cell_that_the_border_cuts_is_not_measured():
    truth = cases.two_generations()
    cut = truth.assign(touches_border=False)
    assert build(cut).equals(build(truth))
    at_birth = (cut["cell_id"] == 1) & (cut["frame"] <= cut.loc[cut["cell_id"] == 1, "frame"].min() + 1)
    leaves = (cut["cell_id"] == 4) & (cut["frame"] > 100)
    cut.loc[at_birth | leaves, "touches_border"] = True
    cut.loc[cut["touches_border"], "dry_mass_pg"] = 3.0
    series = build(cut)
    assert series["dry_mass_pg"].min() > 3
    whole, last = (part for k, part in series.groupby("series_id") if k > 0)
    assert whole["is_filled"].sum() == last["is_filled"].sum() == 2
    assert last["time_h"].max() == pytest.approx(100 * HOUR) and whole["time_h"].max() > 101 * HOUR


def test_looks_come_along_and_gaps_are_filled_alike():
    truth = cases.missed_frame()
    truth["area_um2"] = 300.0 + 5 * truth["frame"] + 40.0 * (truth["frame"] > 9)
    series = build(truth)
    gap = series[series["is_filled"]]
    np.testing.assert_allclose(gap["area_um2"], [353.33333333, 371.66666667])  # 335 in frame 7, 390 in 10
    assert (series["max_opd_nm"] == 80.0).all()


def test_speed_is_the_way_since_the_point_before():
    points = [(0.0, 0.0, 100.0), (3.0, 4.0, 100.0), (3.0, 4.0, 100.0), (3.0, 16.0, 100.0)]
    series = build(cases.cell(0, 0, points))
    # 5, 0 and 12 um in 10 min; the first point has the way until the next.
    np.testing.assert_allclose(series["speed_um_per_h"], [30.0, 30.0, 0.0, 72.0])
    gone = build(cases.cell(0, 0, points).drop(index=1))
    np.testing.assert_allclose(gone["speed_um_per_h"], [15.0, 15.0, 15.0, 72.0])


def test_a_birth_is_no_step():
    mother = cases.cell(0, 0, [(0.0, 0.0, 100.0), (0.0, 1.0, 100.0)])
    daughter = cases.cell(1, 2, [(50.0, 0.0, 50.0), (50.0, 2.0, 50.0)], parent_id=0)
    single = cases.cell(2, 2, [(-50.0, 0.0, 50.0)], parent_id=0)
    series = build(pd.concat([mother, daughter, single], ignore_index=True))
    speed = {k: part["speed_um_per_h"].tolist() for k, part in series.groupby("series_id")}
    assert speed[0] == pytest.approx([6.0, 6.0, 12.0, 12.0])
    assert speed[1] == pytest.approx([6.0, 6.0, 0.0])


def test_tracks_without_looks_give_series_without():
    truth = cases.two_generations()
    bare = build(truth.drop(columns=["area_um2", "y_um"]))
    assert list(bare.columns) == list(SERIES.columns)
    pd.testing.assert_frame_equal(bare, build(truth)[list(SERIES.columns)])
