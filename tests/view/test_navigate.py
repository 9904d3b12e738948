"""Going to a cell and saying when, in napari's model of a viewer."""

import numpy as np
import pandas as pd
import pytest
from viewed import INTERVAL_H, MISSING_FRAME, N_FRAMES

from lensfree.view.layers import build_layers
from lensfree.view.navigate import NEAR_ZOOM, go_to, say_when, when
from lensfree.view.present import find_acquisition

napari_model = pytest.importorskip(
    "napari.components", reason="needs napari, part of the extras dev and view"
)


@pytest.fixture
def opened(results):
    viewer = napari_model.ViewerModel()
    present = find_acquisition(results, "scored")
    return viewer, present, build_layers(viewer, present)


def test_a_row_of_the_table_is_in_the_middle_at_its_frame(opened):
    viewer, _, shown = opened
    viewer.scene.camera.zoom = 0.3
    row = shown.anomalies.iloc[0]
    assert go_to(viewer, row)
    assert viewer.dims.current_step[0] == row["frame"] == 100
    assert viewer.scene.camera.center[1:] == pytest.approx((row["y_um"], row["x_um"]))
    assert viewer.scene.camera.zoom == NEAR_ZOOM


def test_who_looks_nearer_already_stays_there(opened):
    viewer, _, shown = opened
    viewer.scene.camera.zoom = 3 * NEAR_ZOOM
    go_to(viewer, shown.anomalies.iloc[1])
    assert viewer.scene.camera.zoom == 3 * NEAR_ZOOM


def test_a_history_without_a_place_moves_nothing(opened):
    viewer, _, shown = opened
    before = (viewer.dims.current_step, viewer.scene.camera.center, viewer.scene.camera.zoom)
    assert not go_to(viewer, shown.anomalies.iloc[0].copy().replace({100: pd.NA}))
    assert (viewer.dims.current_step, viewer.scene.camera.center, viewer.scene.camera.zoom) == before


def test_frame_and_hour_are_said_and_follow(opened):
    viewer, present, shown = opened
    say_when(viewer, present, shown.time_h, shown.is_missing)
    text = viewer.canvas.overlays.text
    assert text.visible and text.text == f"frame 0 of {N_FRAMES}, 0.0 h"
    viewer.dims.set_current_step(0, 90)
    assert text.text == f"frame 90 of {N_FRAMES}, 15.0 h"
    viewer.dims.set_current_step(0, MISSING_FRAME)
    assert text.text.endswith("1.2 h, no picture")
    assert viewer.canvas.overlays.scale_bar.visible


def test_synthetic_data_is_called_so(opened, results):
    viewer, present, shown = opened
    say_when(viewer, present, shown.time_h, shown.is_missing)
    assert "synthetic" not in viewer.title + viewer.canvas.overlays.text.text
    simulated = type(present)(**{**vars(present), "is_simulated": True})
    say_when(viewer, simulated, shown.time_h, shown.is_missing)
    assert viewer.title == "scored (simulated: synthetic data)"
    assert viewer.canvas.overlays.text.text.endswith("(simulated: synthetic data)")


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (0, "frame 0 of 3, 0.0 h"),
        (1, "frame 1 of 3, 0.2 h, no picture"),
        (2, "frame 2 of 3, not computed yet"),
        (3, ""),
    ],
)
def test_frames_in_words(frame, words):
    assert when(frame, np.array([0, INTERVAL_H, np.nan]), np.array([False, True, True])) == words
