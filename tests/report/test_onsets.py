from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lensfree.report.content import Place
from lensfree.report.onsets import place_at, worst_hour

INTERVAL_H = 1 / 6


def path(world, series_id: int) -> pd.DataFrame:
    return world.series[world.series["series_id"] == series_id]


@pytest.mark.parametrize(
    ("time_h", "frame", "cell_id", "place_um"),
    [
        (0.0, 0, 1, (70.0, 100.0)),
        (14.83, 89, 1, (70.0, 100.0)),
        (15.0, 90, 2, (60.0, 100.0)),
        (30.0, 180, 2, (60.0, 115.0)),
        (99.0, 215, 2, (60.0, 100.0 + 215 / 6 - 15)),
    ],
)
def test_the_place_is_that_of_the_cell_of_the_path_at_that_time(world, time_h, frame, cell_id, place_um):
    place = place_at(path(world, 1), world.tracks, time_h)
    assert (place.frame, place.cell_id) == (frame, cell_id)
    assert place.time_h == pytest.approx(frame / 6)
    assert (place.y_um, place.x_um) == pytest.approx(place_um)


def test_where_the_cell_was_not_found_the_nearest_frame_with_it_counts(world):
    assert place_at(path(world, 0), world.tracks, 100 / 6 + 0.01).frame == 101


def test_a_cell_that_is_in_no_track_gives_way_to_the_others_of_its_path(world):
    only_mother = world.tracks[world.tracks["cell_id"] == 1]
    assert place_at(path(world, 1), only_mother, 30.0) == Place(1, 89, 89 * INTERVAL_H, 70.0, 100.0)


def test_without_time_series_or_tracks_there_is_no_place(world):
    assert place_at(path(world, 1), world.tracks, np.nan) is None
    assert place_at(path(world, 9), world.tracks, 3.0) is None
    assert place_at(path(world, 1), world.tracks.iloc[:0], 3.0) is None


def test_a_cell_before_its_path_begins_is_not_looked_at(world):
    late = path(world, 1)
    late = late[late["time_h"] > 5]
    assert place_at(late, world.tracks, 0.0).frame == 31


def test_the_worst_hour_is_the_middle_of_what_was_foretold_worst_or_of_the_most_surprising_window(
    world, surprised
):
    published = world.windows[world.windows["series_id"] == 1]
    assert worst_hour(published, world.score) == pytest.approx(6 + 24 + 11 / 12)
    by_surprise = surprised.windows[surprised.windows["series_id"] == 1]
    assert worst_hour(by_surprise, surprised.score) == pytest.approx(20 / 6 + 14 + 11 / 12)
