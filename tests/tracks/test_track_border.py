"""How much more often tracks begin at the border, and what that makes a daughter there cost."""

import numpy as np
import pandas as pd
import pytest

from lensfree.tracks import border
from lensfree.tracks.border import WIDTH_SD, Border
from lensfree.tracks.candidates import LinkedTracks
from lensfree.tracks.scales import Scales

SCALES = Scales(15.0, 2.0, 0.0, log_mass_sd=0.1, log_mass_weight_um=10.0)
FRAMES = 21
POSTS_UM = [(0.0, 0.0), (100.0, 140.0)]
"""Corners of the field; seen throughout, so that they are near the border but begin nowhere."""


def field(begins_um, config, standing=()):
    """Posts and standing cells that are there throughout, and cells that come in frame 11, for ever."""
    cells = [(place, 0) for place in [*POSTS_UM, *standing]] + [(place, 11) for place in begins_um]
    rows = [
        {"frame": frame, "time_h": frame / 6, "y_um": y, "x_um": x, "track": track, "dry_mass_pg": 200.0}
        for track, ((y, x), first) in enumerate(cells)
        for frame in range(first, FRAMES)
    ]
    return LinkedTracks(pd.DataFrame(rows), config)


def test_the_surcharge_is_twice_the_log_of_how_many_times_more_tracks_begin_there(tiny):
    near = [(1.0, 30.0 + 10 * k) for k in range(6)]
    inside = [(50.0, 30.0 + 10 * k) for k in range(3)]
    standing = [(70.0, 20.0 + 10 * k) for k in range(10)]
    border = Border.learn(field(near + inside, tiny, standing), SCALES, tiny)
    looks_near, looks_inside = 2 * 20 + 6 * 10, 10 * 20 + 3 * 10
    expected = 3 / looks_inside * looks_near
    assert border.width_um == WIDTH_SD * SCALES.step_sd_um
    assert border.surcharge == pytest.approx(2 * np.log(7 / (expected + 1)))


def test_of_many_looks_some_say_the_same(tiny, monkeypatch):
    near, inside = [(1.0, 10.0 * k) for k in range(1, 13)], [(50.0, 10.0 * k) for k in range(1, 13)]
    tracks = field(near + inside[:4], tiny, inside)
    whole = Border.learn(tracks, SCALES, tiny).surcharge
    monkeypatch.setattr(border, "MOST_ROWS", 200)
    some = Border.learn(tracks, SCALES, tiny).surcharge
    assert some != whole and some == pytest.approx(whole, rel=0.1)


def test_nothing_is_charged_where_no_more_tracks_begin_than_elsewhere(tiny):
    inside = [(50.0, 30.0 + 10 * k) for k in range(6)]
    assert Border.learn(field(inside, tiny), SCALES, tiny).surcharge == 0.0


@pytest.mark.parametrize("place", [[], [(1.0, 50.0)]], ids=["nothing begins", "all cells are at the border"])
def test_where_there_is_nothing_to_compare_with_nothing_is_charged(tiny, place):
    assert Border.learn(field(place, tiny), SCALES, tiny).surcharge == 0.0


def test_any_daughter_first_seen_there_costs_the_surcharge_once(tiny):
    tracks = field([(1.0, 50.0), (2.0, 60.0), (50.0, 60.0)], tiny)
    first, second, inside = tracks.start[2:]
    daughters = np.array([[first, second], [inside, first], [inside, inside]])
    np.testing.assert_array_equal(Border(4.0, 1.5).cost(tracks, daughters), [1.5, 1.5, 0.0])
