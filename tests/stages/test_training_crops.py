"""Which fields a recipe gets: placed at random, grown, or made of real cells."""

from functools import partial

import numpy as np
import pytest

from lensfree.config import FieldsConfig, OpticsConfig, TrainUnwrapConfig
from lensfree.stages.training_crops import CropPlan, _fields

FIELDS = FieldsConfig(fields_per_recipe=400)


class Maker:
    """Says which way a field was asked for."""

    def draw(self, rng):
        return "random"

    def draw_culture(self, n_fields, rng):
        return ["grown"] * n_fields


class Real:
    fraction = 0.3

    def draw(self, maker, rng):
        return "real"


def kinds(seed=0, **drawn):
    plan = CropPlan.of(partial(print), TrainUnwrapConfig(), FIELDS, OpticsConfig(), **drawn)
    return list(_fields(plan, Maker(), np.random.default_rng(seed)))


def test_without_shares_all_cells_are_placed_at_random():
    assert set(kinds()) == {"random"}


def test_real_cells_have_their_share_of_the_fields():
    drawn = kinds(real=Real())
    assert drawn.count("real") / len(drawn) == pytest.approx(0.3, abs=0.08)
    assert set(drawn) == {"real", "random"}


def test_a_share_of_the_recipes_grows_as_a_whole():
    recipes = [set(kinds(seed, culture_fraction=0.4)) for seed in range(100)]
    assert all(len(recipe) == 1 for recipe in recipes)
    assert recipes.count({"grown"}) / 100 == pytest.approx(0.4, abs=0.15)


def test_a_plan_takes_its_counts_from_the_training():
    config = TrainUnwrapConfig(recipes=3, crops_per_field=5, crop_px=48, seed=7)
    plan = CropPlan.of(partial(print), config, FIELDS, OpticsConfig())
    assert (plan.recipes, plan.crops_per_field, plan.crop_px, plan.seed) == (3, 5, 48, 7)
