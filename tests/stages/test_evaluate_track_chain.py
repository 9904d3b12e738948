"""The whole chain at toy size: a simulated culture to scores of its tracks, and what may be asked of them."""

import pandas as pd
import pytest

from lensfree.config import (
    Config,
    EvaluateConfig,
    FocusConfig,
    QuantifyConfig,
    ReconstructConfig,
    SimulateConfig,
)
from lensfree.stages import evaluate_track_chain
from lensfree.stages.evaluate_track_chain import as_seen, follow_culture, measure_chain

pytest.importorskip("traccuracy")

TOY = Config(
    evaluate=EvaluateConfig(
        seeds=(90001, 90002, 90003), track_chain_seeds=2, track_chain_px=(112, 160), track_chain_frames=5
    ),
    simulate=SimulateConfig(
        cells_per_mm2=150.0, spectral_lines=1, oversampling=1, dim_frames=0, defocused_frames=0, stage_jumps=0
    ),
    focus=FocusConfig(z_min_um=900.0, z_max_um=1100.0, steps=9, iterations=3),
    reconstruct=ReconstructConfig(method="reference", refine="none"),
    quantify=QuantifyConfig(method="reference"),
    frames_per_chunk=3,
)


def rows(cell_id, frames, parent_id=-1):
    return pd.DataFrame({"frame": list(frames), "cell_id": cell_id, "parent_id": parent_id})


def named(*parts, most_missed_frames=2):
    """Return (frames, mother's first frame or None) of every cell that is seen, by its first frame."""
    seen = as_seen(pd.concat(parts), most_missed_frames)
    first = seen.groupby("cell_id")["frame"].min()
    return sorted(
        (own["frame"].tolist(), first.get(own["parent_id"].iloc[0])) for _, own in seen.groupby("cell_id")
    )


def test_a_cell_that_stays_is_one_cell_with_her_daughters():
    family = rows(5, range(4)), rows(7, range(4, 6), 5), rows(9, range(4, 7), 5)
    assert named(*family) == [([0, 1, 2, 3], None), ([4, 5], 0), ([4, 5, 6], 0)]


@pytest.mark.parametrize(("back", "cells"), [(5, 1), (6, 2)])
def test_a_cell_that_comes_back_late_is_another_one(back, cells):
    found = named(rows(5, [0, 1, 2, back]))
    assert len(found) == cells and all(mother is None for _, mother in found)


def test_a_daughter_is_only_her_mothers_if_both_were_seen_at_the_birth():
    left_before = rows(5, range(4)), rows(7, range(9, 11), 5)
    assert named(*left_before) == [([0, 1, 2, 3], None), ([9, 10], None)]
    came_back = rows(5, [0, 1, 8]), rows(7, range(9, 11), 5)
    assert named(*came_back) == [([0, 1], None), ([8], None), ([9, 10], 8)]
    left_herself = rows(5, range(4)), rows(7, [4, 5, 12], 5)
    assert named(*left_herself) == [([0, 1, 2, 3], None), ([4, 5], 0), ([12], None)]
    assert named(rows(7, range(3), parent_id=5)) == [([0, 1, 2], None)]


def test_the_order_of_rows_does_not_matter_and_comes_out_by_frame():
    family = pd.concat([rows(5, range(4)), rows(7, range(4, 6), 5)])
    mixed = as_seen(family.sample(frac=1, random_state=1), 2)
    pd.testing.assert_frame_equal(mixed, as_seen(family, 2))
    assert mixed["frame"].is_monotonic_increasing


def test_a_culture_goes_through_all_stages(tmp_path):
    tracks, truth = follow_culture(TOY, 90001, None, tmp_path / "none", tmp_path)
    assert {path.name for path in tmp_path.glob("cells_*")} == {"cells_0000.parquet", "cells_0001.parquet"}
    assert set(truth["frame"]) == set(tracks["frame"]) == set(range(5))
    assert truth["y_um"].between(0, 112 * 1.67).all() and truth["x_um"].max() > 112 * 1.67


def test_counts_are_summed_over_seeds_and_files_are_gone(monkeypatch, tmp_path):
    used = []

    def follow(config, seed, refine_weights, quantify_weights, folder):
        used.append((seed, folder))
        (folder / "big.h5").write_text("")
        moving = [(f, 0.5 * f, 50.0 * c + 4.0 * f, 20.0, c) for c in range(seed - 90000) for f in range(5)]
        truth = pd.DataFrame(moving, columns=["frame", "time_h", "y_um", "x_um", "cell_id"])
        truth = truth.assign(parent_id=-1)
        return truth[truth["cell_id"] != 1], truth

    monkeypatch.setattr(evaluate_track_chain, "follow_culture", follow)
    measures = measure_chain(TOY, None, tmp_path)
    assert [seed for seed, _ in used] == [90001, 90002]
    assert not any(folder.exists() for _, folder in used)
    complete = measures["track.chain.complete_tracks"]
    assert complete.value == pytest.approx(2 / 3)  # the second seed has two cells, of which one is found
    assert complete.n == 15 and complete.seeds == (90001, 90002)
    assert "synthetic" in complete.meaning and "0 divisions, 3 cells" in complete.meaning
    assert set(measures) >= {f"track.chain.{name}" for name in ("link_f1", "division_f1", "md30")}


def test_no_seeds_give_no_measures(tmp_path):
    none = TOY.model_copy(update={"evaluate": TOY.evaluate.model_copy(update={"track_chain_seeds": 0})})
    assert measure_chain(none, None, tmp_path) == {}
