"""Stage transfer_quantify: better weights get the name, others do not; what it learns from is synthetic."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from lensfree.config import QuantifyConfig, TrainQuantifyConfig, TransferQuantifyConfig
from lensfree.io.stacks import create_opd
from lensfree.model_files import ModelError, weights_file
from lensfree.nets.plain_cnn import PlainCnn, PlainCnnSpec
from lensfree.nets.weights import model_label, read_card, save_cnn
from lensfree.simulate.population import random_field
from lensfree.simulate.render import render_opd
from lensfree.stages import transfer_quantify
from lensfree.stages.calibrations import sha256_of
from lensfree.stages.represent import load_represent

MODELS = Path(__file__).parents[2] / "models"
SHIPPED = MODELS / "quantify.safetensors"
PITCH_UM = 1.67
SHAPE_YX = (200, 350)
CONFIG = TransferQuantifyConfig(
    acquisitions=("plate",), frames=2, held_out=0.4, crops=8, crop_px=96, steps=2, min_cells=20
)
TRAINING = TrainQuantifyConfig(batch=2, opd_gain=(1.0, 1.0), noise_sd_nm=0, background_nm=0)
ACCEPTED, REJECTED = "quantify_own.safetensors", "quantify_own.rejected.safetensors"


def network(gain=1.0):
    """Return the shipped network with all answers multiplied."""
    model = PlainCnn(PlainCnnSpec.from_metadata(read_card(SHIPPED)))
    model.load_state_dict(load_file(SHIPPED))
    with torch.no_grad():
        for parameter in model.body[-1].parameters():
            parameter *= gain
    return model


@pytest.fixture(scope="module")
def plate(tmp_path_factory):
    """Two frames in two chunks, and weights whose answers are all 1.6 times too large."""
    folder = tmp_path_factory.mktemp("plate")
    for seed in range(2):
        cells = random_field(np.random.default_rng(seed), SHAPE_YX, PITCH_UM, 350.0)
        with create_opd(
            folder / f"{seed:04d}.h5",
            n_frames=1,
            first_frame=seed,
            shape_yx=SHAPE_YX,
            pixel_pitch_um=PITCH_UM,
        ) as sink:
            sink.write(0, time_h=seed / 6, opd_nm=render_opd(cells, SHAPE_YX, PITCH_UM))
    card = {"name": "quantify", "version": "spoilt", "pixel_pitch_um": str(PITCH_UM)}
    save_cnn(network(1.6), folder / "spoilt.safetensors", card=card)
    return folder


def run(plate, out, **changes):
    settings = {
        "own": {"plate": sorted(plate.glob("*.h5"))},
        "quantify": {"plate": QuantifyConfig()},
        "config": CONFIG,
        "training": TRAINING,
        "start": plate / "spoilt.safetensors",
        "code": "0123",
        **changes,
    }
    transfer_quantify.run(out=out / "quantify_own.verdict.json", **settings)
    return json.loads((out / "quantify_own.verdict.json").read_text(encoding="utf-8"))


def test_weights_that_are_better_get_the_name_and_can_be_named_in_the_configuration(plate, tmp_path, caplog):
    """The start is far off in all measures; training brings its outputs to the reference's level."""
    (tmp_path / REJECTED).write_text("of an earlier run", encoding="utf-8")
    with caplog.at_level("INFO"):
        verdict = run(plate, tmp_path)
    assert verdict["is_better"] is True
    assert verdict["start"]["error"] > 0.3 > 0.2 > verdict["own"]["error"]
    assert verdict["interval"][0] > 0
    assert verdict["n_cells"] >= CONFIG.min_cells
    assert {path.name for path in tmp_path.iterdir()} == {ACCEPTED, "quantify_own.verdict.json"}
    path = tmp_path / ACCEPTED
    assert (verdict["weights"], verdict["weights_sha256"]) == (str(path), sha256_of(path))
    assert weights_file(str(path), MODELS) == path
    assert load_represent(path)(np.zeros((30, 40), np.float32), PITCH_UM).shape == (4, 30, 40)
    card = read_card(path)
    assert (card["acquisitions"], card["pixel_pitch_um"]) == ("plate", str(PITCH_UM))
    assert card["start"] == f"quantify spoilt, sha256 {sha256_of(plate / 'spoilt.safetensors')}"
    assert card["verdict"] == verdict["said"][0]
    assert model_label(path) == f"quantify_own from {sha256_of(plate / 'spoilt.safetensors')[:8]}"
    assert verdict["said"][0].startswith("better: the weights trained on plate agree better")
    assert f"set quantify.model to {path} " in verdict["said"][-1]
    assert "make calibrate" in verdict["said"][-1]
    assert all(line in caplog.text for line in verdict["said"])


def test_weights_that_are_not_better_do_not_get_the_name_nor_leave_it_to_others(plate, tmp_path, monkeypatch):
    """Training is replaced by one that spoils the network; weights of an earlier run had the name."""
    (tmp_path / ACCEPTED).write_text("of an earlier run", encoding="utf-8")
    monkeypatch.setattr(transfer_quantify, "trained", lambda crops, config, start: (network(1.6), []))
    start = tmp_path / "start.safetensors"
    save_cnn(network(), start, card={"pixel_pitch_um": str(PITCH_UM)})
    verdict = run(plate, tmp_path, start=start)
    assert verdict["is_better"] is False
    assert verdict["improvement"] < -0.1
    assert not (tmp_path / ACCEPTED).exists()
    with pytest.raises(ModelError, match="quantify_own.safetensors': no such file; train it or give a name"):
        weights_file(str(tmp_path / ACCEPTED), MODELS)
    assert verdict["weights"] == str(tmp_path / REJECTED)
    assert read_card(tmp_path / REJECTED)["verdict"].startswith("not better: the weights trained on plate")
    assert verdict["said"][-1].startswith(
        "leave quantify.model at 'quantify'; the new weights are set aside as"
    )


def test_the_same_network_again_is_not_better(plate, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer_quantify, "trained", lambda crops, config, start: (network(1.6), []))
    verdict = run(plate, tmp_path)
    assert (verdict["is_better"], verdict["improvement"]) == (False, 0.0)
    assert verdict["start"] == verdict["own"]


def test_training_goes_on_from_the_start_with_the_settings_of_the_transfer(plate, tmp_path, monkeypatch):
    seen = []

    def spy(crops, config, start):
        seen.append((crops.shape, config.steps, config.learning_rate, config.seed, config.batch, start))
        return network(1.6), []

    monkeypatch.setattr(transfer_quantify, "trained", spy)
    run(plate, tmp_path)
    start = plate / "spoilt.safetensors"
    assert seen == [((8, 5, 96, 96), 2, CONFIG.learning_rate, CONFIG.seed, 2, start)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"min_cells": 5000},
            r"finds \d+ cells in the training crops of 2 frames, expected at least 5000; raise ",
        ),
        (
            {"held_out": 0.12},
            r"finds \d+ cells in the held-out parts of 2 frames, expected at least 20; raise "
            "transfer_quantify.frames or transfer_quantify.held_out, or name more acquisitions in transfer_",
        ),
        (
            {"held_out": 0.075, "min_cells": 1},
            r"held-out cells lie at [1-4] places of 100 um, expected at least 5; raise transfer_quantify.",
        ),
        ({"crop_px": 256}, "expected at least a crop of 256; lower transfer_quantify.crop_px"),
    ],
)
def test_too_little_data_is_refused_before_training(plate, tmp_path, monkeypatch, changes, said):
    monkeypatch.setattr(transfer_quantify, "trained", None)
    with pytest.raises(ValueError, match=said):
        run(plate, tmp_path, config=CONFIG.model_copy(update=changes))
    assert list(tmp_path.iterdir()) == []


def test_frames_that_are_all_missing_are_too_little_data(plate, tmp_path):
    with create_opd(
        tmp_path / "0000.h5", n_frames=2, first_frame=0, shape_yx=SHAPE_YX, pixel_pitch_um=PITCH_UM
    ) as sink:
        for index in range(2):
            sink.write(index, time_h=index / 6, opd_nm=None)
    with pytest.raises(ValueError, match="finds 0 cells in the training crops of 0 frames"):
        run(plate, tmp_path, own={"plate": [tmp_path / "0000.h5"]})


def test_a_start_that_cannot_be_used_is_named(plate, tmp_path):
    with pytest.raises(ValueError, match="transfer_quantify.start is 'none', expected weights to start from"):
        run(plate, tmp_path, start=None)
    with pytest.raises(ValueError, match="which this training writes, expected other weights; copy the file"):
        run(plate, tmp_path, start=tmp_path / ACCEPTED)
    with pytest.raises(ModelError, match="the network maps 2 channels to 2, expected 1 to 4"):
        run(plate, tmp_path, start=MODELS / "unwrap.safetensors")


def test_no_acquisitions_are_refused(plate, tmp_path):
    with pytest.raises(ValueError, match="transfer_quantify.acquisitions is empty, expected acquisitions to"):
        run(plate, tmp_path, own={}, quantify={})
