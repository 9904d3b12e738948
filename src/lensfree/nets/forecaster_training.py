"""Training of the forecaster: seeded, resumable, best validation epoch kept."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lensfree.config import TrainScoreConfig
from lensfree.nets.checkpoints import load_checkpoint, save_checkpoint
from lensfree.nets.forecaster import Forecaster, Padding, State, forecast, granted_threads
from lensfree.progress import followed

History = list[dict[str, float]]


def train_forecaster(
    inputs: np.ndarray,
    targets: np.ndarray,
    validation_inputs: np.ndarray,
    validation_targets: np.ndarray,
    config: TrainScoreConfig,
    progress: Callable[[str], None] = lambda line: None,
    checkpoint: Path | None = None,
    *,
    padding: Padding = "same",
) -> tuple[State, History]:
    """Train with Adam on the mean squared error and keep the epoch that validates best.

    The learning rate falls along a cosine to zero. Neighbouring windows are nearly equal, so each epoch
    draws `windows_per_epoch` of them anew instead of passing through all. What an epoch draws depends
    on seed and epoch only: a killed run that finds its checkpoint ends with the same weights.

    Args:
        inputs: (n, input_points) standardised.
        targets: (n, target_points) standardised.
        validation_inputs: as inputs, of other lineages.
        validation_targets: as targets, of other lineages.
        config: section `train_score`.
        progress: takes one line per epoch.
        checkpoint: file that keeps the state after each epoch; one that belongs to other data or another
            configuration is passed over and overwritten.
        padding: of the convolutions.

    Returns:
        Weights of the best epoch, and per epoch `epoch`, `training_mse`, `validation_mse`.

    Raises:
        ValueError: if there are no training or no validation windows, or the loss is not finite.
    """
    if len(inputs) == 0 or len(validation_inputs) == 0:
        raise ValueError(
            f"got {len(inputs)} training and {len(validation_inputs)} validation windows, expected at "
            "least one of each; use more series or the shipped model"
        )
    data = [torch.as_tensor(np.ascontiguousarray(array, dtype=np.float32)) for array in (inputs, targets)]
    owner = _fingerprint(config, padding, inputs, targets, validation_inputs, validation_targets)
    with granted_threads(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = Forecaster(inputs.shape[1], targets.shape[1], padding)
        optimiser = torch.optim.Adam(model.parameters(), lr=config.learning_rate)
        best, history = _resume(checkpoint, owner, model, optimiser)
        for epoch in followed(range(len(history), config.epochs), unit="epochs"):
            training_mse = _train_epoch(model, optimiser, data, config, epoch)
            residual = forecast(model, validation_inputs) - validation_targets
            validation_mse = float(np.mean(np.square(residual, dtype=np.float64)))
            if not math.isfinite(training_mse + validation_mse):
                raise ValueError(
                    f"epoch {epoch + 1}: training MSE {training_mse} and validation MSE {validation_mse}, "
                    "expected finite numbers; lower train_score.learning_rate or look for outliers"
                )
            if validation_mse < min((row["validation_mse"] for row in history), default=math.inf):
                best = {name: weights.detach().clone() for name, weights in model.state_dict().items()}
            history.append(
                {"epoch": epoch + 1, "training_mse": training_mse, "validation_mse": validation_mse}
            )
            progress(
                f"epoch {epoch + 1} of {config.epochs}: training MSE {training_mse:.4f}, "
                f"validation MSE {validation_mse:.4f}"
            )
            _keep(checkpoint, owner, model, optimiser, best, history)
    return best, history


def _train_epoch(
    model: Forecaster, optimiser: torch.optim.Adam, data: list[Tensor], config: TrainScoreConfig, epoch: int
) -> float:
    n_windows = min(config.windows_per_epoch, len(data[0]))
    steps = math.ceil(n_windows / config.batch)
    drawn = np.random.default_rng([config.seed, epoch]).permutation(len(data[0]))[:n_windows]
    model.train()
    total = 0.0
    for step, batch in enumerate(torch.as_tensor(drawn).split(config.batch)):
        done = (epoch * steps + step) / (config.epochs * steps)
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
        loss = nn.functional.mse_loss(model(data[0][batch]), data[1][batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.item() * len(batch)
    return total / n_windows


def _resume(
    checkpoint: Path | None, owner: str, model: Forecaster, optimiser: torch.optim.Adam
) -> tuple[State, History]:
    """Bring model and optimiser to where the checkpoint was written, if it belongs to this training."""
    if checkpoint is None or not checkpoint.exists():
        return {}, []
    stored = load_checkpoint(checkpoint)
    if stored.get("owner") != owner:
        return {}, []
    model.load_state_dict(stored["model"])
    optimiser.load_state_dict(stored["optimiser"])
    return stored["best"], stored["history"]


def _keep(
    checkpoint: Path | None,
    owner: str,
    model: Forecaster,
    optimiser: torch.optim.Adam,
    best: State,
    history: History,
) -> None:
    if checkpoint is None:
        return
    trained = {"model": model.state_dict(), "optimiser": optimiser.state_dict()}
    save_checkpoint(checkpoint, {"owner": owner, "best": best, "history": history, **trained})


def _fingerprint(config: TrainScoreConfig, padding: str, *arrays: np.ndarray) -> str:
    """Return what a checkpoint must belong to: the configuration and the data."""
    digest = hashlib.sha256((config.model_dump_json() + padding).encode())
    for array in arrays:
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(array, dtype=np.float32).tobytes())
    return digest.hexdigest()
