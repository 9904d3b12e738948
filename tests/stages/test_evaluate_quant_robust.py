"""Degraded maps are as they are said to be, and what they cost is counted."""

import numpy as np
import pandas as pd
import pytest

from lensfree.config import EvaluateConfig
from lensfree.stages.evaluate_quant_robust import LARGEST_FALL, degraded, level_name, measure_robustness
from lensfree.stages.quant_looks import Answer, Sample
from lensfree.stages.quant_summary import Wording

PITCH_UM = 1.67
SHAPE_YX = (180, 260)
SEVEN = ((0, 0), (10, 0), (20, 0), (0, 15), (0, 30), (10, 15), (20, 30))


def added_nm(noise_sd_nm, background_nm, seed=5):
    level = np.full(SHAPE_YX, 40.0, np.float32)
    spoilt = degraded(level, PITCH_UM, noise_sd_nm, background_nm, np.random.default_rng(seed))
    assert spoilt.dtype == np.float32
    return spoilt.astype(float) - level


def test_the_levels_are_the_seven_of_the_paper():
    assert EvaluateConfig().quant_degradation_nm == SEVEN
    assert level_name(20.0, 30.0) == "n20_b30"


def test_noise_is_white_and_has_the_sd():
    noise_nm = added_nm(20.0, 0.0)
    assert noise_nm.std() == pytest.approx(20.0, rel=0.02)
    for one, other in ((noise_nm[1:], noise_nm[:-1]), (noise_nm[:, 1:], noise_nm[:, :-1])):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.02


def test_the_background_is_smooth_and_reaches_its_amplitude():
    slow_nm = added_nm(0.0, 30.0)
    assert np.abs(slow_nm).max() == pytest.approx(30.0, rel=1e-5)
    assert max(np.abs(np.diff(slow_nm, axis=axis)).max() for axis in (0, 1)) < 0.1 * 30.0
    assert slow_nm.std() > 5.0


def test_a_seed_gives_one_pattern_that_levels_scale():
    np.testing.assert_array_equal(added_nm(10.0, 15.0), added_nm(10.0, 15.0))
    np.testing.assert_allclose(added_nm(20.0, 30.0), 2 * added_nm(10.0, 15.0), atol=1e-3)
    assert np.abs(added_nm(10.0, 15.0, seed=6) - added_nm(10.0, 15.0)).max() > 10
    assert not added_nm(0.0, 0.0).any()


@pytest.fixture
def sample():
    rng = np.random.default_rng(0)
    y_um, x_um = np.meshgrid(np.arange(40.0, 260.0, 30.0), np.arange(40.0, 390.0, 30.0), indexing="ij")
    cells = pd.DataFrame({"y_um": y_um.ravel(), "x_um": x_um.ravel()})
    return Sample(np.zeros(SHAPE_YX), cells.assign(dry_mass_pg=rng.uniform(100, 300, len(cells))))


def measured(sample, error_per_nm):
    """A method whose error of dry mass is so many pg per nm of the map's sd."""
    rng = np.random.default_rng(1)

    def method(opd_nm):
        error_pg = error_per_nm * opd_nm.std() * rng.standard_normal(len(sample.cells))
        return Answer(sample.cells.assign(dry_mass_pg=sample.cells["dry_mass_pg"] + error_pg), np.empty(0))

    evaluate = EvaluateConfig(seeds=(90001,))
    return measure_robustness("q", method, [sample], PITCH_UM, evaluate, Wording(), LARGEST_FALL)


def test_a_method_that_noise_does_not_touch_falls_by_nothing(sample):
    scores = measured(sample, 0.0)
    assert scores["q.mass_r2_fall"].value == pytest.approx(0.0, abs=1e-9)
    assert scores["q.mass_r2_fall"].is_met is True
    for noise_nm, background_nm in SEVEN:
        assert scores[f"q.n{noise_nm}_b{background_nm}.recall"].value == 1.0


def test_a_method_that_noise_disturbs_falls_and_misses_the_target(sample):
    scores = measured(sample, 2.0)
    r2 = {level: scores[f"q.n{level[0]}_b{level[1]}.mass_r2"].value for level in SEVEN}
    assert r2[(0, 0)] == pytest.approx(1.0)
    assert r2[(0, 0)] > r2[(10, 0)] > r2[(20, 0)] > r2[(20, 30)]
    fall = scores["q.mass_r2_fall"]
    assert fall.value == pytest.approx(r2[(0, 0)] - r2[(20, 30)])
    assert (fall.is_met, fall.target, fall.better) == (False, 0.02, "lower")
    assert scores["q.n20_b30.mass_mad"].value > scores["q.n10_b0.mass_mad"].value > 0
    assert "noise of 20 nm sd and a background of 30 nm added" in scores["q.n20_b30.mass_r2"].meaning
    assert set(scores) == {"q.mass_r2_fall"} | {
        f"q.n{noise}_b{background}.{name}"
        for noise, background in SEVEN
        for name in ("precision", "recall", "mass_r2", "mass_slope", "mass_intercept", "mass_mad")
    }


def test_each_field_has_a_pattern_of_its_own_that_seeds_fix(sample):
    def seen(seeds):
        maps = []

        def method(opd_nm):
            maps.append(opd_nm)
            return Answer(sample.cells, np.empty(0))

        levels = ((0.0, 0.0), (10.0, 15.0), (20.0, 30.0))
        evaluate = EvaluateConfig(seeds=seeds, quant_degradation_nm=levels)
        measure_robustness("q", method, [sample, sample], PITCH_UM, evaluate, Wording())
        return np.array(maps)

    maps = seen((90001,))
    np.testing.assert_array_equal(seen((90001,)), maps)
    np.testing.assert_allclose(maps[4], 2 * maps[2], atol=1e-4)
    assert not np.allclose(maps[2], maps[3])
    assert not np.allclose(seen((90002,))[2], maps[2])
