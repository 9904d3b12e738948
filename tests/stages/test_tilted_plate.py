"""The tilt of a plate, found in several places of a wide field, and what it is good for."""

import logging
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from fields import FLAT_CELLS
from tilted import field_at, rise, tilted_field

from lensfree.config import FocusConfig, OpticsConfig, ReconstructConfig
from lensfree.optics.hologram import Channel
from lensfree.optics.plate import Tilt, moved
from lensfree.phase.retriever import Retriever
from lensfree.stages.distance import DistanceFinder
from lensfree.stages.plate import find_plate

PITCH_UM = 1.67
RECIPE = replace(FLAT_CELLS, shape_yx=(160, 490))
CONFIG = FocusConfig(field_px=64)
HERE = [Channel(640.0, 1000.0), Channel(450.0, 1000.0, 2.0, -1.0)]
STEEP = Tilt(y_um_per_mm=30.0, x_um_per_mm=-20.0)


@dataclass(frozen=True)
class Told(DistanceFinder):
    """A finder to which the 'hologram' says the distance of every pixel; NaN where it finds none."""

    places: list = field(default_factory=list)

    def settle(self, intensity, channels, saturated=None):
        self.places.append(intensity.shape)
        z_um = float(intensity[0].mean())
        return moved(channels, z_um - channels[0].z_um) if np.isfinite(z_um) else None


def told(**others) -> Told:
    config = CONFIG.model_copy(update=others)
    return Told(PITCH_UM, OpticsConfig(), config, ReconstructConfig(device="cpu"))


def distances(shape_yx, tilt, z_um=1000.0):
    recipe = replace(RECIPE, shape_yx=shape_yx)
    return np.repeat((z_um + rise(recipe, tilt))[None], 2, axis=0)


def find(image, finder=None):
    return find_plate(image, np.zeros(image.shape, bool), HERE, finder or told())


def test_a_steep_plate_is_found_with_its_distance_in_the_middle():
    finder = told()
    channels, tilt = find(distances((200, 330), STEEP, 1004.0), finder)
    assert (tilt.y_um_per_mm, tilt.x_um_per_mm) == pytest.approx((30.0, -20.0))
    assert channels == moved(HERE, channels[0].z_um - 1000.0)
    assert channels[0].z_um == pytest.approx(1004.0, abs=1e-6)
    assert finder.places == [(2, 64, 64)] * 9


@pytest.mark.parametrize(("shape_yx", "kept"), [((150, 330), (0.0, -20.0)), ((330, 150), (30.0, 0.0))])
def test_a_field_that_is_long_one_way_is_tried_that_way(shape_yx, kept):
    finder = told()
    _, tilt = find(distances(shape_yx, Tilt(*kept)), finder)
    assert (tilt.y_um_per_mm, tilt.x_um_per_mm) == pytest.approx(kept)
    assert len(finder.places) == 3


def test_a_small_field_is_not_tried():
    finder = told()
    assert find(distances((191, 191), STEEP), finder) == (HERE, Tilt())
    assert finder.places == []


def test_a_tilt_that_one_distance_serves_is_none():
    """3 um of 1000 from end to end; the tolerance of 0.2 % lets 4 pass."""
    shape_yx = (200, 330)
    slope = 3.0 / (330 * PITCH_UM / 1000)
    channels, tilt = find(distances(shape_yx, Tilt(0.0, slope), 990.0))
    assert tilt == Tilt() and channels[0].z_um == pytest.approx(990.0)
    assert find(distances(shape_yx, Tilt(0.0, slope)), told(z_tolerance=0.001))[
        1
    ].x_um_per_mm == pytest.approx(slope)


def test_scattered_distances_are_no_tilt():
    image = distances((200, 330), Tilt()) + np.random.default_rng(6).normal(0, 60, (1, 200, 330))
    assert find(image, told(z_tolerance=1e-6))[1] == Tilt()


def test_places_without_a_clear_focus_are_left_out(caplog):
    image = distances((200, 330), STEEP)
    image[:, :60, :60] = image[:, 80:120, 150:180] = np.nan
    assert find(image)[1].x_um_per_mm == pytest.approx(-20.0)
    image[:, :, 100:] = np.nan
    with caplog.at_level(logging.WARNING):
        assert find(image) == (HERE, Tilt())
    assert "too few places of the field have a clear focus; one distance" in caplog.text


def test_a_bent_plate_is_named(caplog):
    image = distances((200, 330), Tilt())
    image += 100 * (np.arange(330) / 330 - 0.5) ** 2
    with caplog.at_level(logging.WARNING):
        find(image)
    assert "off a plane" in caplog.text and "the plate may be bent" in caplog.text


def test_the_tilt_of_a_sensor_is_found_and_makes_dry_masses_right():
    """20 um/mm over 0.8 mm are 0.8 % of the distance either way. Measured: found 21.0 um/mm and 1000.1 um;
    the dry mass of the right third over that of the left is 3.2 % low with one distance, 0.7 % high in tiles.
    """
    true = Tilt(0.0, 20.0)
    tilted = tilted_field(RECIPE, true, seed=71001)
    reconstruct = ReconstructConfig(device="cpu", padding_um=40.0)  # leaves room for four tiles and more
    finder = DistanceFinder(
        PITCH_UM, OpticsConfig(), CONFIG.model_copy(update={"field_px": 160}), reconstruct
    )
    channels, tilt = find_plate(tilted.intensity, tilted.saturated, tilted.channels, finder)
    assert tilt.y_um_per_mm == 0 and tilt.x_um_per_mm == pytest.approx(20.0, abs=4.0)
    assert channels[0].z_um == pytest.approx(1000.0, abs=5.0)

    def right_over_left(frame, at, by_tilt):
        """Return the dry mass found in the right third of the field over that in the left."""
        retriever = Retriever(PITCH_UM, OpticsConfig(), reconstruct, tilt=by_tilt)
        found_nm = np.where(frame.labels > 0, retriever(frame.intensity, at, frame.saturated).opd_nm, 0)
        return found_nm[:, -160:].sum() / found_nm[:, :160].sum()

    # The same cells and noise on a parallel sensor are what to compare with. On the tilted one the far end
    # takes too small a distance for its own, and loses dry mass.
    parallel = field_at(RECIPE, 1000.0, seed=71001)
    expected = right_over_left(parallel, parallel.channels, Tilt())
    one, plane = (right_over_left(tilted, channels, t) / expected for t in (Tilt(), tilt))
    assert one < 0.98 and abs(plane - 1) < 0.4 * abs(one - 1)
