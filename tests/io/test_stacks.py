"""HDF5 stacks: what goes in comes out, and what does not fit is refused."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from lensfree.config import StorageConfig
from lensfree.contracts import ContractError
from lensfree.io.stacks import create_holograms, create_opd, open_holograms, open_opd

SHAPE_YX = (40, 56)


def write_holograms(path: Path, counts: list[np.ndarray | None], background: np.ndarray) -> None:
    with create_holograms(
        path,
        n_frames=len(counts),
        first_frame=24,
        dtype=np.uint8,
        background=background,
        channels=["R", "G"],
        wavelength_nm=[647.0, 540.0],
        pixel_pitch_um=1.67,
        sources=[[f"{i}.tif"] for i in range(len(counts))],
    ) as sink:
        for index, frame in enumerate(counts):
            sink.write(
                index, time_h=4.0 + index / 6, counts=frame, reason="" if frame is not None else "truncated"
            )


def test_counts_come_back_to_the_bit_and_intensity_is_counts_over_background(tmp_path):
    counts = np.random.default_rng(1).integers(0, 255, (2, *SHAPE_YX), dtype=np.uint8)
    counts[1, 4, 6] = 255
    background = np.full((2, *SHAPE_YX), 140.0, np.float32)
    write_holograms(tmp_path / "a.h5", [counts, None], background)
    with open_holograms(tmp_path / "a.h5") as source:
        np.testing.assert_array_equal(source.read_counts(24), counts)
        np.testing.assert_array_equal(np.argwhere(source.read_saturated(24)), [(1, 4, 6)])
        levels = np.mean(counts, axis=(1, 2), keepdims=True)
        np.testing.assert_allclose(source.read(24), counts / levels, rtol=1e-6)
        assert source.read(25) is None
        assert source.reasons == ["", "truncated"]
        assert source.channels == ["R", "G"]
        assert [frame for frame, _, _ in source.frames()] == [24, 25]
        with pytest.raises(IndexError, match="frame 3 is not in this chunk, which holds frames 24 to 25"):
            source.read(3)


def test_a_fading_lamp_and_an_uneven_background_leave_the_open_beam_at_1(tmp_path):
    background = np.linspace(100, 140, SHAPE_YX[1], dtype=np.float32) * np.ones((2, *SHAPE_YX), np.float32)
    counts = np.rint(background * [[[0.8]], [[0.5]]]).astype(np.uint8)
    counts[:, 5:9, 7:11] = 10
    write_holograms(tmp_path / "a.h5", [counts], background)
    with open_holograms(tmp_path / "a.h5") as source:
        intensity = source.read(24)
    assert intensity is not None
    np.testing.assert_allclose(np.delete(intensity, np.s_[5:9], axis=1), 1.0, atol=0.015)
    assert intensity[:, 5:9, 7:11].max() < 0.25


@pytest.mark.parametrize("compression", ["gzip", "blosc2"])
def test_opd_is_rounded_to_the_step_and_no_further(tmp_path, compression):
    opd_nm = np.random.default_rng(2).uniform(-300, 3000, SHAPE_YX)
    storage = StorageConfig(compression=compression)
    with create_opd(
        tmp_path / "o.h5", n_frames=1, first_frame=0, shape_yx=SHAPE_YX, pixel_pitch_um=1.0, storage=storage
    ) as sink:
        sink.write(0, time_h=0.0, opd_nm=opd_nm, absorption=opd_nm * 1e-4, z_um=1000.0)
    with open_opd(tmp_path / "o.h5") as source:
        read = source.read(0)
        assert read is not None
        np.testing.assert_allclose(read, opd_nm, atol=0.0502)
        np.testing.assert_allclose(source.read_absorption(0), opd_nm * 1e-4, atol=1.01e-4)
        assert source.z_um[0] == 1000.0


@pytest.mark.parametrize("bad", [4000.0, -4000.0, np.nan])
def test_opd_out_of_range_is_an_error_and_leaves_no_file(tmp_path, bad):
    with (
        pytest.raises(ContractError, match="does not fit 16 bits"),
        create_opd(
            tmp_path / "o.h5", n_frames=1, first_frame=0, shape_yx=SHAPE_YX, pixel_pitch_um=1.0
        ) as sink,
    ):
        sink.write(0, time_h=0.0, opd_nm=np.full(SHAPE_YX, bad))
    assert list(tmp_path.iterdir()) == []


def test_a_stack_of_another_kind_is_refused_by_name(tmp_path):
    write_holograms(tmp_path / "a.h5", [None], np.ones((2, *SHAPE_YX), np.float32))
    with (
        pytest.raises(ContractError, match=r"a\.h5: stack 'opd' expected datasets"),
        open_opd(tmp_path / "a.h5"),
    ):
        pass


def test_every_dataset_says_its_unit_and_axes(tmp_path):
    write_holograms(tmp_path / "a.h5", [None], np.ones((2, *SHAPE_YX), np.float32))
    with h5py.File(tmp_path / "a.h5") as handle:
        assert {name: handle[name].attrs["unit"] for name in handle} == {
            "counts": "count",
            "background": "count",
            "time_h": "h",
            "is_missing": "1",
        }
        assert handle["counts"].attrs["axes"] == "frame,channel,y,x"
