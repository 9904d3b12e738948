"""The training rules at toy size: weights with their card come out, and a missing input is named."""

import pytest

from lensfree.nets.weights import read_card
from lensfree.stages.calibrations import read_calibrations

pytestmark = pytest.mark.workflow

TOY = {
    "fields": {"side_px": 72, "fields_per_recipe": 1},
    "train_unwrap": {
        **{"recipes": 1, "crops_per_field": 2, "crop_px": 40, "steps": 2, "batch": 2, "layers": 3},
        **{"real_movie": "none"},
    },
    "train_quantify": {
        **{"recipes": 1, "crops_per_field": 2, "crop_px": 40, "steps": 2, "batch": 2, "layers": 3},
        **{"real_movie": "none"},
    },
    "train_score": {"simulated_series": 12, "epochs": 1, "windows_per_epoch": 300},
    "score": {"min_training_windows": 100},
}


def test_the_networks_can_be_trained_again_with_one_command(movie):
    movie.config = {**movie.config, **TOY}
    movie.run("train")
    models = movie.folder / "results" / "models"
    cards = {name: read_card(models / f"{name}.safetensors") for name in ("unwrap", "quantify", "forecast")}
    assert cards["unwrap"]["pairs"] == "2"
    assert cards["quantify"]["crops"] == "2"
    assert cards["forecast"]["trained_on"].startswith("shipped, 12 simulated histories")
    assert movie.planned("train") == set()


def test_a_movie_of_real_cells_that_is_not_there_is_named_before_any_job(movie):
    movie.config = {**movie.config, "train_unwrap": {"real_movie": "raw/nothing.tif"}}
    text = movie.run("train", is_ok=False)
    assert "Missing input files for rule train_unwrap" in text and "raw/nothing.tif" in text


def test_the_standard_error_is_calibrated_with_one_command(movie):
    fields = {"side_px": 144, "cells_per_mm2": [520, 540]}
    counts = {"recipes": 3, "fields_per_recipe": 2, "culture_fraction": 0}
    reconstruct = {"method": "reference", "iterations_reference": 10, "device": "cpu", "padding_um": 60}
    quantify = {"method": "reference", "model": "none"}
    movie.config = {
        **movie.config,
        **{"fields": fields, "calibrate_error": counts, "reconstruct": reconstruct, "quantify": quantify},
    }
    out = "results/models/standard_error.json"
    movie.run(out)
    made = read_calibrations(movie.folder / out)["reference"]
    assert (made.n_fields, made.reconstruct_method) == (6, "reference")
    assert movie.planned(out) == set()
