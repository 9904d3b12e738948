"""Linking: identities on worlds whose answer is known, groups of any size, refusals in words."""

import gc
import logging
from types import SimpleNamespace

import cases
import numpy as np
import pandas as pd
import pytest
import trackpy
from trackpy.linking.utils import Point

from lensfree.config import TrackConfig
from lensfree.stages.track import track_cells, track_with_events
from lensfree.tracks import link as link_module
from lensfree.tracks.link import link
from lensfree.tracks.motion import MotionPredictor
from lensfree.tracks.scales import Scales


def identities(linked, truth):
    """Return the set of (track, true cell) that occur together."""
    both = linked.merge(truth[["frame", "y_um", "x_um", "cell_id"]], on=["frame", "y_um", "x_um"])
    assert len(both) == len(truth)
    return set(zip(both["track"], both["cell_id"], strict=True))


@pytest.mark.parametrize(
    "world", [cases.straight_walk, cases.missed_frame, cases.two_that_cross, cases.newcomer]
)
def test_each_cell_is_one_track(world, tiny):
    truth = world()
    found = identities(link(cases.seen(truth), tiny), truth)
    assert len(found) == truth["cell_id"].nunique() == len({track for track, _ in found})


@pytest.mark.parametrize(
    ("persistence", "log_mass_weight_um", "is_right"),
    [(0.0, 0.0, False), (0.0, 10.0, True), (0.9, 0.0, True)],
)
def test_cells_that_cross_are_told_apart_by_mass_or_by_heading(
    tiny, persistence, log_mass_weight_um, is_right
):
    truth = cases.two_that_cross()
    scales = Scales(15.0, 2.0, persistence, log_mass_sd=0.1, log_mass_weight_um=log_mass_weight_um)
    assert (len(identities(link(cases.seen(truth), tiny, scales), truth)) == 2) == is_right


def test_without_memory_a_missed_frame_ends_the_track(tiny):
    truth = cases.missed_frame()
    forgetful = tiny.model_copy(update={"memory_frames": 1})
    assert link(cases.seen(truth), forgetful)["track"].nunique() == 2


def test_a_missing_frame_of_all_cells_is_bridged(tiny):
    truth = cases.two_generations()
    truth = truth[truth["frame"] != 20]
    linked = link(cases.seen(truth), tiny)
    before, after = (linked[linked["frame"] == frame] for frame in (19, 21))
    assert before["track"].tolist() == after["track"].tolist()


def test_no_cells_give_no_tracks(tiny):
    empty = cases.seen(cases.straight_walk()).iloc[:0]
    linked = link(empty, tiny)
    assert linked.empty and linked["track"].dtype == np.int64


def test_one_cell_in_one_frame_is_a_track(tiny):
    assert link(cases.seen(cases.straight_walk()).iloc[:1], tiny)["track"].tolist() == [0]


@pytest.mark.parametrize(("column", "value"), [("y_um", np.nan), ("dry_mass_pg", np.inf)])
def test_a_cell_without_a_number_is_refused(column, value, tiny):
    cells = cases.seen(cases.straight_walk())
    cells.loc[cells["frame"] == 7, column] = value
    expected = (
        f"{column} of 1 cells is not a finite number, first in frame 7; expected a measured value.*remove"
    )
    with pytest.raises(ValueError, match=expected):
        link(cells, tiny)


def crowd(rng, n=600, frames=4, pitch_um=8.0, step_um=0.8):
    """A field so dense that every cell competes with every other through its neighbours."""
    grid = (
        np.stack(np.meshgrid(np.arange(20), np.arange(n // 20), indexing="ij"), axis=-1).reshape(-1, 2)
        * pitch_um
    )
    position = grid + rng.uniform(-2, 2, (n, 2))
    rows = []
    for frame in range(frames):
        rows.append(
            pd.DataFrame(
                {
                    "frame": frame,
                    "time_h": frame / 6,
                    "y_um": position[:, 0],
                    "x_um": position[:, 1],
                    "dry_mass_pg": 300.0,
                    "cell_id": np.arange(n),
                }
            )
        )
        position = position + rng.normal(0, step_um, (n, 2))
    return pd.concat(rows, ignore_index=True)


@pytest.mark.parametrize("assignment_limit", [1500, 40])
def test_a_group_that_trackpy_refuses_is_linked(assignment_limit, caplog):
    truth = crowd(np.random.default_rng(3))
    config = TrackConfig(search_range_um=14.0, log_mass_weight_um=0.0, assignment_limit=assignment_limit)
    with pytest.raises(trackpy.SubnetOversizeException):
        trackpy.link(truth, 14.0, pos_columns=["y_um", "x_um"])
    with caplog.at_level(logging.INFO):
        linked = link(truth.drop(columns="cell_id").sample(frac=1, random_state=1), config)
    found = identities(linked, truth)
    assert len(found) == 600
    assert "largest group of competing cells: 600" in caplog.text
    assert ("narrowed 0 times" in caplog.text) == (assignment_limit == 1500)


@pytest.mark.parametrize("n_targets", [3, 6])
def test_the_assignment_minimises_the_same_sum_as_trackpy(n_targets):
    rng = np.random.default_rng(5)
    for _ in range(100):
        distance = rng.uniform(0, 12, (5, n_targets))
        totals = []
        for solve in (link_module._assign, link_module.subnet_linker_recursive):
            targets = [SimpleTarget(k) for k in range(n_targets)]
            sources = [SimpleTarget(10 + k) for k in range(5)]
            for source, row in zip(sources, distance, strict=True):
                near = [(target, d) for target, d in zip(targets, row, strict=True) if d <= 8.0]
                source.forward_cands = sorted(near, key=lambda candidate: candidate[1])
            ends = solve(set(sources), set(targets), 8.0)
            assert {s for s in ends[0] if s} == set(sources)
            assert {t for t in ends[1] if t} == set(targets)
            steps = [(s, t) for s, t in zip(*ends, strict=True) if s is not None]
            totals.append(sum(64.0 if t is None else distance[s.uuid - 10, t.uuid] ** 2 for s, t in steps))
        assert totals[0] == pytest.approx(totals[1], rel=1e-12)


class SimpleTarget(SimpleNamespace):
    """Stands in for a point of trackpy."""

    def __init__(self, uuid):
        super().__init__(uuid=uuid, forward_cands=[])

    __hash__ = object.__hash__


def test_trackpy_keeps_quiet_and_gets_its_voice_back(tiny, caplog):
    level = trackpy.linking.logger.level
    link(cases.seen(cases.straight_walk()), tiny)
    assert trackpy.linking.logger.level == level
    assert not [r for r in caplog.records if r.name.startswith("trackpy")]


def test_a_frame_with_two_times_is_refused(tiny):
    cells = cases.seen(cases.one_division())
    again = cells[cells["frame"] == 3].assign(time_h=9.0)
    with pytest.raises(
        ValueError, match="frame 3 has the times 0.5 h and 9 h, expected one.*number the frames"
    ):
        track_cells(pd.concat([cells, again]), tiny)


def test_times_that_go_back_are_refused(tiny):
    cells = cases.seen(cases.one_division())
    cells.loc[cells["frame"] == 7, "time_h"] = 0.1
    with pytest.raises(ValueError, match="frame 7 is at 0.1 h and frame 6 at 1 h, expected times that grow"):
        track_cells(cells, tiny)


def test_a_frame_that_is_there_twice_is_refused(tiny):
    cells = cases.seen(cases.one_division())
    with pytest.raises(
        ValueError, match="2 cells are there twice, first in frame 5 at y.*read twice, drop one"
    ):
        track_cells(pd.concat([cells, cells[cells["frame"] == 5]]), tiny)


def test_unsorted_rows_give_the_same_tracks(tiny):
    cells = cases.seen(cases.two_generations())
    ordered = track_cells(cells.sort_values(["frame", "y_um"], ignore_index=True), tiny)
    pd.testing.assert_frame_equal(track_cells(cells, tiny), ordered)


def test_one_cell_in_one_frame_is_a_cell(tiny):
    (row,) = track_cells(cases.seen(cases.straight_walk()).iloc[:1], tiny).itertuples()
    assert (row.cell_id, row.parent_id, row.lineage_id) == (0, -1, 0)


def test_a_hole_of_two_hours_ends_cells_and_the_rest_goes_on(tiny):
    """Twelve frames are longer than any gap that is closed: cells after it are new, and nothing fails."""
    cells = cases.seen(cases.two_generations())
    holed = cells[(cells["frame"] < 50) | (cells["frame"] >= 62)]
    tracks, events = track_with_events(holed, tiny)
    assert len(tracks) == len(holed)
    after = tracks[(tracks["frame"] >= 62) & (tracks["frame"] < 80)]
    assert (after["parent_id"] == -1).all() and set(events.loc[events["frame"] == 62, "kind"]) <= {
        "birth",
        "enters_field",
    }


@pytest.mark.parametrize("was_enabled", [True, False])
def test_python_searches_for_cycles_again_after_linking(was_enabled, tiny, monkeypatch):
    cells = cases.seen(cases.one_division())
    seen = []
    monkeypatch.setattr(MotionPredictor, "__call__", lambda *_: seen.append(gc.isenabled()) or 1 / 0)
    try:
        (gc.enable if was_enabled else gc.disable)()
        with pytest.raises(ZeroDivisionError):
            link(cells, tiny)
        assert gc.isenabled() == was_enabled and seen == [False]
    finally:
        gc.enable()


def test_linking_leaves_no_cycles_behind(tiny):
    """What linking makes in a frame has to go without a search for cycles, or memory would grow."""
    cells = cases.seen(cases.two_that_cross())
    link(cells, tiny)  # what is made once
    gc.collect()
    try:
        gc.disable()
        link(cells, tiny)
        left = [thing for thing in gc.get_objects() if isinstance(thing, Point)]
        assert not left and gc.collect() < len(cells)  # what only a search for cycles finds
    finally:
        gc.enable()


def test_tracks_are_numbered_as_they_appear(tiny):
    track = link(cases.seen(cases.two_generations()), tiny)["track"]
    assert track.drop_duplicates().tolist() == list(range(track.nunique()))
