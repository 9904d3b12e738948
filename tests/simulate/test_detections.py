"""Detections differ from the truth as much as asked, and say which cell they are."""

import numpy as np
import pytest

from lensfree.config import SimulateConfig
from lensfree.simulate.detections import DetectionNoise, simulate_detections

SHAPE_UM = (500.0, 750.0)
CONFIG = SimulateConfig(frames=20, cells_per_mm2=150.0, abnormal_fraction=0.1)
CLEAN = DetectionNoise(missed=0, false=0, fusion_um=0, dry_mass_relative=0, dry_mass_pg=0, position_um=0)


def detect(seed=1, noise=None):
    return simulate_detections(
        CONFIG, shape_um=SHAPE_UM, frame_interval_min=10.0, rng=np.random.default_rng(seed), noise=noise
    )


def paired(detections, truth):
    return detections.merge(
        truth, left_on=["frame", "true_id"], right_on=["frame", "cell_id"], suffixes=("", "_true")
    )


def test_a_perfect_detector_finds_the_truth():
    detections, truth = detect(noise=CLEAN)
    assert len(detections) == len(truth)
    pairs = paired(detections, truth)
    assert len(pairs) == len(truth)
    for name in ("y_um", "x_um", "dry_mass_pg"):
        np.testing.assert_allclose(pairs[name], pairs[f"{name}_true"])


def test_truth_lies_inside_the_field_and_knows_mothers():
    _, truth = detect()
    assert truth["y_um"].between(0, SHAPE_UM[0]).all() and truth["x_um"].between(0, SHAPE_UM[1]).all()
    assert (truth["parent_id"] >= 0).any()
    assert truth["frame"].is_monotonic_increasing


def test_noise_is_as_asked():
    noise = DetectionNoise(missed=0, false=0, fusion_um=0)
    detections, truth = detect(noise=noise)
    pairs = paired(detections, truth)
    assert (pairs["y_um"] - pairs["y_um_true"]).std() == pytest.approx(0.8, rel=0.05)
    assert (pairs["x_um"] - pairs["x_um_true"]).std() == pytest.approx(0.8, rel=0.05)
    sd_pg = np.hypot(0.06 * pairs["dry_mass_pg_true"], 12.0)
    assert ((pairs["dry_mass_pg"] - pairs["dry_mass_pg_true"]) / sd_pg).std() == pytest.approx(1.0, rel=0.05)


def test_misses_and_ghosts_are_as_frequent_as_asked():
    detections, truth = detect(noise=DetectionNoise(missed=0.1, false=0.2, fusion_um=0))
    true = detections[detections["true_id"] >= 0]
    assert len(true) / len(truth) == pytest.approx(0.9, abs=0.02)
    assert (detections["true_id"] < 0).sum() / len(truth) == pytest.approx(0.2, abs=0.03)


def test_near_cells_fuse_with_the_sum_of_their_dry_masses():
    noise = DetectionNoise(
        missed=0, false=0, fusion_um=14.0, dry_mass_relative=0, dry_mass_pg=0, position_um=0
    )
    detections, truth = detect(noise=noise)
    assert 5 < len(truth) - len(detections) < 0.2 * len(truth)
    for frame in (0, 12, 19):
        found, true = (table[table["frame"] == frame] for table in (detections, truth))
        assert found["dry_mass_pg"].sum() == pytest.approx(true["dry_mass_pg"].sum())
        position = found[["y_um", "x_um"]].to_numpy()
        weight = found["dry_mass_pg"].to_numpy()[:, None]
        own = true[["y_um", "x_um"]].to_numpy() * true["dry_mass_pg"].to_numpy()[:, None]
        np.testing.assert_allclose((position * weight).sum(axis=0), own.sum(axis=0))
        heaviest = true.loc[true["dry_mass_pg"].idxmax(), "cell_id"]
        assert heaviest in set(found["true_id"])


def test_seeds_decide():
    first, again, other = (detect(seed)[0] for seed in (3, 3, 4))
    assert first.equals(again)
    assert not first["y_um"].equals(other["y_um"])
