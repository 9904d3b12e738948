"""Which fields a recipe gets: placed at random, grown, or made of real cells."""

from functools import partial

import numpy as np
import pytest
import tifffile

from lensfree.config import FieldsConfig, OpticsConfig, TrainUnwrapConfig
from lensfree.stages.training_crops import CropPlan, RealShare, _fields, checkpoint_in, read_real
from lensfree.stages.training_fields import draw_recipe

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


def still(path, top):
    tifffile.imwrite(path, np.pad(np.full((8, 12), top, np.uint8), 20), photometric="minisblack")
    return path


def test_stills_stand_beside_the_movie(tmp_path):
    movie = tmp_path / "movie.tif"
    tifffile.imwrite(
        movie,
        np.pad(np.full((3, 8, 12), 100, np.uint8), ((0, 0), (20, 20), (20, 20))),
        photometric="minisblack",
    )
    share = RealShare(
        movie, (still(tmp_path / "a.tif", 150), still(tmp_path / "b.tif", 200)), 1.0, 0.4, (255.0, 255.0)
    )

    class Asked:
        def draw_real(self, cells, nm_per_count, rng):
            assert nm_per_count == pytest.approx(1.0)
            return int(cells.counts.max()), cells.counts.shape

    rng = np.random.default_rng(1)
    drawn = [share.draw(Asked(), rng) for _ in range(600)]
    tops = [top for top, _ in drawn]
    assert tops.count(100) / 600 == pytest.approx(0.6, abs=0.06)
    assert tops.count(150) / 600 == pytest.approx(0.2, abs=0.05)
    shapes = dict(drawn)
    assert shapes[100] == (3, 48, 26) and shapes[200] == (1, 48, 52)  # half of the movie, a still whole


def test_a_file_that_is_no_grey_levels_is_refused(tmp_path):
    path = tmp_path / "phase.tif"
    tifffile.imwrite(path, np.zeros((20, 30), np.float32))
    with pytest.raises(
        ValueError, match=r"phase\.tif holds float32 of shape \(1, 20, 30\), expected 8 or 16 bit"
    ):
        read_real(path)


def test_some_recipes_lack_colours():
    rng = np.random.default_rng(0)
    counts = [len(draw_recipe(rng, FieldsConfig(fewer_colours=0.5)).wavelengths_nm) for _ in range(400)]
    assert counts.count(3) / 400 == pytest.approx(0.5, abs=0.08)
    assert counts.count(1) > 60 and counts.count(2) > 60
    assert all(len(draw_recipe(rng, FieldsConfig(fewer_colours=0)).wavelengths_nm) == 3 for _ in range(50))


def test_trainings_on_the_same_crops_share_them_and_keep_states_of_their_own(tmp_path):
    def folder_of(**changed):
        config = TrainUnwrapConfig(**changed)
        folder = CropPlan.of(partial(print), config, FIELDS, OpticsConfig()).folder(tmp_path)
        return folder, checkpoint_in(folder, config)

    usual, longer, other = folder_of(), folder_of(steps=5), folder_of(crop_px=48)
    assert usual[0] == longer[0] != other[0]
    assert usual[1] != longer[1] and usual[1].parent == usual[0]
