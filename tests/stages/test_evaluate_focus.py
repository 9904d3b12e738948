"""The focus evaluation: which fields and files it asks about, and that it starts without the answer."""

from pathlib import Path

import numpy as np
import pytest

from lensfree.config import Config, EvaluateConfig, FocusConfig
from lensfree.optics.focus import find_sharpest
from lensfree.optics.hologram import Channel
from lensfree.stages import evaluate_focus
from lensfree.stages.distance import DistanceFinder

REAL = Path(__file__).parents[2] / "demo" / "real"
CONFIG = Config(evaluate=EvaluateConfig(field_px=96, focus_z_um=(700.0, 1100.0, 1600.0)))


def test_there_is_a_field_per_distance_and_seeds_take_turns():
    drawn = list(evaluate_focus.fields(CONFIG))
    assert [field.channels[0].z_um for field in drawn] == [700.0, 1100.0, 1600.0]
    assert len(drawn[0].channels) == 3
    again = next(evaluate_focus.fields(CONFIG))
    np.testing.assert_array_equal(drawn[0].intensity, again.intensity)


def test_the_default_distances_span_those_of_the_instrument():
    z_um = Config().evaluate.focus_z_um
    assert min(z_um) == 700 and max(z_um) == 1600 and len(z_um) >= 6
    assert Config().focus.z_min_um < min(z_um) and Config().focus.z_max_um > max(z_um)


def test_the_largest_error_of_each_kind_is_reported_with_its_target(monkeypatch):
    """A finder that errs by 3 % everywhere; it is told neither distance nor shifts, only where to look."""
    asked = []

    def find(finder, intensity, channels, saturated=None):
        assert intensity.shape == saturated.shape and saturated.dtype == bool
        assert np.median(intensity) == pytest.approx(1, abs=0.05)
        assert all((c.z_um, c.shift_y_um, c.shift_x_um) == (0, 0, 0) for c in channels)
        asked.append((len(channels), finder.config.z_min_um, finder.config.z_max_um))
        true_um = 1000.0 if len(channels) == 3 else 2 * finder.config.z_min_um
        return [Channel(c.wavelength_nm, 1.03 * true_um) for c in channels]

    monkeypatch.setattr(DistanceFinder, "find", find)
    found = evaluate_focus.run(CONFIG, None, REAL)
    assert found["recon.z_error_percent_dcod"].value == pytest.approx(3.0)
    assert found["recon.z_error_percent_beads"].value == pytest.approx(3.0)
    assert found["recon.z_error_percent_sim"].value == pytest.approx(100 * (1030 / 700 - 1))
    assert [found[f"recon.z_error_percent_{kind}"].n for kind in ("sim", "dcod", "beads")] == [3, 3, 6]
    met = {key.rpartition("_")[2]: measure.is_met for key, measure in found.items()}
    assert (met["sim"], met["dcod"], met["beads"]) == (False, False, True)
    assert {search[1:] for search in asked if search[0] == 3} == {(500.0, 2000.0)}
    assert {search[1:] for search in asked if search[0] == 1} >= {(119.0, 476.0), (157.5, 630.0)}


def test_the_red_blood_cells_are_at_their_distance_by_sharpness_alone():
    """Dense absorbers: the misfit of one colour has no clear minimum there, and sharpness is right."""
    intensity, saturated, channel = evaluate_focus._dcod(REAL / "dcod", "rbcs", Config())
    assert intensity.shape == saturated.shape == (1, 512, 512)

    search = FocusConfig(z_min_um=channel.z_um / 2, z_max_um=channel.z_um * 2)
    middle = intensity[:, 64:-64, 64:-64]
    found_um = find_sharpest(middle, [channel], pixel_pitch_um=1.12, config=search)
    assert found_um == pytest.approx(315, rel=0.02)
