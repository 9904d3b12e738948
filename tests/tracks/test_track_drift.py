"""Jumps and drift of a whole field are found, tracked as if they were not, and nothing else is touched."""

import logging

import cases
import numpy as np
import pandas as pd
import pytest
from moved_field import WINDOW_UM, culture, drift, in_random_direction, jump, seen_through

from lensfree.config import TrackConfig
from lensfree.stages.track import track_cells
from lensfree.tracks.drift import FieldMotion, estimate_field_motion, hold_still, put_back
from lensfree.tracks.scoring import score_tracks

FRAMES, AT = 40, 17
CONFIG = TrackConfig()
UNAWARE = TrackConfig(max_field_step_um=0.0)
STEADY_RANGE_UM = 20.0
"""Range that a steady field shows: one learnt from a field that jumps would reach as far as the jump."""

DENSITIES = list(WINDOW_UM)


@pytest.fixture(scope="module")
def cultures():
    return {density: culture(density, FRAMES, seed=21) for density in DENSITIES}


@pytest.fixture
def seen(cultures):
    """Detections and truth of a culture in a field that moves like this."""

    def look(density, position_um):
        return tuple(seen_through(table, position_um, WINDOW_UM[density]) for table in cultures[density])

    return look


@pytest.mark.parametrize("density", DENSITIES)
@pytest.mark.parametrize("length_um", [12.0, 30.0])
@pytest.mark.parametrize("direction", [1, 2, 3])
def test_a_jump_is_found_where_it_is_and_nowhere_else(seen, density, length_um, direction):
    step_um = in_random_direction(length_um, direction)
    cells, _ = seen(density, jump(FRAMES, AT, step_um))
    motion = estimate_field_motion(cells, CONFIG)
    np.testing.assert_array_equal(motion.frame, np.arange(FRAMES))
    assert np.hypot(*(motion.step_um[AT - 1] - step_um)) < 1.0
    assert not np.delete(motion.step_um, AT - 1, axis=0).any()


@pytest.mark.parametrize("density", DENSITIES)
def test_a_field_that_does_not_move_has_zeros_only_and_is_tracked_as_ever(seen, density):
    cells, _ = seen(density, jump(FRAMES, AT, (0.0, 0.0)))
    motion = estimate_field_motion(cells, CONFIG)
    assert motion.is_still and not motion.step_um.any() and motion.position_um.shape == (FRAMES, 2)
    pd.testing.assert_frame_equal(track_cells(cells, CONFIG), track_cells(cells, UNAWARE))


@pytest.mark.parametrize(("density", "length_um"), [(500.0, 2.0), (100.0, 2.0), (100.0, 1.6)])
def test_slow_drift_is_followed(seen, density, length_um):
    """Even where single steps are hardly certain: 1.6 um are 6 standard errors of the mean of 80 cells."""
    position_um = drift(FRAMES, in_random_direction(length_um, 4))
    motion = estimate_field_motion(seen(density, position_um)[0], CONFIG)
    off_um = np.hypot(*(motion.step_um - np.diff(position_um, axis=0)).T)
    assert np.median(off_um) < 0.5 and (off_um < 1.0).mean() > 0.9
    gone_um = np.hypot(*(motion.position_um - position_um).T)
    assert gone_um.max() < 0.2 * np.hypot(*position_um[-1])


def test_there_and_back_in_a_drifting_field(seen):
    position_um = drift(FRAMES, (1.2, -1.6)) + jump(FRAMES, 11, (0, 30)) + jump(FRAMES, 12, (0, -30))
    motion = estimate_field_motion(seen(500.0, position_um)[0], CONFIG)
    np.testing.assert_allclose(motion.step_um, np.diff(position_um, axis=0), atol=1.0)


@pytest.mark.parametrize("density", DENSITIES)
def test_a_jumped_field_is_tracked_as_well_as_a_steady_one(seen, density):
    pytest.importorskip("traccuracy")

    def score(position_um, config):
        cells, truth = seen(density, position_um)
        return score_tracks(track_cells(cells, config), truth, max_distance_um=8.0)

    moved = jump(FRAMES, AT, (-18.0, 24.0))
    unaware_of_it = UNAWARE.model_copy(update={"search_range_um": STEADY_RANGE_UM})
    steady, aware, unaware = (
        score(position_um, config)
        for position_um, config in ((0 * moved, CONFIG), (moved, CONFIG), (moved, unaware_of_it))
    )
    assert aware["link_f1"] > steady["link_f1"] - 0.003
    assert aware["complete_tracks"] > steady["complete_tracks"] - 0.03
    assert unaware["link_f1"] < steady["link_f1"] - 0.01
    assert unaware["complete_tracks"] < steady["complete_tracks"] - 0.3


def test_cells_that_a_jump_brings_into_view_have_no_mothers(seen):
    cells, truth = seen(500.0, jump(FRAMES, AT, (24.0, -30.0)))
    known = truth["cell_id"][truth["frame"] < AT].unique()
    at_jump = truth[truth["frame"] == AT]
    strangers = at_jump["cell_id"][~at_jump["cell_id"].isin(known) & ~at_jump["parent_id"].isin(known)]
    born = track_cells(cells, CONFIG).drop_duplicates("cell_id")
    came = born[(born["frame"] == AT) & born["true_id"].isin(strangers)]
    assert len(came) > 8
    assert (came["parent_id"] == -1).all()


def test_tracks_lie_where_the_sensor_saw_the_cells(seen):
    cells, _ = seen(100.0, jump(FRAMES, AT, (-18.0, 24.0)))
    tracks = track_cells(cells, CONFIG.model_copy(update={"max_fusion_frames": 0}))
    keys = ["frame", "y_um", "x_um"]
    assert set(tracks.columns) == {*cells.columns, "is_shared", "cell_id", "parent_id", "lineage_id"}
    back = tracks[cells.columns].sort_values(keys, ignore_index=True)
    pd.testing.assert_frame_equal(back, cells.sort_values(keys, ignore_index=True))


def test_positions_come_back_exactly():
    cells = cases.seen(cases.two_generations())
    motion = FieldMotion(np.arange(120), drift(120, (0.1, -1 / 3)))
    steady = hold_still(cells, motion)
    np.testing.assert_allclose(cells["x_um"] - steady["x_um"], -cells["frame"] / 3)
    pd.testing.assert_frame_equal(put_back(steady, motion), cells)


def test_a_frame_whose_motion_is_not_known_is_refused():
    cells = cases.seen(cases.straight_walk())
    motion = estimate_field_motion(cells[cells["frame"] != 6], CONFIG)
    with pytest.raises(ValueError, match="not known in frame 6, expected every frame.*estimate it from"):
        hold_still(cells, motion)


@pytest.mark.parametrize(("first", "last", "within_um"), [(AT, AT, 1.0), (AT - 1, AT, 1.0), (13, 20, 4.0)])
def test_frames_missing_at_the_jump(seen, first, last, within_um):
    """The longer the gap, the farther cells have gone by themselves and the less sure the displacement."""
    step_um = (18.0, 24.0)
    cells, _ = seen(500.0, jump(FRAMES, AT, step_um))
    motion = estimate_field_motion(cells[~cells["frame"].between(first, last)], CONFIG)
    assert len(motion.frame) == FRAMES - (last - first + 1)
    is_jump = motion.frame[1:] == last + 1
    np.testing.assert_allclose(motion.step_um[is_jump], [step_um], atol=within_um)
    assert not motion.step_um[~is_jump].any()


@pytest.mark.parametrize("what", ["debris", "too few"])
def test_a_frame_that_shows_nothing_does_not_hide_the_jump(seen, what):
    """The very knock that moves the stage may blur a frame: the next is compared with the last good one."""
    step_um = (18.0, 24.0)
    cells, _ = seen(500.0, jump(FRAMES, AT, step_um))
    is_at = (cells["frame"] == AT).to_numpy()
    if what == "debris":
        rng = np.random.default_rng(6)
        cells.loc[is_at, "y_um"] = rng.uniform(0, WINDOW_UM[500.0][0], is_at.sum())
        cells.loc[is_at, "x_um"] = rng.uniform(0, WINDOW_UM[500.0][1], is_at.sum())
    else:
        cells = cells[~is_at | (np.cumsum(is_at) <= 4)]
    motion = estimate_field_motion(cells, CONFIG)
    np.testing.assert_array_equal(motion.position_um[: AT + 1], 0.0)
    np.testing.assert_allclose(motion.position_um[AT + 1 :], [step_um] * (FRAMES - AT - 1), atol=1.0)


def test_fewer_than_five_cells_never_move(seen):
    cells, _ = seen(100.0, jump(FRAMES, AT, (18.0, 24.0)))
    few = cells[cells.groupby("frame").cumcount() < 4]
    assert estimate_field_motion(few, CONFIG).is_still
    assert not estimate_field_motion(cells, CONFIG).is_still


def test_frames_of_unrelated_cells_never_move(seen):
    cells, _ = seen(500.0, jump(FRAMES, AT, (0.0, 0.0)))
    rng = np.random.default_rng(7)
    height_um, width_um = WINDOW_UM[500.0]
    strewn = cells.assign(
        y_um=rng.uniform(0, height_um, len(cells)), x_um=rng.uniform(0, width_um, len(cells))
    )
    assert estimate_field_motion(strewn, CONFIG).is_still


def test_no_cells_and_one_frame_have_a_motion():
    cells = cases.seen(cases.straight_walk())
    assert len(estimate_field_motion(cells.iloc[:0], CONFIG).frame) == 0
    one = estimate_field_motion(cells[cells["frame"] == 3], CONFIG)
    assert one.frame.tolist() == [3] and one.is_still


def test_a_limit_of_zero_turns_it_off(seen):
    cells, _ = seen(500.0, jump(FRAMES, AT, (18.0, 24.0)))
    assert estimate_field_motion(cells, UNAWARE).is_still


def test_the_order_of_rows_does_not_matter_and_cells_without_a_number_do_not_count(seen):
    cells, _ = seen(500.0, jump(FRAMES, AT, (18.0, 24.0)))
    motion = estimate_field_motion(cells, CONFIG)
    unknown = cells[cells["frame"].between(3, 20)].assign(y_um=np.nan)
    again = estimate_field_motion(pd.concat([cells, unknown]).sample(frac=1, random_state=8), CONFIG)
    np.testing.assert_array_equal(again.position_um, motion.position_um)


def test_the_log_says_what_moved_in_words(seen, caplog):
    position_um = jump(FRAMES, AT, (18.0, 24.0))
    with caplog.at_level(logging.INFO):
        estimate_field_motion(seen(500.0, position_um)[0], CONFIG)
    (said,) = [r.getMessage() for r in caplog.records]
    assert said.startswith("the field jumped by y +1") and f"between frames {AT - 1} and {AT};" in said


def test_the_log_sums_up_a_drift_in_one_sentence(seen, caplog):
    with caplog.at_level(logging.INFO):
        estimate_field_motion(seen(500.0, drift(FRAMES, (1.2, -1.6)))[0], CONFIG)
    (said,) = [r.getMessage() for r in caplog.records]
    assert said.startswith("the field drifted by y +") and f"between frames 0 and {FRAMES - 1};" in said


def test_a_jump_beyond_the_limit_is_a_warning(seen, caplog):
    cells, _ = seen(500.0, jump(FRAMES, AT, (36.0, 48.0)))
    assert estimate_field_motion(cells, CONFIG).is_still
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert (
        f"max_field_step_um=40 um between the frame before and frame {AT} (and 0 more)" in record.getMessage()
    )
    far = estimate_field_motion(cells, TrackConfig(max_field_step_um=80.0))
    np.testing.assert_allclose(far.step_um[AT - 1], (36.0, 48.0), atol=1.0)
