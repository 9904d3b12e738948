"""OME-Zarr 0.5: pixels as tensorstore reads them, words as `ome-zarr-models` reads and checks them."""

import json

import numpy as np
import pytest
from opd_made import ABOUT, INTERVAL_H, MISSING, N_FRAMES, PITCH_UM, SHAPE_YX, opd_nm, write_chunks

from lensfree.io.exports import ome_zarr
from lensfree.io.exports.geff_graph import MissingPackageError
from lensfree.io.exports.ome_zarr import halve, write_ome_zarr
from lensfree.io.exports.opd_frames import MISSING_STEP, opd_stack

pytest.importorskip("zarr", minversion="3", reason="needs the package zarr, extra ome, part of the extra dev")


@pytest.fixture
def exported(tmp_path):
    def run(dtype="int16"):
        chunks = write_chunks(tmp_path / "opd")
        stack = opd_stack(chunks, frame_interval_h=INTERVAL_H, dtype=dtype, about=ABOUT)
        path = tmp_path / "export" / "opd.ome.zarr"
        write_ome_zarr(path, stack, "dish")
        return path

    return run


def read(path):
    tensorstore = pytest.importorskip("tensorstore", reason="needs tensorstore, part of the extra dev")
    store = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(path)}}
    return tensorstore.open(store, open=True, read=True).result()


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_another_library_reads_the_same_pixels(exported, dtype):
    path = exported(dtype)
    got = read(path / "0")
    assert got.domain.labels == ("t", "c", "y", "x")
    values = got.read().result()
    assert values.dtype == dtype
    assert values.shape == (N_FRAMES, 1, *SHAPE_YX)
    for frame in range(N_FRAMES):
        if frame == MISSING:
            is_empty = np.isnan(values[frame]) if dtype == "float32" else values[frame] == MISSING_STEP
            assert is_empty.all()
        else:
            expected = opd_nm(frame) if dtype == "float32" else np.rint(opd_nm(frame) * 10)
            np.testing.assert_allclose(values[frame, 0], expected, rtol=2e-7)


def test_a_level_is_the_mean_of_the_one_before(exported):
    path = exported()
    low = read(path / "1").read().result()
    assert low.shape == (N_FRAMES, 1, SHAPE_YX[0] // 2, SHAPE_YX[1] // 2)
    image = np.rint(opd_nm(4) * 10)
    expected = (image[0:70:2, 0::2] + image[1:70:2, 0::2] + image[0:70:2, 1::2] + image[1:70:2, 1::2]) / 4
    assert np.abs(low[4, 0] - expected).max() <= 0.5
    assert (low[MISSING] == MISSING_STEP).all()
    assert not (path / "2").exists()


def test_the_words_are_valid_and_say_sizes_times_and_scale(exported):
    models = pytest.importorskip("ome_zarr_models.v05", reason="needs ome-zarr-models, part of the extra dev")
    import zarr

    path = exported()
    image = models.Image.from_zarr(zarr.open_group(path, mode="r"))
    (multiscale,) = image.ome_attributes.multiscales
    assert [(a.name, a.type, a.unit) for a in multiscale.axes] == [
        ("t", "time", "second"),
        ("c", "channel", None),
        ("y", "space", "micrometer"),
        ("x", "space", "micrometer"),
    ]
    full, half = (dataset.coordinateTransformations for dataset in multiscale.datasets)
    assert full[0].scale == [INTERVAL_H * 3600, 1.0, PITCH_UM, PITCH_UM]
    assert half[0].scale == [INTERVAL_H * 3600, 1.0, 2 * PITCH_UM, 2 * PITCH_UM]
    # The first pixel of a level lies in the middle of the four that it is made of.
    assert half[1].translation == [0.0, 0.0, PITCH_UM / 2, PITCH_UM / 2]
    assert dict(image.ome_attributes.omero)["channels"][0]["label"] == "OPD [0.1 nm]"
    attributes = json.loads((path / "zarr.json").read_text())["attributes"]
    assert attributes["ome"]["version"] == "0.5"
    assert ABOUT.items() <= attributes["lensfree"].items()
    assert attributes["lensfree"]["missing_frames"] == [MISSING]


def test_a_missing_frame_takes_no_file(exported):
    files = [p for p in (exported() / "0").rglob("*") if p.is_file() and p.name != "zarr.json"]
    assert len(files) == N_FRAMES - 1


def test_a_folder_that_is_there_is_replaced(exported):
    old = exported() / "old"
    old.mkdir()
    assert not (exported() / "old").exists()


def test_what_fails_halfway_leaves_no_folder(exported, tmp_path, monkeypatch):
    monkeypatch.setattr("opd_made.opd_nm", lambda frame: np.full(SHAPE_YX, -3276.8 if frame == 2 else 0.0))
    with pytest.raises(ValueError, match="frame 2 holds OPD"):
        exported()
    assert list((tmp_path / "export").iterdir()) == []


def test_an_old_or_missing_zarr_is_one_sentence(exported, monkeypatch):
    monkeypatch.setattr("zarr.__version__", "2.18.7")
    with pytest.raises(
        MissingPackageError, match=r"its version is 2.18.7, .*'\.\[ome\]', or take ome_zarr out"
    ):
        exported()
    monkeypatch.setitem(__import__("sys").modules, "zarr", None)
    with pytest.raises(MissingPackageError, match="cannot be imported"):
        ome_zarr._zarr()


def test_halving_rounds_integers_and_leaves_an_odd_end_out():
    image = np.array([[1, 2, 9], [2, 2, 9], [9, 9, 9]], dtype=np.int16)
    np.testing.assert_array_equal(halve(image), np.array([[2]], dtype=np.int16))
    got = halve(image.astype(np.float32))
    np.testing.assert_array_equal(got, np.array([[1.75]], dtype=np.float32))
