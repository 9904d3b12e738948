"""Evaluation of detectors at toy size: what is measured is what it says, and the page shows it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lensfree.anomaly import matrix_profile
from lensfree.anomaly.methods import Judgement
from lensfree.anomaly.window_methods import isolation_forest_method
from lensfree.anomaly.windows import cut_windows
from lensfree.config import Config, EvaluateConfig, ScoreConfig, TrainScoreConfig
from lensfree.contracts import SERIES
from lensfree.simulate.held_out import HELD_OUT_KINDS
from lensfree.simulate.series import KINDS
from lensfree.stages import evaluate_score, score_methods
from lensfree.stages.score_chain import NAMES
from lensfree.stages.score_measures import MEANINGS, averaged, measure_method
from lensfree.stages.score_page import PROTOTYPE, build_page
from lensfree.stages.score_sets import draw_sets

CONFIG = Config(
    score=ScoreConfig(interval_min=60.0, input_points=20, target_points=10),
    train_score=TrainScoreConfig(epochs=1, windows_per_epoch=128, simulated_points=(200, 260)),
    evaluate=EvaluateConfig(
        score_seeds=(71011, 71012),
        score_slow_seeds=1,
        score_training_series=40,
        score_training_abnormal=0.2,
        score_series=30,
        score_abnormal=0.3,
        score_held_out_series=9,
        seeds=(71013,),
        track_frames=220,
        track_field_um=(600.0, 800.0),
    ),
)
OF_PLUS = {"kind_accuracy", "onset_accuracy", "flagged_over_alpha"}
PLUS = ("stardusts_plus", "stardusts_plus_without_kinds")
OF_PUBLISHED = {"cell_auc_mean_mse", "cell_ap_mean_mse"}
ALWAYS = set(MEANINGS) - OF_PUBLISHED - OF_PLUS
TRANSFER = {name for name in MEANINGS if name.startswith(("transfer", "restless"))}


class Told:
    """A detector that was told the truth about the histories of some sets; it can be made to lie."""

    name, is_slow = "told", False

    def __init__(self, sets, *, sign=1.0, flags=True):
        self.sets, self.sign, self.flags, self.fitted_to, self.adapted_to = sets, sign, flags, [], []

    def fit(self, series, config, seed):
        assert config == CONFIG.score
        self.fitted_to.append((series, seed))
        return self

    def adapted(self, series):
        self.adapted_to.append(series)
        return self

    def judge(self, series):
        truth = next(
            one.labels
            for one in (
                *(self.sets.test, self.sets.held_out, self.sets.abroad_test, self.sets.restless_test),
            )
            if one.series is series
        ).set_index("series_id")
        windows = cut_windows(series, CONFIG.score)
        is_abnormal = truth["is_abnormal"]
        last_h = windows.start_h + 29
        beyond = last_h > truth["onset_h"].reindex(windows.series_id).to_numpy()
        cells = pd.DataFrame(
            {
                "series_id": is_abnormal.index,
                "score": self.sign * is_abnormal.to_numpy(float),
                "is_flagged": is_abnormal.to_numpy() & self.flags,
            }
        )
        table = {"series_id": windows.series_id, "start_h": windows.start_h, "score": self.sign * beyond}
        return Judgement(cells, pd.DataFrame(table))


@pytest.fixture(scope="module")
def sets():
    return draw_sets(CONFIG, 71011)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    page = tmp_path_factory.mktemp("page") / "scoring.md"
    with pytest.MonkeyPatch.context() as patch:
        # Its compilation takes long; tests/anomaly measure with it.
        patch.setattr(matrix_profile, "is_available", lambda: False)
        work = page.with_name("score.work")
        measures = evaluate_score.run(config=CONFIG, page=page, work=work, code="0" * 16)
    assert not work.exists()
    return measures, page.read_text(encoding="utf-8")


def test_every_method_has_every_measure(ran):
    measures, _ = ran
    names = {"stardusts", "persistence", "ridge", "pca", "isolation_forest", "knn", *PLUS}
    possible = {f"score.{method}.{name}" for method in names for name in ALWAYS}
    possible |= {f"score.stardusts.{name}" for name in OF_PUBLISHED}
    possible |= {f"score.{method}.{name}" for method in PLUS for name in OF_PLUS}
    possible |= {f"score.{method}.chain_{name}" for method in evaluate_score.ON_CHAIN for name in NAMES}
    assert set(measures) <= possible
    # Without flags there is no precision, and nothing to tell the kind of.
    without_flags = {"precision", "kind_accuracy", "onset_accuracy", "chain_precision"}
    assert {key.rsplit(".")[-1] for key in possible - set(measures)} <= without_flags
    assert all("synthetic" in measure.meaning for measure in measures.values())
    assert all(np.isfinite(measure.value) for measure in measures.values())
    chain = measures["score.stardusts_plus.chain_cell_auc"]
    assert chain.n > 20 and chain.seeds == (71013,) and "by wrong links of tracking" in chain.meaning


def test_slow_methods_are_fitted_abroad_on_few_seeds_and_the_measure_says_on_which(ran):
    measures, _ = ran
    assert measures["score.stardusts.transfer_auc"].seeds == (71011,)
    assert "sd unknown" in measures["score.stardusts.transfer_auc"].meaning
    assert measures["score.stardusts.cell_auc"].seeds == (71011, 71012)
    assert measures["score.knn.transfer_auc"].seeds == (71011, 71012)
    assert measures["score.knn.cell_auc"].n == 60


def test_the_page_has_a_row_per_method_beside_the_prototype_and_names_what_is_missing(ran):
    measures, page = ran
    for method in PROTOTYPE.keys() - {"stardusts.mean_mse", "matrix_profile"}:
        row = next(line for line in page.splitlines() if line.startswith(f"| `{method}` |"))
        assert f"{measures[f'score.{method}.cell_auc'].value:.3f} +- " in row
        assert row.endswith(f"| {' | '.join(PROTOTYPE[method])} |")
    assert "ranked by mean MSE" in page and "independent one" in page
    assert "The matrix profile is left out: stumpy was not installed" in page
    assert "**synthetic**" in page and "71011, 71012" in page
    assert all(f"\n| {kind} |" in page for kind in HELD_OUT_KINDS)
    tables = [line for line in page.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables) and len(tables) > 30


def test_the_truth_scores_perfectly_and_its_contrary_not_at_all(sets):
    found = measure_method(Told(sets), sets, CONFIG, 71011, is_abroad_measured=True)
    perfect = {name for name in ALWAYS if not name.endswith(("cpu_s", "flagged_normal"))}
    perfect -= {"transfer_fall", "transfer_fall_from_home"}
    assert {name: found.values[name] for name in perfect} == dict.fromkeys(perfect, 1.0)
    assert {v for name, v in found.values.items() if name.endswith("flagged_normal")} == {0.0}
    assert found.values["transfer_fall"] == found.values["transfer_fall_from_home"] == 0.0
    lied = measure_method(Told(sets, sign=-1.0, flags=False), sets, CONFIG, 71011, is_abroad_measured=True)
    nothing = perfect - {"cell_ap", "precision"}
    assert {name: lied.values[name] for name in nothing} == dict.fromkeys(nothing, 0.0)
    assert np.isnan(lied.values["precision"]) and lied.values["cell_ap"] < 0.4
    assert found.n_series == 30 and found.n_abnormal == sets.test.labels["is_abnormal"].sum() > 3


def test_a_method_that_is_silent_on_a_history_is_refused(sets):
    class Silent(Told):
        def judge(self, series):
            judged = super().judge(series)
            return replace(judged, cells=judged.cells[1:])

    with pytest.raises(ValueError, match="method 'told' judged 29 histories .* expected each of 30 once"):
        measure_method(Silent(sets), sets, CONFIG, 1, is_abroad_measured=False)


def test_a_method_sees_training_histories_without_labels_and_the_other_laboratory_when_asked(sets):
    method = Told(sets)
    measure_method(method, sets, CONFIG, 7, is_abroad_measured=True)
    assert [seed for _, seed in method.fitted_to] == [7, 7, 7]
    assert method.fitted_to[0][0] is sets.training.series
    assert method.fitted_to[1][0] is sets.abroad_training.series
    assert method.fitted_to[2][0] is sets.restless_training.series
    assert list(sets.training.series.columns) == list(SERIES.columns)
    assert len(method.adapted_to) == 2 and method.adapted_to[0] is sets.abroad_test.series
    assert method.adapted_to[1] is sets.restless_test.series
    at_home = Told(sets)
    values = measure_method(at_home, sets, CONFIG, 7, is_abroad_measured=False).values
    assert len(at_home.fitted_to) == 1 and not TRANSFER & set(values)


def test_the_fall_is_what_transfer_costs(sets):
    values = measure_method(isolation_forest_method(), sets, CONFIG, 1, is_abroad_measured=True).values
    assert values["transfer_fall"] == values["transfer_own_auc"] - values["transfer_auc"]
    assert values["transfer_fall_from_home"] == values["cell_auc"] - values["transfer_auc"]
    assert values["transfer_as_is_auc"] != values["transfer_auc"]


def test_kinds_are_compared_with_the_normal_histories(sets):
    kinds = measure_method(Told(sets), sets, CONFIG, 1, is_abroad_measured=False).kinds.set_index("kind")
    expected = pd.concat([sets.test.labels, sets.held_out.labels]).query("is_abnormal")["kind"].value_counts()
    assert kinds["n"].to_dict() == expected.to_dict()
    assert (kinds["auc"] == 1).all() and (kinds["recall"] == 1).all()


def test_sets_differ_by_seed_and_from_each_other_and_repeat(sets):
    again, other = draw_sets(CONFIG, 71011), draw_sets(CONFIG, 71012)
    names = ("training", "test", "held_out", "abroad_training", "abroad_test", "restless_training")
    names += ("restless_test",)
    first_pg = {name: getattr(sets, name).series["dry_mass_pg"].iloc[0] for name in names}
    assert len(set(first_pg.values())) == 7
    for name in names:
        assert getattr(again, name).series.equals(getattr(sets, name).series)
        assert getattr(other, name).series["dry_mass_pg"].iloc[0] != first_pg[name]
    assert sets.training.series["series_id"].nunique() == 40
    assert set(sets.held_out.labels["kind"]) <= set(HELD_OUT_KINDS)
    for name in (*names[:2], *names[3:]):
        assert set(getattr(sets, name).labels["kind"]) <= {"", *KINDS}
    assert sets.abroad_test.series["dry_mass_pg"].mean() > 1.1 * sets.test.series["dry_mass_pg"].mean()


def test_means_and_spreads_are_over_seeds_and_a_seed_without_a_value_does_not_count(sets):
    one = measure_method(Told(sets), sets, CONFIG, 1, is_abroad_measured=False)
    found = {
        "stardusts_plus": {
            1: replace(one, values={"cell_auc": 0.9, "precision": float("nan"), "recall": 0.2}),
            2: replace(one, values={"cell_auc": 0.98, "precision": 0.7, "recall": 0.4}),
        }
    }
    measures = averaged(found)
    assert set(measures) == {f"score.stardusts_plus.{name}" for name in ("cell_auc", "precision", "recall")}
    auc = measures["score.stardusts_plus.cell_auc"]
    assert auc.value == pytest.approx(0.94) and "sd 0.057" in auc.meaning
    assert auc.target == 0.96 and auc.is_met is False and auc.n == 60
    assert measures["score.stardusts_plus.precision"].value == 0.7
    assert measures["score.stardusts_plus.precision"].seeds == (2,)


def test_a_measure_of_the_published_rule_is_met_inside_the_range_of_the_reference(sets):
    one = measure_method(Told(sets), sets, CONFIG, 1, is_abroad_measured=False)
    for value, is_met in ((0.69, False), (0.75, True), (0.84, False)):
        measured = averaged({"stardusts": {1: replace(one, values={"cell_auc": value})}})
        assert measured["score.stardusts.cell_auc"].is_met is is_met


def test_a_method_that_the_page_does_not_know_has_its_row_too(sets):
    one = measure_method(Told(sets), sets, CONFIG, 1, is_abroad_measured=True)
    found = {"told": {1: one}}
    page = build_page(averaged(found), found, CONFIG)
    assert "| `told` |  | 1.000 | 1.000 | 1.00 / 1.00 | 0.000 | 1.00 |" in page


def test_the_network_is_trained_with_the_seed_and_on_every_fourth_window_of_the_validation(monkeypatch):
    asked = []

    def train(inputs, targets, unseen_inputs, unseen_targets, config, progress):
        asked.append((len(inputs), len(unseen_inputs), len(unseen_targets), config.seed, config.epochs))
        raise InterruptedError

    monkeypatch.setattr(score_methods, "train_forecaster", train)
    trainer = score_methods.cnn_trainer(CONFIG.train_score)(77)
    with pytest.raises(InterruptedError):
        trainer(np.ones((9, 20)), np.ones((9, 10)), np.ones((10, 20)), np.ones((10, 10)))
    assert asked == [(9, 3, 3, 77, 1)]


def test_the_matrix_profile_is_there_where_stumpy_is(monkeypatch, caplog):
    compiled = []
    monkeypatch.setattr(matrix_profile, "compile_profile", lambda: compiled.append(True))
    monkeypatch.setattr(matrix_profile, "is_available", lambda: True)
    assert score_methods.all_methods(CONFIG.train_score)[-1].name == "matrix_profile"
    monkeypatch.setattr(matrix_profile, "is_available", lambda: False)
    names = [method.name for method in score_methods.all_methods(CONFIG.train_score)]
    assert "matrix_profile" not in names and len(compiled) == 1
    assert "stumpy is not installed" in caplog.text


def test_no_seed_of_score_is_one_of_training_or_comes_twice():
    config = Config()
    training = {config.train_unwrap.seed, config.train_quantify.seed, config.train_score.seed}
    seeds = config.evaluate.score_seeds
    assert len(set(seeds)) == len(seeds) >= 5 and not training & set(seeds)


def test_a_method_measured_on_fewer_seeds_says_so(sets):
    one = measure_method(Told(sets), sets, CONFIG, 1, is_abroad_measured=True)
    found = {"told": {1: one}, "knn": {1: one, 2: one}}
    page = build_page(averaged(found), found, CONFIG)
    assert "| `told` |  (1 of the seeds) |" in page
    assert "(2 of the seeds)" not in page
