"""Exports: what is made by default, what a setting adds, and what runs again."""

import json
import shutil

import conftest
import numpy as np
import pandas as pd
import pytest
import tifffile
from conftest import MOVIE_CONFIG, MOVIE_ROW, Workplace

from lensfree.contracts import TRACKS
from lensfree.io.stacks import open_opd
from lensfree.io.tables import read_table

pytestmark = pytest.mark.workflow

DEFAULT = {"tracks.csv", "tracks.csv-metadata.json", "tracks.xml"}
JOBS = {"export_csv movie tracks.csv", "export movie tracks.xml"}
OPD_NAMES = {"ome_tiff": "opd.ome.tif", "ome_zarr": "opd.ome.zarr"}


@pytest.fixture
def movie(finished_movie, request):
    """A copy of the finished movie beside it: elsewhere the path to the models would be another input."""
    folder = finished_movie.folder.with_name(f"lensfree_{request.node.name}")
    shutil.copytree(finished_movie.folder, folder)
    yield Workplace(finished_movie.project, folder, [MOVIE_ROW], MOVIE_CONFIG)
    shutil.rmtree(folder)


def exported(place):
    return {path.name for path in (place.results("movie") / "export").iterdir()}


def test_csv_and_trackmate_are_made_by_default(movie):
    assert exported(movie) == DEFAULT
    got = pd.read_csv(movie.results("movie") / "export" / "tracks.csv")
    tracks = read_table(movie.results("movie") / "tracks.parquet", TRACKS)
    assert len(tracks) > 100
    pd.testing.assert_frame_equal(
        got.astype({"frame": "int32"}),
        tracks.sort_values(["frame", "cell_id"], ignore_index=True),
        check_dtype=False,
        rtol=1e-15,
    )


def test_an_acquisition_that_stops_before_tracking_has_exports_of_opd_alone(place):
    assert not (place.results() / "export").exists()
    assert not any("export" in job for job in place.planned())
    place.config = {**place.config, "export": {"formats": ["csv", "ctc", "ome_tiff"]}}
    assert {job for job in place.planned() if "export" in job} == {"export_opd plate opd.ome.tif"}


def test_more_formats_are_added_to_those_that_are_there(movie):
    pytest.importorskip("geff", reason="needs the package geff, part of the extra dev")
    zarr = pytest.importorskip("zarr", reason="needs the package zarr, part of the extra dev")
    movie.config = {**movie.config, "export": {"formats": ["ctc", "geff", "csv", "trackmate", *OPD_NAMES]}}
    assert movie.planned() == {
        *("export_folder movie tracks.geff", "export_folder movie ctc"),
        *("export_opd movie opd.ome.tif", "export_opd_folder movie opd.ome.zarr"),
    }
    movie.run()
    assert exported(movie) == DEFAULT | {"tracks.geff", "ctc", *OPD_NAMES.values()}
    _opd_is_that_of_the_movie(movie, zarr)
    assert len(list((movie.results("movie") / "export" / "ctc").glob("mask*.tif"))) == 190
    assert (movie.folder / "logs" / "export" / "movie" / "ctc.log").is_file()
    assert movie.planned() == set()


def _opd_is_that_of_the_movie(movie, zarr):
    with open_opd(movie.results("movie") / "opd" / "0001.h5") as reader:
        expected = np.rint(reader.read(189) / reader.opd_step_nm)
    folder = movie.results("movie") / "export"
    with tifffile.TiffFile(folder / "opd.ome.tif") as file:
        assert file.series[0].shape == (190, *expected.shape)
        np.testing.assert_array_equal(file.pages[189].asarray(), expected)
        said = json.loads(tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]["Description"])
    assert said["n_medium"] == 1.0
    assert said["provenance"]["rule"] == "export_opd"
    np.testing.assert_array_equal(zarr.open_array(folder / "opd.ome.zarr" / "0")[189, 0], expected)


def test_a_changed_type_makes_opd_again_and_not_tracks(movie):
    movie.config = {**movie.config, "export": {"opd_dtype": "float32"}}
    assert movie.planned() == set()
    assert movie.planned("results/movie/export/opd.ome.tif") == {"export_opd movie opd.ome.tif"}


def test_a_changed_disc_makes_exports_again_and_nothing_else(movie):
    movie.config = {**movie.config, "export": {"disc_diameter_um": 8.0}}
    assert movie.planned() == JOBS


def test_a_row_of_the_sheet_can_have_formats_of_its_own(movie, monkeypatch):
    monkeypatch.setattr(conftest, "COLUMNS", (*conftest.COLUMNS, "export.formats"))
    movie.rows = [(*movie.rows[0], '["ctc"]')]
    # The report shows the row as it is in the sheet.
    assert movie.planned() - {"report movie"} == {"export_folder movie ctc"}


def test_no_formats_are_no_jobs_and_one_can_still_be_asked_for(movie):
    movie.config = {**movie.config, "export": {"formats": []}}
    (movie.results("movie") / "export" / "tracks.csv").unlink()
    assert movie.planned() == set()
    assert movie.planned("results/movie/export/tracks.csv") == {"export_csv movie tracks.csv"}


def test_an_unknown_format_is_one_sentence(movie):
    movie.config = {**movie.config, "export": {"formats": ["xml"]}}
    text = movie.run("--dry-run", is_ok=False)
    assert (
        "'export.formats' is 'xml', expected 'csv', 'trackmate', 'geff', 'ctc', 'ome_tiff' or 'ome_zarr'"
        in text
    )
