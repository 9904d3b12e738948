"""The forecaster of StArDusTS: a 1-D CNN that foretells 10 h of dry mass from the 20 h before.

Three blocks of three convolutions (64 kernels of size 3, tanh) with max pooling by 2 between blocks,
dense layers of 64 and 32 (ReLU) and a linear output (Bailly et al. 2024, Fig. 2a). The paper does not say
whether convolutions keep the length: with padding (`same`, the default) there are 226,076 weights for
120 -> 60 points, without (`valid`) 181,020.

The convolutions run as those of images one pixel high with the features innermost, a fifth faster than
`conv1d`. Half of the time went into `torch.tanh`; from a sigmoid it takes a fifth of that.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.grad import conv2d_input

from lensfree.arrays import cpu_count
from lensfree.nets.sliding import ROWS_AT_ONCE, WORTH, can_share, joined, represented, tanh_in_place

BLOCKS = 3
LAYERS_PER_BLOCK = 3
KERNELS = 64
BATCH = 128
"""Windows that go through at once: their features stay in the cache."""

State = dict[str, Tensor]
Padding = Literal["same", "valid"]


class Forecaster(nn.Module):
    """Standardised dry mass (n, input_points) to standardised forecasts (n, target_points)."""

    def __init__(self, input_points: int = 120, target_points: int = 60, padding: Padding = "same") -> None:
        """Build the layers.

        Raises:
            ValueError: if the input is too short for them.
        """
        super().__init__()
        pooled_points = _pooled_points(input_points, padding)
        if pooled_points < 1:
            raise ValueError(
                f"input_points={input_points} is too short for {BLOCKS - 1} poolings, expected at least "
                f"{_least_points(padding)} with padding '{padding}'; raise score.input_points"
            )
        self.input_points, self.target_points = input_points, target_points
        layers: list[nn.Module] = []
        for block in range(BLOCKS):
            if block:
                layers.append(nn.MaxPool1d(2))
            for layer in range(LAYERS_PER_BLOCK):
                features = 1 if block == layer == 0 else KERNELS
                layers += [nn.Conv1d(features, KERNELS, 3, padding=padding), nn.Tanh()]
        self.represent = nn.Sequential(*layers)
        self.foretell = nn.Sequential(
            nn.Linear(KERNELS * pooled_points, 64),
            nn.ReLU(),
            nn.Linear(64, 32),
            nn.ReLU(),
            nn.Linear(32, target_points),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the forecasts."""
        features = inputs[:, None, None, :]
        for layer in self.represent:
            if isinstance(layer, nn.Conv1d):
                features = _convolved(features, layer)
            elif isinstance(layer, nn.MaxPool1d):
                features = nn.functional.max_pool2d(features, (1, 2))
            elif torch.is_grad_enabled():
                features = _Tanh.apply(features)
            else:
                features = tanh_in_place(features)
        return self.foretell(features.flatten(1))

    def forecast_sliding(self, points: Tensor, first: Tensor) -> Tensor:
        """Return the forecasts of windows that begin at the points `first`, without gradient."""
        return self.foretell(represented(self.represent, points, first, self.input_points).flatten(1))


def _convolved(features: Tensor, layer: nn.Conv1d) -> Tensor:
    """Return (n, features, 1, points) after a convolution along the points, features innermost in memory."""
    result: Tensor = _Convolved.apply(features, layer.weight, layer.bias, layer.padding == "same")
    return result


class _Convolved(torch.autograd.Function):
    """`conv2d` of images one pixel high, and its gradient with respect to the weights as three products.

    The rows of features of all windows lie one under the other; each weight belongs to rows moved by one.
    What `conv2d` itself does for that ran at a third of the speed of its other products, on AVX2.
    """

    @staticmethod
    def forward(context: Any, features: Tensor, weight: Tensor, bias: Tensor, is_padded: bool) -> Tensor:
        features = features.contiguous(memory_format=torch.channels_last)
        kernels = weight[:, :, None].contiguous(memory_format=torch.channels_last)
        context.save_for_backward(features, kernels)
        context.padding = (0, 1) if is_padded else (0, 0)
        return nn.functional.conv2d(features, kernels, bias, padding=context.padding)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
        features, kernels = context.saved_tensors
        of_features = None
        if context.needs_input_grad[0]:
            of_features = conv2d_input(features.shape, kernels, gradient, padding=context.padding)
        own = gradient.permute(0, 2, 3, 1)[:, 0]
        if not context.padding[1]:
            own = nn.functional.pad(own, (0, 0, 1, 1))  # as with padding, where both ends count for nothing
        return of_features, _of_weight(features.permute(0, 2, 3, 1)[:, 0], own), own.sum((0, 1)), None


def _of_weight(features: Tensor, own: Tensor) -> Tensor:
    """Return (kernels, features, 3) of a convolution with padding from two of (n, points, features)."""
    rows, own_rows = features.flatten(0, 1), own.flatten(0, 1)
    # Where one window ends and the next begins, neighbours are none: that is taken back.
    before = rows[:-1].T @ own_rows[1:] - features[:-1, -1].T @ own[1:, 0]
    after = rows[1:].T @ own_rows[:-1] - features[1:, 0].T @ own[:-1, -1]
    return torch.stack([before, rows.T @ own_rows, after]).permute(2, 1, 0)


class _Tanh(torch.autograd.Function):
    """The same with its gradient, which needs nothing but the result: what was given is overwritten."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        context.mark_dirty(values)
        context.save_for_backward(tanh_in_place(values))
        return values

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        (result,) = context.saved_tensors
        return torch.ops.aten.tanh_backward(gradient, result)


def forecast(model: Forecaster, inputs: np.ndarray) -> np.ndarray:
    """Return the forecasts (n, target_points) for standardised inputs (n, input_points), in batches.

    Windows of a history that follow each other point by point share their convolutions (`sliding`).
    """
    windows = torch.as_tensor(np.ascontiguousarray(inputs, dtype=np.float32))
    points, first = joined(windows.numpy())
    model.eval()
    is_shared = len(points) < WORTH * len(windows) and can_share(model.represent, inputs.shape[1])

    def foretold(start: int) -> Tensor:
        with torch.inference_mode():
            if not is_shared:
                return model(windows[start : start + BATCH])
            begins = torch.as_tensor(first[start : start + ROWS_AT_ONCE])
            held = torch.as_tensor(points[begins[0] : begins[-1] + inputs.shape[1]])
            return model.forecast_sliding(held, begins - begins[0])

    # A core per batch: several cores on one batch wait for each other at every layer.
    workers = ThreadPoolExecutor(cpu_count(), initializer=torch.set_num_threads, initargs=(1,))
    with granted_threads(), workers:
        starts = range(0, len(windows), ROWS_AT_ONCE if is_shared else BATCH)
        parts = list(workers.map(foretold, starts))
    return torch.cat(parts).numpy() if parts else np.empty((0, model.target_points), np.float32)


def _pooled_points(input_points: int, padding: Padding) -> int:
    """Return how many points are left after the last block."""
    lost = 0 if padding == "same" else 2 * LAYERS_PER_BLOCK
    left = input_points - lost
    for _ in range(BLOCKS - 1):
        left = left // 2 - lost
    return left


def _least_points(padding: Padding) -> int:
    """Return the shortest input that leaves a point."""
    return next(n for n in range(1, 1000) if _pooled_points(n, padding) >= 1)


def restore(state: State, input_points: int, target_points: int, padding: Padding = "same") -> Forecaster:
    """Return the forecaster that the weights belong to, ready for use."""
    model = Forecaster(input_points, target_points, padding)
    model.load_state_dict(state)
    return model.eval()


@contextmanager
def granted_threads() -> Iterator[None]:
    """Let torch use the cores of this process; by itself it counts those of the machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(cpu_count())
    try:
        yield
    finally:
        torch.set_num_threads(before)
