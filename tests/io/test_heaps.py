"""Heaps that HDF5 would never come back from are refused before it sees them."""

from __future__ import annotations

import struct

import h5py
import pytest

from lensfree.contracts import ContractError
from lensfree.io.heaps import check_heaps


def written(path, texts):
    with h5py.File(path, "w", userblock_size=512) as handle:
        for number, text in enumerate(texts):
            handle.attrs[f"text{number}"] = text
    return path


def heap_of(content: bytes) -> int:
    return content.index(b"GCOL\x01\x00\x00\x00")


def spoilt(path, place, values):
    content = bytearray(path.read_bytes())
    content[place : place + len(values)] = values
    path.write_bytes(bytes(content))
    return path


@pytest.mark.parametrize(
    "texts", [[], [""], ["a"], ["x" * n for n in range(1, 60)], ["y" * 4000] * 20, ["z" * 200_000, "a"]]
)
def test_heaps_that_hdf5_wrote_can_be_walked(tmp_path, texts):
    path = written(tmp_path / "a.h5", texts)
    check_heaps(path)
    with h5py.File(path) as handle:
        assert [handle.attrs[f"text{number}"] for number in range(len(texts))] == texts


def free_space(path) -> int:
    """Return where the free space of a heap with one text of one letter begins."""
    content = path.read_bytes()
    at = heap_of(content) + 16 + 16 + 8
    assert content[at : at + 2] == b"\x00\x00"
    return at


@pytest.mark.parametrize("size", [0, 8, 15, 10**6, 2**64 - 1])
def test_free_space_that_leads_nowhere_is_refused_by_name(tmp_path, size):
    path = written(tmp_path / "a.h5", ["a"])
    spoilt(path, free_space(path) + 8, struct.pack("<Q", size))
    with pytest.raises(ContractError, match=rf"{path}: the heap at byte \d+, .* cannot be walked"):
        check_heaps(path)


@pytest.mark.parametrize("size", [0, 8, 10**9, 2**64 - 1])
def test_a_heap_of_a_size_that_it_cannot_have_is_refused(tmp_path, size):
    path = written(tmp_path / "a.h5", ["a"])
    spoilt(path, heap_of(path.read_bytes()) + 8, struct.pack("<Q", size))
    with pytest.raises(ContractError, match="cannot be walked"):
        check_heaps(path)


def test_a_text_longer_than_its_heap_is_refused(tmp_path):
    path = written(tmp_path / "a.h5", ["a"])
    spoilt(path, heap_of(path.read_bytes()) + 16 + 8, struct.pack("<Q", 2**63))
    with pytest.raises(ContractError, match="cannot be walked"):
        check_heaps(path)


def test_the_second_heap_is_looked_at_too(tmp_path):
    path = written(tmp_path / "a.h5", ["y" * 4000] * 20)
    content = path.read_bytes()
    second = content.index(b"GCOL\x01\x00\x00\x00", heap_of(content) + 8)
    spoilt(path, second + 8, struct.pack("<Q", 0))
    with pytest.raises(ContractError, match=f"the heap at byte {second}"):
        check_heaps(path)


def test_a_mark_at_the_very_end_is_refused(tmp_path):
    path = tmp_path / "a.h5"
    path.write_bytes(b"\x00" * 20 + b"GCOL\x01\x00\x00\x00")
    with pytest.raises(ContractError, match="byte 20"):
        check_heaps(path)
