"""The forecaster of StArDusTS: a 1-D CNN that foretells 10 h of dry mass from the 20 h before.

Three blocks of three convolutions (64 kernels of size 3, tanh) with max pooling by 2 between blocks,
dense layers of 64 and 32 (ReLU) and a linear output. With padding that keeps the length this makes
226,076 weights for 120 -> 60 points (Bailly et al. 2024, Fig. 2a; the padding is our reading).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from lensfree.arrays import cpu_count
from lensfree.config import TrainScoreConfig
from lensfree.io.files import written_whole
from lensfree.nets.registry import ModelError, read_card

BLOCKS = 3
LAYERS_PER_BLOCK = 3
KERNELS = 64
BATCH_FORECAST = 2048

State = dict[str, Tensor]
History = list[dict[str, float]]


@dataclass(frozen=True)
class ForecasterCard:
    """What a forecaster needs to be used, and what it was trained on; the header of its file.

    Attributes:
        name: name of the model.
        version: its version.
        trained_on: where the weights come from, in words.
        mean_pg: mean of the points that inputs are standardised with [pg].
        sd_pg: their sd [pg].
        tau: window threshold tau_w, standardised units.
        interval_min: grid of the windows [min].
        smoothing_points: running mean of the targets.
        seed: seed of split, draws and weights.
        n_windows: windows in the training split.
        validation_mse: MSE of the best epoch on the validation split.
        test_mse: MSE on the split that nothing was chosen by; nan when that split is empty.
    """

    name: str
    version: str
    trained_on: str
    mean_pg: float
    sd_pg: float
    tau: float
    interval_min: float
    smoothing_points: int
    seed: int
    n_windows: int
    validation_mse: float
    test_mse: float

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], source: str) -> ForecasterCard:
        """Read the card from the text values of a weights file.

        Raises:
            ModelError: if a value is missing.
        """
        casts: dict[str, Callable[[str], Any]] = {"str": str, "float": float, "int": int}
        missing = [field.name for field in fields(cls) if field.name not in metadata]
        if missing:
            raise ModelError(
                f"{source}: the card of a forecaster lacks {missing}; retrain it with the rule train_score"
            )
        return cls(**{field.name: casts[str(field.type)](metadata[field.name]) for field in fields(cls)})


class Forecaster(nn.Module):
    """Standardised dry mass (n, input_points) to standardised forecasts (n, target_points)."""

    def __init__(self, input_points: int = 120, target_points: int = 60) -> None:
        """Build the layers.

        Raises:
            ValueError: if the input is too short for two poolings.
        """
        super().__init__()
        self.input_points, self.target_points = input_points, target_points
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


def build_forecaster(state: State) -> Forecaster:
    """Return the forecaster that the weights belong to; its lengths follow from their shapes."""
    input_points = state["foretell.0.weight"].shape[1] // KERNELS * 2 ** (BLOCKS - 1)
    model = Forecaster(input_points, state["foretell.4.weight"].shape[0])
    model.load_state_dict(state)
    return model.eval()


def state_version(state: State) -> str:
    """Return a version that follows from the weights: the first 8 digits of their SHA-256."""
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(state[name].contiguous().numpy().tobytes())
    return digest.hexdigest()[:8]


def save_forecaster(state: State, card: ForecasterCard, path: Path) -> None:
    """Save weights and card in one file."""
    metadata = {name: str(value) for name, value in asdict(card).items()}
    with written_whole(path) as partial:
        save_file({name: weights.contiguous() for name, weights in state.items()}, partial, metadata=metadata)


def load_forecaster(path: Path) -> tuple[State, ForecasterCard]:
    """Load weights and card.

    Raises:
        ModelError: if the file is not that of a forecaster.
    """
    card = ForecasterCard.from_metadata(read_card(path), str(path))
    return load_file(path), card


def forecast(model: Forecaster, inputs: np.ndarray) -> np.ndarray:
    """Return the forecasts (n, target_points) for standardised inputs (n, input_points), in batches."""
    tensor = torch.as_tensor(np.ascontiguousarray(inputs, dtype=np.float32))
    with _granted_threads(), torch.inference_mode():
        batches = [model(batch) for batch in tensor.split(BATCH_FORECAST)]
    return torch.cat(batches).numpy()


def train_forecaster(
    inputs: np.ndarray,
    targets: np.ndarray,
    validation_inputs: np.ndarray,
    validation_targets: np.ndarray,
    config: TrainScoreConfig,
    *,
    progress: Callable[[str], None] = lambda line: None,
    checkpoint: Path | None = None,
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
        checkpoint: file that holds the state after each epoch; ignored when it belongs to other data or
            another configuration.

    Returns:
        Weights of the best epoch, and per epoch `epoch`, `training_mse`, `validation_mse`.

    Raises:
        ValueError: if there are no training or no validation windows, or the loss is not finite.
    """
    if len(inputs) == 0 or len(validation_inputs) == 0:
        raise ValueError(
            f"got {len(inputs)} training and {len(validation_inputs)} validation windows, expected at least one "
            "of each; use more series or the shipped model"
        )
    data = [torch.as_tensor(np.ascontiguousarray(array, dtype=np.float32)) for array in (inputs, targets)]
    fingerprint = _fingerprint(config, inputs, targets, validation_inputs, validation_targets)
    with _granted_threads(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = Forecaster(inputs.shape[1], targets.shape[1])
        optimiser = torch.optim.Adam(model.parameters(), lr=config.learning_rate)
        best, history = _resume(checkpoint, fingerprint, model, optimiser)
        for epoch in range(len(history), config.epochs):
            training_mse = _train_epoch(model, optimiser, data, config, epoch)
            residual = forecast(model.eval(), validation_inputs) - validation_targets
            validation_mse = float(np.mean(np.square(residual, dtype=np.float64)))
            if not math.isfinite(training_mse + validation_mse):
                raise ValueError(
                    f"epoch {epoch + 1}: training MSE {training_mse} and validation MSE {validation_mse}, expected "
                    "finite numbers; lower train_score.learning_rate or check the series for outliers"
                )
            if validation_mse < min((row["validation_mse"] for row in history), default=math.inf):
                best = {name: weights.detach().clone() for name, weights in model.state_dict().items()}
            history.append(
                {"epoch": epoch + 1, "training_mse": training_mse, "validation_mse": validation_mse}
            )
            progress(
                f"epoch {epoch + 1}/{config.epochs}: training MSE {training_mse:.4f}, "
                f"validation MSE {validation_mse:.4f}"
            )
            _keep(checkpoint, fingerprint, model, optimiser, best, history)
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
        progress = (epoch * steps + step) / (config.epochs * steps)
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))
        loss = nn.functional.mse_loss(model(data[0][batch]), data[1][batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.item() * len(batch)
    return total / n_windows


def _resume(
    checkpoint: Path | None, fingerprint: str, model: Forecaster, optimiser: torch.optim.Adam
) -> tuple[State, History]:
    """Bring model and optimiser to the checkpoint, if it belongs to this training."""
    if checkpoint is None or not checkpoint.exists():
        return {}, []
    stored: dict[str, Any] = torch.load(checkpoint, weights_only=True)
    if stored["fingerprint"] != fingerprint:
        return {}, []
    model.load_state_dict(stored["model"])
    optimiser.load_state_dict(stored["optimiser"])
    return stored["best"], stored["history"]


def _keep(
    checkpoint: Path | None,
    fingerprint: str,
    model: Forecaster,
    optimiser: torch.optim.Adam,
    best: State,
    history: History,
) -> None:
    if checkpoint is None:
        return
    state = {
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "best": best,
        "history": history,
    }
    with written_whole(checkpoint) as partial:
        torch.save({"fingerprint": fingerprint, **state}, partial)


def _fingerprint(config: TrainScoreConfig, *arrays: np.ndarray) -> str:
    digest = hashlib.sha256(config.model_dump_json().encode())
    for array in arrays:
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(array, dtype=np.float32).data)
    return digest.hexdigest()


@contextmanager
def _granted_threads() -> Iterator[None]:
    """Let torch use the cores of this process; it counts those of the machine by itself."""
    before = torch.get_num_threads()
    torch.set_num_threads(cpu_count())
    try:
        yield
    finally:
        torch.set_num_threads(before)
