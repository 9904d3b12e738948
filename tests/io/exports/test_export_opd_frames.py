"""OPD for picture formats: numbers, gaps, steps, and chunks that do not make one stack."""

import numpy as np
import pytest
from opd_made import (
    ABOUT,
    FIRST_FRAMES,
    INTERVAL_H,
    MISSING,
    N_FRAMES,
    PITCH_UM,
    SHAPE_YX,
    Z_UM,
    opd_nm,
    write_chunks,
)

from lensfree.io.exports.opd_frames import MISSING_STEP, OpdExportError, opd_stack


def stack_of(paths, dtype="int16", about=ABOUT):
    return opd_stack(paths, frame_interval_h=INTERVAL_H, dtype=dtype, about=about)


def test_integers_are_those_that_are_stored(tmp_path):
    stack = stack_of(write_chunks(tmp_path))
    assert stack.step_nm == 0.1
    assert (stack.n_frames, stack.shape_yx, stack.pixel_pitch_um) == (N_FRAMES, SHAPE_YX, PITCH_UM)
    for frame, image in enumerate(stack.frames()):
        assert image.dtype == np.int16
        expected = np.full(SHAPE_YX, MISSING_STEP) if frame == MISSING else np.rint(opd_nm(frame) * 10)
        np.testing.assert_array_equal(image, expected)
    assert frame == N_FRAMES - 1


def test_float32_is_in_nm_with_nan_where_a_frame_is_missing(tmp_path):
    stack = stack_of(write_chunks(tmp_path), "float32")
    assert (stack.channel, stack.step_nm) == ("OPD [nm]", 1.0)
    for frame, image in enumerate(stack.frames()):
        assert image.dtype == np.float32
        expected = np.full(SHAPE_YX, np.nan) if frame == MISSING else opd_nm(frame)
        np.testing.assert_allclose(image, expected, rtol=2e-7)


def test_the_channel_of_integers_says_what_one_is(tmp_path):
    assert stack_of(write_chunks(tmp_path, (0.25, 0.25))).channel == "OPD [0.25 nm]"


def test_two_steps_become_the_coarser_one(tmp_path):
    stack = stack_of(write_chunks(tmp_path, (0.1, 0.5)))
    assert stack.step_nm == 0.5
    np.testing.assert_allclose(next(stack.frames()) * 0.5, opd_nm(0), atol=0.25 + 1e-4)


def test_what_is_said_has_times_distances_gaps_and_what_the_caller_knows(tmp_path):
    stack = stack_of(write_chunks(tmp_path))
    assert stack.interval_s == 900.0
    np.testing.assert_allclose(stack.time_s, np.arange(N_FRAMES) * 900.0)
    said = stack.explained()
    assert said["missing_frames"] == [MISSING]
    assert said["z_um"] == [None if frame == MISSING else Z_UM for frame in range(N_FRAMES)]
    assert said["opd_nm_of_1"] == 0.1
    assert ABOUT.items() <= said.items()


def test_a_chunk_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(OpdExportError, match=r"chunks begin at frames \[2\], expected \[0\]; run snakemake"):
        stack_of(write_chunks(tmp_path)[:1])
    assert FIRST_FRAMES == (0, 2)


def test_chunks_of_two_fields_are_an_error(tmp_path, monkeypatch):
    paths = write_chunks(tmp_path / "one")
    monkeypatch.setattr("opd_made.SHAPE_YX", (71, 531))
    other = write_chunks(tmp_path / "other")
    with pytest.raises(OpdExportError, match=r"pixels \[\(71, 530\), \(71, 531\)\] with pitches"):
        stack_of([paths[0], other[1]])


def test_opd_that_would_be_taken_for_a_missing_frame_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("opd_made.opd_nm", lambda frame: np.full(SHAPE_YX, -3276.8))
    stack = stack_of(write_chunks(tmp_path))
    with pytest.raises(OpdExportError, match="frame 0 holds OPD from -3276.8 to -3276.8 nm, .* to float32"):
        next(stack.frames())
