"""The forward model: channels, shifts, margins."""

import numpy as np
import pytest

from lensfree.config import OpticsConfig
from lensfree.optics.hologram import (
    Channel,
    PaddedGrid,
    build_transfers,
    crop,
    magnification,
    pad,
    padding_px,
)
from lensfree.optics.propagation import propagate

SHAPE_YX = (48, 80)
PITCH_UM = 1.67
IDEAL = OpticsConfig(led_fwhm_nm=0.0, source_diameter_um=0.0)
LIKE = np.empty(SHAPE_YX, complex)


def build(*channels, optics=IDEAL):
    return build_transfers(channels, LIKE, pixel_pitch_um=PITCH_UM, optics=optics)


def dot_sample(y_px=20, x_px=50):
    y, x = np.mgrid[: SHAPE_YX[0], : SHAPE_YX[1]]
    return 1 - 0.5 * np.exp(-((y - y_px) ** 2 + (x - x_px) ** 2) / 8)


def test_open_beam_stays_one_in_every_channel():
    transfers = build(Channel(450.0, 1000.0, 3.0, -2.0), Channel(640.0, 1000.0), optics=OpticsConfig())
    assert transfers.shape == (2, *SHAPE_YX)
    for transfer in transfers:
        np.testing.assert_allclose(propagate(np.ones(SHAPE_YX, complex), transfer), 1.0, atol=1e-12)


def test_a_shift_moves_the_hologram_by_that_much():
    still, moved = build(Channel(540.0, 1000.0), Channel(540.0, 1000.0, 4 * PITCH_UM, -7 * PITCH_UM))
    hologram = abs(propagate(dot_sample(), still)) ** 2
    shifted = abs(propagate(dot_sample(), moved)) ** 2
    np.testing.assert_allclose(shifted, np.roll(hologram, (4, -7), axis=(0, 1)), atol=1e-10)
    assert abs(shifted - hologram).max() > 0.05


def test_coherence_only_ever_lowers_the_gain():
    sharp, soft = build(Channel(540.0, 1000.0)), build(Channel(540.0, 1000.0), optics=OpticsConfig())
    assert abs(sharp[0, 0, 0]) == abs(soft[0, 0, 0]) == pytest.approx(1.0)
    assert np.all(abs(soft) <= abs(sharp) + 1e-12)
    assert abs(soft[0, 24, 40]) < 0.1 * abs(sharp[0, 24, 40])


def test_the_model_of_an_led_agrees_with_a_sum_over_its_lines():
    # weak object, so that first order in the scattered field holds
    sample = np.exp(0.05j * (1 - dot_sample()) * 2 - 0.02 * (1 - dot_sample()))
    lines, weights = np.polynomial.hermite_e.hermegauss(9)
    incoherent = sum(
        w * abs(propagate(sample, build(Channel(540.0 + line * 20 / 2.355, 1000.0))[0])) ** 2
        for line, w in zip(lines, weights / weights.sum(), strict=True)
    )
    led = build(Channel(540.0, 1000.0), optics=OpticsConfig(led_fwhm_nm=20.0, source_diameter_um=0.0))[0]
    model = abs(propagate(sample, led)) ** 2
    one_line = abs(propagate(sample, build(Channel(540.0, 1000.0))[0])) ** 2
    error, ignored = abs(model - incoherent).max(), abs(one_line - incoherent).max()
    assert error < 0.1 * ignored and error < 2e-3


@pytest.mark.parametrize("shape_yx", [(48, 81), (229, 60), (1, 7)])
def test_padding_makes_fast_sizes_and_cropping_undoes_it(shape_yx):
    grid = PaddedGrid.around(shape_yx, 10)
    for n, padded in zip(shape_yx, grid.padded_yx, strict=True):
        assert padded >= n + 20
        for prime in (2, 3, 5):
            while padded % prime == 0:
                padded //= prime
        assert padded == 1
    image = np.random.default_rng(0).standard_normal((2, *shape_yx))
    np.testing.assert_allclose(crop(pad(image, grid), grid), image, atol=1e-12)
    rows, columns = grid.window[1:]
    assert (
        min(rows.start, grid.padded_yx[0] - rows.stop, columns.start, grid.padded_yx[1] - columns.stop) >= 10
    )


def test_the_margin_leads_smoothly_to_open_beam():
    grid = PaddedGrid.around((48, 80), 30)
    padded = pad(np.full((48, 80), 1.6), grid)
    border = np.concatenate([padded[0], padded[-1], padded[:, 0], padded[:, -1]])
    np.testing.assert_allclose(border, 1.0, atol=0.01)
    steps = max(abs(np.diff(padded, axis=0)).max(), abs(np.diff(padded, axis=1)).max())
    assert steps < 0.6 * 2 / 30  # the steepest step of half a cosine over 30 pixels is pi / 2 / 30


def test_no_margin_is_allowed():
    grid = PaddedGrid.around((48, 80), 0)
    assert grid.padded_yx == (48, 80)
    np.testing.assert_array_equal(pad(np.full((48, 80), 0.5), grid), 0.5)


def test_an_image_of_another_size_is_refused():
    grid = PaddedGrid.around((48, 80), 10)
    with pytest.raises(ValueError, match=r"got an image of \(80, 48\) pixels \(y, x\), expected \(48, 80\)"):
        pad(np.ones((80, 48)), grid)
    with pytest.raises(ValueError, match="got an image of"):
        crop(np.ones((48, 80)), grid)


def test_margins_round_up_and_a_point_source_magnifies():
    assert padding_px(110.0, 1.67) == 66
    assert magnification(1000.0, OpticsConfig(source_distance_mm=50.0)) == pytest.approx(1.02)
