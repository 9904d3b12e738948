"""The network's maps of a frame: the same in tiles, at any pitch near its own, on the device."""

import logging
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import stand_in
from skimage.transform import resize

from lensfree.arrays import to_numpy
from lensfree.cells.background import white_noise_sd_nm
from lensfree.cells.peaks import find_peaks
from lensfree.cells.representation import draw_representation
from lensfree.cells.second_look import agreed, quieter_nm, second_share
from lensfree.config import QuantifyConfig
from lensfree.nets import cnn_tiles
from lensfree.nets.cnn_tiles import _spans
from lensfree.nets.plain_cnn import PlainCnn, PlainCnnSpec
from lensfree.nets.weights import save_cnn
from lensfree.stages.represent import load_represent

MODELS = Path(__file__).parents[2] / "models"
SHAPE_YX = (200, 331)
PITCH_UM = 1.67
CONFIG = QuantifyConfig()
MARGIN_PX = 42
OWN_YX = (100, 112)
"""What tiles of 200 x 200 pixels keep of the field: 2 x 3 of them."""


def domes_nm(centres_um, shape_yx=SHAPE_YX, pitch_um=PITCH_UM, height_nm=150.0, radius_um=13.0):
    y, x = np.indices(shape_yx) * pitch_um
    field = np.zeros(shape_yx)
    for y_um, x_um in centres_um:
        field += height_nm * np.maximum(1 - ((y - y_um) ** 2 + (x - x_um) ** 2) / radius_um**2, 0)
    return field.astype(np.float32)


@pytest.fixture(scope="module")
def opd_nm():
    """Cells on every seam and where seams cross, at the border and in between; 2 nm of noise."""
    seams_y, seams_x = (OWN_YX[0],), (OWN_YX[1], 2 * OWN_YX[1])
    at_px = [(y, x) for y in seams_y for x in (20, *seams_x, 170, 300)]
    at_px += [(y, x) for y in (25, 60, 150, 197) for x in (3, 40, 80, *seams_x, 260, 320)]
    noise_nm = np.random.default_rng(8).normal(0, 2, SHAPE_YX)
    return (domes_nm(np.array(at_px) * PITCH_UM) + noise_nm).astype(np.float32)


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "m.safetensors"
    save_cnn(PlainCnn(PlainCnnSpec(1, 4, 3, 4, 2)), path, card={"pixel_pitch_um": str(PITCH_UM)})
    return path


def test_whole_and_tiled_fields_give_one_list(opd_nm, monkeypatch):
    """The shipped network; its maps agree to rounding, and so do the cells."""
    represent = load_represent(MODELS / "quantify.safetensors")
    whole = represent(opd_nm, PITCH_UM)
    shapes, real = [], cnn_tiles.apply_cnn

    def apply(network, maps):
        shapes.append(maps.shape[-2:])
        return real(network, maps)

    monkeypatch.setattr(cnn_tiles, "apply_cnn", apply)
    represent.network.most_px = 200**2
    tiled = represent(opd_nm, PITCH_UM)
    assert len(shapes) == 6 and max(shapes) < SHAPE_YX
    spans_yx = [[own.stop for _, own in _spans(n, 116, MARGIN_PX, 2)] for n in SHAPE_YX]
    assert spans_yx == [[100, 200], [112, 224, 331]], "the cells no longer lie on the seams"
    np.testing.assert_allclose(tiled, whole, atol=1e-5)
    cells, again = (find_peaks(maps, PITCH_UM, CONFIG) for maps in (whole, tiled))
    assert len(cells) == 33 and cells["touches_border"].sum() == 8
    pd.testing.assert_frame_equal(again, cells, rtol=1e-5, atol=1e-4)


def known_network(monkeypatch, weights, device="cpu"):
    """The file's network, but for its answer: OPD over its scale in each map."""
    represent = load_represent(weights, device)
    seen = []

    def apply(network, maps):
        seen.append(maps)
        return maps[[0, 0, 0, 0]]

    monkeypatch.setattr(cnn_tiles, "apply_cnn", apply)
    return represent, seen


@pytest.mark.parametrize("pitch_um", [PITCH_UM, 1.005 * PITCH_UM])
def test_at_its_own_pitch_the_network_sees_the_frame_as_it_is(monkeypatch, weights, pitch_um, caplog):
    represent, seen = known_network(monkeypatch, weights)
    opd_nm = domes_nm([(90.0, 130.0)])
    with caplog.at_level(logging.INFO):
        maps = represent(opd_nm, pitch_um)
    np.testing.assert_allclose(seen[0][0], opd_nm / 100)
    np.testing.assert_allclose(maps, np.stack([opd_nm / 100] * 4))
    assert not caplog.records


@pytest.mark.parametrize("pitch_um", [0.7, 1.2, 2.4, 4.1])
def test_at_another_pitch_the_network_sees_the_frame_at_its_own(monkeypatch, weights, pitch_um):
    """Maps come back on the grid of the frame, as scikit-image would resample both."""
    represent, seen = known_network(monkeypatch, weights)
    shape_yx = (round(200 / pitch_um), round(310 / pitch_um))
    opd_nm = domes_nm([(90.0, 130.0), (150.0, 30.0)], shape_yx, pitch_um)
    maps = represent(opd_nm, pitch_um)
    at_own_yx = tuple(round(n * pitch_um / PITCH_UM) for n in shape_yx)
    expected = resize(opd_nm, at_own_yx, order=1, anti_aliasing=pitch_um < PITCH_UM) / 100
    np.testing.assert_allclose(seen[0][0], expected, atol=1e-6)
    assert maps.shape == (4, *shape_yx)
    np.testing.assert_allclose(maps[2], resize(expected, shape_yx, order=1), atol=1e-6)
    y, x = np.unravel_index(maps[0].argmax(), shape_yx)
    assert min(abs(y * pitch_um - 90), abs(y * pitch_um - 150)) < 1.5 * max(pitch_um, PITCH_UM)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_noisy_frame_is_looked_at_a_second_time_upside_down_and_quieter(monkeypatch, weights, device):
    """On a strict stand-in for CuPy too; the quieter map is made on the host."""
    if device == "cuda":
        stand_in.install(monkeypatch)
    represent, seen = known_network(monkeypatch, weights, device)
    noise_nm = np.random.default_rng(4).normal(0, 20, SHAPE_YX)
    opd_nm = (domes_nm([(90.0, 130.0), (200.0, 310.0)]) + noise_nm).astype(np.float32)
    maps = to_numpy(represent(opd_nm, PITCH_UM))
    first, second = (to_numpy(one)[0] for one in seen)
    np.testing.assert_allclose(first, opd_nm / 100, rtol=1e-6)
    sd_nm = white_noise_sd_nm(opd_nm)
    quiet = quieter_nm(opd_nm, sd_nm) / 100
    np.testing.assert_allclose(second, quiet[::-1, ::-1], rtol=1e-5, atol=1e-7)
    both = [np.stack([one] * 4) for one in (opd_nm / 100, quiet)]
    np.testing.assert_allclose(maps, agreed(*both, second_share(sd_nm)), rtol=1e-5, atol=1e-6)


def test_a_noisy_frame_at_another_pitch_is_judged_by_what_the_network_sees(monkeypatch, weights):
    """Where the network's pixels are means of many, the noise is gone before it looks."""
    represent, seen = known_network(monkeypatch, weights)
    noise_nm = np.random.default_rng(4).normal(0, 6, (400, 500)).astype(np.float32)
    assert second_share(white_noise_sd_nm(noise_nm)) > 0
    represent(noise_nm, 0.7)
    assert len(seen) == 1


def test_the_second_look_of_the_shipped_network_errs_less_on_noise():
    """Sixteen equal cells apart from each other, with 20 nm of noise; the first look alone is the other."""
    centres_um = [(y_um, x_um) for y_um in (40, 120, 200, 280) for x_um in (60, 170, 280, 390)]
    clean_nm = domes_nm(np.array(centres_um, float))
    noise_nm = np.random.default_rng(5).normal(0, 20, SHAPE_YX)
    opd_nm = (clean_nm + noise_nm).astype(np.float32)
    represent = load_represent(MODELS / "quantify.safetensors")
    true_pg = find_peaks(represent(clean_nm, PITCH_UM), PITCH_UM, CONFIG)["dry_mass_pg"].to_numpy()
    alone = find_peaks(represent.network(opd_nm[None] / 100), PITCH_UM, CONFIG)["dry_mass_pg"].to_numpy()
    twice = find_peaks(represent(opd_nm, PITCH_UM), PITCH_UM, CONFIG)["dry_mass_pg"].to_numpy()
    assert len(true_pg) == len(alone) == len(twice) == len(centres_um)
    assert np.std(twice - true_pg) < 0.9 * np.std(alone - true_pg)


def test_resampling_is_said_once_with_both_pitches(monkeypatch, weights, caplog):
    represent, _ = known_network(monkeypatch, weights)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            represent(np.zeros((40, 60), np.float32), 0.9)
    (record,) = caplog.records
    assert record.levelname == "INFO"
    assert "the pixel pitch is 0.9 um, the network has learnt at 1.67 um: OPD is resampled" in record.message


@pytest.mark.parametrize("pitch_um", [0.66, 4.2, 10.0])
def test_a_pitch_too_far_from_the_training_is_refused(weights, pitch_um):
    says = (
        f"the pixel pitch is {pitch_um:.4g} um, expected 0.668 to 4.175 um: the network has learnt cells at "
        "1.67 um and does not know them at this one; set quantify.method to 'reference'"
    )
    with pytest.raises(ValueError, match=re.escape(says)):
        load_represent(weights)(np.zeros((40, 60), np.float32), pitch_um)


@pytest.mark.parametrize("pitch_um", [PITCH_UM, 0.9])
def test_maps_stay_on_the_device_and_give_the_cells_of_the_host(monkeypatch, weights, pitch_um):
    """On a strict stand-in for CuPy, the network's place taken by the truth."""
    cupy = stand_in.install(monkeypatch)
    cells = pd.DataFrame({"y_um": [60.0, 60.0, 90.0], "x_um": [100.0, 112.0, 40.0]})
    cells = cells.assign(dry_mass_pg=[150.0, 220.0, 300.0], area_um2=500.0, max_opd_nm=80.0, length_um=30.0)
    opd_nm = 100 * draw_representation(cells, (150, 230), pitch_um)[0]
    found = []
    for device in ("cpu", "cuda"):
        represent, _ = known_network(monkeypatch, weights, device)
        maps = represent(opd_nm, pitch_um)
        assert type(maps) is (np.ndarray if device == "cpu" else cupy.ndarray)
        found.append(find_peaks(maps, pitch_um, CONFIG))
    assert len(found[0]) == 3
    pd.testing.assert_frame_equal(found[1], found[0], rtol=0, atol=1e-6)
