"""Looks at fields: similarity of maps, and what a comparison sums up."""

import numpy as np
import pandas as pd
import pytest

from lensfree.cells.representation import MEASURES
from lensfree.config import Config
from lensfree.stages.quant_looks import Comparison, Look, by_network, by_reference, drawn, map_ssim
from lensfree.stages.quant_summary import Wording, summarise, targets_at

PITCH_UM = 1.67
SHAPE_YX = (90, 120)
CONFIG = Config()


def cells_at(*places_um: tuple[float, float], dry_mass_pg: float = 180.0) -> pd.DataFrame:
    """Cells of growing dry mass at the places, everything else in step with it."""
    mass_pg = dry_mass_pg + 20.0 * np.arange(len(places_um))
    table = pd.DataFrame(places_um, columns=["y_um", "x_um"])
    return table.assign(
        dry_mass_pg=mass_pg, area_um2=3 * mass_pg, max_opd_nm=mass_pg / 2, length_um=mass_pg / 5
    )


TRUE = cells_at((40.0, 40.0), (75.0, 100.0), (110.0, 60.0), (60.0, 150.0))


def answers(cells: pd.DataFrame):
    return [drawn(cells, SHAPE_YX, CONFIG)]


def test_a_map_is_like_itself_and_less_like_others():
    maps = drawn(TRUE, SHAPE_YX, CONFIG).maps
    np.testing.assert_allclose(map_ssim(maps, maps, 12), 1.0, atol=1e-12)
    weaker = map_ssim(maps, 0.8 * maps, 12)
    gone = map_ssim(maps, 0 * maps, 12)
    assert (gone < weaker).all()
    assert (weaker < 0.999).all()


def test_each_measure_has_a_similarity_of_its_own():
    maps = drawn(TRUE, SHAPE_YX, CONFIG).maps
    other = maps.copy()
    other[2] *= 0.5
    assert [value < 0.999 for value in map_ssim(maps, other, 12)] == [False, False, True, False]


def test_what_lies_in_the_border_costs_no_similarity():
    maps = drawn(TRUE, SHAPE_YX, CONFIG).maps
    other = maps.copy()
    other[:, :4] = 5.0
    np.testing.assert_allclose(map_ssim(maps, other, 12), 1.0, atol=1e-12)
    assert (map_ssim(maps, other, 0) < 0.99).all()


def test_one_very_thick_cell_does_not_make_other_differences_small():
    maps = drawn(TRUE, SHAPE_YX, CONFIG).maps
    thick = maps.copy()
    thick[:, 40:46, 100:106] = 20.0
    loss = [1 - map_ssim(one, one + 0.2 * (maps > 0), 12)[0] for one in (maps, thick)]
    assert loss[1] > 0.8 * loss[0]


@pytest.mark.parametrize("shape_yx", [(90, 119), (24, 120)])
def test_maps_that_cannot_be_compared_are_refused(shape_yx):
    maps, other = np.zeros((4, *shape_yx)), np.zeros((4, 24, 120))
    with pytest.raises(ValueError, match=r"expected one shape with more than 24 pixels down and right"):
        map_ssim(maps, other, 12)


def test_the_network_is_looked_at_through_its_maxima_and_the_reference_through_its_cells():
    maps = drawn(TRUE, SHAPE_YX, CONFIG).maps
    answer = by_network(lambda opd_nm, pixel_pitch_um: maps, CONFIG)(np.zeros(SHAPE_YX))
    assert len(answer.cells) == len(TRUE)
    assert answer.maps is maps

    y, x = np.indices(SHAPE_YX)
    opd_nm = 80.0 * np.exp(-((y - 40) ** 2 + (x - 70) ** 2) / (2 * 5.0**2))
    seen = by_reference(CONFIG)(opd_nm)
    assert seen.cells[["y_um", "x_um"]].to_numpy() == pytest.approx(
        np.array([[40 * PITCH_UM, 70 * PITCH_UM]]), abs=0.2
    )
    assert np.argwhere(seen.maps[0]).mean(axis=0) == pytest.approx([40, 70], abs=0.6)


def test_a_comparison_with_itself_is_perfect():
    scores = summarise("q", Comparison.of(answers(TRUE), answers(TRUE), PITCH_UM), (1,))
    for short in ("mass", "area", "max_opd", "length"):
        assert scores[f"q.{short}_ssim"].value == pytest.approx(1.0)
        assert scores[f"q.{short}_r2"].value == pytest.approx(1.0)
        assert scores[f"q.{short}_intercept"].value == pytest.approx(0.0, abs=1e-6)
    assert scores["q.mass_intercept"].unit == "pg"
    assert scores["q.length_intercept"].unit == "um"
    inner = (SHAPE_YX[0] - 24) * (SHAPE_YX[1] - 24)
    assert (scores["q.mass_ssim"].n, scores["q.mass_r2"].n) == (inner, len(TRUE))


def test_slope_and_intercept_are_those_of_found_on_true():
    found = TRUE.assign(dry_mass_pg=0.5 * TRUE["dry_mass_pg"] + 30.0)
    scores = summarise("q", Comparison.of(answers(found), answers(TRUE), PITCH_UM), (1,))
    assert scores["q.mass_slope"].value == pytest.approx(0.5)
    assert scores["q.mass_intercept"].value == pytest.approx(30.0)
    assert scores["q.mass_ssim"].value < 0.99
    assert scores["q.area_ssim"].value == pytest.approx(1.0)


def test_pooled_fields_count_all_cells():
    half = TRUE.iloc[:3]
    one = Comparison.of(answers(TRUE), answers(TRUE), PITCH_UM)
    other = Comparison.of(answers(half), answers(TRUE), PITCH_UM)
    scores = summarise("q", Comparison.pooled([one, other]), (1,))
    assert scores["q.recall"].value == pytest.approx(7 / 8)
    assert (scores["q.precision"].value, scores["q.precision"].n) == (1.0, 7)
    alone = summarise("q", other, (1,))["q.mass_ssim"].value
    assert scores["q.mass_ssim"].value == pytest.approx((1 + alone) / 2)


def test_looks_without_maps_have_no_similarity_and_names_pick_the_measures():
    looks = [Look(TRUE, TRUE, SHAPE_YX, PITCH_UM)]
    wording = Wording("cells of A against B", "A's", "B's", ", on a plate")
    scores = summarise("q", Comparison.of_cells(looks), (), wording=wording, names=("dry_mass_pg",))
    assert set(scores) == {
        *("q.precision", "q.recall"),
        *("q.mass_r2", "q.mass_slope", "q.mass_intercept", "q.mass_mad"),
    }
    assert scores["q.recall"].meaning == "recall of cells of A against B, on a plate"
    assert scores["q.mass_slope"].meaning == "slope of A's on B's dry_mass_pg, on a plate"


@pytest.mark.parametrize(
    ("density", "detected", "mass_r2"), [(183, 0.99, 0.95), (364, 0.99, 0.95), (527, 0.985, 0.90)]
)
def test_crowded_fields_have_softer_targets(density, detected, mass_r2):
    assert targets_at(density) == {
        "precision": detected,
        "recall": detected,
        "mass_r2": mass_r2,
        "mass_slope": (0.95, 1.05),
        "area_r2": 0.92,
        "max_opd_r2": 0.95,
        "length_r2": 0.90,
    }


def test_a_target_is_set_on_the_measure_that_it_names():
    found = TRUE.assign(length_um=40.0 + np.array([3.0, -3.0, 3.0, -3.0]))
    comparison = Comparison.of(answers(found), answers(TRUE), PITCH_UM)
    scores = summarise("q", comparison, (1,), targets_at(364))
    assert {key for key, measure in scores.items() if measure.is_met is False} == {"q.length_r2"}
    assert {key for key, measure in scores.items() if measure.target is None} == {
        f"q.{short}_{figure}"
        for short in ("mass", "area", "max_opd", "length")
        for figure in ("slope", "intercept", "mad", "ssim")
    } - {"q.mass_slope"}
    assert len(scores) == 2 + 5 * len(MEASURES)
