"""The forecast that says how sure it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lensfree.config import TrainScoreConfig
from lensfree.nets.outlook import Outlook, foretell, train_outlook

CONFIG = TrainScoreConfig(epochs=20, batch=64, windows_per_epoch=2000, seed=3)


def ramps(n: int, seed: int):
    """Straight lines of which the future is noisier the later it is."""
    rng = np.random.default_rng(seed)
    start, slope = rng.normal(0, 1, (2, n, 1))
    time = np.arange(12) / 12
    values = start + slope * time
    values[:, 8:] += rng.normal(0, [0.05, 0.1, 0.2, 0.4], (n, 4))
    return values[:, :8].astype(np.float32), values[:, 8:].astype(np.float32)


@pytest.fixture(scope="module")
def state():
    return train_outlook(*ramps(4000, 1), CONFIG)


def test_it_learns_the_mean_and_how_sure_it_is(state):
    inputs, targets = ramps(2000, 2)
    mean, sd = foretell(state, inputs)
    assert mean.shape == sd.shape == (2000, 4)
    np.testing.assert_allclose(((targets - mean) / sd).std(axis=0), 1.0, atol=0.25)
    assert np.all(np.diff(np.median(sd, axis=0)) > 0)
    np.testing.assert_allclose(np.median(sd, axis=0)[[2, 3]], [0.2, 0.4], rtol=0.3)


def test_the_same_seed_gives_the_same_weights_and_another_does_not(state):
    again = train_outlook(*ramps(4000, 1), CONFIG)
    assert all(torch.equal(state[name], again[name]) for name in state)
    other = train_outlook(*ramps(4000, 1), CONFIG.model_copy(update={"seed": 4}))
    assert not all(torch.equal(state[name], other[name]) for name in state)


def test_training_leaves_the_random_numbers_of_others_alone():
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    train_outlook(*ramps(100, 1), CONFIG.model_copy(update={"epochs": 1}))
    assert torch.equal(torch.rand(1), expected)


def test_blocks_do_not_change_a_forecast(state, monkeypatch):
    inputs, _ = ramps(50, 2)
    whole = foretell(state, inputs)
    monkeypatch.setattr("lensfree.nets.outlook.BATCH", 7)
    for one, other in zip(whole, foretell(state, inputs), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_the_sd_stays_within_bounds():
    model = Outlook(8, 4)
    with torch.no_grad():
        model.layers[-1].bias.fill_(100.0)
    assert torch.equal(model(torch.zeros(2, 8))[1], torch.full((2, 4), 4.0))


def test_progress_is_told_each_epoch():
    lines: list[str] = []
    train_outlook(*ramps(100, 1), CONFIG.model_copy(update={"epochs": 2}), lines.append)
    assert [line.split(":")[0] for line in lines] == ["outlook, epoch 1 of 2", "outlook, epoch 2 of 2"]


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(ValueError, match="got no windows to learn from"):
        train_outlook(np.empty((0, 8)), np.empty((0, 4)), CONFIG)


def test_values_that_are_not_finite_are_refused():
    inputs, targets = ramps(100, 1)
    targets[3] = np.nan
    with pytest.raises(ValueError, match=r"epoch 1: the loss is nan, expected a finite number"):
        train_outlook(inputs, targets, CONFIG)
