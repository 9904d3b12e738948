"""A toy movie: half of it is looked at, and its outlines are what is compared with."""

import math

import numpy as np
import pandas as pd
import pytest
import tifffile
from toy_movie import COUNTS, PLACES_PX, RADIUS_PX, SHAPE_YX, write_movie

from lensfree.config import Config
from lensfree.stages.evaluate_quant_movie import look_at, rows_of, summarise_movie
from lensfree.stages.outlined_movie import movie_frames
from lensfree.stages.quant_looks import Answer, Look, by_reference

PITCH_UM = 1.67
CONFIG = Config()


@pytest.fixture
def folder(tmp_path):
    write_movie(tmp_path)
    return tmp_path


def method_of(*places_px):
    """A method that finds these places, heavier from one to the next."""
    table = pd.DataFrame(np.array(places_px, float).reshape(-1, 2) * PITCH_UM, columns=["y_um", "x_um"])
    answer = Answer(table.assign(dry_mass_pg=100.0 + 50.0 * np.arange(len(table))), np.empty(0))
    return lambda opd_nm: answer


def test_the_right_half_and_the_frames_with_outlines_are_seen(folder):
    frames = list(movie_frames(folder))
    assert [frame.frame for frame in frames] == [0, 30]
    assert frames[0].opd_nm.shape == frames[0].outlines.shape == (SHAPE_YX[0], SHAPE_YX[1] - SHAPE_YX[1] // 2)
    for y, x in PLACES_PX:
        assert frames[0].outlines[y, x] > 0
        assert frames[0].opd_nm[y, x] > 50
    assert frames[0].opd_nm[2:8, 2:8].max() == pytest.approx(0.0, abs=1e-4)  # the left half is brighter
    assert not frames[1].outlines.any()


def test_dry_mass_is_that_over_the_outlines(folder):
    frame = next(movie_frames(folder))
    look = look_at(frame, method_of(*PLACES_PX), CONFIG)
    disc_px = (np.hypot(*np.mgrid[-20:21, -20:21]) <= RADIUS_PX).sum()
    opd_nm = np.array(COUNTS) * 600.0 / 255.0
    expected_pg = disc_px * PITCH_UM**2 * opd_nm / 1000 / 0.18
    by_place = look.truth.assign(found_pg=look.found["dry_mass_pg"].to_numpy()).sort_values("found_pg")
    np.testing.assert_allclose(by_place["dry_mass_pg"], expected_pg, rtol=0.02)


def test_missed_and_invented_cells_count_away_from_the_border(folder):
    frame = next(movie_frames(folder))
    invented, in_border = (90, 60), (3, 60)
    look = look_at(frame, method_of(*PLACES_PX[:3], invented, in_border), CONFIG)
    (row,) = rows_of([frame], [look])
    assert (row.frame, row.n_outlines) == (0, len(PLACES_PX))
    assert row.recall == pytest.approx(3 / len(PLACES_PX))
    assert row.precision == pytest.approx(3 / 4)


def test_frames_with_few_pairs_have_no_r2_and_the_pooled_figures_have_all(folder):
    frames = list(movie_frames(folder))
    looks = [look_at(frame, method_of(*PLACES_PX), CONFIG) for frame in frames]
    first, second = rows_of(frames, looks)
    mass_pg = looks[0].truth["dry_mass_pg"].to_numpy()
    found_pg = looks[0].found["dry_mass_pg"].to_numpy()
    assert first.mass_r2 == pytest.approx(np.corrcoef(mass_pg, found_pg)[0, 1] ** 2)
    assert (second.n_outlines, second.precision) == (0, 0.0)
    assert math.isnan(second.recall)
    assert math.isnan(second.mass_r2)
    scores = summarise_movie("quant.movie", looks, "the CNN")
    assert scores["quant.movie.recall"].value == 1.0
    assert scores["quant.movie.precision"].value == pytest.approx(0.5)
    assert scores["quant.movie.mass_r2"].value == pytest.approx(first.mass_r2)
    assert scores["quant.movie.mass_slope"].value == pytest.approx(np.polyfit(mass_pg, found_pg, 1)[0])
    assert "no ground truth" in scores["quant.movie.recall"].meaning
    assert scores["quant.movie.recall"].seeds == ()
    assert {key.rpartition(".")[2] for key in scores} >= {"precision", "recall", "mass_r2", "mass_slope"}
    assert not any("area" in key for key in scores)


def test_the_reference_pipeline_agrees_with_outlines_of_its_own_making(folder):
    frame = next(movie_frames(folder))
    look = look_at(frame, by_reference(CONFIG), CONFIG)
    assert isinstance(look, Look)
    assert (look.detection.recall, look.detection.precision) == (1.0, 1.0)
    np.testing.assert_allclose(look.found["dry_mass_pg"], look.truth["dry_mass_pg"], rtol=0.05)


def test_outlines_beyond_the_movie_are_refused(folder):
    outlines = tifffile.imread(folder / "mda_mb_231_outlines.tif")
    many = np.concatenate([outlines, outlines])
    tifffile.imwrite(folder / "mda_mb_231_outlines.tif", many, photometric="minisblack")
    with pytest.raises(ValueError, match=r"outlines of 4 frames, one every 30, and a movie of 31 frames"):
        next(movie_frames(folder))
