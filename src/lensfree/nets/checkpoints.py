"""Checkpoints of a training: nested states in a sealed safetensors file, so that loading one runs no code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from lensfree.model_files import ModelError
from lensfree.nets.weights import read_card, read_tensors, write_tensors

_KIND = "checkpoint"


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Save a state of tensors, numbers, text, None, and lists, tuples and mappings of them, whole.

    Raises:
        TypeError: if something else is in it.
    """
    tensors: dict[str, torch.Tensor] = {}
    outline = _outlined(state, tensors)
    write_tensors(path, tensors, {"kind": _KIND, "outline": json.dumps(outline)})


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Return a state as it was saved.

    Raises:
        ModelError: if the file is damaged or no checkpoint.
    """
    tensors = read_tensors(path)
    try:
        return dict(_filled(json.loads(read_card(path)["outline"]), tensors))
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise ModelError(f"{path}: not a checkpoint ({error!r:.100}); delete it and train again") from error


def _outlined(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """Return a value as JSON that keeps types and keys; its tensors go into `tensors` under a number."""
    if isinstance(value, torch.Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().contiguous().clone()
        return ["tensor", name]
    if isinstance(value, Mapping):
        return ["dict", [[_outlined(k, tensors), _outlined(v, tensors)] for k, v in value.items()]]
    if isinstance(value, list | tuple):
        return ["list" if isinstance(value, list) else "tuple", [_outlined(v, tensors) for v in value]]
    if value is None or isinstance(value, bool | int | float | str):
        return ["plain", value]
    raise TypeError(f"a checkpoint holds tensors, numbers and text, got {type(value).__name__}")


def _filled(outline: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    kind, content = outline
    if kind == "tensor":
        return tensors[content]
    if kind == "dict":
        return {_filled(key, tensors): _filled(value, tensors) for key, value in content}
    if kind in ("list", "tuple"):
        parts = [_filled(value, tensors) for value in content]
        return parts if kind == "list" else tuple(parts)
    return content
