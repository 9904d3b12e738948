"""Weights of the plain CNN with their card: save, load, read; `model_files` finds them by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from lensfree.io.files import written_whole
from lensfree.model_files import ModelError
from lensfree.nets.plain_cnn import PlainCnn, PlainCnnSpec, fold_batch_norm


def save_cnn(model: PlainCnn, path: Path, *, card: Mapping[str, str]) -> None:
    """Save a plain CNN with its architecture and card (text values) in the header."""
    metadata = {**model.spec.as_metadata(), **card}
    tensors = {name: value.contiguous() for name, value in model.state_dict().items()}
    with written_whole(path) as partial:
        save_file(tensors, partial, metadata=metadata)


def load_cnn(path: Path, *, channels: tuple[int, int] | None = None) -> nn.Module:
    """Load a plain CNN ready for inference, batch norms folded.

    Args:
        path: the weights.
        channels: how many maps go in and come out where it will be used; None takes any.

    Raises:
        ModelError: if the file is not that of a plain CNN, or maps other numbers of channels.
    """
    card = read_card(path)
    try:
        spec = PlainCnnSpec.from_metadata(card)
    except KeyError as error:
        raise ModelError(
            f"{path}: the header has no {error}, expected weights of a plain CNN as `make train` writes; "
            "name a model of that kind"
        ) from error
    got = (spec.channels_in, spec.channels_out)
    if channels is not None and got != channels:
        raise ModelError(
            f"{path}: the network maps {got[0]} channels to {got[1]}, expected {channels[0]} to "
            f"{channels[1]}; name a model that was trained for this step"
        )
    model = PlainCnn(spec)
    model.load_state_dict(load_file(path))
    return fold_batch_norm(model)


def read_card(path: Path) -> dict[str, str]:
    """Return the text values in the header of a weights file."""
    with safe_open(str(path), framework="pt") as weights:
        return dict(weights.metadata() or {})


def model_label(path: Path) -> str:
    """Return `name version` of a weights file, for the `model` column of tables."""
    card = read_card(path)
    return f"{card.get('name', path.stem)} {card.get('version', 'unversioned')}"
