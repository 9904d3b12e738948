"""Evaluation at toy size: it measures what it says, and truth itself would score perfectly."""

import numpy as np
import pytest

from lensfree.cells.representation import draw_representation
from lensfree.config import Config, EvaluateConfig, ReconstructConfig
from lensfree.stages import evaluate_recon
from lensfree.stages.held_out import held_out_fields, masses_pg
from lensfree.stages.quant_looks import Comparison, Look
from lensfree.stages.quant_summary import summarise

CONFIG = Config(
    evaluate=EvaluateConfig(
        seeds=(90001,),
        field_px=160,
        fields=1,
        recon_cells_per_mm2=(200.0,),
        round_fraction=0.3,
    ),
    reconstruct=ReconstructConfig(device="cpu"),
)


@pytest.fixture(scope="module")
def field():
    return next(held_out_fields(CONFIG, (200.0,), 1))


def test_held_out_fields_are_the_same_every_time_and_differ_by_seed(field):
    again = next(held_out_fields(CONFIG, (200.0,), 1))
    np.testing.assert_array_equal(field.intensity, again.intensity)
    other = CONFIG.model_copy(update={"evaluate": CONFIG.evaluate.model_copy(update={"seeds": (90002,)})})
    assert not np.array_equal(next(held_out_fields(other, (200.0,), 1)).opd_nm, field.opd_nm)


def test_no_seed_of_evaluation_is_one_of_training():
    config = Config()
    training = {config.train_unwrap.seed, config.train_quantify.seed, config.train_score.seed}
    assert not training & set(config.evaluate.seeds)


def test_masses_over_true_outlines_are_the_simulated_dry_masses(field):
    """Cells that touch no border and no neighbour: the integral over the outline is the cell's dry mass."""
    true_pg, found_pg, is_round = masses_pg(field, np.full_like(field.opd_nm, 2.0), 1.67)
    whole = [int(i) for i in np.unique(field.labels) if i]
    border = set(np.concatenate([field.labels[0], field.labels[-1], field.labels[:, 0], field.labels[:, -1]]))
    inside = [i for i in whole if i not in border]
    simulated_pg = field.cells["dry_mass_pg"].to_numpy()[np.array(inside) - 1]
    assert len(true_pg) == len(inside)
    assert np.median(np.abs(true_pg / simulated_pg - 1)) < 0.02
    area_um2 = np.array([(field.labels == i).sum() for i in inside]) * 1.67**2
    np.testing.assert_allclose(found_pg - true_pg, 2.0e-3 * area_um2 / 0.18, rtol=1e-4)
    assert is_round.sum() == (field.cells["state"].to_numpy()[np.array(inside) - 1] == "round").sum()


def test_the_truth_in_place_of_the_cnn_scores_higher_than_nothing(field, tmp_path):
    """The refinement is used: with the truth in the CNN's place rounded cells come out whole."""

    def oracle(opd_nm, absorption):
        return field.opd_nm.copy(), field.absorption.copy()

    with_truth = evaluate_recon._simulated(CONFIG, oracle)
    without = evaluate_recon._simulated(CONFIG, None)
    key = "recon.round_mass_ratio"
    assert with_truth[key].value == pytest.approx(1.0, abs=0.1)
    assert without[key].value < 0.8
    assert with_truth["recon.mass_r2"].value > 0.95 > without["recon.mass_r2"].value


def test_a_perfect_quantification_scores_1(field):
    from lensfree.cells.peaks import find_peaks
    from lensfree.config import QuantifyConfig

    maps = draw_representation(field.cells, field.opd_nm.shape, 1.67)
    found = find_peaks(maps, 1.67, QuantifyConfig())
    targets = {"recall": 0.97}

    def scored(some):
        looks = [Look(some, field.cells, field.opd_nm.shape, 1.67)]
        return summarise("quant", Comparison.of_cells(looks), (1,), targets)

    scores = scored(found)
    assert scores["quant.precision"].value == scores["quant.recall"].value == 1.0
    assert scores["quant.mass_r2"].value == pytest.approx(1.0, abs=1e-6)
    assert scores["quant.mass_slope"].value == pytest.approx(1.0, abs=1e-3)
    assert scores["quant.mass_intercept"].value == pytest.approx(0.0, abs=0.2)
    assert scores["quant.recall"].is_met is True
    assert scored(found[::2])["quant.recall"].is_met is False
