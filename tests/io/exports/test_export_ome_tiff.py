"""OME-TIFF: pixels as Pillow reads them, words as `ome-types` reads and checks them."""

import json

import numpy as np
import pytest
import tifffile
from opd_made import ABOUT, INTERVAL_H, MISSING, N_FRAMES, PITCH_UM, SHAPE_YX, opd_nm, write_chunks
from PIL import Image

from lensfree.io.exports.ome_tiff import NAMESPACE, write_ome_tiff
from lensfree.io.exports.opd_frames import MISSING_STEP, opd_stack


@pytest.fixture
def exported(tmp_path):
    def run(dtype="int16"):
        chunks = write_chunks(tmp_path / "opd")
        stack = opd_stack(chunks, frame_interval_h=INTERVAL_H, dtype=dtype, about=ABOUT)
        path = tmp_path / "export" / "opd.ome.tif"
        write_ome_tiff(path, stack, "dish <3>")
        return path

    return run


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_another_library_reads_the_same_pixels(exported, dtype):
    with Image.open(exported(dtype)) as picture:
        assert picture.n_frames == N_FRAMES
        for frame in range(N_FRAMES):
            picture.seek(frame)
            got = np.asarray(picture)
            if frame == MISSING:
                assert np.isnan(got).all() if dtype == "float32" else (got == MISSING_STEP).all()
            elif dtype == "float32":
                np.testing.assert_allclose(got, opd_nm(frame), rtol=2e-7)
            else:
                np.testing.assert_array_equal(got, np.rint(opd_nm(frame) * 10))


@pytest.mark.parametrize(("dtype", "channel"), [("int16", "OPD [0.1 nm]"), ("float32", "OPD [nm]")])
def test_the_words_are_valid_ome_and_say_sizes_times_and_scale(exported, dtype, channel):
    ome_types = pytest.importorskip("ome_types", reason="needs the package ome-types, part of the extra dev")
    image = ome_types.from_tiff(exported(dtype)).images[0]
    pixels = image.pixels
    assert image.name == "dish <3>"
    assert (pixels.size_t, pixels.size_c, pixels.size_z) == (N_FRAMES, 1, 1)
    assert (pixels.size_y, pixels.size_x) == SHAPE_YX
    assert (pixels.physical_size_x, pixels.physical_size_y) == (PITCH_UM, PITCH_UM)
    assert (pixels.physical_size_x_unit.value, pixels.time_increment_unit.value) == ("µm", "s")
    assert pixels.time_increment == INTERVAL_H * 3600
    assert pixels.channels[0].name == channel
    assert [plane.delta_t for plane in pixels.planes] == [900.0 * frame for frame in range(N_FRAMES)]
    said = json.loads(image.description)
    assert ABOUT.items() <= said.items()
    assert said["missing_frames"] == [MISSING]
    assert said["opd_nm_of_1"] == (0.1 if dtype == "int16" else 1.0)


def test_the_map_annotation_says_the_same(exported):
    ome_types = pytest.importorskip("ome_types", reason="needs the package ome-types, part of the extra dev")
    ome = ome_types.from_tiff(exported())
    (annotation,) = ome.structured_annotations.map_annotations
    assert annotation.namespace == NAMESPACE
    told = {pair.k: json.loads(pair.value) for pair in annotation.value.ms}
    assert told == json.loads(ome.images[0].description)


def test_our_own_reader_finds_a_series_of_frames(exported):
    with tifffile.TiffFile(exported()) as file:
        assert file.is_bigtiff and file.is_ome
        assert file.series[0].axes == "TYX"
        assert file.series[0].shape == (N_FRAMES, *SHAPE_YX)


def test_what_fails_halfway_leaves_no_file(exported, tmp_path, monkeypatch):
    def fails(frame):
        if frame == 2:
            return np.full(SHAPE_YX, -3276.8)
        return np.zeros(SHAPE_YX)

    monkeypatch.setattr("opd_made.opd_nm", fails)
    with pytest.raises(ValueError, match="frame 2 holds OPD"):
        exported()
    assert list((tmp_path / "export").iterdir()) == []
