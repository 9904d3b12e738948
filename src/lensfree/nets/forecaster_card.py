"""Weights of a forecaster in a file, with the card that says what they are and how to use them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from lensfree.config import ScoreConfig, TrainScoreConfig
from lensfree.model_files import ModelError
from lensfree.nets.forecaster import Forecaster, State, restore
from lensfree.nets.weights import read_card, read_tensors, write_tensors

GRID = ("input_points", "target_points", "interval_min", "smoothing_points")
OPTIONS = ("padding", "target", "normalisation")


@dataclass(frozen=True)
class ForecasterCard:
    """What a forecaster needs to be used, and where it comes from; the header of its file.

    Attributes:
        name: name of the model.
        version: its version.
        trained_on: where the weights come from, in words.
        input_points: points that it sees.
        target_points: points that it foretells.
        interval_min: grid of the points [min].
        smoothing_points: running mean of the targets.
        mean_pg: mean of the points that dry mass is standardised with [pg].
        sd_pg: their sd [pg].
        tau: window threshold tau_w, standardised units.
        seed: seed of split, draws and weights.
        n_windows: windows in the training split.
        validation_mse: MSE of the best epoch on the validation split.
        test_mse: MSE on the split that nothing was chosen by; nan when that split is empty.
        padding: of the convolutions.
        target: what forecasts are judged by.
        normalisation: whether windows are judged by `mean_pg` and `sd_pg`, or by mean and sd of their own.
        threshold: how `tau` followed from the training MSE, in words.
    """

    name: str
    version: str
    trained_on: str
    input_points: int
    target_points: int
    interval_min: float
    smoothing_points: int
    mean_pg: float
    sd_pg: float
    tau: float
    seed: int
    n_windows: int
    validation_mse: float
    test_mse: float
    # Files from before there was a choice do not say what it was.
    padding: Literal["same", "valid"] = "same"
    target: Literal["smoothed", "raw"] = "smoothed"
    normalisation: Literal["training", "per_split"] = "training"
    threshold: str = "mean + 2 sd"

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], source: Path) -> ForecasterCard:
        """Read the card from the text values of a weights file.

        Raises:
            ModelError: if a value is missing.
        """
        casts: dict[str, Callable[[str], Any]] = {"str": str, "float": float, "int": int}
        needed = [field.name for field in fields(cls) if field.default is MISSING]
        missing = [name for name in needed if name not in metadata]
        if missing:
            raise ModelError(
                f"{source}: the card of a forecaster lacks {missing}; retrain it with the rule train_score"
            )
        told = [field for field in fields(cls) if field.name in metadata]
        return cls(**{field.name: casts.get(str(field.type), str)(metadata[field.name]) for field in told})

    @classmethod
    def from_training(
        cls,
        state: State,
        numbers: Mapping[str, Any],
        score: ScoreConfig,
        training: TrainScoreConfig,
        *,
        dataset: str,
    ) -> ForecasterCard:
        """Make the card of weights that were trained on a data set.

        Args:
            state: the weights.
            numbers: `mean_pg`, `sd_pg`, `tau`, `validation_mse`, `test_mse`, `n_windows`.
            score: the windows.
            training: the training.
            dataset: its name.
        """
        return cls(
            name=f"forecast-{dataset}",
            version=weights_version(state),
            trained_on=f"own data set {dataset}, {numbers['n_windows']} windows",
            seed=training.seed,
            **numbers,
            threshold=score.threshold_rule,
            **score.model_dump(include={*GRID, *OPTIONS}),
        )

    def check(self, config: ScoreConfig) -> None:
        """Refuse a configuration whose windows are not those of the training.

        Raises:
            ModelError: if a length, the grid, the smoothing or one of the options differs.
        """
        trained = {name: getattr(self, name) for name in (*GRID, *OPTIONS, "threshold")}
        wanted = {name: getattr(config, name) for name in (*GRID, *OPTIONS)}
        wanted["threshold"] = config.threshold_rule
        if trained != wanted:
            apart = [name for name in trained if trained[name] != wanted[name]]
            raise ModelError(
                f"forecaster '{self.name}' was trained for { {name: trained[name] for name in apart} }, the "
                f"section score says { {name: wanted[name] for name in apart} }; retrain it or restore the "
                "section"
            )


def weights_version(state: State) -> str:
    """Return a version that follows from the weights: the first 8 digits of their SHA-256."""
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(state[name].contiguous().numpy().tobytes())
    return digest.hexdigest()[:8]


def save_forecaster(state: State, card: ForecasterCard, path: Path) -> None:
    """Save weights and card in one file."""
    tensors = {name: weights.contiguous() for name, weights in state.items()}
    metadata = {name: str(value) for name, value in asdict(card).items()}
    write_tensors(path, tensors, metadata)


def load_forecaster(path: Path) -> tuple[Forecaster, ForecasterCard]:
    """Load a forecaster ready for use, and its card.

    Raises:
        ModelError: if the file is not that of a forecaster.
    """
    card = ForecasterCard.from_metadata(read_card(path), path)
    return restore(read_tensors(path), card.input_points, card.target_points, card.padding), card


def relabel(trained: Path, out: Path, *, name: str, version: str, trained_on: str) -> None:
    """Write a trained forecaster as one to be published under a name and a version.

    Args:
        trained: its file.
        out: file to write.
        name: name in the registry.
        version: version in the registry.
        trained_on: where the weights come from, in words; the scores repeat them.
    """
    model, card = load_forecaster(trained)
    card = replace(card, name=name, version=version, trained_on=trained_on)
    save_forecaster(model.state_dict(), card, out)


def hand_on(shipped: Path, out: Path, scale_pg: tuple[float, float] | None) -> None:
    """Write a shipped forecaster as that of a data set, with a card that says so.

    Args:
        shipped: its file.
        out: file to write.
        scale_pg: mean and sd [pg] to standardise with instead of those of its training.
    """
    model, card = load_forecaster(shipped)
    trained_on = f"shipped {card.name} {card.version}"
    if scale_pg is not None:
        trained_on += ", standardised with this data set"
        card = replace(card, mean_pg=scale_pg[0], sd_pg=scale_pg[1])
    save_forecaster(model.state_dict(), replace(card, trained_on=trained_on), out)
