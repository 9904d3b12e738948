"""The dense sets are as dense, as fast and as noisy as they say; measured on a piece of the sensor."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from lensfree.simulate.dense import (
    FOUNDERS,
    FRAMES,
    MOTILITY,
    PIXEL_UM,
    SENSOR_PX,
    SETS,
    simulate_dense,
)

PIECE_PX = (690, 950)
SHARE = np.prod(PIECE_PX) / np.prod(SENSOR_PX)


@pytest.fixture(scope="module")
def dense():
    """The densest set on a sixteenth of the sensor, full length."""
    return simulate_dense("10k", 5, sensor_px=PIECE_PX)


def true_steps_px(truth):
    ordered = truth.sort_values(["cell_id", "frame"])
    is_next = ordered["cell_id"].to_numpy()[1:] == ordered["cell_id"].to_numpy()[:-1]
    return np.hypot(np.diff(ordered["y_um"]), np.diff(ordered["x_um"]))[is_next] / PIXEL_UM


def test_cells_fill_the_sensor_as_they_should(dense):
    _, truth = dense
    counts = truth.groupby("frame").size()
    assert len(counts) == FRAMES
    assert counts.iloc[0] == pytest.approx(FOUNDERS["10k"] * SHARE, abs=1)
    # 72 h of a 22 h cycle are 9.65-fold; deaths of 2 % per cycle take 6 to 7 %
    assert counts.iloc[-1] / counts.iloc[0] == pytest.approx(9.0, rel=0.15)
    last = truth[truth["frame"] == FRAMES - 1][["y_um", "x_um"]].to_numpy()
    nearest_px = cKDTree(last).query(last, 2)[0][:, 1] / PIXEL_UM
    assert 5.5 < np.quantile(nearest_px, 0.05) < 7.5


def test_no_cell_leaves_the_field(dense):
    _, truth = dense
    inside = truth[["y_um", "x_um"]].to_numpy() < np.array(PIECE_PX) * PIXEL_UM
    assert inside.all() and (truth[["y_um", "x_um"]] >= 0).all().all()
    ends = truth.groupby("cell_id")["frame"].max()
    parents = set(truth["parent_id"])
    vanished = [cell for cell, frame in ends.items() if frame < FRAMES - 1 and cell not in parents]
    assert set(truth["anomaly"][truth["cell_id"].isin(vanished)]) <= {"death"}


def test_steps_are_those_of_fast_persistent_cells(dense):
    detections, truth = dense
    assert np.median(true_steps_px(truth)) == pytest.approx(1.6, rel=0.1)
    pairs = detections[detections["true_id"] >= 0].drop_duplicates(["frame", "true_id"])
    seen = pairs.assign(cell_id=pairs["true_id"])
    assert np.quantile(true_steps_px(seen), 0.95) == pytest.approx(4.6, rel=0.1)


def test_daughters_appear_apart_and_part_for_three_frames(dense):
    _, truth = dense
    born = truth[truth["parent_id"] >= 0].groupby("cell_id")["frame"].min()
    mother = truth[truth["parent_id"] >= 0].groupby("cell_id")["parent_id"].first()
    place = truth.set_index(["cell_id", "frame"])[["y_um", "x_um"]]
    apart_px = {age: [] for age in range(4)}
    for _, sisters in mother.groupby(mother):
        one, *others = sisters.index
        for age in range(4):
            keys = [(cell, born[one] + age) for cell in (one, *others)]
            if len(keys) == 2 and all(key in place.index for key in keys):
                apart = place.loc[keys[0]].to_numpy() - place.loc[keys[1]].to_numpy()
                apart_px[age].append(np.hypot(*apart) / PIXEL_UM)
    medians = [np.median(apart_px[age]) for age in range(4)]
    assert len(apart_px[0]) > 300
    assert medians[0] == pytest.approx(14.0, rel=0.02)
    np.testing.assert_allclose(np.diff(medians), 2 * MOTILITY.parting_um / PIXEL_UM, atol=0.6)


@pytest.mark.parametrize(("name", "sd_pg"), [("3k", (0.06, 12.0)), ("3k_35pg", (0.05, 33.0))])
def test_dry_mass_is_as_noisy_as_the_set_says(name, sd_pg):
    detections, truth = simulate_dense(name, 2, frames=60)
    pairs = detections.merge(
        truth, left_on=["frame", "true_id"], right_on=["frame", "cell_id"], suffixes=("", "_true")
    )
    true_pg = pairs["dry_mass_pg_true"].to_numpy()
    error = (pairs["dry_mass_pg"].to_numpy() - true_pg) / np.hypot(sd_pg[0] * true_pg, sd_pg[1])
    assert 1.4826 * np.median(np.abs(error)) == pytest.approx(1.0, rel=0.03)
    assert true_pg.mean() == pytest.approx(250.0, rel=0.04)
    place_um = np.concatenate([pairs[f"{axis}_um"] - pairs[f"{axis}_um_true"] for axis in "yx"])
    assert place_um.std() == pytest.approx(0.5 * PIXEL_UM, rel=0.05)


def test_both_noises_look_at_the_same_culture():
    (exact, truth), (noisy, again) = (simulate_dense(name, 3, frames=8) for name in ("1k", "1k_35pg"))
    assert truth.equals(again)
    assert exact["y_um"].equals(noisy["y_um"]) and not exact["dry_mass_pg"].equals(noisy["dry_mass_pg"])
    assert not simulate_dense("1k", 4, frames=8)[1]["y_um"].equals(truth["y_um"])


def test_cells_round_up_before_they_divide(dense):
    detections, truth = dense
    ends = truth.groupby("cell_id")["frame"].max()
    mothers = ends[ends.index.isin(truth["parent_id"])]
    seen = detections[detections["true_id"].isin(mothers.index)]
    before = mothers.loc[seen["true_id"]].to_numpy() - seen["frame"].to_numpy()
    late, early = seen[before <= 1], seen[(before >= 12) & (before < 24)]
    assert late["max_opd_nm"].median() > 2 * early["max_opd_nm"].median()
    assert late["area_um2"].median() < 0.6 * early["area_um2"].median()


def test_an_unknown_set_is_named_with_those_there_are():
    with pytest.raises(ValueError, match=r"got set '5k', expected one of \['1k', '3k', '10k'"):
        simulate_dense("5k", 1)
    assert len(SETS) == 6
