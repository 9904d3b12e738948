"""Cells that somebody else followed: whole along a path, and every way to lose one is named."""

import cases
import numpy as np
import pandas as pd
import pytest

from lensfree.tracks.followed import Followed, follow

FRAMES = 40


def steady(cell_id, frames, y_um=50.0, x_um=80.0, parent_id=-1):
    """A cell that hardly moves."""
    frame = np.array(list(frames))
    return pd.DataFrame(
        {
            "frame": frame,
            "y_um": y_um + 0.01 * frame,
            "x_um": x_um + 0.02 * frame,
            "cell_id": cell_id,
            "parent_id": parent_id,
        }
    )


OTHER = steady(700, range(FRAMES)).drop(columns="parent_id")


def followed(*tracks, others=OTHER, min_frames=30, reach_um=10.0):
    ours = pd.concat(tracks, ignore_index=True)
    return follow(ours, others, min_frames=min_frames, reach_um=reach_um)


def only(*tracks, **settings) -> Followed:
    (one,) = followed(*tracks, **settings)
    return one


def test_a_cell_that_keeps_its_name_is_whole():
    one = only(steady(3, range(FRAMES)), steady(4, range(FRAMES), y_um=200.0))
    assert (one.cell_id, one.frames, one.found, one.covered, one.breaks) == (700, FRAMES, FRAMES, FRAMES, ())
    assert one.is_whole and one.is_nearly_whole(1.0)


def test_a_daughter_goes_on_for_her_mother():
    truth = cases.two_generations()
    path = truth[truth["cell_id"].isin([0, 1, 3])]  # mother, daughter and granddaughter under one name
    other = path.assign(cell_id=9)[["frame", "y_um", "x_um", "cell_id"]]
    one = only(truth, others=other, reach_um=3.0)
    assert one.is_whole and one.found == one.frames == len(path) and not one.breaks
    orphaned = truth.assign(parent_id=truth["parent_id"].where(truth["cell_id"] < 3, -1))
    torn = only(orphaned, others=other, reach_um=3.0)
    assert not torn.is_whole and len(torn.breaks) == 1
    assert torn.covered == (path["cell_id"] < 3).sum()


def test_frames_without_a_cell_of_ours_are_forgiven_and_counted():
    one = only(steady(3, [*range(12), *range(20, FRAMES)]))
    assert (one.found, one.covered) == (FRAMES - 8, FRAMES - 8)
    assert one.is_whole


def test_a_cell_that_nobody_found_is_not_whole():
    one = only(steady(3, range(FRAMES), y_um=300.0))
    assert (one.found, one.covered) == (0, 0)
    assert not one.is_whole and not one.is_nearly_whole(0.5)


def test_reach_decides_who_is_the_same():
    assert only(steady(3, range(FRAMES), x_um=89.0)).is_whole
    assert only(steady(3, range(FRAMES), x_um=91.0)).found == 0


def test_nearly_whole_is_a_share_of_the_frames_found():
    one = only(steady(3, range(38)), steady(4, range(38, FRAMES)))
    assert (one.found, one.covered) == (FRAMES, 38)
    assert not one.is_whole
    assert one.is_nearly_whole(0.95) and not one.is_nearly_whole(0.96)


@pytest.mark.parametrize(
    ("tracks", "what"),
    [
        (
            (steady(3, range(20)), steady(4, range(23, FRAMES))),
            "lost for 3 frames and found again as another cell",
        ),
        (
            (
                steady(3, range(20)),
                steady(4, range(20), y_um=100.0),
                steady(4, range(20, FRAMES)),
            ),
            "its track ended, and another that was there already took over",
        ),
        (
            (
                steady(3, range(20)),
                steady(3, range(20, FRAMES), y_um=100.0),
                steady(4, range(20, FRAMES)),
            ),
            "its track went on elsewhere, and the cell began anew",
        ),
        (
            (
                steady(3, range(20)),
                steady(3, range(20, FRAMES), y_um=100.0),
                steady(4, range(20), y_um=100.0),
                steady(4, range(20, FRAMES)),
            ),
            "its track went on elsewhere, and another that was there already took over",
        ),
        (
            (
                steady(2, range(10)),
                steady(3, range(10, 20), parent_id=2),
                steady(4, range(10, 20), y_um=100.0, parent_id=2),
                steady(4, range(20, FRAMES), parent_id=2),
            ),
            "went over to a relative: a division that may not be one",
        ),
    ],
    ids=["found again", "taken over", "began anew", "swapped", "relative"],
)
def test_what_happened_is_said(tracks, what):
    one = only(*tracks)
    (at,) = one.breaks
    assert at.what == what
    assert at.frame == (23 if "lost" in what else 20)
    assert (at.cell_before, at.frame_before, at.cell_after) == (3, 19, 4)
    assert (at.y_um, at.x_um) == (50.0 + 0.01 * at.frame, 80.0 + 0.02 * at.frame)


def test_a_jump_of_the_other_is_told_with_the_break():
    jumped = OTHER.assign(y_um=OTHER["y_um"] + np.where(OTHER["frame"] >= 25, 30.0, 0.0))
    one = only(steady(3, range(FRAMES)), steady(4, range(FRAMES), y_um=80.0), others=jumped)
    (at,) = one.breaks
    assert at.frame == 25
    assert at.other_step_um == pytest.approx(30.0, abs=0.05)


def test_two_of_ours_near_the_same_cell_do_not_break_it():
    twin = steady(4, range(5, 30), y_um=53.0)
    one = only(steady(3, range(FRAMES)), twin)
    assert one.is_whole and not one.breaks


def test_short_tracks_of_the_other_are_left_out():
    others = pd.concat([OTHER, steady(800, range(29), y_um=200.0)], ignore_index=True)
    found = followed(steady(3, range(FRAMES)), others=others)
    assert [one.cell_id for one in found] == [700]
