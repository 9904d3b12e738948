"""How sharpness and misfit are combined into one distance."""

import numpy as np
import pytest

from lensfree.config import FocusConfig, OpticsConfig
from lensfree.optics.focus import (
    central_field,
    dark_focus,
    find_focus,
    find_sharpest,
    refocus,
    scan_sharpness,
    sharpness,
)
from lensfree.optics.hologram import Channel, PaddedGrid, build_transfers
from lensfree.optics.propagation import propagate

SHAPE_YX = (96, 140)
PITCH_UM = 1.67
Z_UM = 900.0
GREEN = Channel(540.0, 0.0)  # distances of channels are not used here
CONFIG = FocusConfig(z_min_um=500.0, z_max_um=1600.0, steps=41)
BESIDE = FocusConfig(z_min_um=650.0, z_max_um=850.0, steps=3)  # sharper and sharper towards the end
IDEAL = OpticsConfig(led_fwhm_nm=0.0, source_diameter_um=0.0)


def absorber_hologram(n=10):
    """Return the hologram (1, y, x) of opaque square specks at Z_UM."""
    rng = np.random.default_rng(0)
    transmission = np.ones(SHAPE_YX)
    for _ in range(n):
        y, x = rng.integers(10, SHAPE_YX[0] - 20), rng.integers(10, SHAPE_YX[1] - 20)
        transmission[y : y + 7, x : x + 5] = 0.2
    transfer = build_transfers(
        [Channel(540.0, Z_UM)], np.empty(SHAPE_YX, complex), pixel_pitch_um=PITCH_UM, optics=IDEAL
    )[0]
    return abs(propagate(transmission, transfer))[None] ** 2


def find(misfit_at, config=CONFIG):
    return find_focus(
        absorber_hologram(), [GREEN], pixel_pitch_um=PITCH_UM, config=config, misfit_at=misfit_at
    )


def test_an_absorber_is_sharpest_in_focus():
    found_um = find_sharpest(absorber_hologram(), [GREEN], pixel_pitch_um=PITCH_UM, config=CONFIG)
    assert found_um == pytest.approx(Z_UM, rel=0.02)


def test_refocusing_shows_the_absorber_again():
    hologram = absorber_hologram()[0]
    grid = PaddedGrid.around(SHAPE_YX, 40)
    in_focus = refocus(hologram**0.5, GREEN, Z_UM, grid, PITCH_UM)
    off_focus = refocus(hologram**0.5, GREEN, 1.3 * Z_UM, grid, PITCH_UM)
    assert in_focus.shape == SHAPE_YX
    assert sharpness(in_focus) > 1.1 * sharpness(off_focus)
    assert dark_focus(in_focus) > 1.1 * dark_focus(off_focus)


def test_a_clear_minimum_of_the_misfit_overrules_sharpness():
    best_um = 1.08 * Z_UM
    focus = find(lambda z_um: 1 + ((z_um - best_um) / (0.1 * best_um)) ** 2)
    assert focus.decided_by == "misfit"
    assert focus.z_um == focus.z_misfit_um == pytest.approx(best_um, rel=1e-3)
    assert focus.z_sharpness_um == pytest.approx(Z_UM, rel=0.02)


def test_a_lopsided_minimum_is_found_too():
    best_um = 0.95 * Z_UM
    focus = find(lambda z_um: 1 + abs(z_um - best_um) * (4 if z_um < best_um else 1) / 100)
    assert focus.z_um == pytest.approx(best_um, rel=0.01)


@pytest.mark.parametrize(
    "misfit_at", [lambda z_um: z_um, lambda z_um: 1 / z_um, lambda z_um: 1 + 0.5 * (z_um / Z_UM - 1) ** 2]
)
def test_sharpness_stands_where_the_misfit_has_no_clear_minimum(misfit_at):
    focus = find(misfit_at)
    assert focus.decided_by == "sharpness"
    assert focus.z_um == focus.z_sharpness_um == pytest.approx(Z_UM, rel=0.02)


@pytest.mark.parametrize("is_steep_on", ["left", "right"])
def test_a_minimum_that_rises_on_one_side_only_is_not_clear(is_steep_on):
    def misfit_at(z_um):
        is_left = z_um < Z_UM
        return 1 + abs(z_um / Z_UM - 1) * (5 if is_left == (is_steep_on == "left") else 0.2)

    assert find(misfit_at).decided_by == "sharpness"


def test_one_colour_asks_the_misfit_near_the_sharpest_distance_only():
    asked = []
    find(lambda z_um: asked.append(z_um) or (z_um / Z_UM - 1) ** 2 + 0.1)
    assert 0.68 * Z_UM < min(asked) < 0.75 * Z_UM and 1.1 * Z_UM < max(asked) < 1.2 * Z_UM


def test_several_colours_ask_it_over_the_whole_range():
    best_um, asked = 1.5 * Z_UM, []
    twice = np.concatenate([absorber_hologram()] * 2)

    def misfit_at(z_um):
        asked.append(z_um)
        return (z_um / best_um - 1) ** 2 + 0.05

    focus = find_focus(
        twice, [GREEN, Channel(640.0, 0.0)], pixel_pitch_um=PITCH_UM, config=CONFIG, misfit_at=misfit_at
    )
    assert min(asked) == CONFIG.z_min_um and max(asked) == pytest.approx(CONFIG.z_max_um)
    assert focus.decided_by == "misfit" and focus.z_um == pytest.approx(best_um, rel=0.01)


def test_colours_share_their_vote():
    hologram = absorber_hologram()
    alone = scan_sharpness(hologram, [GREEN], [800.0, 900.0], pixel_pitch_um=PITCH_UM)
    other = scan_sharpness(hologram, [Channel(640.0, 0.0)], [800.0, 900.0], pixel_pitch_um=PITCH_UM)
    both = scan_sharpness(
        np.concatenate([hologram, hologram]),
        [GREEN, Channel(640.0, 0.0)],
        [800.0, 900.0],
        pixel_pitch_um=PITCH_UM,
    )
    np.testing.assert_allclose(both, (alone + other) / 2, rtol=1e-6)


@pytest.mark.parametrize("nothing", [np.nan, 0.0, -0.1])
def test_missing_pixels_count_as_open_beam(nothing):
    hologram = absorber_hologram()
    hologram[0, :6, :9] = nothing
    found_um = find_sharpest(hologram, [GREEN], pixel_pitch_um=PITCH_UM, config=CONFIG)
    assert found_um == pytest.approx(Z_UM, rel=0.02)


def test_without_a_peak_of_sharpness_the_misfit_decides_alone():
    assert np.isnan(find_sharpest(absorber_hologram(), [GREEN], pixel_pitch_um=PITCH_UM, config=BESIDE))
    focus = find(lambda z_um: (z_um / 740 - 1) ** 2 + 0.1, config=BESIDE)
    assert focus.decided_by == "misfit" and focus.z_um == pytest.approx(740, rel=0.01)
    assert np.isnan(focus.z_sharpness_um)


def test_a_range_without_any_optimum_says_what_to_do():
    message = r"neither sharpness nor misfit .* between z_min_um=650.0 and z_max_um=850.0; widen the range"
    with pytest.raises(ValueError, match=message):
        find(lambda z_um: z_um, config=BESIDE)


def test_the_central_field_is_central_and_never_larger_than_the_image():
    image = np.arange(3 * 10 * 20).reshape(3, 10, 20)
    np.testing.assert_array_equal(central_field(image, 6), image[:, 2:8, 7:13])
    np.testing.assert_array_equal(central_field(image, 12), image[:, :, 4:16])
