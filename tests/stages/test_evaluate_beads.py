"""The comparison with a measured phase: what it counts, and what it forgives."""

import numpy as np
import tifffile
from scipy import ndimage

from lensfree.stages.evaluate_beads import (
    CUT_PX,
    PITCH_UM,
    _bead_by_bead,
    _compare,
    _perfect_beads,
    bead_holograms,
    laid_over,
)

SHAPE_YX = (120, 150)


def _beads(slope_rad: float, wave_rad: float) -> np.ndarray:
    """Synthetic beads of 1.5 rad on a plane and a slow wave."""
    y, x = np.indices(SHAPE_YX)
    beads = sum(
        1.5 * (np.hypot(y - cy, x - cx) < 4) for cy, cx in ((20, 30), (60, 60), (55, 100), (100, 120))
    )
    return beads + slope_rad * y / SHAPE_YX[0] + wave_rad * np.sin(2 * np.pi * x / 140)


def test_the_truth_agrees_with_itself_whole_and_cut():
    true_rad = _beads(0.4, 0.1)
    for key, measure in _compare("recon.beads3", true_rad, true_rad, "synthetic").items():
        np.testing.assert_allclose(measure.value, 1.0, rtol=1e-12, err_msg=key)


def test_a_plane_costs_correlation_only_where_it_is_left_in():
    measures = _compare("recon.beads3", _beads(0.0, 0.0), _beads(1.0, 0.0), "synthetic")
    assert measures["recon.beads3_corr"].value < 0.85
    assert measures["recon.beads3_corr_plane_removed"].value > 0.99


def test_half_the_phase_is_half_the_integral():
    measures = _compare("recon.beads1", _beads(0.0, 0.0) / 2, _beads(0.0, 0.0), "synthetic")
    np.testing.assert_allclose(measures["recon.beads1_integral_ratio"].value, 0.5)
    np.testing.assert_allclose(measures["recon.beads1_corr"].value, 1.0)


def test_only_the_whole_field_has_a_target():
    named = _compare("recon.beads3", _beads(0.1, 0.1), _beads(0.1, 0.1), "synthetic")
    aims = {key for key, measure in named.items() if measure.target is not None}
    assert aims == {"recon.beads3_corr", "recon.beads3_integral_ratio"}
    assert f"{CUT_PX} px borders cut" in named["recon.beads3_corr_cut"].meaning


def test_a_map_is_laid_over_the_truth_by_a_fraction_of_a_pixel():
    true_rad = ndimage.gaussian_filter(_beads(0.0, 0.0), 2.0)
    moved = ndimage.shift(true_rad, (0.4, -0.7), order=3, mode="nearest")
    before, after = (np.abs(found - true_rad).max() for found in (moved, laid_over(moved, true_rad)))
    assert after < 0.1 * before


def test_single_beads_are_measured_above_what_surrounds_them():
    true_rad = _beads(0.4, 0.1)
    found_rad = 0.9 * _beads(0.0, 0.0) + 0.3
    measures = _bead_by_bead("recon.beads3", found_rad, true_rad, "synthetic")
    np.testing.assert_allclose(measures["recon.beads3_bead_ratio"].value, 0.9, atol=0.01)
    assert measures["recon.beads3_bead_ratio"].n == 4
    assert measures["recon.beads3_bead_ratio_sd"].value < 0.02


def test_holograms_from_several_distances_are_registered_on_the_first(tmp_path):
    rng = np.random.default_rng(3)
    scene = ndimage.gaussian_filter(rng.normal(size=SHAPE_YX), 1.5)
    for z_mm, shift in ((1, (0, 0)), (2, (2, -1))):
        counts = 100 + 20 * ndimage.shift(scene / scene.std(), shift, mode="wrap")
        tifffile.imwrite(tmp_path / f"beads_0000_z{z_mm:02d}mm.tif", counts.astype(np.uint8))
    intensity, channels = bead_holograms(tmp_path, (1, 2))
    np.testing.assert_allclose(np.median(intensity, axis=(1, 2)), 1.0)
    np.testing.assert_allclose(
        [channels[1].shift_y_um / PITCH_UM, channels[1].shift_x_um / PITCH_UM], (2, -1), atol=0.3
    )


def test_perfect_beads_are_the_truth_without_plane_and_nothing_between():
    perfect = _perfect_beads(_beads(0.3, 0.0))
    assert abs(perfect[60, 60] - 1.5) < 0.1
    assert perfect[30, 75] == 0
    assert (perfect != 0).sum() < 4 * 130
