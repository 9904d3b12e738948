"""The movie with the instrument's tracks: both parts of it, in the units of the project."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from toy_movie import COUNTS, LEVEL, PLACES_PX, SHAPE_YX, write_movie

from lensfree.config import Config
from lensfree.stages.followed_movie import (
    INTERVAL_MIN,
    LATER,
    NM_PER_COUNT,
    PIXEL_UM,
    TRACKS,
    FollowedMovie,
)

REAL = Path(__file__).parents[2] / "demo" / "real" / "livecyte_movie"


@pytest.fixture
def folder(tmp_path):
    """31 frames and 4 later ones; the instrument follows the first cell."""
    write_movie(tmp_path)
    later = np.repeat(tifffile.imread(tmp_path / "mda_mb_231_phase.tif", key=30)[None], 4, axis=0)
    later[3, :5, -5:] = 250
    tifffile.imwrite(tmp_path / LATER, later, photometric="minisblack")
    y, x = PLACES_PX[0][0], PLACES_PX[0][1] + SHAPE_YX[1] // 2
    rows = {"frame": range(35), "cell_id": 4, "y_px": float(y), "x_px": float(x)}
    pd.DataFrame(rows).to_csv(tmp_path / TRACKS, index=False)
    return tmp_path


def test_both_parts_are_one_movie(folder):
    movie = FollowedMovie.read(folder)
    assert movie.counts.shape == (35, *SHAPE_YX)
    assert movie.counts[34, 2, -2] == 250 and movie.counts[33, 2, -2] == LEVEL


def test_opd_is_above_the_most_frequent_level(folder):
    opd_nm = FollowedMovie.read(folder).opd_nm(0)
    y, x = PLACES_PX[2][0], PLACES_PX[2][1] + SHAPE_YX[1] // 2
    assert opd_nm[y, x] == pytest.approx(COUNTS[2] * NM_PER_COUNT, abs=NM_PER_COUNT)
    assert np.median(opd_nm) == pytest.approx(0.0, abs=NM_PER_COUNT / 2)


def test_the_instruments_places_are_in_um(folder):
    others = FollowedMovie.read(folder).others
    assert set(others.columns) == {"frame", "cell_id", "y_um", "x_um"}
    assert others["y_um"].iloc[0] == PLACES_PX[0][0] * PIXEL_UM


def test_cells_of_all_frames_are_listed_as_the_stage_does(folder):
    """A network that draws one disc, at another place in every frame."""
    movie = FollowedMovie.read(folder)

    def represent(opd_nm, pixel_pitch_um):
        maps = np.zeros((4, *opd_nm.shape), np.float32)
        represent.calls += 1
        y, x = np.indices(opd_nm.shape)
        maps[:, np.hypot(y - 40 - represent.calls, x - 90) < 3.5] = 1.0
        return maps

    represent.calls = 0
    cells = movie.cells(represent, Config().quantify)
    assert cells["frame"].tolist() == list(range(35))
    assert np.diff(cells["y_um"]).tolist() == pytest.approx([PIXEL_UM] * 34, abs=0.2)
    assert cells["time_h"].iloc[10] == pytest.approx(10 * INTERVAL_MIN / 60)


def test_a_missing_column_is_named(folder):
    pd.read_csv(folder / TRACKS).drop(columns="x_px").to_csv(folder / TRACKS, index=False)
    with pytest.raises(ValueError, match=r"lacks the columns \['x_px'\]; expected"):
        FollowedMovie.read(folder)


def test_tracks_after_the_movies_end_are_an_error(folder):
    tracks = pd.read_csv(folder / TRACKS)
    tracks.assign(frame=tracks["frame"] + 1).to_csv(folder / TRACKS, index=False)
    with pytest.raises(ValueError, match="tracks up to frame 35 and a movie of 35 frames; expected tracks"):
        FollowedMovie.read(folder)


def test_the_real_movie_is_whole_and_31_cells_were_followed_for_long():
    movie = FollowedMovie.read(REAL)
    assert movie.counts.shape == (481, 307, 307)
    assert (movie.others.groupby("cell_id").size() >= 180).sum() == 31
    assert movie.others[["y_um", "x_um"]].max().max() < 307 * PIXEL_UM
