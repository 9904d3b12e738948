"""Scales are what the acquisition shows, and the configuration where it shows nothing or says so."""

import cases
import numpy as np
import pandas as pd
import pytest

from lensfree.config import TrackConfig
from lensfree.tracks.scales import at_interval, estimate_scales, log_dry_mass


def gas(rng, *, step_sd_um, log_mass_sd, n=60, frames=30, persistence=0.0, size_um=(400.0, 900.0)):
    """Cells that step independently of each other, far apart compared with their steps."""
    position = rng.random((n, 2)) * size_um
    log_mass = np.log(rng.uniform(150, 450, n))
    step = step_sd_um * rng.standard_normal((n, 2))
    rows = []
    for frame in range(frames):
        measured = np.exp(log_mass + log_mass_sd * rng.standard_normal(n))
        rows.append(
            pd.DataFrame(
                {"frame": frame, "y_um": position[:, 0], "x_um": position[:, 1], "dry_mass_pg": measured}
            )
        )
        step = persistence * step + step_sd_um * (1 - persistence**2) ** 0.5 * rng.standard_normal((n, 2))
        position = position + step
    return pd.concat(rows).sample(frac=1, random_state=2).reset_index(drop=True)


@pytest.mark.parametrize(("step_sd_um", "log_mass_sd"), [(1.0, 0.05), (2.5, 0.2)])
def test_the_truth_is_found(step_sd_um, log_mass_sd):
    config = TrackConfig(log_mass_trust=1.0)
    scales = estimate_scales(
        gas(np.random.default_rng(1), step_sd_um=step_sd_um, log_mass_sd=log_mass_sd), config
    )
    assert scales.step_sd_um == pytest.approx(step_sd_um, rel=0.08)
    assert scales.persistence == pytest.approx(0.0, abs=0.05)
    assert scales.log_mass_sd == pytest.approx(log_mass_sd, rel=0.08)
    # a measurement off a running mean whose noise is 1/4 of a measurement's variance
    assert scales.log_mass_weight_um == pytest.approx(step_sd_um / (log_mass_sd * 1.25**0.5), rel=0.12)
    # the 95 % quantile of the length of a 2-D normal step is 2.45 sd, below the 3 sd that are the least
    assert scales.search_range_um == pytest.approx(config.search_range_steps * 3 * step_sd_um, rel=0.12)


@pytest.mark.parametrize("persistence", [0.5, 0.85])
def test_persistence_is_that_of_the_walk(persistence):
    cells = gas(np.random.default_rng(6), step_sd_um=2.0, log_mass_sd=0.1, n=120, persistence=persistence)
    # regression of a step on a running velocity 0.6, 0.4 of an AR(1) process
    velocity_power = 0.6**2 + 0.4**2 + 2 * 0.6 * 0.4 * persistence
    expected = (0.6 * persistence + 0.4 * persistence**2) / velocity_power
    assert estimate_scales(cells, TrackConfig()).persistence == pytest.approx(expected, abs=0.06)


def test_two_frames_are_enough_for_steps_but_not_for_persistence():
    cells = gas(np.random.default_rng(6), step_sd_um=2.0, log_mass_sd=0.1, frames=2, persistence=0.8)
    scales = estimate_scales(cells, TrackConfig())
    assert scales.persistence == 0.0 and scales.step_sd_um == pytest.approx(2.0, rel=0.25)


def test_pairs_across_a_missing_frame_are_not_steps():
    cells = gas(np.random.default_rng(1), step_sd_um=2.0, log_mass_sd=0.1)
    cells["frame"] *= 2
    assert estimate_scales(cells, TrackConfig()).step_sd_um == TrackConfig().fallback_step_sd_um


def test_noisier_mass_weighs_less():
    weights = [
        estimate_scales(
            gas(np.random.default_rng(4), step_sd_um=2.0, log_mass_sd=sd), TrackConfig()
        ).log_mass_weight_um
        for sd in (0.05, 0.1, 0.2)
    ]
    assert weights[0] > 1.7 * weights[1] > 1.7**2 * weights[2]


def test_what_the_configuration_says_holds():
    config = TrackConfig(search_range_um=33.0, log_mass_weight_um=0.0)
    scales = estimate_scales(gas(np.random.default_rng(1), step_sd_um=1.0, log_mass_sd=0.05), config)
    assert (scales.search_range_um, scales.log_mass_weight_um) == (33.0, 0.0)


@pytest.mark.parametrize("rows", [0, 1, 20])
def test_too_few_cells_give_the_fallback_and_a_warning(rows, caplog):
    config = TrackConfig()
    scales = estimate_scales(cases.seen(cases.straight_walk()).iloc[:rows], config)
    assert scales.step_sd_um == config.fallback_step_sd_um
    assert scales.log_mass_sd == pytest.approx(config.fallback_log_mass_sd)
    assert "fewer than min_pairs=30" in caplog.text and "set search_range_um" in caplog.text


def test_cells_that_never_move_have_a_finite_weight():
    cells = gas(np.random.default_rng(1), step_sd_um=0.0, log_mass_sd=0.0)
    scales = estimate_scales(cells, TrackConfig())
    assert scales.step_sd_um == TrackConfig().min_step_sd_um
    assert scales.log_mass_sd == pytest.approx(TrackConfig().min_log_mass_sd)


def test_small_and_negative_masses_have_a_logarithm():
    assert np.allclose(
        log_dry_mass(np.array([-5.0, 0.0, 29.0, 60.0]), TrackConfig()), np.log([30, 30, 30, 60])
    )


@pytest.mark.parametrize(
    ("interval_min", "memory", "gap", "track"),
    [(10.0, 2, 6, 3), (6.0, 3, 10, 5), (30.0, 0, 2, 1), (45.0, 0, 1, 1)],
)
def test_frames_last_as_long_at_any_interval(interval_min, memory, gap, track):
    frame = np.array([0, 1, 2, 5, 6])
    cells = pd.DataFrame({"frame": frame, "time_h": frame * interval_min / 60})
    found = at_interval(TrackConfig(), cells.sample(frac=1, random_state=1))
    assert (found.memory_frames, found.max_gap_frames, found.min_track_frames) == (memory, gap, track)


def test_a_single_frame_has_no_interval():
    assert at_interval(TrackConfig(), pd.DataFrame({"frame": [3], "time_h": [0.5]})) == TrackConfig()


def test_a_dry_mass_that_nobody_measured_counts_for_nothing(caplog):
    rng = np.random.default_rng(4)
    frame = np.repeat(np.arange(8), 30)
    start_um = np.tile(rng.uniform(0, 900, (30, 2)), (8, 1))
    cells = pd.DataFrame(
        {"frame": frame, "y_um": start_um[:, 0], "x_um": start_um[:, 1], "dry_mass_pg": 200.0}
    )
    cells["y_um"] += rng.normal(0, 2, len(cells))
    assert estimate_scales(cells, TrackConfig()).log_mass_weight_um == 0
    assert "it was not measured, and counts for nothing" in caplog.text
    spread = cells.assign(dry_mass_pg=np.tile(rng.uniform(150, 350, 30), 8))
    assert estimate_scales(spread, TrackConfig()).log_mass_weight_um > 0
