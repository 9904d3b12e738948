from __future__ import annotations

import numpy as np
import pytest

from lensfree.config import ReportConfig, ScoreConfig
from lensfree.contracts import CELLS, SCORES, SERIES, TRACKS, WINDOWS, ContractError
from lensfree.io.stacks import create_opd
from lensfree.io.tables import empty_table, write_table
from lensfree.report.gather import Sources, gather
from lensfree.report.snapshots import spread
from lensfree.report.stacks import Frames
from lensfree.report.summary import draw_summary
from lensfree.stages import report

FEW = ReportConfig(montage_frames=3, anomalies=2, strip_frames=6, crop_um=30.0)
SHAPE_YX = (64, 96)


def run(folder, acquisition, **paths):
    report.run(
        acquisition=acquisition,
        out=folder / "report.html",
        summary=folder / "summary.png",
        data=folder / "report",
        config=FEW,
        score=ScoreConfig(),
        **paths,
    )
    return (folder / "report.html").read_text(encoding="utf-8"), (folder / "summary.png").read_bytes()


def test_files_become_a_page_and_a_picture_and_nothing_else(files, acquisition, tmp_path):
    page, picture = run(tmp_path, acquisition, **vars(files))
    assert page.count("data:image/png") == 7
    assert picture.startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report", "report.html", "summary.png"]


def test_opd_alone_is_enough(files, acquisition, tmp_path):
    page, picture = run(tmp_path, acquisition.model_copy(update={"kind": "opd"}), opd=files.opd)
    assert "There is no hologram: OPD maps were given." in page
    assert "the stage quantify has not run" in page
    assert picture.startswith(b"\x89PNG")


def test_an_acquisition_without_any_cell_has_a_page(files, acquisition, tmp_path):
    empty = {"cells": CELLS, "tracks": TRACKS, "series": SERIES, "windows": WINDOWS, "scores": SCORES}
    paths = {name: tmp_path / f"{name}.parquet" for name in empty}
    for name, contract in empty.items():
        write_table(paths[name], empty_table(contract), contract)
    inputs = {**vars(files), **paths, "cells": [paths["cells"]]}
    page, _ = run(tmp_path, acquisition, **inputs)
    assert "No cell was found in any frame." in page
    assert "No series could be scored: there are none." in page


def test_an_acquisition_of_which_no_frame_could_be_read_has_a_page(acquisition, tmp_path):
    path = tmp_path / "opd.h5"
    with create_opd(path, n_frames=2, first_frame=0, shape_yx=SHAPE_YX, pixel_pitch_um=1.67) as sink:
        for index in range(2):
            sink.write(index, time_h=index / 6, opd_nm=None)
    page, picture = run(tmp_path, acquisition, opd=[path])
    assert "No frame of this acquisition could be read." in page
    assert picture.startswith(b"\x89PNG")


def test_a_table_that_breaks_its_contract_is_named(files, acquisition, tmp_path):
    inputs = {**vars(files), "scores": files.windows}
    with pytest.raises(ContractError, match=r"windows.parquet: table 'scores' expected columns"):
        run(tmp_path, acquisition, **inputs)
    assert not (tmp_path / "report.html").exists()


def test_frames_are_found_in_their_chunk_and_in_order(files):
    frames = Frames(files.opd[::-1], files.holograms)
    assert frames.per_frame["frame"].tolist() == list(range(216))
    assert frames.shape_yx == SHAPE_YX
    assert frames.read_opd(100) is None
    assert frames.read_hologram(100) is None
    assert 100 not in frames.recorded()
    assert frames.read_hologram(150).shape == (*SHAPE_YX, 3)


def test_thumbnails_are_centred_on_the_cell(files, acquisition):
    content, _ = gather(Sources(**vars(files)), acquisition, report=FEW, score=ScoreConfig())
    for suspect in content.suspects:
        for thumbnail in suspect.thumbnails:
            middle = np.array(thumbnail.opd_nm.shape) // 2
            brightest = np.unravel_index(np.nanargmax(thumbnail.opd_nm), thumbnail.opd_nm.shape)
            assert np.abs(brightest - middle).max() <= 1


def test_the_threshold_comes_from_the_windows_file(files, acquisition):
    content, _ = gather(Sources(**vars(files)), acquisition, report=FEW, score=ScoreConfig())
    assert content.tau_w == 0.5
    assert [s.truth for s in content.suspects] == ["loss", ""]


def test_the_summary_shows_the_first_suspect_at_its_onset(files, acquisition):
    content, snapshot = gather(Sources(**vars(files)), acquisition, report=FEW, score=ScoreConfig())
    assert snapshot.time_h == pytest.approx(30.0)
    assert snapshot.about_um == pytest.approx((60.0, 100.0 + 30.0 - 15))
    onset = next(
        line for line in draw_summary(content, snapshot).axes[-1].lines if line.get_label() == "onset"
    )
    assert list(onset.get_xdata()) == [30.0, 30.0]


@pytest.mark.parametrize(("method", "middle_h"), [("published", 24 + 11 / 12), ("surprise", 14 + 11 / 12)])
def test_without_an_onset_the_summary_shows_the_most_unusual_window(
    world, surprised, files, surprised_files, acquisition, tmp_path, method, middle_h
):
    tables, paths = (world, files) if method == "published" else (surprised, surprised_files)
    scores = tmp_path / "scores.parquet"
    unclear = tables.scores.assign(onset_h=np.nan, kind="unclear")
    write_table(scores, unclear[list(SCORES.columns)], SCORES)
    sources = Sources(**{**vars(paths), "scores": scores})
    content, snapshot = gather(sources, acquisition, report=FEW, score=ScoreConfig())
    # By MSE the last of series 1, which starts at 6 h; by surprise the first of 17 alike, at 3 h 20 min.
    start_h = 6 if method == "published" else 20 / 6
    assert snapshot.time_h == pytest.approx(start_h + middle_h, abs=1 / 12 + 1e-6)
    labels = [line.get_label() for line in draw_summary(content, snapshot).axes[-1].lines]
    assert "onset" not in labels


def test_the_summary_gives_the_score_under_the_published_method_and_the_kind_under_the_other(
    files, surprised_files, acquisition
):
    titles = []
    for paths in (files, surprised_files):
        gathered = gather(Sources(**vars(paths)), acquisition, report=FEW, score=ScoreConfig())
        titles.append(draw_summary(*gathered).axes[-1].get_title())
    assert titles[0].endswith("the ringed cell over time, flagged: score 0.46")
    assert titles[1].endswith("the ringed cell over time, flagged: lost dry mass")


def test_the_thresholds_of_the_default_method_come_from_the_files(surprised_files, acquisition):
    content, _ = gather(Sources(**vars(surprised_files)), acquisition, report=FEW, score=ScoreConfig())
    assert (content.tau_w, content.surprise_threshold) == (5.0, 5.6)


def test_suspected_errors_of_the_measurement_stand_last_with_their_places(surprised_files, acquisition):
    content, _ = gather(Sources(**vars(surprised_files)), acquisition, report=FEW, score=ScoreConfig())
    assert [(s.rank, s.series_id, s.is_acquisition) for s in content.suspects] == [
        (1, 1, False),
        (3, 0, False),
        (2, 2, True),
    ]
    error = content.suspects[-1]
    assert (error.onset.frame, error.onset.cell_id) == (121, 3)
    assert (error.onset.y_um, error.onset.x_um) == (85.0, 100.0)
    assert error.shares_with == 1


def test_a_field_wider_than_the_montage_gets_an_overview(files, acquisition):
    narrow = FEW.model_copy(update={"montage_um": 80.0})
    content, _ = gather(Sources(**vars(files)), acquisition, report=narrow, score=ScoreConfig())
    assert content.overview is not None
    assert content.overview.opd_nm.shape == SHAPE_YX
    assert all(s.opd_nm.shape[1] == 48 for s in content.snapshots)
    for s in content.snapshots:
        assert s.cells["x_um"].between(s.origin_um[1] - 1, s.origin_um[1] + 80).all()


def test_montage_frames_are_spread_over_those_recorded_with_both_ends():
    assert spread([0, 1, 2, 5, 6], 3) == [0, 2, 6]
    assert spread([3, 4], 4) == [3, 4]
    assert spread([7], 4) == [7]
    assert spread([], 4) == []
