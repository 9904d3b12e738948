"""Windows that follow each other, through the network at once: what it says of each by itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lensfree.nets import forecaster
from lensfree.nets.forecaster import Forecaster, forecast
from lensfree.nets.sliding import can_share, joined


def model_for(length: int, padding: str) -> Forecaster:
    torch.manual_seed(length)
    return Forecaster(length, 7, padding).eval()


def cut(points: int, length: int, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=points).astype(np.float32)
    return np.lib.stride_tricks.sliding_window_view(values, length)


def each_by_itself(model: Forecaster, windows: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return model(torch.as_tensor(np.ascontiguousarray(windows))).numpy()


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("length", [120, 119, 118, 97, 62, 61])
def test_windows_at_once_are_foretold_as_each_by_itself(length, padding, monkeypatch):
    model = model_for(length, padding)
    assert can_share(model.represent, length)
    # Histories of different lengths, one with a window left out, more than go through at once.
    windows = np.concatenate(
        [cut(420, length), cut(length, length, 1), np.delete(cut(700, length, 2), 50, 0)]
    )
    shared = []
    sliding = Forecaster.forecast_sliding
    monkeypatch.setattr(
        Forecaster, "forecast_sliding", lambda *args: shared.append(len(args[2])) or sliding(*args)
    )
    found = forecast(model, windows)
    assert sum(shared) == len(windows) and len(shared) > 1
    expected = each_by_itself(model, windows)
    assert np.ptp(expected, axis=0).min() > 1e-3  # that the windows differ is what makes the rest a test
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(("length", "padding"), [(24, "same"), (46, "same")])
def test_windows_too_short_to_have_a_middle_go_one_by_one(length, padding):
    model = model_for(length, padding)
    assert not can_share(model.represent, length)
    windows = cut(200, length)
    np.testing.assert_allclose(forecast(model, windows), each_by_itself(model, windows), atol=1e-6)


def test_windows_that_have_nothing_in_common_go_one_by_one(monkeypatch):
    monkeypatch.setattr(Forecaster, "forecast_sliding", None)
    model = model_for(120, "same")
    windows = np.random.default_rng(0).normal(size=(40, 120)).astype(np.float32)
    np.testing.assert_allclose(forecast(model, windows), each_by_itself(model, windows), atol=1e-6)


def test_points_are_joined_where_a_window_goes_on_after_the_one_before():
    windows = np.concatenate([cut(9, 5), cut(5, 5, 1), cut(8, 5, 2)])
    points, first = joined(windows)
    assert len(points) == 9 + 5 + 8
    assert first.tolist() == [0, 1, 2, 3, 4, 9, 14, 15, 16, 17]
    assert np.array_equal(np.stack([points[i : i + 5] for i in first]), windows)


def test_no_windows_have_no_points():
    points, first = joined(np.empty((0, 5), np.float32))
    assert points.shape == first.shape == (0,)


def test_what_goes_through_at_once_is_cut_at_any_number(monkeypatch):
    model, windows = model_for(120, "same"), cut(150, 120)
    whole = forecast(model, windows)
    monkeypatch.setattr(forecaster, "ROWS_AT_ONCE", 7)
    np.testing.assert_allclose(forecast(model, windows), whole, atol=1e-6)
