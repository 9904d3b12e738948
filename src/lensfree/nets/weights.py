"""Weights of the plain CNN with their card: save, load, read; `model_files` finds them by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from lensfree.io.files import written_whole
from lensfree.model_files import ModelError, check_weights
from lensfree.nets.plain_cnn import PlainCnn, PlainCnnSpec, fold_batch_norm
from lensfree.seals import BLANK

_SEAL = "seal"


def write_tensors(path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> None:
    """Write arrays and text values into a sealed safetensors file, whole."""
    with written_whole(path, sealed=True) as partial:
        save_file(dict(tensors), partial, metadata={**metadata, _SEAL: BLANK.decode()})
        _sort_header(partial)


def _sort_header(path: Path) -> None:
    """Put the header in order, in its place: safetensors writes it in another one each time."""
    with open(path, "rb+") as handle:
        size = int.from_bytes(handle.read(8), "little")
        header = json.loads(handle.read(size))
        ordered = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        handle.seek(8)
        handle.write(ordered.ljust(size))


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Return the arrays of a safetensors file that is whole.

    Raises:
        ModelError: if it is damaged, or nothing says what it should be.
    """
    check_weights(path)
    try:
        return dict(load_file(path))
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: not a readable safetensors file ({error}); train it again") from error


def save_cnn(model: PlainCnn, path: Path, *, card: Mapping[str, str]) -> None:
    """Save a plain CNN with its architecture and card (text values) in the header."""
    metadata = {**model.spec.as_metadata(), **card}
    tensors = {name: value.contiguous() for name, value in model.state_dict().items()}
    write_tensors(path, tensors, metadata)


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
    except ValueError as error:
        raise ModelError(
            f"{path}: the header is not that of a plain CNN ({error}); train it again"
        ) from error
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
    if spec.n_weights * 4 > path.stat().st_size:
        raise ModelError(
            f"{path}: the header declares a network of {spec.n_weights} weights, the file has room for "
            f"{path.stat().st_size // 4}; train it again"
        )
    try:
        model = PlainCnn(spec)
        model.load_state_dict(read_tensors(path))
    except RuntimeError as error:
        raise ModelError(
            f"{path}: the weights are not those of its header ({error}); train it again"
        ) from error
    return fold_batch_norm(model)


def read_card(path: Path) -> dict[str, str]:
    """Return the text values in the header of a weights file that is whole.

    Raises:
        ModelError: if it is damaged, or nothing says what it should be.
    """
    check_weights(path)
    try:
        with safe_open(str(path), framework="pt") as weights:
            card = dict(weights.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: not a readable safetensors file ({error}); train it again") from error
    card.pop(_SEAL, None)
    return card


def model_label(path: Path) -> str:
    """Return `name version` of a weights file, for the `model` column of tables."""
    card = read_card(path)
    return f"{card.get('name', path.stem)} {card.get('version', 'unversioned')}"
