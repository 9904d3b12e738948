"""Off-the-shelf segmenters on domes of known place and mass, and how their settings are chosen."""

from dataclasses import replace

import numpy as np
import pytest
from dome_fields import DOMES, N_LONELY, PITCH_UM, SHAPE_YX, dome_nm, scene, truth_of
from quantification_scenes import Scene
from quantification_segmenters import MULTI_OTSU, OTSU, SEGMENTERS, Segmenter, chosen, every

from lensfree.cells.pairing import pair_cells
from lensfree.config import QuantifyConfig

CONFIG = QuantifyConfig()
LONELY = [dome for dome in DOMES if dome[:2] not in ((130.0, 70.0), (130.0, 88.0))]


@pytest.fixture(params=SEGMENTERS)
def segmenter(request):
    found = SEGMENTERS[request.param]
    if not found.is_installed:
        pytest.skip(f"{found.package} is not installed")
    return found


def found_by(segmenter, field, settings):
    return segmenter.cells(field.opd_nm, field.pixel_pitch_um, CONFIG, settings)


def test_domes_apart_are_found_where_they_are_with_their_mass(segmenter):
    field = scene(LONELY, level_nm=30.0)  # a level that is taken away as the reference pipeline does
    cells = found_by(segmenter, field, chosen(segmenter, [field], CONFIG))
    pairs = pair_cells(cells, field.truth, max_distance_um=PITCH_UM)
    assert len(cells) == len(pairs) == N_LONELY
    found, true = cells.iloc[pairs[:, 0]], field.truth.iloc[pairs[:, 1]]
    # A threshold cuts the rim off: outlines are too small, and mass and area with them, never too large.
    for name, least in (("dry_mass_pg", 0.85), ("area_um2", 0.7), ("length_um", 0.85), ("max_opd_nm", 0.95)):
        ratio = found[name].to_numpy() / true[name].to_numpy()
        assert least < ratio.min() and ratio.max() < 1.05, name


def test_domes_that_touch_are_two(segmenter):
    field = scene()
    cells = found_by(segmenter, field, chosen(segmenter, [field], CONFIG))
    assert len(pair_cells(cells, field.truth, max_distance_um=3.0)) == len(cells) == len(DOMES)


def test_simpleitk_joins_what_no_basin_of_that_depth_parts():
    segmenter = SEGMENTERS["SimpleITK, morphological watershed"]
    if not segmenter.is_installed:
        pytest.skip("simpleitk is not installed")
    same = {"threshold": OTSU, "opd_sd_um": 0.0}
    parted = ({"level_um": 1.2}, {"level_nm": 20.0})
    joined = ({"level_um": 1.7}, {"level_nm": 25.0})  # 1.7 um are one pixel
    for settings, count in (*((p, len(DOMES)) for p in parted), *((j, len(DOMES) - 1) for j in joined)):
        assert len(found_by(segmenter, scene(), {**same, **settings})) == count, settings


def test_scikit_image_finds_fewer_seeds_farther_apart_or_on_a_smoothed_distance():
    segmenter = SEGMENTERS["scikit-image, distance and watershed"]

    def count(min_distance_um, distance_sd_um):
        settings = {"min_distance_um": min_distance_um, "distance_sd_um": distance_sd_um}
        return len(found_by(segmenter, scene(), {"threshold": OTSU, **settings}))

    assert count(1.0, 0.0) > len(DOMES) > count(40.0, 0.0)
    assert count(1.0, 2.0) == len(DOMES)


def test_the_second_of_two_thresholds_takes_flat_domes_beside_a_thick_one(segmenter):
    """A rounded cell ten times as thick draws Otsu's one threshold above the flat ones."""
    thick = (100.0, 320.0, 12.0, 12.0, 600.0)
    field = scene(DOMES)
    field = replace(field, opd_nm=field.opd_nm + dome_nm(*thick), truth=truth_of((*DOMES, thick)))
    one, two = (
        max(
            len(found_by(segmenter, field, settings))
            for settings in segmenter.candidates
            if settings["threshold"] == threshold
        )
        for threshold in (OTSU, MULTI_OTSU)
    )
    assert one < len(DOMES) < two


def test_specks_and_light_regions_are_no_cells():
    labels = np.zeros(SHAPE_YX, int)
    labels[10:12, 10:12] = 1  # 11 um2
    labels[40:50, 40:50] = 2  # 279 um2 of nothing
    labels[60:80, 100:130] = 3
    opd_nm = np.where(labels == 3, 80.0, 0.0) + np.where(labels == 1, 800.0, 0.0)
    cells = Segmenter("numpy", "numpy", lambda above_nm, pitch_um: labels, ({},)).cells(
        opd_nm, PITCH_UM, CONFIG, {}
    )
    assert cells["area_um2"].tolist() == pytest.approx([600 * PITCH_UM**2])


def test_settings_are_the_best_on_the_fields_that_are_handed_in(capsys):
    """The same segmenter on other fields chooses otherwise: nothing but these fields decides."""

    def outlines(above_nm, pixel_pitch_um, *, height_nm):
        from scipy.ndimage import label

        return label(above_nm > height_nm)[0]

    segmenter = Segmenter("numpy", "numpy", outlines, every(height_nm=(1000.0, 30.0, 300.0)))
    thin, thick = scene(LONELY), scene(LONELY)
    haze_nm = np.where(np.indices(SHAPE_YX)[1] % 8 < 2, 100.0, 0.0)
    thick = Scene(
        527.0, 10 * (thick.opd_nm - 5) + haze_nm, truth_of([(*d[:4], 10 * d[4]) for d in LONELY]), PITCH_UM
    )
    assert chosen(segmenter, [thin], CONFIG) == {"height_nm": 30.0}
    assert chosen(segmenter, [thick], CONFIG) == {"height_nm": 300.0}
    assert capsys.readouterr().out.count("merit") == 6


def test_a_package_that_nobody_has_is_not_installed():
    assert not Segmenter("none", "no_such_module_here", lambda: None, ()).is_installed


def test_every_grid_is_small_and_has_no_setting_twice():
    for segmenter in SEGMENTERS.values():
        assert len({str(settings) for settings in segmenter.candidates}) == len(segmenter.candidates) <= 24
