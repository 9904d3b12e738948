"""Models by name: where their weights are, without importing the library that runs them."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

from lensfree.seals import DamagedFileError, check_seal, file_sha256, stored_seal

NO_MODEL = "none"
REMEDY = "restore it, or delete it and run again what made it"
HEADER = "# Shipped models by name; each weights file carries its full card (see models/README.md).\n"


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


def check_weights(path: Path) -> None:
    """Check that a weights file is as it was written: by its seal, or by the registry beside it.

    Raises:
        ModelError: if it is missing or damaged, or neither says what it should be.
    """
    try:
        if stored_seal(path) is not None:
            check_seal(path, REMEDY)
            return
        got = file_sha256(path)
    except DamagedFileError as error:
        raise ModelError(str(error)) from error
    except OSError as error:
        raise ModelError(f"{path}: the weights cannot be read ({error.strerror}); {REMEDY}") from error
    registry = read_registry(path.parent) if (path.parent / "registry.yaml").is_file() else {}
    known = [entry["sha256"] for entry in registry.values() if entry.get("file") == path.name]
    if not known:
        raise ModelError(
            f"{path}: the weights carry no checksum and no registry beside them has one, so nothing tells "
            "whether they are whole; train them again, or register them (python -m lensfree.model_files)"
        )
    if got not in known:
        raise ModelError(f"{path} has sha256 {got}, the registry says {known[0]}; {REMEDY}")


def read_registry(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the entries of `folder/registry.yaml` by name.

    Raises:
        ModelError: if it is not YAML, or an entry does not name a file in that folder and its SHA-256.
    """
    path = folder / "registry.yaml"
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        for name, entry in dict(entries).items():
            if Path(entry["file"]).name != entry["file"] or not isinstance(entry["sha256"], str):
                raise ValueError(f"entry '{name}' names {entry['file']!r}, expected a file beside it")
    except (yaml.YAMLError, KeyError, TypeError, ValueError, RecursionError) as error:
        why = " ".join(str(error).split())
        raise ModelError(f"{path}: not a registry of models ({why:.200}); restore it") from error
    return dict(entries)


def register(name: str, weights: Path, folder: Path, *, trained_on: str, units: str) -> Path:
    """Copy weights into the folder of models under a name and write them into its registry.

    Args:
        name: what the configuration calls the model.
        weights: the trained file; its header is its card.
        folder: the folder of models.
        trained_on: a sentence on the data.
        units: what goes in and what comes out.

    Returns:
        The registered file.
    """
    path = folder / f"{name}.safetensors"
    shutil.copyfile(weights, path)
    entry = {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "trained_on": trained_on,
        "units": units,
    }
    known = read_registry(folder) if (folder / "registry.yaml").exists() else {}
    text = yaml.safe_dump({**known, name: entry}, sort_keys=True, width=100)
    (folder / "registry.yaml").write_text(HEADER + text, encoding="utf-8")
    return path


if __name__ == "__main__":
    if len(sys.argv) != 5:
        raise SystemExit("usage: python -m lensfree.model_files NAME FILE.safetensors TRAINED_ON UNITS")
    name, file, trained_on, units = sys.argv[1:]
    print(register(name, Path(file), Path("models"), trained_on=trained_on, units=units))
