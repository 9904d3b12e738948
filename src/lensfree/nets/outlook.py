"""A forecaster that says how sure it is: mean and variance of each coming point, from the points before.

A small dense network: what it must know of 20 h of dry mass are size, slope and the time since a division.
Trained with the likelihood of a normal distribution, weighted by the square root of the variance that it
says (Seitzer et al., "On the Pitfalls of Heteroscedastic Uncertainty Estimation", ICLR 2022), so that points
that are hard to foretell are learnt as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from lensfree.config import TrainScoreConfig
from lensfree.nets.forecaster import granted_threads
from lensfree.progress import followed

WIDTH = 256
LOG_VARIANCE = (-7.0, 4.0)
WEIGHT_DECAY = 0.01
BATCH = 8192

State = dict[str, Tensor]


class Outlook(nn.Module):
    """Standardised dry mass (n, input_points) to means and log variances, each (n, target_points)."""

    def __init__(self, input_points: int, target_points: int) -> None:
        """Build the layers."""
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(input_points, WIDTH),
            nn.GELU(),
            nn.Linear(WIDTH, WIDTH),
            nn.GELU(),
            nn.Linear(WIDTH, 2 * target_points),
        )

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return means and log variances."""
        mean, log_variance = self.layers(inputs).chunk(2, dim=1)
        return mean, log_variance.clamp(*LOG_VARIANCE)


def train_outlook(
    inputs: np.ndarray,
    targets: np.ndarray,
    config: TrainScoreConfig,
    progress: Callable[[str], None] = lambda line: None,
) -> State:
    """Train on standardised windows; each epoch draws `windows_per_epoch` of them anew.

    Args:
        inputs: (n, input_points).
        targets: (n, target_points), not smoothed.
        config: section `train_score`; `epochs`, `batch`, `learning_rate`, `windows_per_epoch` and `seed`.
        progress: takes one line per epoch.

    Raises:
        ValueError: no windows, or the loss is not finite.
    """
    if len(inputs) == 0:
        raise ValueError("got no windows to learn from, expected at least one; use more or longer histories")
    data = [torch.as_tensor(np.ascontiguousarray(part, dtype=np.float32)) for part in (inputs, targets)]
    with granted_threads(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = Outlook(inputs.shape[1], targets.shape[1])
        optimiser = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=WEIGHT_DECAY)
        for epoch in followed(range(config.epochs), unit="epochs"):
            loss = _train_epoch(model, optimiser, data, config, epoch)
            if not math.isfinite(loss):
                raise ValueError(
                    f"epoch {epoch + 1}: the loss is {loss}, expected a finite number; lower "
                    "train_score.learning_rate or look for outliers in the histories"
                )
            progress(f"outlook, epoch {epoch + 1} of {config.epochs}: -ln likelihood {loss:.4f}")
    return {name: weights.detach().clone() for name, weights in model.state_dict().items()}


def _train_epoch(
    model: Outlook, optimiser: torch.optim.AdamW, data: list[Tensor], config: TrainScoreConfig, epoch: int
) -> float:
    n = min(config.windows_per_epoch, len(data[0]))
    drawn = np.random.default_rng([config.seed, epoch]).permutation(len(data[0]))[:n]
    steps, total = math.ceil(n / config.batch), 0.0
    for step, chosen in enumerate(torch.as_tensor(drawn).split(config.batch)):
        done = (epoch * steps + step) / (config.epochs * steps)
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * (1 + math.cos(math.pi * done))  # peak at twice the CNN's
        mean, log_variance = model(data[0][chosen])
        squared = (data[1][chosen] - mean) ** 2
        each = 0.5 * (log_variance + squared * torch.exp(-log_variance))
        loss = (each * log_variance.detach().exp().sqrt()).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += float(each.mean().item()) * len(chosen)
    return total / n


def foretell(state: Mapping[str, Tensor], inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return means and sd (n, target_points) of the points that follow inputs (n, input_points)."""
    model = Outlook(state["layers.0.weight"].shape[1], state["layers.4.weight"].shape[0] // 2)
    model.load_state_dict(dict(state))
    model.eval()
    tensor = torch.as_tensor(np.ascontiguousarray(inputs, dtype=np.float32))
    with granted_threads(), torch.inference_mode():
        parts = [model(batch) for batch in tensor.split(BATCH)]
    mean, log_variance = (torch.cat(list(column)) for column in zip(*parts, strict=True))
    return mean.numpy(), torch.exp(0.5 * log_variance).numpy()
