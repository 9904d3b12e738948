"""What a culture's motility changes in the walk, and that the default changes nothing."""

import numpy as np
import pytest

from lensfree.config import SimulateConfig
from lensfree.simulate.detections import DetectionNoise, simulate_detections
from lensfree.simulate.lives import Culture
from lensfree.simulate.walk import Motility

CONFIG = SimulateConfig(frames=90, cells_per_mm2=150.0, abnormal_fraction=0.0)
CLEAN = DetectionNoise(missed=0, false=0, fusion_um=0, dry_mass_relative=0, dry_mass_pg=0, position_um=0)
SHAPE_UM = (400.0, 650.0)


def truth_of(config=CONFIG, seed=3, **more):
    _, truth = simulate_detections(
        config,
        shape_um=SHAPE_UM,
        frame_interval_min=10.0,
        rng=np.random.default_rng(seed),
        noise=CLEAN,
        **more,
    )
    return truth


def sisters_apart_um(truth, age):
    """Distances of sisters at an age in frames."""
    born = truth[truth["parent_id"] >= 0].groupby("cell_id")["frame"].transform("min")
    aged = truth.loc[born.index][truth.loc[born.index, "frame"] - born == age]
    pairs = [rows[["y_um", "x_um"]].to_numpy() for _, rows in aged.groupby("parent_id") if len(rows) == 2]
    return np.array([np.hypot(*(one - other)) for one, other in pairs])


def test_the_default_is_what_is_done_without_being_asked():
    same = truth_of(motility=Motility(), culture=Culture.of(CONFIG), border_um=40.0)
    assert same.equals(truth_of())


def test_sisters_appear_where_they_are_told_to():
    apart_um = sisters_apart_um(truth_of(motility=Motility(sister_reach_um=20.0)), age=0)
    assert len(apart_um) > 10
    is_right = np.isclose(apart_um, 40.0, rtol=1e-9)
    assert is_right.mean() > 0.9  # the others walked into the field later, or the wall turned them back


def test_sisters_part_for_so_many_frames():
    still = SimulateConfig(frames=90, cells_per_mm2=150.0, abnormal_fraction=0.0, speed_um_per_h=0.0)
    motility = Motility(sister_reach_um=20.0, parting_um=4.0, parting_frames=2, push=0.0)
    truth = truth_of(still, motility=motility)
    medians = [np.median(sisters_apart_um(truth, age)) for age in range(4)]
    np.testing.assert_allclose(medians, [40.0, 48.0, 56.0, 56.0], rtol=1e-6)


def test_rounded_cells_lose_speed_unless_they_do_not():
    def step_um(slowdown):
        truth = truth_of(motility=Motility(rounded_slowdown=slowdown, push=0.0))
        last = truth.groupby("cell_id")["frame"].transform("max")
        is_mother = truth["cell_id"].isin(truth["parent_id"])
        rounded = truth[is_mother & (last - truth["frame"] < 3)].sort_values(["cell_id", "frame"])
        same = np.diff(rounded["cell_id"]) == 0
        return np.median(np.hypot(np.diff(rounded["y_um"]), np.diff(rounded["x_um"]))[same])

    assert step_um(0.85) < 0.3 * step_um(0.0)


@pytest.mark.parametrize("is_turned", [True, False])
def test_pushes_make_room(is_turned):
    def nearest_um(push):
        truth = truth_of(motility=Motility(push=push, is_turned_by_pushes=is_turned))
        last = truth[truth["frame"] == CONFIG.frames - 1][["y_um", "x_um"]].to_numpy()
        between = np.linalg.norm(last[:, None] - last[None], axis=2) + 1e9 * np.eye(len(last))
        return np.quantile(between.min(axis=1), 0.1)

    assert nearest_um(0.5) > nearest_um(0.0) + 2.0


def test_a_culture_may_know_one_way_to_go_wrong():
    culture = Culture(abnormal_fraction=0.5, abnormal_shares={"death": 1.0})
    kinds = truth_of(culture=culture)["anomaly"]
    assert set(kinds) == {"", "death"}


def test_without_a_border_no_cell_leaves():
    truth = truth_of(border_um=0.0)
    ends = truth.groupby("cell_id")["frame"].max()
    gone = ends[ends < CONFIG.frames - 1].index
    assert len(gone) and set(gone) <= set(truth["parent_id"])
