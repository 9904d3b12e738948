"""Phase retrieval on small synthetic fields with known OPD."""

import numpy as np
import pytest
from scenes import CONFIG, OPTICS, PITCH_UM, RGB, SHAPE_YX, cells_opd_nm, holograms, recorded

from lensfree.config import ReconstructConfig
from lensfree.optics.hologram import Channel
from lensfree.phase.retrieve import first_descent, retrieve

INSTRUMENT = {"pixel_pitch_um": PITCH_UM, "optics": OPTICS}


@pytest.fixture(scope="module")
def flat():
    """OPD, absorption and holograms of flat cells."""
    opd_nm = cells_opd_nm()
    absorption = 3e-4 * opd_nm
    return recorded(opd_nm), recorded(absorption), holograms(opd_nm, absorption)


@pytest.fixture(scope="module")
def wrapped():
    """The same with one round cell of more than a wavelength."""
    opd_nm = cells_opd_nm(is_with_wrapped=True)
    absorption = 1e-4 * opd_nm
    return recorded(opd_nm), recorded(absorption), holograms(opd_nm, absorption)


def rms(values):
    return float(np.sqrt(np.mean(np.square(values))))


def test_flat_cells_are_recovered_with_their_integral(flat):
    opd_nm, absorption, intensity = flat
    found = retrieve(intensity, RGB, config=CONFIG, **INSTRUMENT)
    assert found.opd_nm.shape == found.absorption.shape == SHAPE_YX
    assert found.opd_nm.dtype == found.absorption.dtype == np.float32
    assert rms(found.opd_nm - opd_nm) < 6
    assert np.corrcoef(found.opd_nm.ravel(), opd_nm.ravel())[0, 1] > 0.97
    inside = opd_nm > 5
    assert found.opd_nm[inside].sum() / opd_nm[inside].sum() == pytest.approx(1, abs=0.1)
    assert found.misfit < found.misfit_first < 1e-3
    iterations = CONFIG.iterations_first + CONFIG.iterations_last
    assert iterations < found.n_evaluations <= iterations + 6  # almost every first step is taken


def test_a_refinement_near_the_truth_is_kept_and_improved(wrapped):
    opd_nm, absorption, intensity = wrapped

    def refine(found_opd_nm, found_absorption):
        bumps = 5 * np.sin(np.arange(SHAPE_YX[1]) / 3)[None, :]
        return (0.97 * opd_nm + bumps).astype(np.float32), absorption.astype(np.float32)

    started = rms(refine(None, None)[0] - opd_nm)
    found = retrieve(intensity, RGB, config=CONFIG, refine=refine, **INSTRUMENT)
    assert rms(found.opd_nm - opd_nm) < started
    peak = opd_nm == opd_nm.max()
    assert found.opd_nm[peak] == pytest.approx(620, rel=0.1)
    inside = opd_nm > 5
    assert found.opd_nm[inside].sum() / opd_nm[inside].sum() == pytest.approx(1, abs=0.05)


def test_without_refinement_a_wrapped_cell_stays_wrapped(wrapped):
    # the reason why the alternation exists; if this fails, the CNN is not needed any more
    opd_nm, _, intensity = wrapped
    found = retrieve(intensity, RGB, config=CONFIG, **INSTRUMENT)
    assert found.opd_nm[opd_nm == opd_nm.max()] < 310


def test_no_refinement_equals_an_identity(flat):
    intensity = flat[2]
    plain = CONFIG.model_copy(update={"metric_damping": 0.0})  # the metric is for what a CNN leaves
    without = retrieve(intensity, RGB, config=plain, **INSTRUMENT)
    identity = retrieve(
        intensity, RGB, config=plain, refine=lambda opd, absorption: (opd, absorption), **INSTRUMENT
    )
    np.testing.assert_allclose(identity.opd_nm, without.opd_nm, atol=0.05)
    assert identity.misfit == pytest.approx(without.misfit, rel=1e-3)


def test_the_first_descent_is_what_the_refinement_sees(flat):
    intensity = flat[2]
    seen = []

    def refine(opd_nm, absorption):
        seen.append((opd_nm.copy(), absorption.copy()))
        return opd_nm, absorption

    retrieve(intensity, RGB, config=CONFIG, refine=refine, **INSTRUMENT)
    alone = first_descent(intensity, RGB, config=CONFIG, **INSTRUMENT)
    np.testing.assert_array_equal(seen[0][0], alone[0])
    np.testing.assert_array_equal(seen[0][1], alone[1])
    assert len(seen) == 1 and alone[0].shape == SHAPE_YX


def test_the_background_level_is_zero(flat):
    opd_nm, _, intensity = flat
    found = retrieve(
        intensity, RGB, config=CONFIG, refine=lambda opd, absorption: (opd + 300, absorption), **INSTRUMENT
    )
    background = recorded(cells_opd_nm()) < 0.5
    assert np.median(found.opd_nm[background]) == pytest.approx(0, abs=3)


def test_missing_pixels_do_not_matter_whatever_they_hold(flat):
    opd_nm, _, intensity = flat
    holes = np.zeros(SHAPE_YX, bool)
    holes[40:44, 60:66] = True
    holes[::17, ::23] = True
    broken = intensity.copy()
    broken[:, holes] = np.nan
    broken[0, 5, 5] = np.inf
    found = retrieve(broken, RGB, config=CONFIG, **INSTRUMENT)
    whole = retrieve(intensity, RGB, config=CONFIG, **INSTRUMENT)
    assert np.isfinite(found.opd_nm).all() and np.isfinite(found.absorption).all()
    assert found.misfit < 1.1 * whole.misfit
    assert rms(found.opd_nm - opd_nm) < 6


def test_swapping_the_axes_of_the_data_swaps_those_of_the_result(flat):
    intensity = flat[2]
    turned = [Channel(c.wavelength_nm, c.z_um, c.shift_x_um, c.shift_y_um) for c in RGB]
    straight = retrieve(intensity, RGB, config=CONFIG, **INSTRUMENT)
    across = retrieve(np.swapaxes(intensity, 1, 2).copy(), turned, config=CONFIG, **INSTRUMENT)
    np.testing.assert_allclose(across.opd_nm.T, straight.opd_nm, atol=1.0)


def test_shifts_and_distances_of_the_channels_are_used(flat):
    intensity = flat[2]
    right = retrieve(intensity, RGB, config=CONFIG, **INSTRUMENT).misfit
    unshifted = [Channel(c.wavelength_nm, c.z_um) for c in RGB]
    farther = [Channel(c.wavelength_nm, 1.08 * c.z_um, c.shift_y_um, c.shift_x_um) for c in RGB]
    assert retrieve(intensity, unshifted, config=CONFIG, **INSTRUMENT).misfit > 2 * right
    assert retrieve(intensity, farther, config=CONFIG, **INSTRUMENT).misfit > 1.3 * right
    assert retrieve(intensity, RGB, config=CONFIG, **INSTRUMENT).misfit == right


def test_each_descent_has_its_own_weights(flat):
    intensity = flat[2]
    quick = {"iterations_first": 3, "iterations_last": 3, "iterations_reference": 3}

    def run(**fields):
        return retrieve(intensity, RGB, config=ReconstructConfig(**quick, **fields), **INSTRUMENT)

    usual, last = run(), run(negative_opd_weight_last=1.0)
    assert last.misfit_first == usual.misfit_first and last.misfit != usual.misfit
    assert run(slow_opd_weight_reference=1.0).misfit == usual.misfit
    reference, held = run(method="reference"), run(method="reference", slow_opd_weight_reference=1.0)
    assert abs(held.opd_nm).mean() < 0.9 * abs(reference.opd_nm).mean()


def test_the_reference_method_is_one_long_descent_that_ignores_the_refinement(flat):
    opd_nm, _, intensity = flat
    config = ReconstructConfig(method="reference", iterations_reference=60)

    def refuse(opd, absorption):
        raise AssertionError("the reference method called the refinement")

    found = retrieve(intensity, RGB, config=config, refine=refuse, **INSTRUMENT)
    assert found.misfit == found.misfit_first
    assert 60 < found.n_evaluations < 80
    assert rms(found.opd_nm - opd_nm) < 8


def test_one_colour_alone_works_as_far_as_the_twin_image_lets_it(flat):
    opd_nm, _, intensity = flat
    found = retrieve(intensity[1:2], RGB[1:2], config=CONFIG, **INSTRUMENT)
    assert np.corrcoef(found.opd_nm.ravel(), opd_nm.ravel())[0, 1] > 0.8


def test_three_distances_help_as_three_colours_do(flat):
    opd_nm = cells_opd_nm()
    channels = [Channel(540.0, z_um) for z_um in (800.0, 1000.0, 1250.0)]
    intensity = holograms(opd_nm, 0 * opd_nm, channels)
    found = retrieve(intensity, channels, config=CONFIG, **INSTRUMENT)
    assert np.corrcoef(found.opd_nm.ravel(), recorded(opd_nm).ravel())[0, 1] > 0.97


def test_an_empty_field_stays_empty():
    rng = np.random.default_rng(0)
    intensity = (1 + 0.01 * rng.standard_normal((3, *SHAPE_YX))).astype(np.float32)
    found = retrieve(intensity, RGB, config=CONFIG, **INSTRUMENT)
    assert rms(found.opd_nm) < 3
    assert rms(found.absorption) < 0.01


def test_pixels_without_light_are_left_out_as_missing_ones(flat):
    """One dead pixel in a hundred: as darkness it would cost several nm, as a gap it costs nothing."""
    opd_nm, _, intensity = flat
    dead = np.random.default_rng(1).random(SHAPE_YX) < 0.01
    broken, gaps = intensity.copy(), intensity.copy()
    broken[:, dead] = 0.0
    broken[1, dead] = -0.02  # a dark level was taken off
    gaps[:, dead] = np.nan
    found, expected = (retrieve(i, RGB, config=CONFIG, **INSTRUMENT) for i in (broken, gaps))
    np.testing.assert_array_equal(found.opd_nm, expected.opd_nm)
    assert rms(found.opd_nm - opd_nm) < 6


@pytest.mark.parametrize("light", [0.0, -0.1])
def test_a_channel_mostly_without_light_is_refused_though_the_others_have_it(flat, light):
    dark = flat[2].copy()
    dark[1, : SHAPE_YX[0] * 2 // 3] = light
    with pytest.raises(
        ValueError, match=r"of 0 or below in 67% of channel 1, expected light in .* check lamp"
    ):
        retrieve(dark, RGB, config=CONFIG, **INSTRUMENT)


def test_a_channel_that_was_not_recorded_is_refused(flat):
    gone = flat[2].copy()
    gone[2] = np.nan
    with pytest.raises(ValueError, match="without a finite pixel in channel 2, expected some"):
        retrieve(gone, RGB, config=CONFIG, **INSTRUMENT)


@pytest.mark.parametrize("wrong", [0.54, 540e-9, 5400.0, np.nan])
def test_a_wavelength_in_another_unit_is_refused(flat, wrong):
    with pytest.raises(
        ValueError, match=r"got wavelength_nm=.*, expected 150 to 3000, light in nm: check the"
    ):
        retrieve(flat[2][:1], [Channel(wrong, 1000.0)], config=CONFIG, **INSTRUMENT)


def test_channels_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 96, 144\) with 3 channels, expected \(channel, y, x\)"):
        retrieve(np.ones((2, *SHAPE_YX), np.float32), RGB, config=CONFIG, **INSTRUMENT)


def test_a_frame_without_a_finite_pixel_is_refused():
    with pytest.raises(
        ValueError, match="without a finite pixel in channel 0, expected some: is the frame missing"
    ):
        retrieve(np.full((3, *SHAPE_YX), np.nan, np.float32), RGB, config=CONFIG, **INSTRUMENT)


@pytest.mark.parametrize("scale", [140.0, 0.001])
@pytest.mark.parametrize("which", [slice(None), slice(1, 2)], ids=["all", "one"])
def test_counts_that_nobody_normalised_are_refused(flat, scale, which):
    counts = flat[2].copy()
    counts[which] *= scale
    with pytest.raises(ValueError, match=r"got intensities with median .*, expected about 1, the open beam"):
        retrieve(counts, RGB, config=CONFIG, **INSTRUMENT)


@pytest.mark.parametrize("z_um", [12_000.0, -12_000.0, np.nan, np.inf])
def test_a_distance_that_the_grid_cannot_carry_is_refused(flat, z_um):
    with pytest.raises(
        ValueError, match=r"z_um=\S+ is too far for \d+ pixels of 1.67 um at 640 nm, expected at most \d+ um"
    ):
        retrieve(flat[2][:1], [Channel(640.0, z_um)], config=CONFIG, **INSTRUMENT)


def test_a_refinement_that_leads_away_from_the_data_is_left_out_and_said(flat):
    intensity = flat[2]

    def nonsense(opd_nm, absorption):
        noise_nm = np.random.default_rng(0).normal(0, 300, opd_nm.shape).astype(np.float32)
        return opd_nm + noise_nm, absorption

    found = retrieve(intensity, RGB, config=CONFIG, refine=nonsense, **INSTRUMENT)
    without = retrieve(intensity, RGB, config=CONFIG, refine=lambda *maps: maps, **INSTRUMENT)
    assert found.refine_rejected and not without.refine_rejected
    assert found.misfit == pytest.approx(without.misfit, rel=1e-3)
    np.testing.assert_allclose(found.opd_nm, without.opd_nm, atol=0.1)


def test_a_refinement_of_another_size_is_refused(flat):
    with pytest.raises(ValueError, match=r"refine returned maps of \(95, 144\), expected \(96, 144\)"):
        retrieve(
            flat[2], RGB, config=CONFIG, refine=lambda opd, absorption: (opd[1:], absorption), **INSTRUMENT
        )
