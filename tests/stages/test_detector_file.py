"""A detector in a file, and what else reads it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from lensfree.anomaly.norms import Norms
from lensfree.anomaly.windows import cut_windows
from lensfree.config import ScoreConfig, TrainScoreConfig
from lensfree.contracts import LINEAGE_EVENTS, SCORES, SERIES, WINDOWS
from lensfree.io.tables import empty_table, read_provenance, read_table, write_table
from lensfree.model_files import ModelError, weights_file
from lensfree.nets.weights import read_card, read_tensors, write_tensors
from lensfree.simulate.laboratory import ABROAD, HOME, RESTLESS
from lensfree.simulate.series import simulate_series
from lensfree.stages import score, train_detector, train_forecast, train_score
from lensfree.stages.detector_file import load_detector, read_norms, relabel_detector
from lensfree.stages.plus_training import learn_norms

CONFIG = ScoreConfig(interval_min=30.0, input_points=40, target_points=20, min_training_windows=500)
TRAINING = TrainScoreConfig(
    epochs=2, windows_per_epoch=256, batch=64, seed=4, simulated_laboratories=3, laboratory_series=61
)


def histories(seed: int, n: int, abnormal: float = 0.1) -> pd.DataFrame:
    return simulate_series(n, (190, 260), np.random.default_rng(seed), abnormal)[0]


def write(path, table):
    write_table(path, table, SERIES)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("detectors")


@pytest.fixture(scope="module")
def train(folder):
    def run(*series, out="own", shipped=None, config=CONFIG):
        path = folder / f"{out}.safetensors"
        train_score.run(
            series=list(series),
            out=path,
            config=TRAINING,
            score_config=config,
            checkpoint=folder / "state.pt",
            shipped=shipped,
            dataset="dishes",
        )
        return path

    return run


@pytest.fixture(scope="module")
def own(folder, train):
    return train(write(folder / "a.parquet", histories(1, 70)))


def judge(folder, series, model, config=CONFIG, events=None):
    told = folder / "events.parquet"
    write_table(told, empty_table(LINEAGE_EVENTS) if events is None else events, LINEAGE_EVENTS)
    score.run(
        series=series,
        events=told,
        model=model,
        windows_out=folder / "w.parquet",
        scores_out=folder / "s.parquet",
        config=config,
        provenance={"code": "abc"},
    )
    return read_table(folder / "w.parquet", WINDOWS), read_table(folder / "s.parquet", SCORES)


def test_a_data_set_trains_its_detector_and_the_card_says_so(own):
    _, card = load_detector(own)
    assert card.method == "stardusts_plus" and card.n_histories == 70 and card.seed == 4
    assert card.trained_on == f"own data set dishes, {card.n_windows} windows"
    assert len(card.version) == 8
    assert 100 < card.unit_pg < 300 and 0.1 < card.spread < 0.6
    assert isinstance(read_norms(own), Norms)


def test_scores_come_with_rarity_kind_and_evidence(folder, own):
    table = histories(2, 40, 0.5)
    judged, scores = judge(folder, write(folder / "b.parquet", table), own)
    assert scores["n_windows"].min() > 0 and len(scores) == 40
    assert (scores["is_flagged"] == (scores["normal_share"] < CONFIG.alpha)).all()
    assert (scores["kind"] != "").all() and (scores["kind"] != "unclear").sum() > 5
    is_told = scores["kind"] != "unclear"
    assert scores.loc[is_told, "onset_h"].notna().all()
    assert scores.loc[is_told, "evidence"].str.contains(r"\d.* ").all()
    assert judged["surprise"].notna().all()
    used = read_provenance(folder / "s.parquet")
    assert used["code"] == "abc" and used["surprise_threshold"] > 0


def test_the_same_data_and_seed_give_the_same_detector(folder, own, train):
    again = train(folder / "a.parquet", out="again")
    assert load_detector(again)[1] == load_detector(own)[1]
    one, other = load_file(own), load_file(again)
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_short_histories_are_listed_and_not_judged(folder, own):
    table = histories(3, 4)
    short = table[table["series_id"] == 2].head(80)
    table = pd.concat([table[table["series_id"] != 2], short])
    judged, scores = judge(folder, write(folder / "c.parquet", table), own)
    assert scores["series_id"].tolist() == [0, 1, 2, 3]
    row = scores.iloc[2]
    assert row["n_windows"] == 0 and np.isnan(row["surprise"]) and not row["is_flagged"]
    assert row["kind"] == "" and 2 not in set(judged["series_id"])


def test_nothing_to_judge_gives_empty_tables(folder, own):
    judged, scores = judge(folder, write(folder / "none.parquet", empty_table(SERIES)), own)
    assert judged.empty and scores.empty


def test_a_small_data_set_takes_the_shipped_detector_on_its_own_scale(folder, own, train):
    light = histories(5, 14)
    light["dry_mass_pg"] *= 0.5
    handed = train(write(folder / "d.parquet", light), out="handed", shipped=own)
    card, before = load_detector(handed)[1], load_detector(own)[1]
    assert card.unit_pg == pytest.approx(cut_windows(light, CONFIG).median_pg())
    assert card.unit_pg < 0.7 * before.unit_pg
    assert card.trained_on == f"shipped detector-dishes {before.version}, on the scale of this data set"
    assert read_norms(handed) == learn_norms(light) != read_norms(own)


@pytest.mark.parametrize("n", [0, 3])
def test_hardly_any_history_takes_it_as_it_is(folder, own, train, n):
    few = write(folder / f"few{n}.parquet", histories(6, n) if n else empty_table(SERIES))
    handed = train(few, out="few", shipped=own)
    assert load_detector(handed)[1].unit_pg == load_detector(own)[1].unit_pg
    assert read_norms(handed) == read_norms(own)


def test_a_detector_of_other_windows_is_refused(folder, own):
    other = CONFIG.model_copy(update={"interval_min": 10.0})
    with pytest.raises(ModelError, match="detector 'detector-dishes' was trained for .*interval_min': 30.0"):
        judge(folder, folder / "a.parquet", own, other)


def test_a_file_of_the_other_method_is_refused(folder, own):
    with pytest.raises(ModelError, match="the card of a forecaster lacks"):
        judge(folder, folder / "a.parquet", own, CONFIG.model_copy(update={"method": "stardusts"}))
    forecast = weights_file("forecast", train_forecast_models())
    with pytest.raises(ModelError, match=r"the card of a detector lacks .* set score.method"):
        judge(folder, folder / "a.parquet", forecast)


def train_forecast_models():
    from pathlib import Path

    return Path(train_forecast.__file__).parents[3] / "models"


def test_a_damaged_detector_is_refused(folder, own):
    tensors = load_file(own)
    del tensors["third.axes"]
    write_tensors(folder / "damaged.safetensors", tensors, read_card(own))
    with pytest.raises(ModelError, match=r"the detector lacks 'third.axes'"):
        load_detector(folder / "damaged.safetensors")


def test_a_new_label_changes_nothing_else(folder, own):
    out = folder / "named.safetensors"
    relabel_detector(own, out, trained_on="by hand", name="detector", version="9")
    card = load_detector(out)[1]
    assert (card.name, card.version, card.trained_on) == ("detector", "9", "by hand")
    assert replace(card, name="x", version="x", trained_on="x") == replace(
        load_detector(own)[1], name="x", version="x", trained_on="x"
    )
    assert read_norms(out) == read_norms(own)


def test_the_shipped_detector_is_made_from_simulated_histories(folder):
    out = folder / "shipped.safetensors"
    work = folder / "work"
    work.mkdir()
    train_detector.run(
        out=out, work=work, config=TRAINING, score=CONFIG, card={"name": "detector", "version": "own"}
    )
    card = load_detector(out)[1]
    assert (card.name, card.version) == ("detector", "own")
    assert card.trained_on == "shipped, 61 simulated histories of 3 laboratories, seed 4"
    assert 180 < card.unit_pg < 200


def test_the_shipped_detector_is_for_the_default_windows():
    path = weights_file("detector", train_forecast_models())
    load_detector(path)[1].check(ScoreConfig())
    assert path.stat().st_size <= 1_000_000


def test_histories_without_spread_leave_a_line_and_no_norms(caplog):
    caplog.set_level("INFO")
    assert learn_norms(empty_table(SERIES)) is None
    assert "no norms, so that kinds of anomalies are not told" in caplog.text
    assert partial(learn_norms, histories(1, 30))() is not None


def with_looks(table: pd.DataFrame) -> pd.DataFrame:
    wobble = 1 + 0.1 * np.sin(np.arange(len(table)))
    return table.assign(
        area_um2=5 * table["dry_mass_pg"] * wobble, max_opd_nm=80 * wobble, speed_um_per_h=20 / wobble
    )


def test_a_detector_with_channels_comes_back_from_its_file_and_judges(folder, train):
    looks = CONFIG.model_copy(update={"channels": ("speed", "area")})
    table = with_looks(histories(1, 70))
    path = train(write(folder / "looks.parquet", table), out="looks", config=looks)
    plus, card = load_detector(path)
    assert card.channel_names == ("speed", "area") and set(plus.channel_units) == {"speed", "area"}
    assert plus.channel_units["speed"] == pytest.approx(20, rel=0.05)
    judged, scores = judge(folder, folder / "looks.parquet", path, looks)
    assert set(scores["view"]) <= set(plus.view_names) and len(plus.view_names) == 9
    assert judged["surprise"].notna().all()
    relabel_detector(path, folder / "again.safetensors", trained_on="by hand")
    assert load_detector(folder / "again.safetensors")[0].channel_units == plus.channel_units
    with pytest.raises(ModelError, match=r"knows speed, area, score.channels asks for dry mass alone; set"):
        judge(folder, folder / "looks.parquet", path)
    bare = write(folder / "bare.parquet", histories(1, 5))
    with pytest.raises(ValueError, match=r"has no \['speed_um_per_h', 'area_um2'\], .* rerun the stage"):
        judge(folder, bare, path, looks)


def test_the_shipped_detector_knows_dry_mass_alone_and_says_what_to_do(folder, train):
    shipped = weights_file("detector", train_forecast_models())
    looks = ScoreConfig(channels=("area",), min_training_windows=9000)
    few = write(folder / "few_looks.parquet", with_looks(histories(6, 14)))
    told = (
        r"detector 'detector' knows dry mass alone, score.channels asks for area; set .* to \[\], "
        r"or score.model to 'own' .* needs 9000 windows"
    )
    with pytest.raises(ModelError, match=told):
        train(few, out="asked", shipped=shipped, config=looks)
    with pytest.raises(ModelError, match=told):
        judge(folder, few, shipped, looks)


def for_cells_of(plus, card, laboratory):
    """Return the detector with what is normal for the cells of a laboratory, on its own scale."""
    culture, noise = laboratory.culture, laboratory.noise
    others = simulate_series(60, (180, 300), np.random.default_rng(2), 0.1, culture=culture, noise=noise)[0]
    scale = card.unit_pg / cut_windows(others, ScoreConfig()).median_pg()
    norms = learn_norms(others.assign(dry_mass_pg=others["dry_mass_pg"] * scale))
    return plus.for_population(card.unit_pg, norms)


@pytest.mark.parametrize(
    "laboratory", [None, HOME, ABROAD, RESTLESS], ids=["as it is", "home", "abroad", "restless"]
)
@pytest.mark.parametrize("points", [180, 300])
def test_a_cell_that_does_not_grow_is_flagged_whatever_its_dry_mass(points, laboratory):
    plus, card = load_detector(weights_file("detector", train_forecast_models()))
    if laboratory is not None:
        plus = for_cells_of(plus, card, laboratory)
    rng = np.random.default_rng(9)
    parts = [
        pd.DataFrame(
            {
                "series_id": k,
                "cell_id": k,
                "time_h": np.arange(points) / 6,
                "dry_mass_pg": level * card.unit_pg * (1 + 0.05 * rng.standard_normal(points)),
                "is_filled": False,
                "is_repeated": False,
            }
        )
        for k, level in enumerate((0.7, 1.0, 1.4))
    ]
    table = pd.concat(parts, ignore_index=True)
    _, scores = plus.judge(cut_windows(table, ScoreConfig()), table, ScoreConfig().alpha)
    assert scores["is_flagged"].all() and (scores["view"] == "kinds").all()


def test_a_detector_of_an_older_version_is_refused_by_name(folder, own):
    old = folder / "old.safetensors"
    card = {name: value for name, value in read_card(own).items() if name != "norms.wander_spread"}
    write_tensors(old, read_tensors(own), card)
    told = "old.safetensors: norms lack .'wander_spread'. .* learn them again with this version, or take the"
    for read in (load_detector, read_norms):
        with pytest.raises(ModelError, match=told):
            read(old)
