"""The time-lapse: what a biologist would check in the film, and that the truth is the truth."""

import numpy as np
import pandas as pd
import pytest

from lensfree.config import SimulateConfig
from lensfree.contracts import TRUTH
from lensfree.simulate.render import SHAPE_COLUMNS, render_opd
from lensfree.simulate.world import BORDER_UM, simulate_world
from lensfree.units import dry_mass_pg, optical_volume_um3

SHAPE_UM = (170.0, 240.0)
FRAME_H = 1 / 6


def world(seed=4, **changes) -> pd.DataFrame:
    config = SimulateConfig(**(dict(frames=132, cells_per_mm2=150.0, abnormal_fraction=0.0) | changes))
    return simulate_world(config, shape_um=SHAPE_UM, frame_interval_min=10.0, rng=np.random.default_rng(seed))


@pytest.fixture(scope="module")
def normal() -> pd.DataFrame:
    return world()


@pytest.fixture(scope="module")
def abnormal() -> pd.DataFrame:
    return world(abnormal_fraction=0.9)


def test_it_has_the_columns_of_the_truth_and_those_that_rendering_needs(normal):
    assert set(TRUTH.columns) <= set(normal.columns)
    assert set(SHAPE_COLUMNS) <= set(normal.columns)
    assert not normal.isna().any().any()
    for name, column in TRUTH.columns.items():
        if column.dtype != "str":
            assert normal[name].dtype == column.dtype, name


def test_the_first_frame_is_as_dense_as_asked_and_the_culture_grows(normal):
    mm2 = (SHAPE_UM[0] + 2 * BORDER_UM) * (SHAPE_UM[1] + 2 * BORDER_UM) / 1e6
    counts = normal.groupby("frame").size()
    assert len(counts) == 132
    assert counts[0] == round(150.0 * mm2)
    # 131 frames of 10 min are 1.09 cycles of 20 h.
    assert counts[131] / counts[0] == pytest.approx(2**1.09, rel=0.2)


def test_adherent_cells_look_like_the_published_population(normal):
    flat = normal[(normal["state"] == "flat") & (normal["frame"] % 30 == 0)]
    published = dict(area_um2=(585, 158), dry_mass_pg=(185, 45), max_opd_nm=(79, 21), length_um=(40, 11))
    for name, (mean, sd) in published.items():
        assert flat[name].mean() == pytest.approx(mean, rel=0.10), name
        assert flat[name].std() == pytest.approx(sd, rel=0.40), name


def test_division_conserves_dry_mass(normal):
    last = normal.groupby("cell_id").tail(1).set_index("cell_id")
    first = normal.groupby("cell_id").head(1)
    born = first[first["parent_id"] >= 0].groupby("parent_id")["dry_mass_pg"].agg(["sum", "size"])
    assert len(born) > 20
    assert (born["size"] == 2).all()
    ratio = born["sum"] / last.loc[born.index, "dry_mass_pg"]
    # Between the mother's last frame and her daughters' first up to 10 min of growth go by: about 0.6 %.
    assert ratio.between(1.0 - 1e-9, 1.02).all()


def test_cells_round_up_before_they_divide_and_wrap(normal):
    mothers = normal.loc[normal["parent_id"] >= 0, "parent_id"].unique()
    for cell_id in mothers[:25]:
        life = normal[normal["cell_id"] == cell_id].set_index("frame")
        if len(life) < 12:
            continue
        assert (life["state"].iloc[-4:] == "round").all()
        assert (life["state"].iloc[-12:-7] == "flat").all()
        assert 450 <= life["max_opd_nm"].iloc[-3] <= 900
        assert life["max_opd_nm"].iloc[-3] > 640 / 2
        assert life["area_um2"].iloc[-3] < 0.5 * life["area_um2"].iloc[-10]


def test_daughters_start_side_by_side_separate_and_spread_within_an_hour_and_a_half(normal):
    first = normal.groupby("cell_id").head(1)
    sisters = first[(first["parent_id"] >= 0) & (first["frame"] < 115)].groupby("parent_id")
    apart, later = [], []
    for _, pair in sisters:
        frame = pair["frame"].iloc[0]
        apart.append(np.hypot(*np.diff(pair[["y_um", "x_um"]].to_numpy(), axis=0)[0]))
        assert (pair["state"] == "round").all()
        after = normal[(normal["frame"] == frame + 10) & normal["cell_id"].isin(pair["cell_id"])]
        assert (after["state"] == "flat").all()
        later.append(np.hypot(*np.diff(after[["y_um", "x_um"]].to_numpy(), axis=0)[0]))
    assert 8 < np.median(apart) < 16
    assert np.median(later) > 1.5 * np.median(apart)


def test_cells_move_and_change_smoothly(normal):
    ordered = normal.sort_values(["cell_id", "frame"])
    by_cell = ordered.groupby("cell_id")
    steps_um = np.hypot(by_cell["y_um"].diff(), by_cell["x_um"].diff()).dropna()
    assert 1.2 < np.median(steps_um) < 3.5
    assert steps_um.quantile(0.999) < 20.0
    is_flat = (ordered["roundness"] == 0) & (by_cell["roundness"].shift() == 0)
    area_change = np.abs(np.log(ordered["area_um2"] / by_cell["area_um2"].shift()))[is_flat]
    assert area_change.max() < 0.3
    turn = np.abs(by_cell["angle_rad"].diff()).dropna()
    assert turn.quantile(0.999) < 0.7


def test_rendered_frames_carry_the_dry_mass_of_the_truth(normal):
    pitch_um, margin_um = 1.67, 200.0
    now = normal[normal["frame"] == 131]
    shape_yx = tuple(int((side + 2 * margin_um) / pitch_um) for side in SHAPE_UM)
    moved = now.assign(y_um=now["y_um"] + margin_um, x_um=now["x_um"] + margin_um)
    opd_nm = render_opd(moved, shape_yx, pitch_um)
    total = dry_mass_pg(optical_volume_um3(opd_nm.sum(dtype=float), pitch_um))
    assert total == pytest.approx(now["dry_mass_pg"].sum(), rel=1e-5)
    assert opd_nm.max() > 320


def test_cells_stay_between_the_walls(normal):
    for name, side in zip(("y_um", "x_um"), SHAPE_UM, strict=True):
        assert normal[name].min() >= -BORDER_UM
        assert normal[name].max() <= side + BORDER_UM


def test_a_normal_culture_has_no_anomaly_and_an_abnormal_one_has_many(normal, abnormal):
    assert set(normal["anomaly"]) == {""} and not normal["is_abnormal"].any()
    kinds = set(abnormal["anomaly"])
    assert {"", "merge", "death", "slow_growth", "dry_mass_loss"} <= kinds
    assert not abnormal.loc[abnormal["anomaly"] == "", "is_abnormal"].any()
    # Once abnormal, always abnormal.
    assert abnormal.sort_values("frame").groupby("cell_id")["is_abnormal"].is_monotonic_increasing.all()


def test_dead_cells_are_small_lose_dry_mass_and_stay_put(abnormal):
    dead = abnormal[abnormal["state"] == "dead"].sort_values("frame")
    for _, rows in dead.groupby("cell_id"):
        assert rows["dry_mass_pg"].is_monotonic_decreasing
        assert (rows["area_um2"].iloc[6:] < 250).all()
    by_cell = dead.groupby("cell_id")
    steps_um = np.hypot(by_cell["y_um"].diff(), by_cell["x_um"].diff()).dropna()
    assert np.median(steps_um) < 0.5


def test_sisters_that_merge_meet_and_one_goes_on_with_two_nuclei(abnormal):
    fused = abnormal[abnormal["nuclei"] == 2]
    assert fused["cell_id"].nunique() >= 3
    for cell_id in fused["cell_id"].unique():
        life = abnormal[abnormal["cell_id"] == cell_id].set_index("frame")
        at = life.index[life["nuclei"] == 2][0]
        mother = life["parent_id"].iloc[0]
        sister = abnormal[(abnormal["parent_id"] == mother) & (abnormal["cell_id"] != cell_id)]
        assert sister["frame"].max() == at - 1
        before = pd.concat([life.loc[[at - 1]], sister[sister["frame"] == at - 1]])
        assert life.loc[at, "dry_mass_pg"] == pytest.approx(before["dry_mass_pg"].sum(), rel=0.03)
        gap_um = np.hypot(*np.diff(before[["y_um", "x_um"]].to_numpy(), axis=0)[0])
        assert gap_um < 10.0


def test_seeds_decide(normal):
    pd.testing.assert_frame_equal(world(frames=20), world(frames=20))
    assert not world(frames=3, seed=5)["y_um"].equals(world(frames=3, seed=6)["y_um"])
