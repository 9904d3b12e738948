"""Transfer at toy size: weights and verdict come out of one target, which runs again only when it has to."""

import json
import os

import numpy as np
import pytest
import tifffile
from conftest import MOVIE_ROW, Workplace

from lensfree.nets.weights import read_card
from lensfree.simulate.population import random_field
from lensfree.simulate.render import render_opd

pytestmark = pytest.mark.workflow

OUT = "results/models/quantify_own.verdict.json"
SHAPE_YX = (200, 350)
TOY = {
    **{"acquisitions": ["movie"], "frames": 2, "held_out": 0.4, "crops": 4, "crop_px": 64, "steps": 1},
    "min_cells": 10,
}


@pytest.fixture
def place(finished, tmp_path):
    """OPD of two frames of synthetic cells, nothing computed."""
    place = Workplace(finished.project, tmp_path / "place", [MOVIE_ROW])
    (place.folder / "raw").mkdir(parents=True)
    fields = [random_field(np.random.default_rng(seed), SHAPE_YX, 1.67, 350.0) for seed in range(2)]
    opd_nm = np.stack([render_opd(cells, SHAPE_YX, 1.67) for cells in fields])
    tifffile.imwrite(place.folder / "raw" / "movie.tif", opd_nm.astype(np.float32), photometric="minisblack")
    place.config = {"acquisitions": "sheet.tsv", "transfer_quantify": TOY, "train_quantify": {"batch": 2}}
    return place


def test_one_target_gives_weights_and_verdict_and_runs_again_only_when_it_has_to(place):
    place.run(OUT)
    verdict = json.loads((place.folder / OUT).read_text(encoding="utf-8"))
    models = place.folder / "results" / "models"
    kept = "quantify_own.safetensors" if verdict["is_better"] else "quantify_own.rejected.safetensors"
    assert {path.name for path in models.iterdir()} == {kept, "quantify_own.verdict.json"}
    assert verdict["weights"] == f"results/models/{kept}"
    assert read_card(models / kept)["acquisitions"] == "movie"
    logs = place.folder / "logs" / "transfer_quantify"
    assert verdict["said"][-1] in (logs / "quantify_own.log").read_text(encoding="utf-8")
    assert (logs / "quantify_own.tsv").is_file()

    assert place.planned(OUT) == set()
    using = {**place.config, "quantify": {"method": "reference", "device": "cpu"}}
    other = {**place.config, "transfer_quantify": {**TOY, "steps": 2}}
    place.config = using
    assert place.planned(OUT) == set()
    place.config = other
    assert place.planned(OUT) == {"transfer_quantify"}


def test_weights_that_were_set_aside_cannot_be_used_by_accident(place):
    """The name that only better weights get is named, and there are none."""
    place.config["quantify"] = {"model": "results/models/quantify_own.safetensors"}
    text = place.run("--until", "quantify", is_ok=False)
    assert "model 'results/models/quantify_own.safetensors': no such file; train it or give a name of" in text
    (place.folder / "results" / "models").mkdir(parents=True)
    os.symlink(
        place.project / "models" / "quantify.safetensors",
        place.folder / "results" / "models" / "quantify_own.safetensors",
    )
    place.config["track"] = {"search_range_um": 20.0}
    assert "quantify movie 0000" in place.planned("--until", "quantify")
    assert place.planned(OUT) == {"ingest movie 0000", "transfer_quantify"}


def test_what_is_missing_is_named(place):
    place.config["transfer_quantify"] = {**TOY, "acquisitions": ["film"]}
    text = place.run(OUT, is_ok=False)
    assert "transfer_quantify.acquisitions: 'film' is not in the sheet, which has movie" in text
    place.config["transfer_quantify"] = {**TOY, "start": "none"}
    text = place.run(OUT, is_ok=False)
    assert "transfer_quantify.start is 'none', expected weights to start from" in text
