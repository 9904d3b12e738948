"""Ways to quantify, side by side: what is scored, timed, chosen, left out, and what the page says."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import quantification
import quantification_table
from dome_fields import DOMES, PITCH_UM, SHAPE_YX, scene, truth_of
from quantification import measured, methods_here
from quantification_methods import (
    NETWORKS,
    REFERENCE,
    SHIPPED,
    SHIPPED_ALONE,
    Method,
    load_single_tasks,
    network,
    trained_here,
    training_said,
    unlike,
)
from quantification_scenes import DEVELOPMENT_SEED, development, merit, scenes, scores
from quantification_segmenters import Segmenter

from lensfree.cells.representation import MEASURES
from lensfree.config import Config
from lensfree.model_files import ModelError
from lensfree.nets.plain_cnn import PlainCnn, PlainCnnSpec
from lensfree.nets.weights import save_cnn

CONFIG = Config()
SINGLES = NETWORKS["four single-task networks"]
FAR_INSIDE = (60.0, 160.0)


def a_network(path, channels=4, **card):
    spec = PlainCnnSpec(channels_in=1, channels_out=channels, layers=2, features=3)
    save_cnn(
        PlainCnn(spec), path, card={"name": path.stem, "version": "toy", "pixel_pitch_um": "1.67", **card}
    )
    return path


def four_singles(folder, names=SINGLES, **card):
    return [
        a_network(folder / f"{name}.safetensors", 1, measures=measure, **card)
        for name, measure in zip(names, MEASURES, strict=True)
    ]


def test_what_is_right_scores_one_and_a_scale_shows_in_the_slope_alone():
    field = scene()
    perfect = scores([field.truth], [field])
    assert perfect == pytest.approx(dict.fromkeys(perfect, 1.0))
    light = scores([field.truth.assign(dry_mass_pg=0.8 * field.truth["dry_mass_pg"])], [field])
    assert light["dry_mass_pg_slope"] == pytest.approx(0.8)
    assert light["dry_mass_pg_r2"] == pytest.approx(1.0)


def test_missed_and_invented_cells_count_inside_the_border_only():
    field = scene()
    y_um, x_um = FAR_INSIDE
    invented = pd.concat([field.truth, field.truth[:1].assign(y_um=y_um, x_um=x_um)])
    assert scores([invented], [field])["precision"] == pytest.approx(len(DOMES) / (len(DOMES) + 1))
    at_border = pd.concat([field.truth, field.truth[:1].assign(y_um=15.0, x_um=x_um)])
    assert scores([at_border], [field])["precision"] == 1.0
    assert scores([field.truth[2:]], [field])["recall"] == pytest.approx((len(DOMES) - 2) / len(DOMES))
    far_apart = field.truth.assign(y_um=field.truth["y_um"] + 11.0)
    assert scores([far_apart], [field])["recall"] < 0.5


def test_measures_of_cells_at_the_border_do_not_count():
    field = scene()
    at_border = field.truth[:1].assign(y_um=12.0, x_um=160.0)
    field = replace(field, truth=pd.concat([field.truth, at_border], ignore_index=True))
    found = field.truth.copy()
    found.loc[len(DOMES), "dry_mass_pg"] = 5000.0
    assert scores([found], [field])["dry_mass_pg_r2"] == pytest.approx(1)
    found.loc[0, "dry_mass_pg"] = 5000.0
    assert scores([found], [field])["dry_mass_pg_r2"] < 0.9


def test_fields_are_scored_together():
    """Cells of all fields are on one line, and a field with more cells counts for more."""
    field, few = scene(), replace(scene(), truth=truth_of(DOMES[:2]))
    both = scores([field.truth, few.truth[:1]], [field, few])
    assert both["recall"] == pytest.approx((len(DOMES) + 1) / (len(DOMES) + 2))
    heavier = scores([field.truth, few.truth.assign(dry_mass_pg=1000.0)], [field, few])
    assert heavier["dry_mass_pg_r2"] < 0.9


def test_nothing_found_is_no_number_and_has_no_merit():
    field = scene()
    nothing = field.truth[:0]
    figures = scores([nothing], [field])
    assert figures["recall"] == 0 and np.isnan(figures["precision"]) and np.isnan(figures["area_um2_r2"])
    assert merit([nothing], [field]) == 0


def test_merit_weighs_densities_alike():
    sparse, dense = scene(density=255.0), scene(density=527.0)
    found = [sparse.truth, dense.truth, dense.truth[:0], dense.truth[:0], dense.truth[:0]]
    assert merit(found[:2], [sparse, dense]) == pytest.approx(1)
    assert merit([sparse.truth, sparse.truth[:0]], [sparse, dense]) == pytest.approx(0.5)
    assert merit([found[0], *[found[2]] * 3], [sparse, dense, dense, dense]) == pytest.approx(0.5)


def test_scenes_are_those_of_the_evaluation_and_development_is_not():
    small = CONFIG.evaluate.model_copy(update={"field_px": 120, "fields": 1, "seeds": (90001,)})
    weak = CONFIG.reconstruct.model_copy(
        update={"device": "cpu", "iterations_first": 1, "iterations_last": 1}
    )
    config = CONFIG.model_copy(update={"evaluate": small, "reconstruct": weak})
    fields, others = scenes(config, None), scenes(development(config), None)
    assert [field.cells_per_mm2 for field in fields] == [255.0, 527.0]
    assert fields[0].opd_nm.shape == (90, 120)
    assert fields[0].area_mm2 == pytest.approx(90 * 120 * (PITCH_UM / 1000) ** 2)
    assert not np.array_equal(fields[0].opd_nm, others[0].opd_nm)
    np.testing.assert_array_equal(fields[1].opd_nm, scenes(config, None)[1].opd_nm)


def test_an_evaluation_on_the_development_seed_is_refused():
    evaluate = CONFIG.evaluate.model_copy(update={"seeds": (90001, DEVELOPMENT_SEED)})
    with pytest.raises(ValueError, match=f"expected none to be {DEVELOPMENT_SEED}"):
        development(CONFIG.model_copy(update={"evaluate": evaluate}))
    assert DEVELOPMENT_SEED not in CONFIG.evaluate.seeds


def test_settings_are_chosen_on_development_fields_alone(monkeypatch, tmp_path):
    """The only fields that are looked at before the measurement are those of the development seed."""
    seen = []

    def fields(config, refine):
        seen.append(config.evaluate.seeds)
        return [scene()]

    monkeypatch.setattr(quantification, "scenes", fields)
    monkeypatch.setattr(quantification, "SEGMENTERS", {"fake": a_segmenter()})
    methods, _ = methods_here(CONFIG, None, tmp_path)
    assert seen == [(DEVELOPMENT_SEED,)]
    assert list(methods) == [REFERENCE, SHIPPED, SHIPPED_ALONE, "fake"]
    assert (methods["fake"].settings, methods["fake"].candidates) == ({"height_nm": 40.0}, 2)


def a_segmenter(module="numpy"):
    from scipy.ndimage import label

    def outlines(above_nm, pixel_pitch_um, *, height_nm):
        return label(above_nm > height_nm)[0]

    return Segmenter("numpy", module, outlines, ({"height_nm": 500.0}, {"height_nm": 40.0}))


def test_what_is_not_there_is_said_with_what_brings_it(monkeypatch, tmp_path):
    monkeypatch.setattr(quantification, "SEGMENTERS", {"fake": a_segmenter("no_such_module_here")})
    monkeypatch.setattr(quantification, "scenes", lambda *_: pytest.fail("nothing is to be chosen"))
    methods, said = methods_here(CONFIG, None, tmp_path)
    assert list(methods) == [REFERENCE, SHIPPED, SHIPPED_ALONE]
    assert len(said) == len(NETWORKS) + 1
    assert "numpy is not installed and was skipped: pip install -c constraints.txt -e '.[peers]'" in said
    clean = next(line for line in said if line.startswith("trained clean"))
    assert "want of clean.safetensors" in clean
    assert "`python benchmarks/quantification_training.py clean`" in clean


def test_networks_that_are_there_are_taken_and_lacking_parts_named(tmp_path):
    a_network(tmp_path / "published.safetensors")
    four_singles(tmp_path)[2].unlink()
    methods, said = trained_here(tmp_path, CONFIG.quantify)
    assert list(methods) == ["published architecture"]
    lacking = next(line for line in said if line.startswith("four single-task"))
    assert "want of single_max_opd.safetensors," in lacking
    assert "quantification_training.py single_max_opd`" in lacking


def test_four_single_tasks_make_the_maps_that_each_of_them_answers(tmp_path):
    paths = four_singles(tmp_path)
    opd_nm = np.random.default_rng(0).uniform(0, 90, (24, 36)).astype(np.float32)
    maps = load_single_tasks(paths)(opd_nm, PITCH_UM)
    assert maps.shape == (4, 24, 36)
    with pytest.raises(ModelError, match="train them with"):
        load_single_tasks(paths[::-1])
    same = four_singles(tmp_path, ("a", "b", "c", "d"))
    for path, copy in zip(paths, same, strict=True):
        copy.write_bytes(path.read_bytes())
    np.testing.assert_array_equal(load_single_tasks(same)(opd_nm, PITCH_UM), maps)
    assert abs(maps[0] - maps[1]).max() > 0  # each is a network of its own
    assert network(paths, CONFIG.quantify).package.count("toy") == 4


def test_the_shipped_network_and_the_reference_find_the_domes(tmp_path, monkeypatch):
    monkeypatch.setattr(quantification, "SEGMENTERS", {})
    methods, _ = methods_here(CONFIG, None, tmp_path)
    field = scene()
    rows = measured(methods, [field], (1,))
    masses = [
        methods[name].cells(field.opd_nm, field.pixel_pitch_um)["dry_mass_pg"]
        for name in (SHIPPED, SHIPPED_ALONE)
    ]
    assert (abs(masses[0] / masses[1] - 1) > 1e-3).any()
    for name in (REFERENCE, SHIPPED, SHIPPED_ALONE):
        figures = rows[f"255/{name}"]["scores"]
        assert figures["precision"] == figures["recall"] == 1
        assert figures["max_opd_nm_r2"] > 0.9


def test_methods_take_turns_and_rows_say_what_was_measured():
    calls = []

    def truthful(name, field_of):
        def cells(opd_nm, pixel_pitch_um):
            calls.append(name)
            return field_of[opd_nm.tobytes()]

        return cells

    where = [scene(density=255.0), scene(DOMES[:5], density=527.0), scene(DOMES[1:6], density=527.0)]
    truths = {field.opd_nm.tobytes(): field.truth for field in where}
    methods = {name: Method(f"{name} 1.0", truthful(name, truths), {"a": 1}, 2) for name in ("one", "two")}
    rows = measured(methods, where, (7, 8))
    assert calls == ["one", "two"] * 4  # once to warm up, then field by field
    assert list(rows) == ["255/one", "255/two", "527/one", "527/two"]
    row = rows["527/two"]
    assert row["scores"]["recall"] == row["scores"]["dry_mass_pg_r2"] == pytest.approx(1)
    assert row["seconds_per_mm2"] == pytest.approx(row["seconds_per_field"] / where[0].area_mm2)
    size = f"{SHAPE_YX[0]} x {SHAPE_YX[1]}"
    assert (
        row["what"]
        == f"2 synthetic fields of {size} pixels (0.09 mm2 each), seeds 7, 8; 10 true cells count."
    )
    assert row["command"] == "python benchmarks/quantification.py"


def test_seconds_are_the_median_over_the_fields(monkeypatch):
    taken = iter([9.0, 0.1, 0.4, 0.2])
    field = scene()
    monkeypatch.setattr(quantification, "timed", lambda method, scene: (scene.truth, next(taken)))
    rows = measured({"one": Method("x 1", None)}, [field] * 3, (1,))
    assert rows["255/one"]["seconds_per_field"] == pytest.approx(0.2)


def test_training_is_summed_over_networks_and_a_silent_card_stays_silent():
    cards = ({"steps": "7000", "minutes": "10.5"}, {"steps": "7000", "minutes": "12"})
    assert training_said(cards) == {"steps": "2 x 7000", "minutes": "22.5"}
    assert training_said(cards[:1]) == {"steps": "7000", "minutes": "10.5"}
    assert training_said(()) == {"steps": "-", "minutes": "-"}
    assert training_said(({"name": "quantify"},)) == {"steps": "?", "minutes": "?"}


def test_unequal_trainings_are_said():
    def method(**card):
        return Method("x 1", None, cards=(card,))

    same = {name: method(steps="7000", crops_of="a") for name in list(NETWORKS)[:3]}
    assert unlike({**same, SHIPPED: method(steps="9000")}) == []
    (line,) = unlike({**same, list(NETWORKS)[3]: method(steps="500", crops_of="a")})
    assert line.startswith("The networks had different steps or crops")
    assert unlike({**same, list(NETWORKS)[3]: method(steps="7000", crops_of="b")})


def a_row(method, density=255.0, **changed):
    return {
        "method": method,
        "cells_per_mm2": density,
        "what": "2 synthetic fields.",
        "package": "scikit-image 0.26",
        "settings": {"threshold": "Otsu", "level": 1.7},
        "candidates": 18,
        "training": {"steps": "-", "minutes": "-"},
        "scores": dict(
            zip(quantification_table.FIGURES, (0.9994, 0.98, 0.97, 1.02, 0.96, 0.95, 0.94), strict=True)
        ),
        "seconds_per_field": 0.0512,
        "seconds_per_mm2": 0.0934,
        "machine": "x86_64, 2 threads",
        "date": "2026-01-02",
        "command": "python benchmarks/quantification.py",
        **changed,
    }


def test_the_page_has_a_table_per_density_and_says_what_is_missing(tmp_path):
    trained = {"steps": "7000", "minutes": "41"}
    rows = {
        "255/watershed": a_row("watershed"),
        "255/shipped": a_row("shipped", settings={}, candidates=0, training=trained),
        "527/watershed": a_row("watershed", 527.0),
    }
    quantification_table.write(tmp_path, rows, ["something is missing"], 70001)
    page = (tmp_path / "quantification_methods.md").read_text(encoding="utf-8")
    figures = "0.999 | 0.980 | 0.970 | 1.020 | 0.960 | 0.950 | 0.940 | 0.051 | 0.093"
    settings = "threshold Otsu, level 1.7 (best of 18)"
    assert f"| watershed | {figures} | - | - | {settings} | scikit-image 0.26 | x86_64, 2 threads |" in page
    assert f"| shipped | {figures} | 7000 | 41 | as it is |" in page
    assert "\nsomething is missing.\n" in page
    assert "70001" in page and "{" not in page
    assert page.index("## 255 cells/mm2") < page.index("## 527 cells/mm2")
    lines = [line for line in page.splitlines() if line.startswith("|")]
    assert len({line.count(" | ") for line in lines if not line.startswith("|---")}) == 1
    assert json.loads((tmp_path / "quantification_methods.json").read_text(encoding="utf-8")) == rows
