"""The forecaster of StArDusTS: a 1-D CNN that foretells 10 h of dry mass from the 20 h before.

Three blocks of three convolutions (64 kernels of size 3, tanh) with max pooling by 2 between blocks,
dense layers of 64 and 32 (ReLU) and a linear output. With padding that keeps the length this makes
226,076 weights for 120 -> 60 points (Bailly et al. 2024, Fig. 2a; the padding is our reading).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from lensfree.arrays import cpu_count

BLOCKS = 3
LAYERS_PER_BLOCK = 3
KERNELS = 64
BATCH = 512

State = dict[str, Tensor]


class Forecaster(nn.Module):
    """Standardised dry mass (n, input_points) to standardised forecasts (n, target_points)."""

    def __init__(self, input_points: int = 120, target_points: int = 60) -> None:
        """Build the layers.

        Raises:
            ValueError: if the input is too short for two poolings.
        """
        super().__init__()
        pooled_points = input_points // 2 ** (BLOCKS - 1)
        if pooled_points < 1:
            raise ValueError(
                f"input_points={input_points} is too short for {BLOCKS - 1} poolings, expected at least "
                f"{2 ** (BLOCKS - 1)}; raise score.input_points"
            )
        layers: list[nn.Module] = []
        for block in range(BLOCKS):
            if block:
                layers.append(nn.MaxPool1d(2))
            for layer in range(LAYERS_PER_BLOCK):
                features = 1 if block == layer == 0 else KERNELS
                layers += [nn.Conv1d(features, KERNELS, 3, padding="same"), nn.Tanh()]
        self.represent = nn.Sequential(*layers, nn.Flatten())
        self.foretell = nn.Sequential(
            nn.Linear(KERNELS * pooled_points, 64),
            nn.ReLU(),
            nn.Linear(64, 32),
            nn.ReLU(),
            nn.Linear(32, target_points),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the forecasts."""
        return self.foretell(self.represent(inputs[:, None, :]))


def forecast(model: Forecaster, inputs: np.ndarray) -> np.ndarray:
    """Return the forecasts (n, target_points) for standardised inputs (n, input_points), in batches."""
    tensor = torch.as_tensor(np.ascontiguousarray(inputs, dtype=np.float32))
    model.eval()
    with granted_threads(), torch.inference_mode():
        return torch.cat([model(batch) for batch in tensor.split(BATCH)]).numpy()


def restore(state: State, input_points: int, target_points: int) -> Forecaster:
    """Return the forecaster that the weights belong to, ready for use."""
    model = Forecaster(input_points, target_points)
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
