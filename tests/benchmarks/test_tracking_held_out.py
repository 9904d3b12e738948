"""Settings for a field are chosen on the others alone."""

import pytest
import tracking_held_out
from tracking_held_out import GRID, best, entries, held_out, settings, with_setting

from lensfree.config import Config
from lensfree.tracks.scoring import TrackCounts

ONE, OTHER = settings()[0], settings()[-1]


def counts(whole):
    """Ten divisions, all right, and ten cells of which some are whole."""
    return TrackCounts(10, 10, 10, 10, 10, 10, 10, 10, whole, 4, 2)


def test_a_field_has_no_say_in_its_own_settings():
    of_setting = {ONE: [counts(10), counts(5), counts(5)], OTHER: [counts(0), counts(6), counts(6)]}
    found, chosen = held_out(of_setting)
    assert chosen == [OTHER, ONE, ONE]
    assert found.cells_whole == 0 + 5 + 5 and found.cells_true == 30
    assert best(of_setting) == ONE


def test_settings_reach_the_tracker_and_every_combination_is_tried():
    assert len(settings()) == len(set(settings())) == 80
    config = with_setting(Config(), OTHER)
    assert [getattr(config.track, name) for name in GRID] == list(OTHER)
    shipped = tuple(getattr(Config().track, name) for name in GRID)
    assert shipped in settings()


def test_what_is_written_says_what_was_chosen():
    lines = entries(counts(7), [ONE, OTHER, ONE], 3)
    assert lines["track.mcf10a.held_out.complete_tracks"]["value"] == pytest.approx(0.7)
    assert "3 fields" in lines["track.mcf10a.held_out.complete_tracks"]["meaning"]
    assert "0, 0.25, 0 or 3, 1, 12" in lines["track.mcf10a.held_out.md30"]["meaning"]
    assert tracking_held_out.REAL.is_dir()
