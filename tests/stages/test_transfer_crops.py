"""Own acquisitions cut in two: no pixel on both sides, and labels of the classical pipeline."""

import numpy as np
import pytest
import torch

from lensfree.cells.measure import measure_cells
from lensfree.cells.peaks import find_peaks
from lensfree.config import QuantifyConfig
from lensfree.io.stacks import create_opd
from lensfree.nets.plain_cnn import PlainCnn, PlainCnnSpec, apply_cnn, receptive_radius_px
from lensfree.simulate.population import random_field
from lensfree.simulate.render import render_opd
from lensfree.stages.own_crops import OwnFrame, OwnFrames, Split, own_crops

PITCH_UM = 1.67
QUANTIFY = QuantifyConfig()


def cells_nm(seed, shape_yx, pixel_pitch_um=PITCH_UM):
    cells = random_field(np.random.default_rng(seed), shape_yx, pixel_pitch_um, 250.0)
    return render_opd(cells, shape_yx, pixel_pitch_um)


def write(path, frames, pixel_pitch_um=PITCH_UM, first_frame=0):
    shape_yx = next(frame.shape for frame in frames if frame is not None)
    with create_opd(
        path,
        n_frames=len(frames),
        first_frame=first_frame,
        shape_yx=shape_yx,
        pixel_pitch_um=pixel_pitch_um,
    ) as sink:
        for index, opd_nm in enumerate(frames):
            sink.write(index, time_h=index / 6, opd_nm=opd_nm)
    return path


def crops_of(frame, **changes):
    settings = {"count": 6, "crop_px": 48, "model_pitch_um": PITCH_UM, **changes}
    return own_crops(frame, QUANTIFY, np.random.default_rng(1), **settings)


def test_every_pixel_is_on_exactly_one_side(tmp_path):
    opd_nm = cells_nm(0, (90, 161))
    split = Split(held_out=0.25, guard_um=30.0)
    own = {"a": [write(tmp_path / "0000.h5", [opd_nm])]}
    (frame,) = OwnFrames(own, 3, split)
    assert frame.held_out_nm.shape[1] == round(0.25 * 161) + int(np.ceil(30.0 / PITCH_UM))
    both = np.concatenate([frame.training_nm, frame.held_out_nm], axis=1)
    np.testing.assert_allclose(both, opd_nm, atol=0.051)


@pytest.mark.parametrize("pitch_um", [PITCH_UM, 1.1, 2.4])
def test_nothing_held_out_reaches_a_training_crop(tmp_path, pitch_um):
    """Neither by its OPD nor by its labels, nor by resampling: held-out pixels are changed, crops are not."""
    shape_yx = (round(160 / pitch_um), round(330 / pitch_um))
    opd_nm, split = cells_nm(0, shape_yx, pitch_um), Split(0.25, 30.0)
    other_nm, cut = opd_nm.copy(), split.cut_px(shape_yx[1], pitch_um)
    other_nm[:, cut:] = 400.0
    leaked_nm = opd_nm.copy()
    leaked_nm[:, cut - 1] = 400.0
    crops = []
    for name, frame_nm in (("as it is", opd_nm), ("changed", other_nm), ("leaked", leaked_nm)):
        own = {"a": [write(tmp_path / f"{name}.h5", [frame_nm], pitch_um)]}
        (frame,) = OwnFrames(own, 1, split)
        crops.append(crops_of(frame, count=30)[0])
    np.testing.assert_array_equal(crops[0], crops[1])
    assert not np.array_equal(crops[0], crops[2])


def test_answers_beyond_the_guard_band_depend_on_no_training_pixel(tmp_path):
    """And not on being cut there: a whole frame gets the same answers. Nearer to the cut it does not."""
    torch.manual_seed(0)
    network = PlainCnn(PlainCnnSpec(1, 4, 5, 6, stride=2)).eval()
    sight_px = receptive_radius_px(network.spec)
    split = Split(0.3, sight_px * PITCH_UM)
    opd_nm = np.random.default_rng(2).normal(0, 50, (60, 151)).astype(np.float32)
    (frame,) = OwnFrames({"a": [write(tmp_path / "0000.h5", [opd_nm])]}, 1, split)
    cut = frame.training_nm.shape[1]
    assert cut % 2 == 0  # so that the network's blocks of 2 x 2 pixels are the same in the part and the whole
    whole_nm = np.concatenate([frame.training_nm, frame.held_out_nm], axis=1)
    whole = apply_cnn(network, whole_nm[None])[:, :, cut:]
    part = apply_cnn(network, np.ascontiguousarray(frame.held_out_nm)[None])
    guard = split.guard_px(PITCH_UM)
    np.testing.assert_allclose(part[:, :, guard:], whole[:, :, guard:], atol=1e-4)
    assert np.abs(part - whole)[:, :, : guard // 2].max() > 1e-2


def test_crops_show_the_cells_at_the_networks_pitch_with_the_classical_answers():
    opd_nm = cells_nm(4, (150, 180), 1.0)
    frame = OwnFrame("a", 1.0, opd_nm, opd_nm[:, :0])
    crops, n_cells = crops_of(frame, count=1, crop_px=90)  # as high as the frame at 1.67 um
    assert (crops.shape, crops.dtype) == ((1, 5, 90, 90), np.float16)
    found = find_peaks(crops[0, 1:].astype(np.float32), PITCH_UM, QUANTIFY)
    measured_pg = measure_cells(opd_nm, 1.0, QUANTIFY)["dry_mass_pg"].to_numpy()
    assert 2 <= len(found) <= len(measured_pg)
    for dry_mass_pg in found["dry_mass_pg"]:
        assert np.abs(measured_pg / dry_mass_pg - 1).min() < 2e-3
    assert n_cells == len(found)


def test_a_cell_in_many_crops_is_one_cell():
    opd_nm = cells_nm(4, (90, 120))
    frame = OwnFrame("a", PITCH_UM, opd_nm, opd_nm[:, :0])
    _, n_cells = crops_of(frame, count=200)
    assert n_cells == len(measure_cells(opd_nm, PITCH_UM, QUANTIFY))


def test_frames_are_spread_over_each_acquisition_and_missing_ones_passed_over(tmp_path):
    def level(value):
        return np.full((20, 50), value, float)

    first = [write(tmp_path / "a0.h5", [level(1), None, level(3)])]
    first.append(write(tmp_path / "a1.h5", [level(4), level(5)], first_frame=3))
    second = [write(tmp_path / "b0.h5", [level(7)])]
    frames = OwnFrames({"a": first, "b": second}, 3, Split(0.2, 5.0))
    seen = [(frame.acquisition, round(float(frame.held_out_nm.mean()), 3)) for frame in frames]
    assert seen == [("a", 1.0), ("a", 4.0), ("a", 5.0), ("b", 7.0)]
    assert len(frames) == 4
    assert seen == [(frame.acquisition, round(float(frame.held_out_nm.mean()), 3)) for frame in frames]


def test_a_field_too_narrow_for_a_crop_is_refused():
    frame = OwnFrame("plate", PITCH_UM, np.zeros((60, 40)), np.zeros((60, 50)))
    said = (
        r"plate: beside the held-out part and its guard band 60 x 40 pixels of 1.67 um are left to train on, "
    )
    with pytest.raises(
        ValueError, match=said + "expected at least a crop of 48; lower transfer_quantify.crop"
    ):
        crops_of(frame)
    with pytest.raises(ValueError, match="60 x 0 pixels"):
        crops_of(OwnFrame("plate", PITCH_UM, np.zeros((60, 0)), np.zeros((60, 50))))
