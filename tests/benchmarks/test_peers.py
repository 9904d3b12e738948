"""The peer comparison: what is tried, how it is scored and chosen, and what the page says."""

from dataclasses import replace

import numpy as np
import peer_cases
import peer_figure
import peer_methods
import peer_table
import peers
import pytest
from peer_hotopy import by_ctf
from peer_methods import Method, by_pyholoscope
from peer_scenes import RGB, SHAPE_YX, TWO_DISTANCES, bumps_nm, case

from lensfree.config import Config


def test_settings_that_a_case_does_not_have_are_not_tried():
    method = Method("numpy", by_ctf, {"exposures": ("all", 0), "alpha": (0.1, 1.0)})
    single = Method("numpy", by_pyholoscope, is_one_exposure=True)
    one, two, rgb = (
        case(TWO_DISTANCES[:1], bumps_nm()),
        case(TWO_DISTANCES, bumps_nm()),
        case(RGB, bumps_nm()),
    )
    assert [s["exposures"] for s in method.settings(two)] == ["all", "all"]
    assert len(list(method.settings(rgb))) == 4
    assert [single.fits(scene) for scene in (one, two, rgb)] == [True, False, True]
    assert list(single.settings(one)) == [{}]
    assert list(single.settings(rgb)) == [{"exposure": 0}, {"exposure": 1}, {"exposure": 2}]


def test_beads_are_scored_without_their_level_and_their_plane():
    scene = case(TWO_DISTANCES, bumps_nm())
    y, x = np.indices(SHAPE_YX)
    perfect = peer_cases.scores(scene, scene.true_nm + 77.0)
    assert perfect["correlation"] == pytest.approx(1)
    assert perfect["rmse_rad"] == pytest.approx(0, abs=1e-9)
    assert perfect["integral_ratio"] == pytest.approx(1)
    assert peer_cases.scores(scene, 0.25 * scene.true_nm)["integral_ratio"] == pytest.approx(0.25)
    tilted = peer_cases.scores(scene, scene.true_nm + 0.5 * y - 0.8 * x)
    assert tilted["correlation"] < 0.95
    assert tilted["correlation_plane_removed"] == pytest.approx(1)


def test_cells_are_scored_over_their_true_outlines():
    config = Config()
    small = config.evaluate.model_copy(update={"field_px": 240})
    scene = peer_cases.rgb_case(config.model_copy(update={"evaluate": small}))
    right = peer_cases.scores(scene, scene.true_nm)
    level_nm = right["flat_rmse_nm"]
    assert level_nm < 3  # the level of a map of cells is its own mode, not 0
    heavier = np.where(scene.field.labels > 0, 1.2, 1) * scene.true_nm
    assert peer_cases.scores(scene, heavier)["flat_mass_ratio"] == pytest.approx(
        right["flat_mass_ratio"] + 0.2, abs=0.02
    )
    lighter = peer_cases.scores(scene, np.where(scene.field.labels > 0, 0.5, 1) * scene.true_nm)
    assert lighter["round_mass_ratio"] == pytest.approx(0.5, abs=0.05)


def a_row(method="hotopy AP", package="hotopy 0.26", **changed):
    figures = {
        "correlation": 0.8125,
        "correlation_plane_removed": 0.9,
        "rmse_rad": 0.2,
        "integral_ratio": 0.95,
    }
    return {
        "case": "beads3",
        "what": "real holograms.",
        "method": method,
        "package": package,
        "settings": {"alpha": 0.0, "phase_min": None, "is_absorbing": True},
        "scores": figures,
        "seconds": 1.234,
        "peak_mb": 99.6,
        "machine": "x86_64, 2 threads",
        "date": "2026-01-02",
        "command": "python benchmarks/peers.py",
        **changed,
    }


def test_the_table_says_what_is_missing_and_shows_the_rest(tmp_path):
    row = a_row("Gerchberg-Saxton", "numpy 2.0")
    peer_table.write(tmp_path, {"beads3/Gerchberg-Saxton": row}, ["hotopy", "pyholoscope"])
    page = (tmp_path / "peers.md").read_text(encoding="utf-8")
    for package in ("hotopy", "pyholoscope"):
        assert f"\n{package} is not installed and was skipped: pip install" in page
    assert "| Gerchberg-Saxton | 0.812 | 0.900 | 0.200 | 0.950 | 1.2 | 100 |" in page
    assert "alpha 0.0, phase_min free, is_absorbing yes" in page
    assert "six distances" not in page
    assert peer_table.read_rows(tmp_path / "peers.json") == {"beads3/Gerchberg-Saxton": row}


def test_a_row_measured_earlier_stays_when_its_peer_is_gone(tmp_path):
    peer_table.write(tmp_path, {"beads3/hotopy AP": a_row()}, ["hotopy"])
    page = (tmp_path / "peers.md").read_text(encoding="utf-8")
    assert "| hotopy AP |" in page
    assert "hotopy is not installed" not in page


def test_a_package_that_nobody_has_is_not_installed():
    assert not Method("no_such_package_here", by_ctf).is_installed
    assert Method("numpy", by_ctf).is_installed


def test_a_process_of_its_own_tells_its_memory():
    scene = case(RGB, bumps_nm())
    settings = {"iterations": 2, "max_amplitude": None}
    opd_nm, seconds, peak_mb = peers.in_own_process(peers.measured, "Gerchberg-Saxton", scene, settings)
    assert opd_nm.shape == SHAPE_YX
    assert seconds > 0
    assert 0 < peak_mb < 500


@pytest.mark.parametrize(("key", "expected"), [("beads3", "blurred"), ("rgb", "scaled")])
def test_settings_are_chosen_by_the_first_figure_of_the_table(monkeypatch, key, expected):
    """Correlation does not see a wrong scale of cells; an error in nm does."""
    scene = peer_cases.rgb_case(Config(evaluate=Config().evaluate.model_copy(update={"field_px": 240})))
    true_nm = scene.true_nm
    if key == "beads3":
        scene = replace(case(TWO_DISTANCES, bumps_nm()), key=key)
        true_nm = scene.true_nm
    answers = {
        "nothing": np.random.default_rng(0).normal(0, 50, true_nm.shape),
        "blurred": 0.2 * true_nm,
        "scaled": 0.9 * true_nm + np.random.default_rng(0).normal(0, 3, true_nm.shape),
    }
    method = Method("numpy", lambda _, which: answers[which].astype(np.float32), {"which": tuple(answers)})
    monkeypatch.setitem(peer_methods.METHODS, "fake", method)
    assert peers.chosen("fake", scene) == {"which": expected}


def test_rows_stand_in_the_order_of_cases_and_methods_and_strangers_go():
    rows = dict.fromkeys(["rgb/lensfree", "beads1/lensfree", "beads1/hotopy AP", "beads1/retired"], 0)
    assert list(peers.ordered(rows)) == ["beads1/hotopy AP", "beads1/lensfree", "rgb/lensfree"]


def test_the_picture_shows_the_best_of_its_kind(tmp_path):
    worse = a_row("hotopy CTF", scores={"correlation": 0.5})
    better = a_row("hotopy RAAR", scores={"correlation": 0.7})
    rows = {row["method"]: row for row in (worse, better, a_row("lensfree", scores={"correlation": 0.9}))}
    assert peer_figure.best(rows, "beads3", "hotopy") is better
    assert peer_figure.best(rows, "beads1", "hotopy") is None
    found = np.random.default_rng(0).normal(0, 0.3, (256, 256))
    peer_figure.draw([("true", found), ("found", found), ("also found", found)], tmp_path / "peers.png")
    assert (tmp_path / "peers.png").read_bytes().startswith(b"\x89PNG")
    assert not list(tmp_path.glob("*.partial"))
