"""Calibration of the standard error: the file says what it is for, and the stage makes such a file."""

import json
from pathlib import Path

import numpy as np
import pytest

from lensfree.cells.standard_error import ADDED_LATER, TERMS
from lensfree.config import CalibrateErrorConfig, Config, FieldsConfig, ReconstructConfig
from lensfree.model_files import read_registry
from lensfree.seals import BLANK, seal
from lensfree.stages import calibrate_error
from lensfree.stages.calibrations import (
    Calibration,
    CalibrationError,
    read_calibrations,
    sha256_of,
    write_calibrations,
)

MODELS = Path(__file__).parents[2] / "models"
SHIPPED = MODELS / "standard_error.json"
ENTRY = {
    "coefficients": dict.fromkeys(TERMS, 0.5),
    "weights_sha256": "",
    "refine_sha256": "",
    "reconstruct_method": "accelerated",
    "reconstruct_refine": "unwrap",
    "n_colours": 3,
    "pixel_pitch_um": 1.67,
    "z_um": [750.0, 1500.0],
    "background_sd_nm": [0.5, 3.0],
    "seed": 4000,
    "n_fields": 2,
    "n_cells": 200,
    "bias_pg": 1.0,
    "within_1": 0.68,
    "within_2": 0.95,
}


def write_json(path: Path, content) -> Path:
    """Write a file whose checksum is right, whatever else is wrong with it."""
    blank = {"_file": {"seal": BLANK.decode()}}
    if isinstance(content, dict):
        text = json.dumps({**content, **blank})
    else:
        text = f"{content}{BLANK.decode()}" if isinstance(content, str) else json.dumps([*content, blank])
    path.write_text(text, encoding="utf-8")
    seal(path)
    return path


def file_with(**changes):
    return {"version": 1, "calibrations": {"reference": {**ENTRY, **changes}}}


def without(key):
    return {name: value for name, value in ENTRY.items() if name != key}


def test_calibrations_survive_the_file(tmp_path):
    written = {"reference": Calibration.model_validate(ENTRY)}
    write_calibrations(tmp_path / "se.json", written)
    assert read_calibrations(tmp_path / "se.json") == written
    assert read_calibrations(None) == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ([], "holds list, expected keys and values"),
        ({"calibrations": {}}, "has version None, expected 1"),
        ({"version": 2, "calibrations": {}}, "has version 2, expected 1"),
        ({"version": 1}, r"has keys \['version'\], expected 'calibrations'"),
        ({"version": 1, "calibrations": {"reference": 3}}, "calibration of 'reference' is 3, expected keys"),
        (file_with(coefficients=dict.fromkeys(TERMS, -0.1)), "'coefficients' is -0.1, expected greater"),
        (file_with(coefficients={"relative": 0.1}), r"coefficients of \['relative'\], expected \['alone'"),
        (
            {"version": 1, "calibrations": {"a": without("n_cells")}},
            "calibration of 'a': 'n_cells' is missing",
        ),
        (file_with(colour="red"), "unknown key 'colour'"),
        (file_with(within_1=68), "'within_1' is 68, expected less than or equal to 1"),
    ],
)
def test_a_broken_file_is_named_with_what_to_do(tmp_path, content, message):
    path = write_json(tmp_path / "se.json", content)
    with pytest.raises(CalibrationError, match=message) as caught:
        read_calibrations(path)
    assert str(path) in str(caught.value)
    assert "make it again with `make calibrate`" in str(caught.value)


def test_a_calibration_older_than_a_term_is_read_as_the_model_it_was(tmp_path):
    assert ADDED_LATER and set(TERMS) > ADDED_LATER
    older = {name: 0.5 for name in TERMS if name not in ADDED_LATER}
    path = write_json(tmp_path / "se.json", file_with(coefficients=older))
    found = read_calibrations(path)["reference"].model
    terms = np.arange(1.0, 1.0 + len(TERMS))[None]
    kept = terms[:, [name in older for name in TERMS]]
    assert found.standard_error_pg(terms) == pytest.approx(0.5 * np.sqrt(np.square(kept).sum()))
    del older["relative"]
    write_json(path, file_with(coefficients=older))
    with pytest.raises(CalibrationError, match="coefficients of"):
        read_calibrations(path)


def test_a_calibration_knows_what_it_is_for(tmp_path):
    weights = tmp_path / "m.safetensors"
    weights.write_bytes(b"weights")
    of_reference = Calibration.model_validate(ENTRY)
    of_network = Calibration.model_validate({**ENTRY, "weights_sha256": sha256_of(weights)})
    assert of_reference.is_for(None) and not of_reference.is_for(weights)
    assert of_network.is_for(weights) and not of_network.is_for(None)
    section = ReconstructConfig().model_dump()
    assert of_network.is_of(section, 3)
    assert not of_network.is_of(section, 1)
    assert not of_network.is_of({**section, "refine": "none"}, 3)
    assert not of_network.is_of({"background": "mode"}, 3)


@pytest.fixture(scope="module")
def toy():
    return Config(
        fields=FieldsConfig(side_px=144, cells_per_mm2=(500.0, 540.0)),
        reconstruct=ReconstructConfig(device="cpu", refine="none", iterations_first=3, iterations_last=1),
        calibrate_error=CalibrateErrorConfig(recipes=3, fields_per_recipe=2, culture_fraction=0.0),
    )


def test_the_reference_pipeline_is_calibrated_and_other_entries_are_kept(toy, tmp_path):
    known = write_json(tmp_path / "known.json", {"version": 1, "calibrations": {"mine 1": ENTRY}})
    out = tmp_path / "se.json"
    given = dict(out=out, config=toy, refine_weights=None, quantify_weights=None, known=known)
    calibrate_error.run(**given)
    found = read_calibrations(out)
    assert found["mine 1"] == Calibration.model_validate(ENTRY)
    made = found["reference"]
    assert made.is_for(None) and made.is_of(toy.reconstruct.model_dump(), 3)
    assert (made.n_fields, made.seed, made.z_um) == (6, 4000, toy.fields.z_um)
    assert made.n_cells >= 100
    assert made.within_1 == pytest.approx(0.68, abs=0.15)
    assert max(made.coefficients.values()) > 0
    # The same again, and a file that cannot be read does not stand in the way of a new one.
    write_json(known, {"version": 0})
    calibrate_error.run(**given)
    assert read_calibrations(out) == {"reference": made}


def test_the_error_of_a_cell_is_found_less_true(monkeypatch):
    """Known cells found 10 pg too heavy and in another order give errors of 10 pg and their own terms."""
    import pandas as pd

    truth = pd.DataFrame({"y_um": [50.0, 120.0], "x_um": [60.0, 100.0], "dry_mass_pg": [200.0, 300.0]})
    found = truth.assign(area_um2=500.0, max_opd_nm=80.0, dry_mass_pg=truth["dry_mass_pg"] + 10)[::-1]
    opd_nm = np.zeros((100, 120))
    sample = calibrate_error._sample(found.reset_index(drop=True), truth, opd_nm, 1.67)
    assert sample.error_pg.tolist() == pytest.approx([10.0, 10.0])
    assert sample.terms[:, list(TERMS).index("relative")].tolist() == pytest.approx([310.0, 210.0])
    assert sample.is_inside.tolist() == [True, True]


def test_the_shipped_calibration_is_of_the_shipped_models():
    """Weights that were trained again need `make calibrate` again."""
    registry = read_registry(MODELS)
    shipped = read_calibrations(SHIPPED)
    config = Config()
    hashes = {name: registry[name]["sha256"] for name in ("quantify", "unwrap")}
    networks = [c for name, c in shipped.items() if c.weights_sha256 == hashes["quantify"]]
    assert len(networks) == 1, "run `make calibrate`"
    for calibration in (*networks, shipped["reference"]):
        assert calibration.refine_sha256 == hashes["unwrap"], "run `make calibrate`"
        assert calibration.is_of(config.reconstruct.model_dump(), 3)
        assert calibration.n_cells > 4000
        assert 0.63 <= calibration.within_1 <= 0.73


def test_no_seed_of_calibration_is_one_of_training_or_evaluation():
    config = Config()
    others = {config.train_unwrap.seed, config.train_quantify.seed, config.train_score.seed}
    assert config.calibrate_error.seed not in others | set(config.evaluate.seeds)
