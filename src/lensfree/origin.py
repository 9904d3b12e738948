"""Where a result comes from: the software, its commit, and the digests of what went in."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from lensfree.seals import file_sha256, stored_seal

UNKNOWN = "unknown"
RAW = (".tif", ".tiff")
_PATIENCE_S = 5


def software() -> dict[str, str]:
    """Return version and commit of this package, each `unknown` where it cannot be told."""
    try:
        number = version("lensfree")
    except PackageNotFoundError:  # run from a bare checkout
        number = UNKNOWN
    return {"version": number, "commit": commit(Path(__file__).parent)}


@lru_cache(maxsize=8)
def commit(folder: Path) -> str:
    """Return the git commit that a folder's code is of, with `-dirty` if tracked files differ from it.

    `unknown` for an installed package, also where it lies inside a repository of something else.
    """
    try:
        _git(folder, "ls-files", "--error-unmatch", "seals.py")
        return _git(folder, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    except (OSError, subprocess.SubprocessError):
        return UNKNOWN


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_PATIENCE_S)
    return done.stdout.strip()


def values_sha256(values: Any) -> str:
    """Return the SHA-256 of plain values, such as a configuration, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


def array_sha256(values: np.ndarray) -> str:
    """Return the SHA-256 of an array as it was read: type, shape and values.

    For raw frames: it costs no second reading, and stays the same if they are compressed or moved.
    """
    digest = hashlib.sha256(f"{values.dtype.str} {values.shape}\n".encode())
    digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()


def input_digests(paths: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of the files that a job reads, by path.

    Results have theirs in their seal, which reading them checks. Raw TIFF files and folders are left out:
    the stages that load them note the digest of every frame that they read.
    """
    files = {path: Path(path) for path in paths if not path.lower().endswith(RAW)}
    return {
        name: stored_seal(path) or file_sha256(path) for name, path in sorted(files.items()) if path.is_file()
    }


def seed_in(values: Mapping[str, Any]) -> int | None:
    """Return the seed among the settings of a job or one level below, None where nothing is drawn."""
    for value in (values, *(v for v in values.values() if isinstance(v, Mapping))):
        if isinstance(value.get("seed"), int):
            return int(value["seed"])
    return None
