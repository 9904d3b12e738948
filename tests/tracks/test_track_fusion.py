"""Two cells that are found as one for some frames keep their names, their ways and their dry mass."""

from dataclasses import replace

import cases
import numpy as np
import pandas as pd
import pytest

from lensfree.config import TrackConfig
from lensfree.simulate.dense import simulate_dense
from lensfree.stages.track import track_cells, track_with_events
from lensfree.tracks import fusion
from lensfree.tracks.candidates import LinkedTracks
from lensfree.tracks.fusion import find_fusions, resolve_fusions
from lensfree.tracks.fusion_rows import Fusion
from lensfree.tracks.link import link
from lensfree.tracks.scales import Scales

SCALES = Scales(
    search_range_um=15.0, step_sd_um=2.0, persistence=0.7, log_mass_sd=0.05, log_mass_weight_um=10.0
)


def tracked(cells, config):
    return resolve_fusions(link(cells, config, SCALES), config, SCALES)


def whole_tracks(mended, truth):
    """The true cells along each track, by the nearest true cell of the frame."""
    found = []
    for _, rows in mended.sort_values("frame").groupby("track"):
        names = set()
        for row in rows.itertuples():
            there = truth[truth["frame"] == row.frame]
            away_um = np.hypot(there["y_um"] - row.y_um, there["x_um"] - row.x_um)
            if not row.is_shared:  # where they met the nearest is chance
                names.add(int(there["cell_id"].iloc[int(np.argmin(away_um))]))
        found.append(names)
    return found


@pytest.mark.parametrize("passes", [True, False], ids=["pass", "turn back"])
@pytest.mark.parametrize("n_frames", [1, 3])
def test_each_cell_goes_through_with_its_own_name(n_frames, passes, tiny):
    truth, cells = cases.found_as_one(n_frames, passes=passes)
    mended, met = tracked(cells, tiny)
    assert met["n_frames"].tolist() == [n_frames]
    assert sorted(whole_tracks(mended, truth), key=min) == [{0}, {1}]
    assert mended.groupby("track")["frame"].nunique().tolist() == [31, 31]


@pytest.mark.parametrize("n_frames", [1, 3])
def test_dry_mass_and_its_centroid_are_conserved(n_frames, tiny):
    _, cells = cases.found_as_one(n_frames, passes=True)
    mended, _ = tracked(cells, tiny)
    shared = mended[mended["is_shared"]]
    assert len(shared) == 2 * n_frames
    for frame, pair in shared.groupby("frame"):
        found = cells[cells["frame"] == frame].iloc[0]
        assert pair["dry_mass_pg"].sum() == pytest.approx(found["dry_mass_pg"], rel=1e-12)
        assert sorted(pair["dry_mass_pg"]) == pytest.approx([200.0, 330.0], rel=1e-6)
        for name in ("y_um", "x_um"):
            centroid_um = np.average(pair[name], weights=pair["dry_mass_pg"])
            assert centroid_um == pytest.approx(found[name], abs=1e-9)


def test_rows_that_are_not_shared_stay_as_they_were(tiny):
    _, cells = cases.found_as_one(3, passes=True)
    mended, _ = tracked(cells, tiny)
    own = mended.loc[~mended["is_shared"], cells.columns]
    keys = ["frame", "y_um", "x_um"]
    kept = cells[cells["frame"].isin(own["frame"])].sort_values(keys, ignore_index=True)
    pd.testing.assert_frame_equal(own.sort_values(keys, ignore_index=True), kept)


def test_a_cell_that_is_only_missed_takes_nothing_of_its_neighbour(tiny):
    """The neighbour's dry mass does not jump, so it was alone."""
    truth, cells = cases.found_as_one(3, passes=False)
    alone = cells["dry_mass_pg"].where(cells["dry_mass_pg"] < 500, 330.0)
    mended, met = tracked(cells.assign(dry_mass_pg=alone), tiny)
    assert met.empty and not mended["is_shared"].any()
    assert len(mended) == len(cells)


def test_a_jump_of_another_size_is_no_fusion(tiny):
    _, cells = cases.found_as_one(3, passes=False)
    other = cells["dry_mass_pg"].where(cells["dry_mass_pg"] < 500, 800.0)
    assert tracked(cells.assign(dry_mass_pg=other), tiny)[1].empty


def test_fusions_are_left_alone_if_told_so_or_without_dry_mass(tiny):
    _, cells = cases.found_as_one(3, passes=True)
    off = tiny.model_copy(update={"max_fusion_frames": 0})
    assert tracked(cells, off)[1].empty
    blind = Scales(15.0, 2.0, 0.7, 0.05, 0.0)
    assert resolve_fusions(link(cells, tiny, blind), tiny, blind)[1].empty


def test_a_row_belongs_to_one_fusion(tiny):
    """Of two cells that are missing beside one heavy detection only one can be in it."""
    _, cells = cases.found_as_one(3, passes=False)
    third = cases.seen(cases.cell(2, 0, cases.walk((72.0, 66.0), (0.0, 0.9), 31, 200.0, 0.0)))
    third = third[abs(third["frame"] - 15) > 1]
    tracks = LinkedTracks(link(pd.concat([cells, third]), tiny, SCALES), tiny)
    fusions = find_fusions(tracks, tiny, SCALES)
    rows = [row for one in fusions for row in one.rows]
    assert fusions and len(rows) == len(set(rows))


def test_a_track_is_cut_once_where_two_fusions_cross_it(tiny, monkeypatch):
    """Crossing cuts the carrier's track too: a second fusion may not cut it at the same row."""
    _, cells = cases.found_as_one(3, passes=True)
    tracks = LinkedTracks(link(cells, tiny, SCALES), tiny)
    (one,) = find_fusions(tracks, tiny, SCALES)
    crossed = replace(one, is_crossed=True, cost=0.0)
    # another cell is missing until the very row at which the first one's carrier is cut
    second = Fusion((one.missing[0] - 3, one.carrier[1]), (0, 5), (2,), False, 1.0)
    monkeypatch.setattr(fusion, "_propose", lambda *_: iter([second, crossed]))
    assert find_fusions(tracks, tiny, SCALES) == [crossed]
    straight = replace(one, is_crossed=False, cost=0.0)
    monkeypatch.setattr(fusion, "_propose", lambda *_: iter([second, straight]))
    assert find_fusions(tracks, tiny, SCALES) == [straight, second]


def test_in_a_crowd_no_cell_is_twice_in_a_frame():
    detections, _ = simulate_dense("10k", 5, sensor_px=(400, 500))
    cells = detections.drop(columns="true_id").assign(
        model="simulated", dry_mass_se_pg=np.nan, touches_border=False
    )
    tracks, events = track_with_events(cells, TrackConfig())
    assert not tracks.duplicated(["frame", "cell_id"]).any()
    assert (events["kind"] == "fusion").sum() > 3
    assert len(tracks) == len(cells) + events.loc[events["kind"] == "fusion", "n_frames"].sum()


@pytest.mark.parametrize("passes", [True, False], ids=["pass", "turn back"])
def test_it_stands_among_the_events(passes, tiny):
    _, cells = cases.found_as_one(3, passes=passes)
    tracks, events = track_with_events(cells, tiny)
    fusion = events[events["kind"] == "fusion"]
    assert fusion[["frame", "n_frames"]].to_numpy().tolist() == [[14, 3]]
    assert {*fusion["cell_id"], *fusion["related_id"]} == {0, 1} == set(tracks["cell_id"])
    assert (tracks["parent_id"] == -1).all() and tracks["is_shared"].sum() == 6


def test_shared_rows_lie_where_the_sensor_would_see_them(tiny):
    """In a field that jumps meanwhile, both cells are put back with it."""
    rng = np.random.default_rng(5)
    truth, cells = cases.found_as_one(3, passes=True)
    crowd = [
        cases.seen(cases.cell(9, 0, cases.walk((y, x), tuple(rng.normal(0, 0.3, 2)), 31, m, 0.0)))
        for y, x, m in zip(
            rng.uniform(120, 500, 60), rng.uniform(0, 600, 60), rng.uniform(150, 400, 60), strict=True
        )
    ]
    still = pd.concat([cells, *crowd], ignore_index=True)
    jump_um = np.where(still["frame"] >= 14, 25.0, 0.0)
    moved = still.assign(y_um=still["y_um"] + jump_um)
    keys = ["frame", "x_um"]
    before, after = (
        track_cells(table, tiny).query("is_shared").sort_values(keys, ignore_index=True)
        for table in (still, moved)
    )
    assert len(before) == len(after) == 6
    np.testing.assert_allclose(after["y_um"] - before["y_um"], 25.0, atol=1.5)
