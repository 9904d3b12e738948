"""Evaluation of tracking at toy size: what is measured is what it says, and the page shows it."""

from pathlib import Path

import cases
import numpy as np
import pandas as pd
import pytest

from lensfree.config import Config, EvaluateConfig
from lensfree.simulate.dense import simulate_dense
from lensfree.stages import evaluate_track, evaluate_track_dense
from lensfree.stages.evaluate_track_dense import measure_dense
from lensfree.stages.evaluate_track_manual import measure_manual
from lensfree.stages.evaluate_track_movie import (
    HALF_CROP_PX,
    SHOWN_BREAKS,
    shown_breaks,
    summarise_followed,
)
from lensfree.stages.followed_movie import PIXEL_UM, FollowedMovie
from lensfree.stages.track_page import build_page
from lensfree.tracks.followed import follow

pytest.importorskip("traccuracy")

REAL = Path(__file__).parents[2] / "demo" / "real"


def config_of(**evaluate):
    return Config(evaluate=EvaluateConfig(seeds=(90001, 90002, 90003), **evaluate))


@pytest.fixture
def small_sets(monkeypatch):
    """The dense sets on a piece of the sensor and for a day; says which were asked for."""
    asked = []

    def simulate(name, seed):
        asked.append((name, seed))
        return simulate_dense(name, seed, frames=130, sensor_px=(420, 610))

    monkeypatch.setattr(evaluate_track_dense, "simulate_dense", simulate)
    return asked


def test_every_set_has_its_seeds_and_its_keys(small_sets):
    config = config_of(track_dense_seeds=(0, 2, 1), track_dense_seeds_35pg=(0, 0, 1))
    measures = measure_dense(config)
    assert small_sets == [("3k", 90001), ("3k", 90002), ("10k", 90001), ("10k_35pg", 90001)]
    names = ("link_f1", "division_f1", "division_precision", "division_recall", "complete_tracks", "md30")
    assert set(measures) == {
        f"track.{name}.{figure}" for name in ("3k", "10k", "10k_35pg") for figure in names
    }
    assert measures["track.3k.link_f1"].seeds == (90001, 90002)
    assert "spread over seeds" in measures["track.3k.link_f1"].meaning
    assert "spread" not in measures["track.10k.link_f1"].meaning
    assert all("synthetic" in measure.meaning for measure in measures.values())
    assert measures["track.10k.division_f1"].value > 0.7
    assert measures["track.10k.link_f1"].n > 5000


@pytest.mark.parametrize(
    ("key", "target"),
    [
        ("1k.md30", 0.92),
        ("3k.division_f1", 0.97),
        ("3k.md30", 0.85),
        ("10k.division_f1", 0.92),
        ("10k.complete_tracks", 0.85),
        ("10k.md30", 0.70),
        ("10k_35pg.md30", 0.62),
        ("10k.link_f1", None),
    ],
)
def test_targets_stand_where_they_were_set(key, target):
    name, figure = key.split(".")
    assert evaluate_track_dense.TARGETS.get(name, {}).get(figure) == target


def test_the_cultures_keep_their_keys_and_targets():
    config = config_of(track_frames=40, track_field_um=(260.0, 340.0)).model_copy()
    measures = evaluate_track.measure_cultures(config)
    assert set(measures) == {
        f"track.{name}" for name in ("link_f1", "division_f1", "complete_tracks", "md30")
    }
    assert (measures["track.link_f1"].target, measures["track.division_f1"].target) == (0.99, 0.85)
    assert measures["track.link_f1"].value > 0.97


def manual_file(path, truth):
    """Write a world of tests/cases.py as a file made by hand."""
    pd.DataFrame(
        {
            "TID": truth["cell_id"] + 1,
            "tmin": truth["frame"] * 30,
            "ypixel": truth["y_um"],
            "xpixel": truth["x_um"],
            "motherID": truth["parent_id"] + 1,
        }
    ).to_csv(path, index=False)


def test_manual_tracks_are_pooled_by_their_counts(tmp_path):
    division, alone = cases.two_generations(), cases.straight_walk()
    manual_file(tmp_path / "a.csv", division)
    manual_file(tmp_path / "b.csv", alone)
    config = Config()
    track = config.track.model_copy(update={"search_range_um": 12.0})
    measures = measure_manual(tmp_path, config.model_copy(update={"track": track}))
    assert set(measures) == {
        f"track.mcf10a.{name}" for name in ("link_f1", "division_f1", "complete_tracks", "md30")
    }
    assert measures["track.mcf10a.division_f1"].value == 1.0
    assert measures["track.mcf10a.complete_tracks"].value == 1.0
    n_cells = division["cell_id"].nunique() + 1
    assert f"2 divisions, {n_cells} cells" in measures["track.mcf10a.link_f1"].meaning
    assert measures["track.mcf10a.link_f1"].n == len(division) + len(alone)
    assert measures["track.mcf10a.division_f1"].target == 0.78


def test_a_folder_without_tracks_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"has no \*.csv, expected tracks made by hand"):
        measure_manual(tmp_path, Config())


@pytest.fixture
def followed_toy():
    """A movie of 200 dark frames; the instrument follows two cells, ours loses the second for good."""
    frame = np.arange(200)
    counts = np.zeros((200, 90, 130), np.uint8)
    others = pd.concat(
        [
            pd.DataFrame({"frame": frame, "cell_id": name, "y_um": y_um, "x_um": 100.0})
            for name, y_um in ((7, 40.0), (8, 110.0))
        ]
    )
    ours = others.assign(parent_id=-1)
    ours["cell_id"] = np.where(
        ours["cell_id"] == 7, 0, np.where(ours["frame"] < 120, 1, np.where(ours["frame"] < 125, -9, 2))
    )
    ours = ours[ours["cell_id"] >= 0]
    return FollowedMovie(counts, others), ours, follow(ours, others, min_frames=180, reach_um=10.0)


def test_shares_of_long_tracks_are_counted(followed_toy):
    _, _, followed = followed_toy
    measures = summarise_followed(followed)
    assert measures["track.livecyte.long_tracks_whole"].value == 0.5
    assert measures["track.livecyte.long_tracks_95"].value == 0.5
    assert measures["track.livecyte.frames_found"].value == (200 + 195) / 400
    assert measures["track.livecyte.long_tracks_whole"].n == 2
    assert "assumed" in measures["track.livecyte.frames_found"].meaning
    assert np.isnan(summarise_followed([])["track.livecyte.long_tracks_whole"].value)


def test_the_page_says_what_is_whole_and_where_the_other_breaks(followed_toy):
    _, _, followed = followed_toy
    page = build_page(summarise_followed(followed), followed)
    assert "1 of 2. With 95% of those frames it is 1 of 2." in page
    assert "in 98.8% of the frames" in page
    assert "| 7 | 200 | 200 | 200 | 0 |" in page
    assert "| 8 | 125 | 110 | 100 | 0.0 | 1 | 2 | lost for 5 frames and found again as another cell |" in page
    assert "assumptions" in page and "no ground truth" in page
    assert max(len(line) for line in page.splitlines() if not line.startswith("|")) <= 120


def test_breaks_are_shown_around_their_frame(followed_toy):
    movie, ours, followed = followed_toy
    ((*crops,),) = shown_breaks(movie, followed, ours)
    assert [crop.title for crop in crops] == [f"frame {frame}" for frame in range(123, 128)]
    assert "lost for 5 frames" in crops[0].note and not crops[1].note
    side = 2 * HALF_CROP_PX + 1
    assert {crop.opd_nm.shape for crop in crops} == {(side, side)}
    later = crops[3]
    assert later.cells_in_question == (1, 2)
    where = later.place_um[later.cell_id == 2][0]
    np.testing.assert_allclose(where, later.other_um[0])
    np.testing.assert_allclose(where / PIXEL_UM, [110.0 / PIXEL_UM - (90 - side), 30.0], atol=0.7)


def test_no_more_breaks_are_shown_than_fit(followed_toy):
    movie, ours, followed = followed_toy
    rows = shown_breaks(movie, [followed[1]] * 20, ours)
    assert len(rows) == SHOWN_BREAKS


def test_a_run_measures_everything_and_writes_page_and_figure(
    tmp_path, monkeypatch, small_sets, followed_toy
):
    movie, ours, _ = followed_toy
    cells = ours.drop(columns=["cell_id", "parent_id"]).assign(
        time_h=ours["frame"] * 0.1, dry_mass_pg=200.0 + ours["y_um"], model="toy"
    )
    monkeypatch.setattr(evaluate_track.FollowedMovie, "read", classmethod(lambda cls, folder: movie))
    monkeypatch.setattr(FollowedMovie, "cells", lambda self, represent, config: cells)
    monkeypatch.setattr(evaluate_track, "load_represent", lambda weights: None)
    (tmp_path / "mcf10a_lineages").mkdir()
    manual_file(tmp_path / "mcf10a_lineages" / "a.csv", cases.two_generations())
    config = config_of(
        track_frames=30,
        track_field_um=(260.0, 340.0),
        track_dense_seeds=(0, 1, 0),
        track_dense_seeds_35pg=(0, 0, 0),
        track_chain_seeds=0,
    )
    page, figure = tmp_path / "page.md", tmp_path / "figure.png"
    measures = evaluate_track.run(
        config=config,
        refine_weights=None,
        quantify_weights=tmp_path / "none",
        real=tmp_path,
        page=page,
        figure=figure,
    )
    prefixes = {key.rsplit(".", 1)[0] for key in measures}
    assert prefixes == {"track", "track.3k", "track.mcf10a", "track.livecyte"}
    assert page.read_text(encoding="utf-8").startswith("# Tracking on a movie of real cells")
    assert figure.read_bytes().startswith(b"\x89PNG")
