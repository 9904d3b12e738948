"""HDF5 files under a stack contract: create, add datasets, open and check."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np

from lensfree.config import StorageConfig
from lensfree.contracts import CONTRACT_VERSION, ContractError, StackContract
from lensfree.io.files import written_whole

_CHUNK_YX = 512


@contextmanager
def created(
    path: Path,
    contract: StackContract,
    first_frame: int,
    pixel_pitch_um: float,
    provenance: Mapping[str, Any] | None,
) -> Iterator[h5py.File]:
    """Create the file under a temporary name and rename it when the block ends well."""
    with written_whole(path) as partial, h5py.File(partial, "w") as handle:
        handle.attrs["contract"] = contract.name
        handle.attrs["contract_version"] = CONTRACT_VERSION
        handle.attrs["first_frame"] = first_frame
        handle.attrs["pixel_pitch_um"] = pixel_pitch_um
        handle.attrs["provenance"] = json.dumps(dict(provenance or {}), sort_keys=True)
        yield handle


def read_stack_provenance(path: Path) -> dict[str, Any]:
    """Return the provenance that a stack was created with; empty if it has none."""
    with h5py.File(path, "r") as handle:
        return dict(json.loads(handle.attrs.get("provenance", "{}")))


def make(
    handle: h5py.File,
    contract: StackContract,
    name: str,
    shape: Sequence[int],
    dtype: np.dtype | type,
    storage: StorageConfig,
) -> h5py.Dataset:
    """Add one dataset of the contract, compressed, with its unit and axes.

    Raises:
        ContractError: if the type is not one that the contract allows.
    """
    expected = contract.datasets[name]
    if np.dtype(dtype).name not in expected.dtypes:
        raise ContractError(
            f"{handle.filename}: dataset '{name}' is {np.dtype(dtype)}, expected {expected.dtypes}"
        )
    blocks = (*(1,) * (len(shape) - 2), min(shape[-2], _CHUNK_YX), min(shape[-1], _CHUNK_YX))
    options: Mapping[str, Any] = (
        hdf5plugin.Blosc2(cname="zstd", clevel=5, filters=hdf5plugin.Blosc2.BITSHUFFLE)
        if storage.compression == "blosc2"
        else {"compression": "gzip", "compression_opts": 4, "shuffle": True}
    )
    dataset = handle.create_dataset(name, shape=tuple(shape), dtype=dtype, chunks=blocks, **options)
    dataset.attrs.update(unit=expected.unit, axes=",".join(expected.axes))
    return dataset


def make_per_frame(handle: h5py.File, contract: StackContract, n_frames: int) -> None:
    """Add every dataset of the contract that has one value per frame."""
    for name, expected in contract.datasets.items():
        if expected.axes == ("frame",):
            dataset = handle.create_dataset(name, shape=(n_frames,), dtype=expected.dtypes[0])
            dataset.attrs.update(unit=expected.unit, axes="frame")


@contextmanager
def opened(path: Path, contract: StackContract) -> Iterator[h5py.File]:
    """Open the file and check it against the contract.

    Raises:
        ContractError: naming file, expected and got.
    """
    with h5py.File(path, "r") as handle:
        missing = [n for n in contract.datasets if n not in handle]
        extra = [n for n in handle if n not in contract.datasets]
        lacking = [a for a in contract.attributes if a not in handle.attrs]
        if missing or extra or lacking:
            raise ContractError(
                f"{path}: stack '{contract.name}' expected datasets {list(contract.datasets)} and attributes "
                f"{list(contract.attributes)}; missing {missing + lacking}, extra {extra}"
            )
        for name, expected in contract.datasets.items():
            dataset = handle[name]
            if dataset.dtype.name not in expected.dtypes or dataset.ndim != len(expected.axes):
                raise ContractError(
                    f"{path}: dataset '{name}' is {dataset.dtype} with {dataset.ndim} axes, expected "
                    f"{' or '.join(expected.dtypes)} with axes {expected.axes}; rerun the stage that wrote it"
                )
        yield handle
