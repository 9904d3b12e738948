"""Weights by name: find them, check them, load them, save them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from lensfree.io.files import written_whole
from lensfree.nets.plain_cnn import PlainCnn, PlainCnnSpec, fold_batch_norm

NO_MODEL = "none"


class ModelError(ValueError):
    """A model cannot be found or is not what the registry says."""


def weights_file(name: str, folder: Path) -> Path | None:
    """Return the weights of a model by its name in `folder/registry.yaml`, None for the name `none`.

    A name that ends in `.safetensors` is the path of the user's own weights and is taken as it is.

    Raises:
        ModelError: if the name is unknown, or the file is missing or not the registered one.
    """
    if name == NO_MODEL:
        return None
    if name.endswith(".safetensors"):
        path = Path(name)
        if not path.is_file():
            raise ModelError(
                f"model '{name}': no such file; train it or give a name of {folder / 'registry.yaml'}"
            )
        return path
    registry = read_registry(folder)
    if name not in registry:
        raise ModelError(
            f"model '{name}' is not in {folder / 'registry.yaml'}, which has {sorted(registry)}; "
            "choose one of them, a path ending in .safetensors, or none"
        )
    path = folder / str(registry[name]["file"])
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"
    if digest != registry[name]["sha256"]:
        raise ModelError(
            f"model '{name}': {path} has sha256 {digest}, the registry says {registry[name]['sha256']}; "
            "restore the file or register the new one"
        )
    return path


def read_registry(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the entries of `folder/registry.yaml` by name."""
    return dict(yaml.safe_load((folder / "registry.yaml").read_text(encoding="utf-8")) or {})


def save_cnn(model: PlainCnn, path: Path, *, card: Mapping[str, str]) -> None:
    """Save a plain CNN with its architecture and card (text values) in the header."""
    metadata = {**model.spec.as_metadata(), **card}
    tensors = {name: value.contiguous() for name, value in model.state_dict().items()}
    with written_whole(path) as partial:
        save_file(tensors, partial, metadata=metadata)


def load_cnn(path: Path) -> nn.Module:
    """Load a plain CNN ready for inference, batch norms folded."""
    model = PlainCnn(PlainCnnSpec.from_metadata(read_card(path)))
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
