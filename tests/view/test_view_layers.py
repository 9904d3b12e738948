"""The layers in napari's model of a viewer, without a window: what is there, where, what was read."""

import shutil

import numpy as np
import pandas as pd
import pytest
from viewed import (
    CHUNK,
    INTERVAL_H,
    MISSING_FRAME,
    N_FRAMES,
    PITCH_UM,
    SHAPE_YX,
    opd_nm,
    the_tracks,
    write_cells,
    write_holograms,
)

from lensfree.config import QuantifyConfig
from lensfree.contracts import TRACKS
from lensfree.io.tables import read_table, write_table
from lensfree.view import cell_layers, picture_layers
from lensfree.view.anomalies import COLOURS, FLAGGED, NORMAL, SUSPECTED
from lensfree.view.cells import circle_diameter_um, division_rows, outline_maker
from lensfree.view.layers import build_layers
from lensfree.view.present import find_acquisition

napari_model = pytest.importorskip(
    "napari.components", reason="needs napari, part of the extras dev and view"
)


def opened(results, acquisition):
    viewer = napari_model.ViewerModel()
    return viewer, build_layers(viewer, find_acquisition(results, acquisition))


@pytest.fixture(scope="module")
def scored(results):
    return opened(results, "scored")


def rgba(colour):
    return [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)] + [1.0]


def test_every_stage_has_its_layers_from_pixels_up(scored):
    assert [layer.name for layer in scored[0].layers] == [
        "hologram [half of open beam]",
        "OPD [nm]",
        "absorption [1]",
        "outlines",
        "cells (circles of measured area)",
        "tracks",
        "divisions",
        "found as one",
        "anomalies",
    ]


def test_opening_makes_the_first_frame_and_nothing_else(results):
    viewer, _ = opened(results, "scored")
    made = {layer.name: layer.data.made for layer in viewer.layers if hasattr(layer.data, "made")}
    # napari looks at the middle of a stack before it is told where to look.
    assert made["OPD [nm]"] <= 2 and made["outlines"] <= 1
    assert made["absorption [1]"] == made["hologram [half of open beam]"] == 0
    viewer.dims.set_current_step(0, 60)
    assert viewer.layers["OPD [nm]"].data.made == made["OPD [nm]"] + 1
    assert viewer.layers["absorption [1]"].data.made == 0


def test_a_frame_is_the_map_that_was_written(scored):
    data = scored[0].layers["OPD [nm]"].data
    for frame in (0, CHUNK - 1, CHUNK, N_FRAMES - 1):
        np.testing.assert_allclose(data[frame], opd_nm(the_tracks(), frame), atol=0.0501)
    assert np.isnan(data[MISSING_FRAME]).all()


def test_layers_lie_on_each_other_in_um_and_frames(scored):
    viewer, _ = scored
    for layer in viewer.layers:
        assert [str(unit) for unit in layer.units] == ["pixel", "micrometer", "micrometer"], layer.name
        assert layer.axis_labels == ("frame", "y", "x"), layer.name
    low, high = viewer.layers["OPD [nm]"].extent.world
    np.testing.assert_allclose(low, 0)
    np.testing.assert_allclose(high, [N_FRAMES - 1, *(PITCH_UM * (n - 1) for n in SHAPE_YX)])
    circles = viewer.layers["cells (circles of measured area)"]
    np.testing.assert_allclose(circles.data, the_tracks()[["frame", "y_um", "x_um"]])
    np.testing.assert_array_equal(circles.features["cell_id"], the_tracks()["cell_id"])


def test_circles_have_the_measured_area(scored):
    size_um = scored[0].layers["cells (circles of measured area)"].size
    np.testing.assert_allclose(np.pi * (size_um / 2) ** 2, the_tracks()["area_um2"], rtol=1e-6)
    np.testing.assert_allclose(circle_diameter_um(pd.Series([np.nan, 0.0, np.pi * 9])), [10.0, 10.0, 6.0])


def test_outlines_are_regions_around_the_cells_of_the_frame(scored):
    data, frame = scored[0].layers["outlines"].data, 45
    labels = data[frame]
    here = the_tracks().query("frame == @frame")
    assert set(np.unique(labels)) == {0, *(here["cell_id"] + 1)}
    for cell in here.itertuples():
        assert labels[round(cell.y_um / PITCH_UM), round(cell.x_um / PITCH_UM)] == cell.cell_id + 1
    assert not data[MISSING_FRAME].any()


def test_outlines_follow_the_threshold_that_cells_were_measured_with(results):
    """Bumps of 90 nm and 4 um: a threshold of t reaches sqrt(2 ln(90 / t)) * 4 um from the centre."""
    here = the_tracks().query("frame == 0")

    def radius_um(threshold_nm):
        config = QuantifyConfig(threshold_nm=threshold_nm)
        make = outline_maker(here, lambda frame: opd_nm(here, frame), SHAPE_YX, PITCH_UM, config)
        return np.sqrt((make(0) > 0).sum() * PITCH_UM**2 / np.pi)

    for threshold_nm in (15.0, 45.0):
        assert radius_um(threshold_nm) == pytest.approx(4 * np.sqrt(2 * np.log(90 / threshold_nm)), rel=0.08)


def test_large_fields_open_without_outlines_and_with_circles(results, scored, monkeypatch):
    assert scored[0].layers["outlines"].visible
    assert not scored[0].layers["cells (circles of measured area)"].visible
    monkeypatch.setattr(picture_layers, "MAX_OUTLINED_PX", SHAPE_YX[0] * SHAPE_YX[1] - 1)
    viewer, _ = opened(results, "scored")
    assert not viewer.layers["outlines"].visible and viewer.layers["outlines"].data.made == 0
    assert viewer.layers["cells (circles of measured area)"].visible


def test_tracks_know_their_mothers_and_are_coloured_by_mark(scored):
    layer = scored[0].layers["tracks"]
    assert layer.graph == {1: [0], 2: [0], 3: [1], 4: [1]}
    assert len(layer.data) == len(the_tracks())
    # Vertices are sorted by track and time.
    of = {
        (int(track), int(frame)): colour
        for (track, frame, *_), colour in zip(layer.data, layer.track_colors, strict=True)
    }
    np.testing.assert_allclose(of[3, 110], rgba(COLOURS[FLAGGED]), atol=0.01)
    np.testing.assert_allclose(of[3, 90], rgba(COLOURS[NORMAL]), atol=0.01)
    np.testing.assert_allclose(of[4, 90], rgba(COLOURS[SUSPECTED]), atol=0.01)
    np.testing.assert_allclose(of[2, 50], rgba(COLOURS[NORMAL]), atol=0.01)


@pytest.mark.parametrize("mark", [NORMAL, SUSPECTED])
def test_tracks_of_one_kind_have_its_colour(mark):
    viewer, tracks = napari_model.ViewerModel(), the_tracks()
    cell_layers.add_tracks(viewer, tracks, np.full(len(tracks), mark))
    np.testing.assert_allclose(viewer.layers[0].track_colors, [rgba(COLOURS[mark])] * len(tracks), atol=0.01)


def test_of_very_many_tracks_the_lineages_of_marked_cells_are_shown(monkeypatch):
    tracks = the_tracks()
    other = tracks.query("cell_id == 2").assign(cell_id=9, lineage_id=9, parent_id=-1)
    both = pd.concat([tracks, other], ignore_index=True)
    monkeypatch.setattr(cell_layers, "MAX_TRACK_ROWS", len(both) - 1)
    viewer = napari_model.ViewerModel()
    cell_layers.add_tracks(viewer, both, np.where(both["cell_id"] == 3, FLAGGED, NORMAL))
    assert viewer.layers[0].name == "tracks (lineages of marked cells)"
    assert set(viewer.layers[0].data[:, 0]) == {0, 1, 2, 3, 4}
    cell_layers.add_tracks(viewer, both, np.full(len(both), NORMAL))
    assert len(viewer.layers) == 1


def test_a_division_is_marked_for_an_hour_and_cells_found_as_one_for_as_long_as_they_were(scored):
    divisions = scored[0].layers["divisions"]
    assert set(divisions.features["cell_id"]) == {1, 2, 3, 4}
    assert set(divisions.data[:, 0]) == {*range(40, 47), *range(80, 87)}
    assert division_rows(the_tracks())["parent_id"].isin([0, 1]).all()
    assert scored[0].layers["found as one"].data[:, 0].tolist() == [90, 91, 92]


def test_anomalies_carry_rank_colour_and_shape(scored):
    layer = scored[0].layers["anomalies"]
    rank = layer.features["rank"].to_numpy()
    assert set(rank) == {1, 2}
    for value, mark, symbol in ((1, FLAGGED, "disc"), (2, SUSPECTED, "square")):
        np.testing.assert_allclose(
            layer.border_color[rank == value], [rgba(COLOURS[mark])] * (rank == value).sum(), atol=1e-6
        )
        assert {s.value for s in layer.symbol[rank == value]} == {symbol}
    assert layer.text.string.format == "#{rank}"


def test_times_and_gaps_reach_the_window(scored):
    shown = scored[1]
    np.testing.assert_allclose(shown.time_h, np.arange(N_FRAMES) * INTERVAL_H)
    assert np.flatnonzero(shown.is_missing).tolist() == [MISSING_FRAME]
    assert shown.anomalies["rank"].tolist() == [1, 2, 3]


def test_holograms_are_shown_in_their_colours_up_to_twice_the_open_beam(scored):
    layer = scored[0].layers["hologram [half of open beam]"]
    assert layer.rgb and not layer.visible
    np.testing.assert_allclose(layer.data[0][5, 5], 0.5, atol=1e-4)
    np.testing.assert_allclose(layer.data[0][0, 0], [0.75, 0.5, 0.5], atol=1e-4)
    assert not layer.data[MISSING_FRAME].any() and not layer.data[CHUNK].any()


def test_holograms_of_one_colour_are_grey(results, tmp_path):
    shutil.copytree(results / "bare", tmp_path / "mono")
    write_holograms(tmp_path / "mono", (532.0,))
    viewer, _ = opened(tmp_path, "mono")
    layer = viewer.layers["hologram [half of open beam]"]
    assert not layer.rgb
    assert layer.data[0].shape == SHAPE_YX


def test_before_quantify_there_is_opd_alone(results):
    viewer, shown = opened(results, "bare")
    assert [layer.name for layer in viewer.layers] == ["OPD [nm]", "absorption [1]"]
    assert shown.anomalies is None


def test_before_tracking_there_are_circles(results, tmp_path):
    shutil.copytree(results / "bare", tmp_path / "measured")
    write_cells(tmp_path / "measured")
    viewer, _ = opened(tmp_path, "measured")
    circles = viewer.layers["cells (circles of measured area)"]
    assert circles.visible and len(circles.data) == len(the_tracks())
    assert len(viewer.layers) == 3


def test_before_scoring_nothing_is_marked(results, tmp_path):
    shutil.copytree(results / "scored", tmp_path / "tracked")
    (tmp_path / "tracked" / "windows.parquet").unlink()
    viewer, shown = opened(tmp_path, "tracked")
    assert shown.anomalies is None
    assert "anomalies" not in viewer.layers and "tracks" in viewer.layers


def test_a_chunk_that_is_not_computed_yet_is_a_gap(results, tmp_path):
    shutil.copytree(results / "scored", tmp_path / "running")
    (tmp_path / "running" / "opd" / "0001.h5").unlink()
    viewer, shown = opened(tmp_path, "running")
    assert np.isnan(shown.time_h[CHUNK : 2 * CHUNK]).all() and shown.is_missing[CHUNK : 2 * CHUNK].all()
    assert np.isnan(viewer.layers["OPD [nm]"].data[CHUNK + 3]).all()
    assert not viewer.layers["outlines"].data[CHUNK + 3].any()


def test_no_tracks_at_all_open_as_well(results, tmp_path):
    shutil.copytree(results / "scored", tmp_path / "empty")
    path = tmp_path / "empty" / "tracks.parquet"
    write_table(path, read_table(path, TRACKS).iloc[:0], TRACKS)
    viewer, shown = opened(tmp_path, "empty")
    assert "anomalies" not in viewer.layers and "tracks" not in viewer.layers
    assert shown.anomalies["frame"].isna().all()
