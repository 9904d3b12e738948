"""The forecaster: its size, its training, its file."""

from __future__ import annotations

import threading
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from lensfree.config import ScoreConfig, TrainScoreConfig
from lensfree.model_files import ModelError
from lensfree.nets.forecaster import Forecaster, forecast, restore
from lensfree.nets.forecaster_card import (
    ForecasterCard,
    hand_on,
    load_forecaster,
    relabel,
    save_forecaster,
    weights_version,
)
from lensfree.nets.forecaster_training import train_forecaster
from lensfree.nets.weights import write_tensors

CONFIG = TrainScoreConfig(epochs=4, batch=32, windows_per_epoch=320, learning_rate=2e-3, seed=5)
BRIEF = CONFIG.model_copy(update={"epochs": 3, "windows_per_epoch": 64})
CARD = ForecasterCard(
    name="waves",
    version="3",
    trained_on="own data set waves, 7 windows",
    input_points=24,
    target_points=8,
    interval_min=10.0,
    smoothing_points=6,
    mean_pg=412.25,
    sd_pg=1 / 3,
    tau=0.1 + 0.2,
    seed=5,
    n_windows=7,
    validation_mse=0.25,
    test_mse=float("nan"),
)


def waves(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (inputs, targets): sines of one period and any phase, 24 points seen and 8 to foretell."""
    phase = np.random.default_rng(seed).uniform(0, 2 * np.pi, (n, 1))
    values = np.sin(phase + 2 * np.pi * np.arange(32) / 20)
    return values[:, :24], values[:, 24:]


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, ...]:
    return (*waves(1, 400), *waves(2, 80))


@pytest.fixture(scope="module")
def trained(data):
    return train_forecaster(*data, CONFIG)


@pytest.fixture(scope="module")
def brief(data):
    return train_forecaster(*data, BRIEF)


def same(one, other) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_the_published_network_has_226076_weights():
    assert sum(weights.numel() for weights in Forecaster().parameters()) == 226_076


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_gradients_are_those_of_plain_layers(padding):
    torch.manual_seed(3)
    model = Forecaster(47, 5, padding).double()
    inputs, targets = torch.randn(6, 47).double().requires_grad_(), torch.randn(6, 5).double()
    answers = model(inputs), model.foretell(model.represent(inputs[:, None, :]).flatten(1))
    wanted_for = [inputs, *model.parameters()]
    gradients = [torch.autograd.grad((answer - targets).square().sum(), wanted_for) for answer in answers]
    for own, other in zip(*gradients, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-10, atol=1e-10)
        assert own.abs().max() > 0


def test_without_padding_it_has_181020_weights():
    model = Forecaster(padding="valid")
    assert sum(weights.numel() for weights in model.parameters()) == 181_020
    assert forecast(model, np.zeros((3, 120))).shape == (3, 60)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_the_network_is_the_plain_one(padding):
    """The layers one after the other, as `nn.Conv1d`, `nn.Tanh` and `nn.MaxPool1d` compute them."""
    torch.manual_seed(3)
    model, inputs = Forecaster(60, 7, padding), 3 * torch.randn(5, 60)
    answer, plain = model(inputs), model.foretell(model.represent(inputs[:, None]).flatten(1))
    torch.testing.assert_close(answer, plain, atol=1e-6, rtol=1e-5)
    np.testing.assert_allclose(forecast(model, inputs.numpy()), plain.detach(), atol=1e-6, rtol=1e-5)


def test_nine_convolutions_two_poolings_and_three_dense_layers():
    kinds = [type(layer).__name__ for layer in Forecaster().modules()]
    assert [kinds.count(kind) for kind in ("Conv1d", "Tanh", "MaxPool1d", "Linear", "ReLU")] == [
        9,
        9,
        2,
        3,
        2,
    ]
    assert kinds.index("Conv1d") < kinds.index("MaxPool1d")
    assert not any(kind == "MaxPool1d" for kind in kinds[-8:])


@pytest.mark.parametrize(("input_points", "target_points"), [(120, 60), (24, 8), (30, 7), (4, 1)])
def test_lengths_of_input_and_target_are_free(input_points, target_points):
    answer = forecast(Forecaster(input_points, target_points), np.zeros((3, input_points)))
    assert answer.shape == (3, target_points) and answer.dtype == np.float32


def test_an_input_too_short_to_pool_is_refused():
    with pytest.raises(ValueError, match="input_points=3 is too short for 2 poolings, expected at least 4"):
        Forecaster(3, 1)


def test_an_input_too_short_for_convolutions_without_padding_is_refused():
    with pytest.raises(
        ValueError, match="input_points=45 is too short .*, expected at least 46 with padding"
    ):
        Forecaster(45, 1, "valid")
    assert forecast(Forecaster(46, 1, "valid"), np.zeros((1, 46))).shape == (1, 1)


def test_batches_do_not_change_a_forecast(monkeypatch):
    torch.manual_seed(0)
    model, inputs = Forecaster(24, 8), waves(3, 50)[0]
    whole = forecast(model, inputs)
    monkeypatch.setattr("lensfree.nets.forecaster.BATCH", 7)
    np.testing.assert_allclose(forecast(model, inputs), whole, atol=1e-6)


def test_no_windows_have_no_forecasts():
    assert forecast(Forecaster(24, 8), np.empty((0, 24))).shape == (0, 8)


def test_forecasting_uses_the_granted_threads_and_gives_them_back(monkeypatch):
    """As many batches at once as cores are granted, a thread of torch each: the barrier needs all three."""
    seen, together = [], threading.Barrier(3, timeout=20)

    def forward(self, inputs):
        together.wait()
        seen.append(torch.get_num_threads())
        return inputs

    monkeypatch.setattr("lensfree.nets.forecaster.cpu_count", lambda: 3)
    monkeypatch.setattr("lensfree.nets.forecaster.BATCH", 2)
    monkeypatch.setattr(Forecaster, "forward", forward)
    before = torch.get_num_threads()
    answer = forecast(Forecaster(24, 8), np.arange(6 * 24).reshape(6, 24))
    assert seen == [1, 1, 1] and torch.get_num_threads() == before
    np.testing.assert_array_equal(answer[:, 0], 24 * np.arange(6))


def test_training_learns_to_foretell_waves(trained, data):
    state, history = trained
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    mse_of_the_mean = np.mean(np.square(data[3]))
    assert history[-1]["training_mse"] < 0.5 * history[0]["training_mse"]
    assert history[-1]["validation_mse"] < 0.1 * mse_of_the_mean
    unseen_inputs, unseen_targets = waves(9, 60)
    answer = forecast(restore(state, 24, 8), unseen_inputs)
    assert np.mean(np.square(answer - unseen_targets)) < 0.1 * mse_of_the_mean


def test_the_best_validation_epoch_is_kept():
    """What is learned by heart from noise makes later epochs foretell unseen noise worse."""
    rng = np.random.default_rng(4)
    noise = [rng.normal(0, 1, (n, points)) for n in (40, 40) for points in (24, 8)]
    config = CONFIG.model_copy(update={"epochs": 12, "windows_per_epoch": 40, "batch": 8})
    state, history = train_forecaster(*noise, config)
    validation = [row["validation_mse"] for row in history]
    assert min(validation) < 0.98 * validation[-1]
    answer = forecast(restore(state, 24, 8), noise[2])
    assert np.mean(np.square(answer - noise[3])) == pytest.approx(min(validation), rel=1e-6)


def test_the_seed_decides_the_weights(brief, data):
    state, history = train_forecaster(*data, BRIEF)
    assert same(state, brief[0]) and history == brief[1]
    other, _ = train_forecaster(*data, BRIEF.model_copy(update={"seed": 6}))
    assert not same(other, brief[0])


def test_every_epoch_draws_its_windows_anew_and_none_twice(data, monkeypatch):
    seen: list[np.ndarray] = []
    forward = Forecaster.forward

    def watched(self, inputs):
        if self.training:
            seen.extend(inputs.numpy())
        return forward(self, inputs)

    monkeypatch.setattr(Forecaster, "forward", watched)
    train_forecaster(*data, BRIEF)
    epochs = [{row.tobytes() for row in seen[start : start + 64]} for start in (0, 64, 128)]
    assert len(seen) == 3 * 64 and [len(epoch) for epoch in epochs] == [64] * 3
    assert len(epochs[0] | epochs[1] | epochs[2]) > 64 + 40


def test_training_leaves_the_random_state_of_torch_alone(data):
    torch.manual_seed(77)
    expected = torch.rand(1)
    torch.manual_seed(77)
    train_forecaster(*data, BRIEF.model_copy(update={"epochs": 1}))
    assert torch.equal(torch.rand(1), expected)


class Killed(Exception):
    pass


def kill_after(epochs: int):
    def progress(line: str) -> None:
        if line.startswith(f"epoch {epochs + 1} of"):
            raise Killed

    return progress


def test_a_killed_training_resumes_to_the_same_weights(brief, data, tmp_path):
    checkpoint = tmp_path / "forecaster.checkpoint"
    with pytest.raises(Killed):
        train_forecaster(*data, BRIEF, kill_after(2), checkpoint)
    lines: list[str] = []
    state, history = train_forecaster(*data, BRIEF, lines.append, checkpoint)
    assert [line.split(":")[0] for line in lines] == ["epoch 3 of 3"]
    assert same(state, brief[0]) and history == brief[1]


def test_a_finished_checkpoint_gives_its_weights_without_training(brief, data, tmp_path):
    checkpoint = tmp_path / "forecaster.checkpoint"
    train_forecaster(*data, BRIEF, checkpoint=checkpoint)
    lines: list[str] = []
    state, _ = train_forecaster(*data, BRIEF, lines.append, checkpoint)
    assert lines == [] and same(state, brief[0])


@pytest.mark.parametrize("changed", ["data", "configuration"])
def test_a_checkpoint_of_another_training_is_passed_over(data, tmp_path, changed):
    checkpoint = tmp_path / "forecaster.checkpoint"
    with pytest.raises(Killed):
        train_forecaster(*data, BRIEF, kill_after(2), checkpoint)
    config = BRIEF.model_copy(update={"seed": 8}) if changed == "configuration" else BRIEF
    mine = (data[0] * 1.01, *data[1:]) if changed == "data" else data
    expected, _ = train_forecaster(*mine, config)
    assert same(train_forecaster(*mine, config, checkpoint=checkpoint)[0], expected)


@pytest.mark.parametrize(("n_training", "n_validation"), [(0, 5), (5, 0)])
def test_nothing_to_train_or_validate_on_is_refused(n_training, n_validation):
    with pytest.raises(ValueError, match=f"got {n_training} training and {n_validation} validation windows"):
        train_forecaster(*waves(0, n_training), *waves(1, n_validation), CONFIG)


def test_a_training_that_diverges_says_so(data):
    spoilt = data[1].copy()
    spoilt[:, 3] = np.inf
    with pytest.raises(ValueError, match="epoch 1: training MSE nan .*lower train_score.learning_rate"):
        train_forecaster(data[0], spoilt, *data[2:], CONFIG)


def test_a_file_returns_weights_and_card_to_the_last_digit(trained, tmp_path):
    path = tmp_path / "waves.safetensors"
    save_forecaster(trained[0], CARD, path)
    model, card = load_forecaster(path)
    assert same(model.state_dict(), trained[0])
    assert str(card) == str(CARD)
    assert (card.mean_pg, card.sd_pg, card.tau) == (CARD.mean_pg, CARD.sd_pg, CARD.tau)


def test_a_file_of_another_network_is_refused(trained, tmp_path):
    path = tmp_path / "other.safetensors"
    write_tensors(path, trained[0], {"name": "unwrap", "version": "1"})
    with pytest.raises(ModelError, match=r"other.safetensors: the card of a forecaster lacks \['trained_on'"):
        load_forecaster(path)


def test_windows_other_than_those_of_the_training_are_refused():
    CARD.check(ScoreConfig(input_points=24, target_points=8))
    with pytest.raises(
        ModelError, match="forecaster 'waves' was trained for .*'interval_min': 10.0.*; retrain"
    ):
        CARD.check(ScoreConfig(input_points=24, target_points=8, interval_min=6.0))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"padding": "valid"}, r"for \{'padding': 'same'\}, the section score says \{'padding': 'valid'\}"),
        ({"target": "raw"}, "'target': 'smoothed'"),
        ({"normalisation": "per_split"}, "'normalisation': 'training'"),
        ({"threshold": "quantile"}, r"'threshold': 'mean \+ 2 sd'.*'threshold': 'quantile 0.95'"),
        ({"sigma_count": 3.0}, r"'threshold': 'mean \+ 2 sd'.*'threshold': 'mean \+ 3 sd'"),
    ],
)
def test_options_other_than_those_of_the_training_are_refused(changed, said):
    with pytest.raises(ModelError, match=said):
        CARD.check(ScoreConfig(input_points=24, target_points=8, **changed))


def test_options_travel_with_the_model(data, tmp_path):
    state, _ = train_forecaster(*(np.tile(part, (1, 2)) for part in data), BRIEF, padding="valid")
    options = {"padding": "valid", "target": "raw", "normalisation": "per_split", "threshold": "quantile 0.9"}
    save_forecaster(state, replace(CARD, input_points=48, target_points=16, **options), tmp_path / "m")
    model, card = load_forecaster(tmp_path / "m")
    assert same(model.state_dict(), state) and {name: getattr(card, name) for name in options} == options
    chosen = {"padding": "valid", "target": "raw", "normalisation": "per_split", "threshold": "quantile"}
    card.check(ScoreConfig(input_points=48, target_points=16, threshold_quantile=0.9, **chosen))


def test_a_card_without_options_is_that_of_the_defaults(trained, tmp_path):
    """Files from before there was a choice stay usable."""
    path = tmp_path / "old.safetensors"
    options = ("padding", "target", "normalisation", "threshold")
    told = {name: str(value) for name, value in asdict(CARD).items() if name not in options}
    write_tensors(path, trained[0], told)
    card = load_forecaster(path)[1]
    assert str(card) == str(CARD)
    card.check(ScoreConfig(input_points=24, target_points=8))


@pytest.mark.parametrize("scale_pg", [None, (500.0, 20.0)])
def test_a_shipped_forecaster_says_that_it_is_one(trained, tmp_path, scale_pg):
    shipped, out = tmp_path / "shipped.safetensors", tmp_path / "own.safetensors"
    save_forecaster(trained[0], CARD, shipped)
    hand_on(shipped, out, scale_pg)
    model, card = load_forecaster(out)
    assert same(model.state_dict(), trained[0])
    assert card.trained_on.startswith("shipped waves 3")
    assert ("standardised with this data set" in card.trained_on) == (scale_pg is not None)
    assert (card.mean_pg, card.sd_pg) == (scale_pg or (CARD.mean_pg, CARD.sd_pg))
    assert card.tau == CARD.tau


def test_a_published_forecaster_has_a_name_and_is_otherwise_the_same(trained, tmp_path):
    path, out = tmp_path / "own.safetensors", tmp_path / "forecast.safetensors"
    save_forecaster(trained[0], CARD, path)
    relabel(path, out, name="forecast", version="7", trained_on="shipped forecast 7, simulated histories")
    model, card = load_forecaster(out)
    assert same(model.state_dict(), trained[0])
    assert str(card) == str(
        replace(CARD, name="forecast", version="7", trained_on="shipped forecast 7, simulated histories")
    )


def test_the_version_follows_from_the_weights(trained):
    state = {name: weights.clone() for name, weights in trained[0].items()}
    assert weights_version(state) == weights_version(trained[0])
    state["foretell.0.bias"][0] += 1e-3
    assert weights_version(state) != weights_version(trained[0])


def test_the_card_of_a_training_states_data_seed_and_windows(trained):
    numbers = {
        "mean_pg": 1.0,
        "sd_pg": 2.0,
        "tau": 3.0,
        "validation_mse": 0.1,
        "test_mse": 0.2,
        "n_windows": 9,
    }
    config = ScoreConfig(input_points=24, target_points=8)
    card = ForecasterCard.from_training(trained[0], numbers, config, CONFIG, dataset="dishes")
    card.check(config)
    assert card.trained_on == "own data set dishes, 9 windows"
    assert (card.seed, card.n_windows, card.tau, card.input_points) == (5, 9, 3.0, 24)
    assert card.version == weights_version(trained[0])
