"""The background of an acquisition as a file of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lensfree.config import StorageConfig
from lensfree.contracts import BACKGROUND, HOLOGRAMS
from lensfree.io.stack_files import attributes_named, created, make, opened, read, store


def write_background(
    path: Path,
    background: np.ndarray,
    *,
    dtype: np.dtype,
    method: str,
    pixel_pitch_um: float,
    storage: StorageConfig,
    provenance: Mapping[str, Any],
) -> None:
    """Write open-beam counts (channel, y, x) and the type of the frames they belong to."""
    with created(path, BACKGROUND, 0, pixel_pitch_um, provenance) as handle:
        make(handle, BACKGROUND, "background", background.shape, np.float32, storage)
        store(handle["background"], ..., background)
        handle.attrs["dtype"] = str(dtype)
        handle.attrs["method"] = method


def read_background(path: Path) -> tuple[np.ndarray, np.dtype]:
    """Return the background (channel, y, x) float32 and the type of the acquisition's frames."""
    with opened(path, BACKGROUND) as handle:
        with attributes_named(path):
            dtype = np.dtype(str(handle.attrs["dtype"]))
            if dtype.name not in HOLOGRAMS.datasets["counts"].dtypes:
                raise ValueError(f"frames of type {dtype}")
        return read(path, handle["background"]), dtype
