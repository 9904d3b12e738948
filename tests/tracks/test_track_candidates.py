"""Linked cells as sorted arrays: what each row is, in the order of the table or not."""

import cases
import numpy as np
import pytest

from lensfree.tracks.candidates import LinkedTracks


@pytest.fixture
def mixed():
    """Three cells of one division in no order, with numbers of tracks that leave gaps."""
    truth = cases.one_division()
    return truth.assign(track=truth["cell_id"] * 7 + 3).sample(frac=1, random_state=2, ignore_index=True)


def test_rows_are_sorted_by_track_and_frame_and_the_table_stays(mixed, tiny):
    tracks = LinkedTracks(mixed, tiny)
    ordered = mixed.sort_values(["track", "frame"], ignore_index=True)
    assert tracks.linked is mixed
    assert tracks.frame.tolist() == ordered["frame"].tolist()
    np.testing.assert_array_equal(tracks.position_um, ordered[["y_um", "x_um"]])
    np.testing.assert_array_equal(tracks.time_h(np.arange(len(mixed))), ordered["time_h"])
    np.testing.assert_array_equal(mixed["dry_mass_pg"].to_numpy()[tracks.place], ordered["dry_mass_pg"])
    assert tracks.track.tolist() == (ordered["track"].rank(method="dense") - 1).tolist()
    assert [tracks.frame[a:b].tolist() for a, b in zip(tracks.start, tracks.stop, strict=True)] == [
        own["frame"].tolist() for _, own in ordered.groupby("track")
    ]


def test_small_masses_and_thin_cells_count_as_the_least(mixed, tiny):
    mixed.loc[mixed["frame"] == 3, "dry_mass_pg"] = -5.0
    mixed.loc[mixed["frame"] == 4, "max_opd_nm"] = 0.0
    tracks = LinkedTracks(mixed, tiny)
    assert (tracks.dry_mass_pg[tracks.frame == 3] == tiny.min_dry_mass_pg).all()
    assert (tracks.log_max_opd[tracks.frame == 4] == 0).all()
    assert (tracks.log_max_opd[tracks.frame != 4] > 0).all()
    without = LinkedTracks(mixed.drop(columns="max_opd_nm"), tiny)
    assert without.log_max_opd.shape == tracks.frame.shape and not without.log_max_opd.any()


def test_rows_are_found_by_frame_and_by_track_and_frame(mixed, tiny):
    tracks = LinkedTracks(mixed, tiny)
    assert sorted(tracks.track[tracks.rows_in(20)]) == [1, 2, 3] and not len(tracks.rows_in(99))
    (row,) = tracks.row_at(np.array([2]), np.array([17]), side="left")
    assert (tracks.track[row], tracks.frame[row]) == (2, 17)
    assert tracks.row_at(np.array([2]), np.array([17]), side="right") == row + 1
    assert tracks.row_at(np.array([2]), np.array([9]), side="left") == tracks.start[2]


def test_how_far_inside_is_counted_from_the_outermost_cells(mixed, tiny):
    tracks = LinkedTracks(mixed, tiny)
    inside_um = tracks.inside_um(np.arange(len(mixed)))
    y_um, x_um = tracks.position_um.T
    sides_um = [y_um - y_um.min(), y_um.max() - y_um, x_um - x_um.min(), x_um.max() - x_um]
    np.testing.assert_allclose(inside_um, np.min(sides_um, axis=0))
    assert (inside_um == 0).sum() == 4 and tracks.inside_um(np.array([[0, 1]])).shape == (1, 2)


def test_no_rows_are_no_tracks(mixed, tiny):
    tracks = LinkedTracks(mixed.iloc[:0], tiny)
    assert not len(tracks.start) and not len(tracks.stop) and not len(tracks.rows_in(0))
