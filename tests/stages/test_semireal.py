"""Semi-real fields: measured cells, simulated light, known truth."""

import numpy as np
import pytest
import tifffile

from lensfree.config import Config, EvaluateConfig
from lensfree.phase.level import background_level_nm
from lensfree.stages import train_unwrap
from lensfree.stages.evaluate_semireal import semireal_field
from lensfree.stages.held_out import masses_pg
from lensfree.stages.training_crops import RealShare

CONFIG = Config(evaluate=EvaluateConfig(seeds=(90001,)))


@pytest.fixture(scope="module")
def field():
    """A synthetic disc of 200 nm over a level of 7 nm in place of a measured map."""
    y, x = np.indices((90, 110))
    disc = np.hypot(y - 45, x - 50) < 7
    return semireal_field(
        (7 + 200.0 * disc).astype(np.float32), disc * np.uint16(31), CONFIG, np.random.default_rng(0)
    )


def test_the_level_of_the_truth_is_that_of_a_retrieved_map(field):
    assert abs(background_level_nm(field.opd_nm)) < 0.1
    assert field.opd_nm[45, 50] == pytest.approx(200, rel=0.02)


def test_cells_keep_their_outlines_and_masses(field):
    true_pg, found_pg, _ = masses_pg(field, np.zeros_like(field.opd_nm), 1.67)
    disc_px = (np.hypot(*(np.indices((90, 110)) - np.array([45, 50])[:, None, None])) < 7).sum()
    assert true_pg == pytest.approx([disc_px * 1.67**2 * 0.2 / 0.18], rel=0.05)
    np.testing.assert_array_equal(true_pg, found_pg)


def test_the_hologram_shows_the_cell(field):
    assert field.intensity.shape == (3, 90, 110)
    around = np.abs(field.intensity[0, 30:60, 35:65] - 1).mean()
    assert around > 3 * np.abs(field.intensity[0, :15, 85:] - 1).mean()


def test_training_uses_the_left_half_alone(tmp_path):
    counts = np.full((3, 40, 60), 5, np.uint8)
    counts[:, :, 30:] = 255
    tifffile.imwrite(tmp_path / "movie.tif", counts, photometric="minisblack")
    share = RealShare(tmp_path / "movie.tif", (), 1.0, 0.0, (300.0, 900.0))
    assert share.movie_cells.counts.max() == 5


def test_errors_of_one_sign_cost_more_than_errors_that_cancel():
    import torch

    target = torch.zeros(1, 2, 32, 48)
    alike = torch.ones_like(target)
    mixed = alike.clone()
    mixed[..., ::2] = -1
    assert train_unwrap.local_mass_l1(alike, target) == pytest.approx(1 + train_unwrap.BLOCK_WEIGHT)
    assert train_unwrap.local_mass_l1(mixed, target) == pytest.approx(1)


def test_a_movie_of_other_than_grey_levels_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "movie.tif", np.zeros((3, 40, 60), np.float32), photometric="minisblack")
    share = RealShare(tmp_path / "movie.tif", (), 1.0, 0.0, (300.0, 900.0))
    with pytest.raises(
        ValueError,
        match=r"movie.tif holds float32 of shape .*, expected 8 or 16 bit grey levels .frame, y, x",
    ):
        _ = share.movie_cells
