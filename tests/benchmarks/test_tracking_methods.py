"""Every tracker follows toy cells, names mothers, and is told apart from those that are not installed."""

from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
import tracking_methods
from tracking_methods import (
    ABLATIONS,
    BTRACK_PYTHON,
    METHODS,
    Method,
    btrack_version,
    by_btrack,
    by_laptrack,
    by_lensfree,
    by_trackpy,
    in_px,
    named,
)

from lensfree.config import TrackConfig
from lensfree.simulate.dense import PIXEL_UM
from lensfree.tracks.scoring import score_tracks

pytest.importorskip("traccuracy")

FRAMES = 30
BIRTH = 16


def toy():
    """Three cells that walk straight, a mother among them whose daughters part; lightest first in a frame."""
    rows = []
    for frame in range(FRAMES):
        for cell, (y, x) in {0: (40.0, 60.0 + frame), 1: (150.0 - frame, 40.0)}.items():
            rows.append((frame, y, x, cell, -1, 300.0 + cell))
        if frame < BIRTH:
            rows.append((frame, 100.0, 200.0 + 0.5 * frame, 2, -1, 400.0))
        else:
            for cell, side in ((3, -1.0), (4, 1.0)):
                rows.append((frame, 100.0 + side * (6.0 + 2 * (frame - BIRTH)), 208.0, cell, 2, 200.0))
    truth = pd.DataFrame(rows, columns=["frame", "y_um", "x_um", "cell_id", "parent_id", "dry_mass_pg"])
    truth["time_h"] = truth["frame"] / 6
    shape = {"area_um2": 500.0, "max_opd_nm": 100.0, "length_um": 25.0, "model": "toy"}
    seen = truth.drop(columns=["cell_id", "parent_id"]).assign(**shape)
    return seen, truth


def scores_of(tracked):
    tracks, cpu_s, peak_mb = tracked
    assert cpu_s > 0 and np.isfinite(peak_mb)
    return score_tracks(tracks, toy()[1], max_distance_um=3.0, history_h=3.0)


def test_trackpy_follows_and_knows_no_divisions():
    found = scores_of(by_trackpy(toy()[0], range_px=9, memory=2))
    assert found["link_f1"] > 0.97 and found["division_recall"] == 0.0


def test_laptrack_splits():
    pytest.importorskip("laptrack")
    found = scores_of(by_laptrack(toy()[0], cutoff_px=5, split_px=9, gap=2))
    assert found["division_f1"] == 1.0 and found["complete_tracks"] == 1.0


@pytest.mark.skipif(not BTRACK_PYTHON.exists(), reason="btrack has an environment of its own")
def test_btrack_follows_in_its_own_environment():
    found = scores_of(by_btrack(toy()[0], radius_px=15, lambda_branch=50))
    assert found["link_f1"] > 0.95


def test_lensfree_runs_with_the_shipped_settings_but_for_those_named():
    settings = {"search_range_um": 9.0, "log_mass_weight_um": 10.0}
    found = scores_of(by_lensfree(toy()[0], **settings))
    assert found["link_f1"] == 1.0 and found["division_f1"] == 1.0
    off = scores_of(by_lensfree(toy()[0], **settings, division_range_um=0.5))
    assert off["division_recall"] == 0.0


@pytest.mark.parametrize("name", ABLATIONS)
def test_an_ablation_is_a_setting_that_differs_from_the_shipped_one(name):
    settings = METHODS[f"lensfree, {name}"].fixed
    shipped = TrackConfig().model_dump()
    ablated = TrackConfig(**settings).model_dump()
    assert settings and {key for key in shipped if shipped[key] != ablated[key]} == set(settings)


def test_peers_see_pixels_and_rows():
    px = in_px(toy()[0])
    assert list(px.columns) == ["frame", "y", "x", "row"]
    assert px["y"].iloc[0] * PIXEL_UM == 40.0 and px["row"].tolist() == list(range(len(px)))


def test_cells_without_identity_are_left_out_and_mothers_named():
    cells = toy()[0].iloc[:4]
    table = named(cells, np.array([5, -1, 0, 7]), {7: 5, 9: 1})
    assert table["cell_id"].tolist() == [5, 0, 7]
    assert table["parent_id"].tolist() == [-1, -1, 5]
    assert table.index.tolist() == [0, 2, 3]


def test_every_combination_of_settings_is_tried_beside_the_fixed_ones():
    method = Method("numpy", by_trackpy, {"a": (1, 2), "b": (3, 4, 5)}, {"c": 9})
    assert len(list(method.settings())) == 6
    assert {"c": 9, "a": 2, "b": 4} in list(method.settings())
    assert list(METHODS["lensfree"].settings()) == [{}]


def test_what_is_not_installed_has_no_version(tmp_path):
    assert Method("no_such_package_here", by_trackpy).version is None
    assert Method("numpy", by_trackpy).version == np.__version__
    assert btrack_version(tmp_path / "python") is None
    if find_spec("laptrack") is None:
        assert METHODS["laptrack"].version is None


def test_a_failure_of_btrack_is_passed_on_with_its_words(monkeypatch, tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'no such model' >&2\nexit 3\n", encoding="ascii")
    python.chmod(0o755)
    monkeypatch.setattr(tracking_methods, "BTRACK_PYTHON", python)
    with pytest.raises(RuntimeError, match=r"btrack failed with \{'radius_px': 15\}: no such model"):
        by_btrack(toy()[0], radius_px=15)
