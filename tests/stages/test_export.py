"""Stage export: a table of tracks and chunks of OPD in, one format out."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from exported import INTERVAL_H, N_FRAMES, PITCH_UM, SHAPE_YX, family, sorted_rows

from lensfree.config import ExportConfig
from lensfree.config_output import EXPORT_NAMES, OPD_FORMATS
from lensfree.contracts import TRACKS
from lensfree.io.stacks import create_opd
from lensfree.io.tables import empty_table, write_table
from lensfree.stages import export
from lensfree.tracks.graph import TrackGraphError

SAID = {"code": "abc", "rule": "export"}
ABOUT = {"wavelength_nm": [640.0], "n_medium": 1.33}
OF_TRACKS = [format for format in EXPORT_NAMES if format not in OPD_FORMATS]


@pytest.fixture
def make(tmp_path):
    def run(table, format, **settings) -> Path:
        write_table(tmp_path / "tracks.parquet", table, TRACKS)
        with create_opd(
            tmp_path / "opd.h5", n_frames=1, first_frame=0, shape_yx=SHAPE_YX, pixel_pitch_um=PITCH_UM
        ):
            pass
        out = tmp_path / "export" / EXPORT_NAMES[format]
        export.run(
            tracks=tmp_path / "tracks.parquet",
            opd=[tmp_path / "opd.h5"],
            out=out,
            format=format,
            n_frames=N_FRAMES,
            frame_interval_h=INTERVAL_H,
            config=ExportConfig(**settings),
            provenance={**SAID, "about": ABOUT, "acquisition": "dish"},
            about=ABOUT,
        )
        return out

    return run


def test_csv_holds_the_table(make):
    got = pd.read_csv(make(family(), "csv"))
    pd.testing.assert_frame_equal(got.astype({"frame": "int32"}), sorted_rows(family()), rtol=1e-15)


def test_trackmate_knows_the_field_and_the_frames(make):
    text = make(family(), "trackmate", disc_diameter_um=9.0).read_text(encoding="utf-8")
    assert f'width="{SHAPE_YX[1]}" height="{SHAPE_YX[0]}"' in text
    assert f'nframes="{N_FRAMES}" pixelwidth="{PITCH_UM}"' in text
    assert f'timeinterval="{INTERVAL_H}"' in text
    assert 'RADIUS="4.5"' in text
    assert text.count("<Spot ") == len(family())


def test_geff_says_how_it_was_made(make):
    pytest.importorskip("geff", reason="needs the package geff, part of the extra dev")
    out = make(family(), "geff")
    assert json.loads((out / ".zattrs").read_text())["geff"]["extra"]["lensfree"].items() >= SAID.items()


@pytest.mark.parametrize("disc_diameter_um", [2.7, 10.0])
def test_ctc_draws_discs_of_the_configured_diameter(make, disc_diameter_um):
    out = make(family(), "ctc", disc_diameter_um=disc_diameter_um)
    masks = [tifffile.imread(path) for path in sorted(out.glob("*.tif"))]
    assert len(masks) == N_FRAMES
    mother = family().query("cell_id == 0 and frame == 0").iloc[0]
    y, x = np.indices(SHAPE_YX)
    distance_um = np.hypot(y * PITCH_UM - mother["y_um"], x * PITCH_UM - mother["x_um"])
    np.testing.assert_array_equal(masks[0] > 0, distance_um <= disc_diameter_um / 2)
    assert [len(np.unique(mask)) - 1 for mask in masks] == [
        int((family()["frame"] == frame).sum()) for frame in range(N_FRAMES)
    ]


@pytest.mark.parametrize("format", EXPORT_NAMES)
def test_no_cells_are_a_valid_export(make, format):
    if format in ("geff", "ome_zarr"):
        package = {"geff": "geff", "ome_zarr": "zarr"}[format]
        pytest.importorskip(package, reason=f"needs the package {package}, part of the extra dev")
    assert make(empty_table(TRACKS), format).exists()


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_opd_is_exported_with_what_explains_it(make, dtype):
    with tifffile.TiffFile(make(family(), "ome_tiff", opd_dtype=dtype)) as file:
        assert file.pages[0].dtype == dtype
        assert file.series[0].name == "dish"
        image = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]
    said = json.loads(image["Description"])
    assert said["n_medium"] == ABOUT["n_medium"]
    assert said["provenance"] == {**SAID, "acquisition": "dish"}
    assert image["Pixels"]["TimeIncrement"] == INTERVAL_H * 3600


def test_opd_needs_no_tracks_and_tracks_need_a_table(make, tmp_path):
    make(family(), "ome_tiff")
    arguments = {
        "tracks": None,
        "opd": [tmp_path / "opd.h5"],
        "n_frames": 1,
        "frame_interval_h": INTERVAL_H,
        "config": ExportConfig(),
        "provenance": SAID,
    }
    export.run(out=tmp_path / "again.tif", format="ome_tiff", **arguments)
    assert (tmp_path / "again.tif").is_file()
    with pytest.raises(
        ValueError, match="format csv needs the table of tracks, got none; run the stage track"
    ):
        export.run(out=tmp_path / "tracks.csv", format="csv", **arguments)


@pytest.mark.parametrize("format", OF_TRACKS)
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: pd.concat([t, t[t["cell_id"] == 7]]), "cell 7 has more than one row in frame 3"),
        (lambda t: t.assign(x_um=t["x_um"].where(t["cell_id"] != 7)), "'x_um' of cell 7 in frame 3 is nan"),
    ],
    ids=["twice", "no position"],
)
def test_a_table_that_is_wrong_gives_a_sentence_and_no_file(make, tmp_path, format, spoil, message):
    with pytest.raises(TrackGraphError, match=message):
        make(spoil(family()), format)
    assert not (tmp_path / "export").exists()
