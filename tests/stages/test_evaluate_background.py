"""The comparison with and without drift: same cells and noise, rings in their places, known errors found."""

import numpy as np
import pytest

from lensfree.config import Config, EvaluateConfig
from lensfree.stages import evaluate_background
from lensfree.stages.evaluate_background import field, means, surroundings

PITCH_UM = 1.67
CONFIG = Config(evaluate=EvaluateConfig(seeds=(90001,), field_px=160, recon_cells_per_mm2=(200.0,)))


@pytest.fixture(scope="module")
def pair():
    return field(90001, 30.0, CONFIG), field(90001, 0.0, CONFIG)


def disc(shape_yx, y_px, x_px, radius_px):
    y, x = np.indices(shape_yx)
    return np.hypot(y - y_px, x - x_px) <= radius_px


def test_the_two_fields_differ_in_the_drift_alone(pair):
    drifting, still = pair
    np.testing.assert_array_equal(drifting.opd_nm, still.opd_nm)
    np.testing.assert_array_equal(drifting.labels, still.labels)
    assert drifting.channels == still.channels
    difference = drifting.intensity - still.intensity
    assert 0 < np.abs(difference).mean() < 0.05  # slow OPD leaves faint fringes, and the noise is the same


def test_surroundings_keep_away_from_every_cell_and_belong_to_the_nearest():
    labels = np.zeros((60, 90), np.int32)
    labels[disc(labels.shape, 30, 30, 8)] = 1
    labels[disc(labels.shape, 30, 52, 8)] = 2
    around = surroundings(labels, PITCH_UM)
    assert set(np.unique(around)) == {0, 1, 2}
    assert around[30, 39] == 0  # rim: nearer than 3 um
    assert around[30, 30 - 8 - 4] == 1 and around[30, 52 + 8 + 4] == 2
    assert around[30, 30 - 8 - 8] == 0  # farther than 10 um
    y, x = np.nonzero(around == 1)
    assert (np.hypot(y - 30, x - 30) <= np.hypot(y - 30, x - 52)).all()


def test_means_are_per_label_and_unknown_where_there_are_too_few_pixels():
    labels = np.zeros((20, 30), np.int32)
    labels[2:8, 2:9], labels[10:12, 10:12] = 1, 3
    values = np.full(labels.shape, 5.0)
    values[labels == 1] = 2.0
    np.testing.assert_allclose(means(values, labels, 3, 10), [2.0, np.nan, np.nan])


def test_what_a_perfect_reconstruction_would_show_is_measured_as_it_is(pair, monkeypatch):
    """With truth in the place of the retrieval there is nothing around cells, and a known error is found.

    Not all of it: slivers of a ring between neighbours are too narrow for a cell and join the background.
    """

    def pretend(halo_nm):
        monkeypatch.setattr(evaluate_background, "retrieve_opd", lambda drawn, *_: drawn.opd_nm + halo_nm)

    pretend(0.0)
    perfect = evaluate_background.run(CONFIG, None)
    assert perfect["recon.local_background_nm"].value < 0.5
    assert perfect["recon.drift_found_nm"].value == perfect["recon.drift_under_flat_cells_nm"].value == 0

    pretend(20.0 * (surroundings(pair[0].labels, PITCH_UM) > 0))
    spoilt = evaluate_background.run(CONFIG, None)["recon.local_background_nm"]
    assert spoilt.value == pytest.approx(20.0, rel=0.1) and spoilt.is_met is False
