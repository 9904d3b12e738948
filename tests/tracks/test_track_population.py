"""On a synthetic population of several generations, scored by traccuracy, tracking is good enough to use."""

import numpy as np
import pandas as pd
import pytest
from population import Population, detect, grow_population

from lensfree.config import TrackConfig
from lensfree.tracks.lineage import resolve_lineage
from lensfree.tracks.link import link
from lensfree.tracks.scoring import score_tracks

pytest.importorskip("traccuracy")

LIFE = Population(n_cells=28, frames=216, height_um=620.0, width_um=950.0)


@pytest.fixture(scope="module")
def truth():
    return grow_population(LIFE, np.random.default_rng(11))


def track(cells, config=TrackConfig()):  # noqa: B008 (frozen)
    return resolve_lineage(link(cells, config), config).cells


@pytest.fixture(scope="module")
def cells(truth):
    return detect(truth, LIFE, np.random.default_rng(12))


@pytest.fixture(scope="module")
def scores(truth, cells):
    return score_tracks(track(cells), truth, max_distance_um=5.0)


def test_links_and_divisions_are_right(scores):
    assert scores["n_divisions"] > 40
    assert scores["link_f1"] >= 0.99
    assert scores["division_f1"] >= 0.85


def test_histories_of_thirty_hours_are_right(scores):
    assert scores["n_histories"] > 30
    assert scores["md30"] >= 0.8
    assert scores["complete_tracks"] >= 0.85


def test_mass_makes_histories_better(truth, cells, scores):
    blind = score_tracks(track(cells, TrackConfig(log_mass_weight_um=0.0)), truth, max_distance_um=5.0)
    assert blind["md30"] < scores["md30"] - 0.03


def test_tracking_is_reproducible_and_blind_to_the_order_of_rows(cells):
    again = track(cells.sample(frac=1, random_state=99))
    keys = ["frame", "y_um", "x_um"]
    first, second = (t.sort_values(keys).reset_index(drop=True) for t in (track(cells), again))
    pd.testing.assert_frame_equal(first, second)
