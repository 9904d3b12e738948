"""HDF5 files under a stack contract: create, add datasets, open and check.

The checksum stands before the HDF5 data, in the block that the format leaves to the user: it covers data,
attributes and structure. Blocks of data carry one more (fletcher32), because frames are read long after the
file was opened.
"""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np

from lensfree.config import StorageConfig
from lensfree.contracts import CONTRACT_VERSION, ContractError, StackContract
from lensfree.io.files import check_version, written_whole
from lensfree.io.heaps import check_heaps
from lensfree.io.limits import MAX_FRAMES_PER_FILE, MAX_VALUES_PER_FRAME
from lensfree.seals import BLANK, REMEDY, check_seal

_CHUNK_YX = 512
_USER_BLOCK = 512
_SPARE_BYTES = 4 << 20


@contextmanager
def created(
    path: Path,
    contract: StackContract,
    first_frame: int,
    pixel_pitch_um: float,
    provenance: Mapping[str, Any] | None,
) -> Iterator[h5py.File]:
    """Create the file under a temporary name and rename it when the block ends well."""
    with written_whole(path, sealed=True) as partial:
        with h5py.File(partial, "w", userblock_size=_USER_BLOCK) as handle:
            handle.attrs["contract"] = contract.name
            handle.attrs["contract_version"] = CONTRACT_VERSION
            handle.attrs["first_frame"] = first_frame
            handle.attrs["pixel_pitch_um"] = pixel_pitch_um
            handle.attrs["provenance"] = json.dumps(dict(provenance or {}), sort_keys=True)
            yield handle
        with open(partial, "rb+") as user_block:
            user_block.write(BLANK + b"\n")


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
    dataset = handle.create_dataset(
        name, shape=tuple(shape), dtype=dtype, chunks=blocks, fletcher32=True, **options
    )
    dataset.attrs.update(unit=expected.unit, axes=",".join(expected.axes))
    return dataset


def make_per_frame(handle: h5py.File, contract: StackContract, n_frames: int) -> None:
    """Add every dataset of the contract that has one value per frame."""
    for name, expected in contract.datasets.items():
        if expected.axes == ("frame",):
            dataset = handle.create_dataset(
                name, shape=(n_frames,), dtype=expected.dtypes[0], chunks=(n_frames,), fletcher32=True
            )
            dataset.attrs.update(unit=expected.unit, axes="frame")


def store(dataset: h5py.Dataset, which: Any, values: np.ndarray) -> None:
    """Write values into a dataset if there is room for them.

    It is asked first, because HDF5 crashes the process when it meets a full disk: it keeps what it could not
    write, and tries again on closing.

    Raises:
        OSError: if there is no room.
    """
    array = np.asarray(values)
    if shutil.disk_usage(Path(dataset.file.filename).parent).free < array.nbytes + _SPARE_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    dataset[which] = array


@contextmanager
def opened(path: Path, contract: StackContract) -> Iterator[h5py.File]:
    """Open the file, check that it is whole, and check it against the contract.

    Raises:
        DamagedFileError: if it is not as it was written.
        ContractError: naming file, expected and got.
    """
    check_seal(path)
    check_heaps(path)
    try:
        handle = h5py.File(path, "r")
    except OSError as error:
        raise ContractError(f"{path}: not a readable HDF5 file ({error}); {REMEDY}") from error
    with handle:
        try:
            _check(path, handle, contract)
        except (OSError, KeyError, RuntimeError, TypeError) as error:
            raise ContractError(f"{path}: the file cannot be read ({error}); {REMEDY}") from error
        yield handle


@contextmanager
def attributes_named(path: Path) -> Iterator[None]:
    """Give the errors of attributes that say something impossible the name of the file."""
    try:
        yield
    except (KeyError, TypeError, ValueError, RecursionError, OSError) as error:
        if isinstance(error, ContractError):
            raise
        raise ContractError(f"{path}: an attribute cannot be read ({error}); {REMEDY}") from error


def read(path: Path, dataset: h5py.Dataset, which: Any = ()) -> np.ndarray:
    """Return part of a dataset.

    Raises:
        ContractError: naming the file, if its bytes are not those that were written.
    """
    try:
        return np.asarray(dataset[which])
    except (OSError, RuntimeError) as error:
        raise ContractError(f"{path}: dataset '{dataset.name}' cannot be read ({error}); {REMEDY}") from error


def _check(path: Path, handle: h5py.File, contract: StackContract) -> None:
    check_version(path, handle.attrs.get("contract_version"))
    missing = [n for n in contract.datasets if n not in handle]
    extra = [n for n in handle if n not in contract.datasets]
    lacking = [a for a in contract.attributes if a not in handle.attrs]
    if missing or extra or lacking:
        raise ContractError(
            f"{path}: stack '{contract.name}' expected datasets {list(contract.datasets)} and attributes "
            f"{list(contract.attributes)}; missing {missing + lacking}, extra {extra}"
        )
    sizes: dict[str, int] = {}
    for name, expected in contract.datasets.items():
        dataset = handle[name]
        _check_place(path, handle, name)
        if dataset.dtype.name not in expected.dtypes or dataset.ndim != len(expected.axes):
            raise ContractError(
                f"{path}: dataset '{name}' is {dataset.dtype} with {dataset.ndim} axes, expected "
                f"{' or '.join(expected.dtypes)} with axes {expected.axes}; rerun the stage that wrote it"
            )
        _check_sizes(path, dataset, name)
        for axis, size in zip(expected.axes, dataset.shape, strict=True):
            if sizes.setdefault(axis, size) != size:
                raise ContractError(
                    f"{path}: dataset '{name}' has {size} along {axis}, expected {sizes[axis]} as the "
                    "others; rerun the stage that wrote it"
                )


def _check_place(path: Path, handle: h5py.File, name: str) -> None:
    """Refuse data that lie elsewhere: a file from a stranger must not make us read another one."""
    dataset = handle[name]
    is_here = isinstance(handle.get(name, getlink=True), h5py.HardLink) and isinstance(dataset, h5py.Dataset)
    if not is_here or dataset.is_virtual or dataset.external is not None:
        raise ContractError(
            f"{path}: dataset '{name}' is a link or lies in another file, expected it in this one; rerun the "
            "stage that wrote it"
        )


def _check_sizes(path: Path, dataset: h5py.Dataset, name: str) -> None:
    """Refuse sizes that no acquisition has, whatever the file holds of them: a header costs nothing."""
    per_frame = dataset.shape[1:] if dataset.ndim != 3 or name != "background" else dataset.shape
    n_frames = dataset.shape[0] if name != "background" else 1
    blocks = dataset.chunks or ()
    declared = (math.prod(per_frame), math.prod(blocks), n_frames)
    allowed = (MAX_VALUES_PER_FRAME, MAX_VALUES_PER_FRAME, MAX_FRAMES_PER_FILE)
    if any(got > most for got, most in zip(declared, allowed, strict=True)):
        raise ContractError(
            f"{path}: dataset '{name}' declares {dataset.shape} in blocks of {blocks}, expected at most "
            f"{MAX_VALUES_PER_FRAME} values per frame and {MAX_FRAMES_PER_FILE} frames; {REMEDY}"
        )
