"""Acquisition errors: as many as asked, apart from each other, and applied as the table says."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lensfree.config import SimulateConfig
from lensfree.contracts import FAULTS
from lensfree.io.tables import read_table, write_table
from lensfree.simulate.faults import draw_faults

RGB = ("R", "G", "B")
MIXED = dict(frames=40, lost_frames=3, dim_frames=4, defocused_frames=3, stage_jumps=2)
SEEDS = range(30)


def draw(seed=0, channels=RGB, **changes):
    config = SimulateConfig(**(MIXED | changes))
    return draw_faults(config, channels=channels, frame_interval_min=15.0, rng=np.random.default_rng(seed))


def runs(frames: pd.Series) -> list[int]:
    """Lengths of the stretches of consecutive frames."""
    values = frames.sort_values().to_numpy()
    return [len(part) for part in np.split(values, np.flatnonzero(np.diff(values) > 1) + 1) if len(part)]


@pytest.mark.parametrize("seed", SEEDS)
def test_there_are_as_many_as_asked_and_no_frame_has_two(seed):
    table = draw(seed).table
    counts = table["kind"].value_counts()
    assert (counts["lost"], counts["dim"], counts["stage_jump"]) == (3, 4, 2)
    assert 3 <= counts["defocus"] <= 9
    assert table["frame"].is_monotonic_increasing and table["frame"].is_unique
    assert table["frame"].between(1, 38).all()
    np.testing.assert_allclose(table["time_h"], table["frame"] / 4)


def test_a_run_out_of_focus_has_one_to_three_frames_on_one_side():
    seen, signs = set(), set()
    for seed in SEEDS:
        table = draw(seed, lost_frames=0, dim_frames=0, stage_jumps=0, defocused_frames=1).table
        (length,) = runs(table["frame"])
        (amount,) = set(table["amount"])
        assert abs(amount) == 150.0
        seen.add(length)
        signs.add(np.sign(amount))
    assert seen == {1, 2, 3}
    assert signs == {-1.0, 1.0}


def test_every_frame_but_the_first_and_the_last_is_hit_alike():
    one = dict(frames=8, lost_frames=0, defocused_frames=0, stage_jumps=0, dim_frames=1)
    hits = np.zeros(8, int)
    rng = np.random.default_rng(5)
    config = SimulateConfig(**one)
    for _ in range(1200):
        faults = draw_faults(config, channels=RGB, frame_interval_min=10.0, rng=rng)
        hits[faults.table["frame"]] += 1
    assert hits[0] == hits[7] == 0
    # 200 hits each are expected, with a sd of 13.
    assert hits[1:7].min() > 150 and hits[1:7].max() < 250


def test_amounts_and_channels_are_those_of_the_kind():
    table = pd.concat([draw(seed).table for seed in SEEDS])
    by_kind = {kind: rows for kind, rows in table.groupby("kind")}
    assert by_kind["lost"]["amount"].between(0.1, 0.9).all()
    assert by_kind["dim"]["amount"].between(0.5, 0.8).all()
    assert by_kind["dim"]["amount"].max() - by_kind["dim"]["amount"].min() > 0.2
    assert (by_kind["stage_jump"]["amount"] == 12.0).all()
    for kind in ("lost", "dim"):
        assert set(by_kind[kind]["channel"]) == set(RGB)
    for kind in ("defocus", "stage_jump"):
        assert set(by_kind[kind]["channel"]) == {""}


@pytest.mark.parametrize("seed", [0, 3])
def test_what_is_applied_is_what_the_table_says(seed):
    faults = draw(seed, channels=("far", "near"))
    kept, light = np.ones((40, 2)), np.ones((40, 2))
    z_um, shift_um = np.zeros(40), np.zeros((40, 2))
    for row in faults.table.itertuples():
        if row.kind == "defocus":
            z_um[row.frame] = row.amount
        elif row.kind == "stage_jump":
            shift_um[row.frame :] += (row.shift_y_um, row.shift_x_um)
        else:
            (kept if row.kind == "lost" else light)[row.frame, ("far", "near").index(row.channel)] = (
                row.amount
            )
    np.testing.assert_array_equal(faults.kept, kept)
    np.testing.assert_allclose(faults.light, light, rtol=1e-6)
    assert faults.light.dtype == np.float32  # the light of other frames must not change its precision
    np.testing.assert_array_equal(faults.z_offset_um, z_um)
    np.testing.assert_allclose(faults.shift_um, shift_um)


def test_jumps_have_the_length_asked_for_and_any_direction():
    jumps = pd.concat([draw(seed, stage_jump_um=7.0).table.query("kind == 'stage_jump'") for seed in SEEDS])
    np.testing.assert_allclose(np.hypot(jumps["shift_y_um"], jumps["shift_x_um"]), 7.0)
    quadrants = set(zip(jumps["shift_y_um"] > 0, jumps["shift_x_um"] > 0, strict=True))
    assert len(quadrants) == 4


def test_cells_move_with_the_field_from_the_jump_on():
    faults = draw(2, lost_frames=0, dim_frames=0, defocused_frames=0, stage_jumps=1)
    (jump,) = faults.table.itertuples()
    cells = pd.DataFrame(
        {"frame": np.repeat(np.arange(40), 2), "y_um": 10.0, "x_um": 20.0, "dry_mass_pg": 1.0}
    )
    moved = faults.displace(cells)
    is_before = moved["frame"] < jump.frame
    pd.testing.assert_frame_equal(moved[is_before], cells[is_before])
    np.testing.assert_allclose(moved.loc[~is_before, "y_um"], 10.0 + jump.shift_y_um)
    np.testing.assert_allclose(moved.loc[~is_before, "x_um"], 20.0 + jump.shift_x_um)
    assert (moved["dry_mass_pg"] == 1.0).all()


def test_without_errors_nothing_changes_and_the_table_keeps_its_contract(tmp_path: Path):
    faults = draw(lost_frames=0, dim_frames=0, defocused_frames=0, stage_jumps=0, frames=1)
    assert (faults.kept == 1).all() and (faults.light == 1).all()
    assert not faults.z_offset_um.any() and not faults.shift_um.any()
    write_table(tmp_path / "faults.parquet", faults.table, FAULTS)
    assert read_table(tmp_path / "faults.parquet", FAULTS).empty


def test_the_table_keeps_its_contract(tmp_path: Path):
    faults = draw(1)
    write_table(tmp_path / "faults.parquet", faults.table, FAULTS)
    pd.testing.assert_frame_equal(
        read_table(tmp_path / "faults.parquet", FAULTS), faults.table, check_dtype=False
    )


def test_the_same_seed_gives_the_same_errors():
    pd.testing.assert_frame_equal(draw(4).table, draw(4).table)
    assert not draw(4).table.equals(draw(5).table)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_acquisition_can_be_full_of_errors(seed):
    table = draw(seed, frames=14).table
    assert table["frame"].tolist() == list(range(1, 13))
    assert (table["kind"] == "defocus").sum() == 3  # no room for runs of more than a frame


@pytest.mark.parametrize("frames", [13, 2, 1])
def test_more_errors_than_frames_are_refused(frames):
    sentence = (
        rf"got 12 acquisition errors \(3 lost, 4 dim, 3 defocus, 2 stage_jump\) for {frames} frames, "
        rf"expected at most {max(0, frames - 2)}, .*; lower simulate\.lost_frames, .* raise simulate\.frames"
    )
    with pytest.raises(ValueError, match=sentence):
        draw(frames=frames)


def test_a_distance_behind_the_sensor_is_refused():
    with pytest.raises(
        ValueError, match=r"got simulate\.defocus_um=800, expected less than simulate\.z_um=800"
    ):
        draw(defocus_um=800.0, z_um=800.0)
    assert len(draw(defocus_um=800.0, z_um=800.0, defocused_frames=0).table) == 9


def test_jumps_out_of_the_simulated_world_are_refused():
    with pytest.raises(
        ValueError, match=r"got 3 stage jumps of 50 um, expected at most 140 um together, .*; lower"
    ):
        draw(stage_jumps=3, stage_jump_um=50.0)
    assert np.hypot(*draw(stage_jumps=2, stage_jump_um=50.0).shift_um[-1]) <= 100.0
