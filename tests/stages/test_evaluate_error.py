"""Coverage is counted as it is said, and a standard error that is one passes."""

import numpy as np
import pandas as pd
import pytest
from test_calibrate_error import ENTRY, write_json

from lensfree.config import Config, EvaluateConfig, FieldsConfig, ReconstructConfig
from lensfree.nets.plain_cnn import PlainCnn, PlainCnnSpec
from lensfree.nets.weights import save_cnn
from lensfree.stages import evaluate_error
from lensfree.stages.calibrations import CalibrationError, sha256_of
from lensfree.stages.evaluate_error import pairs_of, summarise
from lensfree.stages.quant_looks import Look

SEEDS = (90001,)


def honest_pairs(factor: float = 1.0) -> pd.DataFrame:
    """20,000 cells whose errors have the predicted size over `factor`."""
    rng = np.random.default_rng(0)
    se_pg = rng.uniform(4.0, 16.0, 20_000)
    return pd.DataFrame(
        {
            "where": np.tile(["183", "527", "culture", "183"], 5_000),
            "error_pg": se_pg * rng.standard_normal(20_000),
            "dry_mass_se_pg": factor * se_pg,
            "is_round": np.arange(20_000) % 10 == 0,
        }
    )


def test_errors_of_the_predicted_size_meet_the_target():
    scores = summarise(honest_pairs(), SEEDS)
    for key in ("quant.mass_se_within_1", "quant.183.mass_se_within_1", "quant.culture.mass_se_within_1"):
        assert scores[key].value == pytest.approx(0.6827, abs=0.02)
    for third in ("small", "middle", "large"):
        assert scores[f"quant.mass_se_within_1_{third}"].value == pytest.approx(0.6827, abs=0.02)
    assert scores["quant.mass_se_within_1"].is_met is True
    assert scores["quant.mass_se_within_2"].value == pytest.approx(0.9545, abs=0.01)
    assert scores["quant.mass_se_spread_ratio"].value == pytest.approx(14 / 6, rel=0.06)
    assert scores["quant.527.mass_bias"].value == pytest.approx(0.0, abs=0.5)
    assert scores["quant.mass_se_median"].value == pytest.approx(10.0, abs=0.2)
    assert (scores["quant.mass_se_within_1_round"].n, scores["quant.183.mass_se_within_1"].n) == (
        2_000,
        10_000,
    )


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_a_standard_error_too_small_or_too_large_misses_it(factor):
    assert summarise(honest_pairs(factor), SEEDS)["quant.mass_se_within_1"].is_met is False


def test_pairs_are_found_less_true_away_from_the_border():
    truth = pd.DataFrame(
        {
            "y_um": [50.0, 5.0, 90.0],
            "x_um": [60.0, 60.0, 100.0],
            "dry_mass_pg": [200.0, 300.0, 400.0],
            "state": ["flat", "flat", "round"],
        }
    )
    found = truth.drop(columns="state").assign(
        dry_mass_pg=[210.0, 300.0, 380.0], dry_mass_se_pg=[8.0, 9.0, 30.0]
    )
    pairs = pairs_of(Look(found[::-1].reset_index(drop=True), truth, (80, 100), 1.67), "183")
    assert sorted(pairs["error_pg"]) == pytest.approx([-20.0, 10.0])
    assert pairs.set_index("is_round")["dry_mass_se_pg"].to_dict() == {True: 30.0, False: 8.0}
    assert set(pairs["where"]) == {"183"}


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "m.safetensors"
    save_cnn(
        PlainCnn(PlainCnnSpec(1, 4, 2, 4)), path, card={"name": "m", "version": "1", "pixel_pitch_um": "1.67"}
    )
    return path


def test_weights_without_a_calibration_are_named(tmp_path, weights):
    for entry in ({}, {"m 1": {**ENTRY, "weights_sha256": "of others"}}):
        path = write_json(tmp_path / "se.json", {"version": 1, "calibrations": entry})
        with pytest.raises(
            CalibrationError, match="no calibration of these weights of m 1.* `make calibrate`"
        ):
            evaluate_error.run(
                config=Config(),
                refine_weights=None,
                quantify_weights=weights,
                calibrations=path,
                figure=tmp_path / "calibration.png",
            )


def test_measures_and_figure_come_from_the_whole_chain(tmp_path, weights, monkeypatch):
    """A representation of the truth stands in for the network: no errors, all within."""
    from lensfree.cells.representation import draw_representation

    calls = []

    def true_maps(field):
        maps = draw_representation(field.cells, field.opd_nm.shape, 1.67)
        calls.append(len(field.cells))
        return maps

    fields = []

    def remember(field, config, refine):
        fields.append(field)
        return field.opd_nm

    monkeypatch.setattr(evaluate_error, "retrieve_opd", remember)
    monkeypatch.setattr(evaluate_error, "load_represent", lambda path: lambda *_: true_maps(fields[-1]))
    path = write_json(
        tmp_path / "se.json",
        {"version": 1, "calibrations": {"m 1": {**ENTRY, "weights_sha256": sha256_of(weights)}}},
    )
    config = Config(
        fields=FieldsConfig(),
        reconstruct=ReconstructConfig(device="cpu"),
        evaluate=EvaluateConfig(seeds=SEEDS, field_px=160, fields=1, quant_cells_per_mm2=(300.0, 500.0)),
    )
    figure = tmp_path / "calibration.png"
    scores = evaluate_error.run(
        config=config, refine_weights=None, quantify_weights=weights, calibrations=path, figure=figure
    )
    assert {"quant.300.mass_se_within_1", "quant.500.mass_se_within_1", "quant.culture.mass_bias"} <= set(
        scores
    )
    assert scores["quant.mass_se_within_1"].value == 1.0
    assert len(calls) == 3
    assert figure.read_bytes().startswith(b"\x89PNG")
