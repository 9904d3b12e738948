"""Mitotic rounding is learnt from sure divisions, and speaks against events that only look like one."""

import numpy as np
import pandas as pd
import pytest

from lensfree.config import TrackConfig
from lensfree.tracks.candidates import LinkedTracks
from lensfree.tracks.rounding import FLAT_FRAMES, MOST_COST, MOST_REWARD, Rounding, log_rounding

N_MOTHERS, LENGTH, AT = 40, 90, 45


def families(round_opd_nm=500.0, flat_opd_nm=80.0, seed=1):
    """Mothers that divide after frame AT, each followed by two daughters; thick only around the division."""
    rng = np.random.default_rng(seed)
    parts = []
    for k in range(N_MOTHERS):
        for track, first, last, rounded in (
            (3 * k, 0, AT + 1, AT),
            (3 * k + 1, AT + 1, LENGTH, AT + 1),
            (3 * k + 2, AT + 1, LENGTH, AT + 1),
        ):
            frame = np.arange(first, last)
            thick = np.where(abs(frame - rounded) < 3, round_opd_nm, flat_opd_nm)
            parts.append(
                pd.DataFrame(
                    {
                        "frame": frame,
                        "time_h": frame / 6,
                        "track": track,
                        "y_um": 50.0 * k,
                        "x_um": 10.0 * (track % 3),
                        "dry_mass_pg": 300.0,
                        "max_opd_nm": thick * np.exp(0.08 * rng.standard_normal(len(frame))),
                    }
                )
            )
    tracks = LinkedTracks(pd.concat(parts), TrackConfig())
    mother = tracks.stop[0::3] - 1
    daughters = np.column_stack([tracks.start[1::3], tracks.start[2::3]])
    return tracks, mother, daughters


def test_the_measure_is_the_logarithm_of_how_much_thicker():
    tracks, mother, daughters = families()
    np.testing.assert_allclose(log_rounding(tracks, mother, daughters), np.log(500 / 80), atol=0.15)


def test_what_is_learnt_is_what_is_there():
    found = Rounding.learn(*families())
    assert found.mean == pytest.approx(np.log(500 / 80), abs=0.05)
    assert found.other_mean == pytest.approx(0.0, abs=0.05)


def test_a_division_is_rewarded_and_a_flat_one_pays():
    tracks, mother, daughters = families()
    rounding = Rounding.learn(tracks, mother, daughters)
    assert np.median(rounding.cost(tracks, mother, daughters)) == -MOST_REWARD
    flat, flat_mother, flat_daughters = families(round_opd_nm=80.0)
    np.testing.assert_allclose(rounding.cost(flat, flat_mother, flat_daughters), MOST_COST)


def test_cells_that_do_not_round_up_teach_nothing():
    assert Rounding.learn(*families(round_opd_nm=85.0)) is None


def test_a_constant_opd_teaches_nothing():
    tracks, mother, daughters = families()
    tracks.log_max_opd = np.zeros(len(tracks.frame))
    assert Rounding.learn(tracks, mother, daughters) is None


def test_who_was_not_seen_long_enough_is_not_judged():
    tracks, mother, daughters = families()
    rounding = Rounding.learn(tracks, mother, daughters)
    brief = LinkedTracks(tracks.linked[abs(tracks.linked["frame"] - AT) < FLAT_FRAMES[0] - 2], TrackConfig())
    brief_daughters = np.column_stack([brief.start[1::3], brief.start[2::3]])
    assert np.isnan(log_rounding(brief, brief.stop[0::3] - 1, brief_daughters)).all()
    assert (rounding.cost(brief, brief.stop[0::3] - 1, brief_daughters) == 0).all()
