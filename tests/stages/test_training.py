"""Training stages at toy size: they run, resume, and their targets are what they claim to be."""

import numpy as np
import pandas as pd
import pytest

from lensfree.cells.measure import measure_cells
from lensfree.cells.peaks import find_peaks
from lensfree.cells.representation import MEASURES
from lensfree.config import (
    FieldsConfig,
    OpticsConfig,
    QuantifyConfig,
    ReconstructConfig,
    TrainQuantifyConfig,
    TrainUnwrapConfig,
)
from lensfree.nets.weights import load_cnn, read_card
from lensfree.optics.hologram import Channel
from lensfree.simulate.render import render_opd
from lensfree.stages import train_quantify, train_unwrap
from lensfree.stages.quantify_crops import seen_and_wanted, spoil, zoomed
from lensfree.stages.refine import ABSORPTION_SCALE, OPD_SCALE_NM, load_refine, to_maps
from lensfree.stages.represent import load_represent
from lensfree.stages.train_quantify import disc_weighted_l1, trained
from lensfree.stages.training_fields import TrueField

PITCH_UM = 1.67
FIELDS = FieldsConfig(side_px=72, fields_per_recipe=1, cells_per_mm2=(150, 300))
RECONSTRUCT = ReconstructConfig(device="cpu", iterations_first=2, iterations_last=1)
CARD = {"name": "toy", "version": "0"}


@pytest.fixture(scope="module")
def unwrap(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unwrap")
    config = TrainUnwrapConfig(
        recipes=2, crops_per_field=2, crop_px=40, steps=3, batch=2, layers=3, features=4
    )
    train_unwrap.run(
        out=folder / "unwrap.safetensors",
        work=folder / "work",
        config=config,
        fields=FIELDS,
        optics=OpticsConfig(),
        reconstruct=RECONSTRUCT,
        card=CARD,
    )
    return folder


def test_pairs_are_kept_and_the_card_says_what_was_trained_on(unwrap):
    pairs = [np.load(path) for path in sorted((unwrap / "work").glob("*/crops_*.npy"))]
    assert [pair.shape for pair in pairs] == [(2, 4, 40, 40)] * 2
    assert not np.array_equal(pairs[0], pairs[1])
    card = read_card(unwrap / "unwrap.safetensors")
    assert (card["name"], card["pairs"], card["seed"]) == ("toy", "4", "1000")


def test_refine_takes_and_gives_maps_in_physical_units(unwrap):
    opd_nm = np.random.default_rng(0).uniform(0, 300, (48, 60)).astype(np.float32)
    absorption = np.full((48, 60), 0.02, np.float32)
    maps = to_maps(opd_nm, absorption)
    np.testing.assert_allclose(maps[0] * OPD_SCALE_NM, opd_nm, rtol=1e-5)
    np.testing.assert_allclose(maps[1] * ABSORPTION_SCALE, absorption, rtol=1e-5)
    refined_nm, refined_absorption = load_refine(unwrap / "unwrap.safetensors")(opd_nm, absorption)
    assert refined_nm.shape == refined_absorption.shape == (48, 60)
    # Three steps of training move a residual network little away from the identity.
    assert np.abs(refined_nm - opd_nm).mean() < 60.0
    assert load_refine(None) is None


def test_the_quantification_network_trains_and_answers_at_any_pitch(unwrap, tmp_path):
    config = TrainQuantifyConfig(
        recipes=2, crops_per_field=2, crop_px=40, steps=3, batch=2, layers=3, features=4, zoom=(0.8, 1.1)
    )
    train_quantify.run(
        out=tmp_path / "quantify.safetensors",
        work=tmp_path / "work",
        config=config,
        fields=FIELDS,
        optics=OpticsConfig(),
        reconstruct=RECONSTRUCT,
        refine_weights=unwrap / "unwrap.safetensors",
        card=CARD,
    )
    load_cnn(tmp_path / "quantify.safetensors")
    represent = load_represent(tmp_path / "quantify.safetensors")
    opd_nm = np.zeros((45, 63), np.float32)
    for pitch_um in (PITCH_UM, 0.9, 3.0):
        assert represent(opd_nm, pitch_um).shape == (len(MEASURES), 45, 63)


def test_a_gain_on_opd_scales_dry_mass_and_maximum_only():
    crop = np.ones((5, 16, 20), np.float32)
    config = TrainQuantifyConfig(opd_gain=(2.0, 2.0), noise_sd_nm=0, background_nm=0)
    spoilt = spoil(crop, np.random.default_rng(0), config)
    expected = {"dry_mass_pg": 2.0, "area_um2": 1.0, "max_opd_nm": 2.0, "length_um": 1.0}
    assert spoilt[0, 3, 3] == pytest.approx(2.0)
    for plane, name in zip(spoilt[1:], MEASURES, strict=True):
        assert plane[3, 3] == pytest.approx(expected[name])


def test_a_zoomed_field_keeps_its_own_books():
    """The dry mass seen in the zoomed map is the dry mass that the zoomed table states, at its place."""
    cells = pd.DataFrame(
        {"y_um": [60.0], "x_um": [90.0], "dry_mass_pg": [200.0], "area_um2": [600.0], "length_um": [40.0]}
    )
    y, x = np.mgrid[:80, :120] * PITCH_UM
    opd_nm = 80.0 * np.exp(-((y - 60.0) ** 2 + (x - 90.0) ** 2) / (2 * 8.0**2))
    before = opd_nm.sum()
    for factor in (0.7, 1.1):
        bigger_nm, table = zoomed(opd_nm, cells, factor, PITCH_UM)
        ratio = table["dry_mass_pg"][0] / 200.0
        assert bigger_nm.sum() / before == pytest.approx(ratio, rel=1e-3)
        rows, columns = np.mgrid[: bigger_nm.shape[0], : bigger_nm.shape[1]] * PITCH_UM
        assert (rows * bigger_nm).sum() / bigger_nm.sum() == pytest.approx(table["y_um"][0], abs=0.05)
        assert (columns * bigger_nm).sum() / bigger_nm.sum() == pytest.approx(table["x_um"][0], abs=0.05)


def test_targets_can_be_read_back_as_the_true_cells():
    """What the network is asked to draw, the local maxima turn into the cells that were simulated."""
    from lensfree.cells.representation import draw_representation
    from lensfree.simulate.population import random_field

    cells = random_field(np.random.default_rng(3), (120, 160), PITCH_UM, 150.0)
    inside = cells[cells["y_um"].between(10, 190) & cells["x_um"].between(10, 250)]
    found = find_peaks(draw_representation(inside, (120, 160), PITCH_UM), PITCH_UM, QuantifyConfig())
    np.testing.assert_allclose(np.sort(found["dry_mass_pg"]), np.sort(inside["dry_mass_pg"]), rtol=1e-5)
    assert render_opd(inside, (120, 160), PITCH_UM).max() > 50.0


def test_errors_on_discs_weigh_more_than_errors_beside_them():
    import torch

    target = torch.zeros(1, 1, 4, 5)
    target[..., 1, 1] = 1.0
    missed_disc = disc_weighted_l1(torch.zeros_like(target), target)
    false_disc = disc_weighted_l1(target * 2, target) - missed_disc
    ghost = torch.zeros_like(target)
    ghost[..., 3, 3] = 1.0
    assert missed_disc == pytest.approx(5 / 20)
    assert false_disc == pytest.approx(0.0)
    assert disc_weighted_l1(target + ghost, target) == pytest.approx(1 / 20)


def test_a_single_task_network_answers_one_map_and_learns_from_that_alone():
    rng = np.random.default_rng(5)
    crops = rng.normal(size=(6, 1 + len(MEASURES), 24, 24)).astype(np.float16)
    crops[:, 1:] = np.abs(crops[:, 1:])
    config = TrainQuantifyConfig(steps=2, batch=2, layers=3, features=4, opd_gain=(1.0, 1.0))
    one, _ = trained(crops, config, measures=[2])
    crops[:, [1, 2, 4]] *= 3
    other, _ = trained(crops, config, measures=[2])
    assert one.spec.channels_out == 1
    np.testing.assert_array_equal(one.body[0].weight.detach(), other.body[0].weight.detach())


def test_real_cells_are_labelled_in_the_map_that_the_other_microscope_measured():
    """The hologram is dark here: what is retrieved from it cannot be where the labels come from."""
    y, x = np.indices((96, 120))
    opd_nm = (90.0 * np.exp(-((y - 50) ** 2 + (x - 60) ** 2) / (2 * 6.0**2))).astype(np.float32)
    field = TrueField(
        intensity=np.ones((3, 96, 120), np.float32),
        saturated=np.zeros((3, 96, 120), bool),
        channels=[Channel(nm, 1000.0) for nm in (647.0, 540.0, 450.0)],
        opd_nm=opd_nm,
        absorption=np.zeros_like(opd_nm),
        labels=np.zeros(opd_nm.shape, np.int32),
        cells=pd.DataFrame(),
    )
    planes = seen_and_wanted(
        field,
        PITCH_UM,
        np.random.default_rng(1),
        optics=OpticsConfig(),
        reconstruct=RECONSTRUCT,
        quantify=QuantifyConfig(),
        refine_weights=None,
        zoom_range=(1.0, 1.0),
    )
    (cell,) = find_peaks(planes[1:], PITCH_UM, QuantifyConfig()).itertuples()
    (true,) = measure_cells(opd_nm, PITCH_UM, QuantifyConfig()).itertuples()
    assert cell.dry_mass_pg == pytest.approx(true.dry_mass_pg, rel=1e-5)
    assert np.abs(planes[0]).max() < 0.1


def test_noise_is_mostly_weak_and_at_most_what_is_stated():
    config = TrainQuantifyConfig(opd_gain=(1.0, 1.0), noise_sd_nm=20.0, background_nm=0)
    rng = np.random.default_rng(2)
    empty = np.zeros((5, 40, 48), np.float32)
    sd_nm = np.array([spoil(empty, rng, config)[0].std() * OPD_SCALE_NM for _ in range(200)])
    assert sd_nm.max() < 21.0
    assert np.median(sd_nm) == pytest.approx(20 * 0.5**1.5, abs=1.5)
