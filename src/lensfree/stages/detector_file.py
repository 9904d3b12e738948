"""A fitted detector (StArDusTS plus) in one safetensors file, with the card that says what it is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lensfree.anomaly.density import Density, views
from lensfree.anomaly.norms import Norms
from lensfree.anomaly.plus import Plus
from lensfree.anomaly.surprise import Scales, Tail
from lensfree.config import ScoreConfig
from lensfree.model_files import ModelError
from lensfree.nets.outlook import State, foretell
from lensfree.nets.weights import read_card, read_tensors, write_tensors

METHOD = "stardusts_plus"
_NORMS = "norms."
_OUTLOOK = "outlook."
_UNIT = "channel_unit."
_GRID = ("input_points", "target_points", "interval_min", "smoothing_points")


@dataclass(frozen=True)
class DetectorCard:
    """What a detector was fitted to.

    Attributes:
        name: name of the model.
        version: follows from the weights, or the registry's.
        trained_on: in words; the scores repeat it.
        method: stardusts_plus.
        input_points: points that its forecast sees.
        target_points: points that it foretells; a window is both.
        interval_min: grid of the points [min].
        smoothing_points: running mean of the targets in `forecast_mse`.
        unit_pg: median dry mass of the population that is judged [pg].
        spread: robust sd of the training points in that unit.
        seed: of all that was drawn.
        n_histories: histories that it was fitted to.
        n_windows: their windows.
        channels: what it judges besides dry mass, with commas between; files from before there were any have
            none.
    """

    name: str
    version: str
    trained_on: str
    method: str
    input_points: int
    target_points: int
    interval_min: float
    smoothing_points: int
    unit_pg: float
    spread: float
    seed: int
    n_histories: int
    n_windows: int
    channels: str = ""

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Return the channels one by one."""
        return tuple(name for name in self.channels.split(",") if name)

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], source: Path) -> DetectorCard:
        """Read the card from the text values of a file.

        Raises:
            ModelError: if a value is missing.
        """
        casts: dict[str, Any] = {"str": str, "float": float, "int": int}
        metadata = {"channels": "", **metadata}
        missing = [field.name for field in fields(cls) if field.name not in metadata]
        if missing:
            raise ModelError(
                f"{source}: the card of a detector lacks {missing}; retrain it with the rule train_score, or "
                "set score.method to the method that the file belongs to"
            )
        return cls(**{field.name: casts[str(field.type)](metadata[field.name]) for field in fields(cls)})

    def check(self, config: ScoreConfig) -> None:
        """Refuse a configuration whose windows or channels are not those of the training.

        Raises:
            ModelError: if a length, the grid, the smoothing or a channel differs.
        """
        if set(self.channel_names) != set(config.channels):
            known = ", ".join(self.channel_names) or "dry mass alone"
            asked = ", ".join(config.channels) or "dry mass alone"
            raise ModelError(
                f"detector '{self.name}' knows {known}, score.channels asks for {asked}; set score.channels "
                f"to [{', '.join(self.channel_names)}], or score.model to 'own' so that the data set trains "
                f"a detector of its own (it needs {config.min_training_windows} windows of 30 h)"
            )
        trained = {name: getattr(self, name) for name in _GRID}
        wanted = {name: getattr(config, name) for name in _GRID}
        if trained != wanted:
            raise ModelError(
                f"detector '{self.name}' was trained for {trained}, the section score says {wanted}; "
                "retrain it or restore the section"
            )


def save_detector(path: Path, plus: Plus, outlook: State, card: DetectorCard) -> DetectorCard:
    """Save a detector whole; an empty version in the card is filled with one that follows from the arrays."""
    arrays = {name: part for density in plus.densities for name, part in density.arrays().items()}
    tensors = {name: torch.from_numpy(np.ascontiguousarray(part)) for name, part in arrays.items()}
    tensors |= {_OUTLOOK + name: part.contiguous() for name, part in outlook.items()}
    for name in ("cells", "of_windows"):
        scales = getattr(plus, name)
        tensors[name] = torch.from_numpy(np.stack([scales.median, scales.sd]))
    for name in ("tail", "tail_of_windows"):
        tail = getattr(plus, name)
        tensors[name] = torch.tensor([tail.start, tail.scale, tail.share], dtype=torch.float64)
    if not card.version:
        card = replace(card, version=_version(tensors))
    told = {_NORMS + name: str(value) for name, value in plus.norms.to_dict().items()}
    told |= {_UNIT + name: repr(value) for name, value in plus.channel_units.items()}
    metadata = {name: str(value) for name, value in asdict(card).items()} | told
    write_tensors(path, tensors, metadata)
    return card


def load_detector(path: Path) -> tuple[Plus, DetectorCard]:
    """Load a detector ready for use, and its card.

    Raises:
        ModelError: if the file is not that of a detector.
    """
    card = DetectorCard.from_metadata(read_card(path), path)
    tensors = read_tensors(path)
    try:
        arrays = {name: part.numpy() for name, part in tensors.items() if not name.startswith(_OUTLOOK)}
        densities = tuple(
            Density.from_arrays(view, arrays)
            for view in views(card.input_points + card.target_points, card.channel_names)
        )
        told = read_card(path)
        plus = Plus(
            unit_pg=card.unit_pg,
            spread=card.spread,
            densities=densities,
            outlook=partial(foretell, _outlook(tensors)),
            norms=_norms_of(told, path),
            cells=Scales(*arrays["cells"]),
            tail=Tail(*arrays["tail"].tolist()),
            of_windows=Scales(*arrays["of_windows"]),
            tail_of_windows=Tail(*arrays["tail_of_windows"].tolist()),
            channel_units={name: float(told[_UNIT + name]) for name in card.channel_names},
        )
    except (KeyError, TypeError) as error:
        raise ModelError(
            f"{path}: the detector lacks {error}, expected what train_score writes; train it anew"
        ) from error
    return plus, card


def read_norms(path: Path) -> Norms | None:
    """Return the norms of the population that a model file carries, None if it carries none."""
    card = read_card(path)
    return _norms_of(card, path) if any(name.startswith(_NORMS) for name in card) else None


def _norms_of(card: Mapping[str, str], path: Path) -> Norms:
    told = {
        name.removeprefix(_NORMS): float(value) for name, value in card.items() if name.startswith(_NORMS)
    }
    try:
        return Norms.from_dict(told)
    except ValueError as error:
        raise ModelError(f"{path}: {error}, or take the shipped detector") from error


def relabel_detector(
    path: Path,
    out: Path,
    *,
    trained_on: str,
    unit_pg: float | None = None,
    norms: Norms | None = None,
    name: str | None = None,
    version: str | None = None,
) -> None:
    """Write a detector with another label, for another population.

    Args:
        path: its file.
        out: file to write.
        trained_on: where it comes from, in words.
        unit_pg: median dry mass of the population it will judge [pg]; None keeps its own.
        norms: of that population; None keeps its own.
        name: name in the registry; None keeps its own.
        version: version in the registry; None keeps its own.
    """
    plus, card = load_detector(path)
    plus = plus.for_population(plus.unit_pg if unit_pg is None else unit_pg, norms or plus.norms)
    card = replace(
        card,
        trained_on=trained_on,
        unit_pg=plus.unit_pg,
        name=name or card.name,
        version=version or card.version,
    )
    save_detector(out, plus, _outlook(read_tensors(path)), card)


def _outlook(tensors: Mapping[str, torch.Tensor]) -> State:
    return {name.removeprefix(_OUTLOOK): part for name, part in tensors.items() if name.startswith(_OUTLOOK)}


def _version(tensors: Mapping[str, torch.Tensor]) -> str:
    """Return a version that follows from the arrays: the first 8 digits of their SHA-256."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].contiguous().numpy().tobytes())
    return digest.hexdigest()[:8]
