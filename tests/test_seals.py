"""Seals: damage anywhere in a file that is read is found, and the message says what to do."""

import hashlib
import os
import time

import h5py
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from flips import damaged

from lensfree import seals
from lensfree.config import StorageConfig
from lensfree.contracts import SERIES, ContractError
from lensfree.io.backgrounds import read_background, write_background
from lensfree.io.stacks import create_holograms, create_opd, open_holograms, open_opd
from lensfree.io.tables import read_provenance, read_table, read_tables, write_table
from lensfree.model_files import ModelError
from lensfree.nets.checkpoints import load_checkpoint, save_checkpoint
from lensfree.nets.plain_cnn import PlainCnn, PlainCnnSpec
from lensfree.nets.weights import load_cnn, read_card, save_cnn
from lensfree.origin import array_sha256
from lensfree.seals import BLANK, DamagedFileError, check_seal, file_sha256, seal, stored_seal
from lensfree.stages.measures import read_json, write_json

SHAPE_YX = (12, 17)
COUNTS = np.random.default_rng(0).integers(0, 255, (2, *SHAPE_YX), dtype=np.uint8)
MAPS_NM = np.random.default_rng(1).normal(0, 20, SHAPE_YX)
ROWS = pd.DataFrame(
    {
        "series_id": np.arange(300) // 60,
        "cell_id": np.arange(300) // 60,
        "time_h": np.arange(300) % 60 / 6,
        "dry_mass_pg": np.random.default_rng(2).normal(200, 5, 300),
        "is_filled": False,
        "is_repeated": False,
    }
)


def holograms(path):
    with create_holograms(
        path,
        n_frames=2,
        first_frame=0,
        dtype=np.uint8,
        background=np.full(COUNTS.shape, 130, np.float32),
        channels=["R", "G"],
        wavelength_nm=[640.0, 540.0],
        pixel_pitch_um=1.67,
        sources=[["a.tif"], ["b.tif"]],
        provenance={"rule": "load"},
    ) as sink:
        sink.write(0, time_h=0.0, counts=COUNTS)
        sink.write(1, time_h=0.5, counts=None, reason="cut off")

    def read():
        with open_holograms(path) as source:
            return source.read(0), source.read_counts(0), source.provenance

    return read


def opd(path, compression="gzip"):
    storage = StorageConfig(compression=compression)
    with create_opd(
        path, n_frames=1, first_frame=0, shape_yx=SHAPE_YX, pixel_pitch_um=1.67, storage=storage
    ) as sink:
        sink.write(0, time_h=0.0, opd_nm=MAPS_NM, absorption=MAPS_NM * 1e-4)

    def read():
        with open_opd(path) as source:
            return source.read(0), source.read_absorption(0)

    return read


def opd_blosc2(path):
    return opd(path, "blosc2")


def background(path):
    write_background(
        path,
        np.full(COUNTS.shape, 130, np.float32),
        dtype=np.dtype(np.uint8),
        method="none",
        pixel_pitch_um=1.67,
        storage=StorageConfig(),
        provenance={},
    )
    return lambda: read_background(path)


def table(path):
    write_table(path, ROWS, SERIES, provenance={"rule": "series"})
    return lambda: read_table(path, SERIES)


def one_column(path):
    write_table(path, ROWS, SERIES)
    return lambda: read_tables([path], SERIES, columns=["time_h"])


def provenance_of_table(path):
    write_table(path, ROWS, SERIES)
    return lambda: read_provenance(path)


def network(path):
    save_cnn(PlainCnn(PlainCnnSpec(1, 2, 3, 2)), path, card={"name": "a"})
    return lambda: load_cnn(path)


def card(path):
    save_cnn(PlainCnn(PlainCnnSpec(1, 2, 3, 2)), path, card={"name": "a"})
    return lambda: read_card(path)


def checkpoint(path):
    save_checkpoint(path, {"model": {"w": torch.arange(6.0)}, "losses": [0.5]})
    return lambda: load_checkpoint(path)


def json_result(path):
    write_json(path, {"a": {"value": 1.5}, "b": [1, 2]})
    return lambda: read_json(path)


KINDS = (
    *(holograms, opd, opd_blosc2, background, table, one_column, provenance_of_table),
    *(network, card, checkpoint, json_result),
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_damaged_byte_and_no_lost_one_goes_unseen(tmp_path, kind):
    path = tmp_path / "result"
    read = kind(path)
    read()
    n_tried = 0
    for how in damaged(path, flips=3000):
        with pytest.raises((DamagedFileError, ModelError)) as caught:
            read()
        assert str(path) in str(caught.value), how
        assert (
            "delete it" in str(caught.value)
            or "train it again" in str(caught.value)
            or ("train them again" in str(caught.value))
        ), how
        n_tried += 1
    assert n_tried > 1000 or n_tried > path.stat().st_size
    read()


def test_the_same_values_make_the_same_file(tmp_path):
    for kind in KINDS:
        torch.manual_seed(0)
        kind(tmp_path / "one")
        torch.manual_seed(0)
        kind(tmp_path / "two")
        assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes(), kind.__name__


def test_the_seal_is_the_digest_with_zeros_in_its_place(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"before " + BLANK + b" after")
    said = seal(path)
    assert said == hashlib.sha256(b"before " + BLANK + b" after").hexdigest()
    assert stored_seal(path) == check_seal(path) == said
    assert path.read_bytes() == b"before " + BLANK[:16] + said.encode() + b" after"


def test_a_seal_is_found_in_the_head_and_in_the_tail_of_a_large_file(tmp_path):
    bulk = np.random.default_rng(0).bytes(3 << 20)
    for name, content in (("head", BLANK + bulk), ("tail", bulk + BLANK)):
        (tmp_path / name).write_bytes(content)
        assert seal(tmp_path / name) == check_seal(tmp_path / name)
        assert file_sha256(tmp_path / name) != stored_seal(tmp_path / name)


def test_a_file_without_a_blank_seal_is_not_sealed(tmp_path):
    (tmp_path / "a").write_bytes(b"no mark")
    with pytest.raises(ValueError, match="a: there is no blank seal"):
        seal(tmp_path / "a")


def test_what_is_missing_or_a_folder_is_named(tmp_path):
    with pytest.raises(DamagedFileError, match=r"gone: the file cannot be read \(No such file"):
        check_seal(tmp_path / "gone")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DamagedFileError, match=r"folder: the file cannot be read \(Is a directory\); check"):
        check_seal(tmp_path / "folder")


def test_a_settled_file_is_hashed_once_and_again_when_it_changes(tmp_path, monkeypatch):
    table(tmp_path / "s.parquet")
    monkeypatch.setattr(seals, "_SETTLED_S", -1.0)
    check_seal(tmp_path / "s.parquet")
    hashed = []
    digest = seals._digest
    monkeypatch.setattr(seals, "_digest", lambda *given: hashed.append(given) or digest(*given))
    check_seal(tmp_path / "s.parquet")
    assert hashed == []
    os.utime(tmp_path / "s.parquet", (time.time() - 60, time.time() - 60))
    check_seal(tmp_path / "s.parquet")
    assert len(hashed) == 1


def test_files_of_the_version_before_are_refused_in_a_sentence(tmp_path, monkeypatch):
    pq.write_table(pq.read_table(_written(tmp_path)).replace_schema_metadata(None), tmp_path / "old.parquet")
    with pytest.raises(DamagedFileError, match="was written before version 2 of the file formats; delete it"):
        read_table(tmp_path / "old.parquet", SERIES)
    monkeypatch.setattr("lensfree.io.tables.CONTRACT_VERSION", 1)
    monkeypatch.setattr("lensfree.io.stack_files.CONTRACT_VERSION", 1)
    table(tmp_path / "s.parquet")
    with pytest.raises(ContractError, match="s.parquet: the file is of version 1 of the formats, expected 2"):
        read_table(tmp_path / "s.parquet", SERIES)
    read = opd(tmp_path / "o.h5")
    with pytest.raises(ContractError, match="o.h5: the file is of version 1 of the formats, expected 2; del"):
        read()


def _written(folder):
    table(folder / "new.parquet")
    return folder / "new.parquet"


def test_other_readers_open_sealed_files(tmp_path):
    holograms(tmp_path / "h.h5")
    with h5py.File(tmp_path / "h.h5") as handle:
        np.testing.assert_array_equal(handle["counts"][0], COUNTS)
        assert all(handle[name].fletcher32 for name in handle)
        assert handle.userblock_size == 512
    first_line = (tmp_path / "h.h5").read_bytes()[:512].split(b"\n")[0].decode()
    assert first_line == f"lensfree-sha256:{stored_seal(tmp_path / 'h.h5')}"
    pd.testing.assert_frame_equal(pd.read_parquet(_written(tmp_path)), ROWS)
    read = pq.read_table(_written(tmp_path), page_checksum_verification=True)
    assert read.num_rows == len(ROWS)


def test_a_block_that_changes_under_an_open_file_is_an_error_of_that_file(tmp_path):
    """The seal was right when the file was opened; the block's own checksum is what finds this."""
    path = tmp_path / "o.h5"
    opd(path)
    with h5py.File(path) as handle:
        block = handle["opd_nm"].id.get_chunk_info(0)
    with open_opd(path) as source:
        with open(path, "rb+") as raw:
            raw.seek(block.byte_offset + block.size // 2)
            byte = raw.read(1)
            raw.seek(-1, os.SEEK_CUR)
            raw.write(bytes([byte[0] ^ 4]))
        with pytest.raises(ContractError, match=r"o\.h5: dataset '/opd_nm' cannot be read .*; delete it"):
            source.read(0)


def test_loaded_frames_carry_the_digest_of_what_was_read(tmp_path):
    holograms(tmp_path / "h.h5")
    with open_holograms(tmp_path / "h.h5") as source:
        assert source.frames_sha256 == [array_sha256(COUNTS), ""]
        assert array_sha256(source.read_counts(0)) == source.frames_sha256[0]
