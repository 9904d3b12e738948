"""Round cells of known thickness: what is asked for is what is rendered."""

import numpy as np
import pytest

from lensfree.config import Config, EvaluateConfig
from lensfree.stages.evaluate_wraps import SPACING_UM, round_cells
from lensfree.stages.training_fields import FieldMaker, draw_recipe

CONFIG = Config(evaluate=EvaluateConfig(field_px=256, seeds=(90001,)))


def test_every_cell_has_the_maximum_and_the_dry_mass_of_a_half_ellipsoid():
    field = round_cells(700.0, CONFIG, np.random.default_rng(0))
    assert field.opd_nm.shape == field.labels.shape == (96, 128)
    grid = [round(n * 1.67 / SPACING_UM) for n in field.opd_nm.shape]
    assert len(field.cells) == field.labels.max() == grid[0] * grid[1]
    for label in range(1, len(field.cells) + 1):
        inside = field.labels == label
        assert field.opd_nm[inside].max() == pytest.approx(700, rel=0.03)
        ellipsoid = 2 / 3 * 700 * inside.sum()
        assert field.opd_nm[inside].sum() == pytest.approx(ellipsoid, rel=0.05)


def test_a_gain_thickens_round_cells_alone():
    recipe = draw_recipe(np.random.default_rng(1), CONFIG.fields)
    thick = type(recipe)(**{**vars(recipe), "round_fraction": 0.5, "round_opd_gain": (2.0, 2.0)})
    plain = type(recipe)(**{**vars(recipe), "round_fraction": 0.5})
    cells = [
        FieldMaker(some, CONFIG.optics, np.random.default_rng(2)).draw(np.random.default_rng(3)).cells
        for some in (thick, plain)
    ]
    ratio = cells[0]["dry_mass_pg"] / cells[1]["dry_mass_pg"]
    is_round = cells[1]["state"] == "round"
    assert is_round.any() and not is_round.all()
    np.testing.assert_allclose(ratio[is_round], 2)
    np.testing.assert_allclose(ratio[~is_round], 1)
    np.testing.assert_allclose(cells[0]["area_um2"], cells[1]["area_um2"])
