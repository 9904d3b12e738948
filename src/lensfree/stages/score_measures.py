"""What is measured of a detector on the histories of one seed, and the mean over seeds."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from lensfree.anomaly.compare import cell_auc, compare
from lensfree.anomaly.methods import Judgement, Method, check_complete
from lensfree.anomaly.plus_method import NAME as PLUS
from lensfree.anomaly.plus_method import WITHOUT_KINDS
from lensfree.anomaly.windows import cut_windows
from lensfree.config import Config
from lensfree.stages.measures import Measure, Target
from lensfree.stages.score_reasons import measure_reasons
from lensfree.stages.score_sets import Histories, ScoreSets

MEANINGS = {
    "cell_auc": "ROC AUC of cells",
    "cell_ap": "average precision of cells",
    "cell_auc_mean_mse": "ROC AUC of cells ranked by mean MSE in place of A",
    "cell_ap_mean_mse": "average precision of cells ranked by mean MSE in place of A",
    "precision": "precision of the flags at its own threshold",
    "recall": "recall of the flags at its own threshold",
    "flagged_normal": "share of normal cells that are flagged at its own threshold",
    "recall_at_precision_096": "best recall of cells at a precision of 0.96 or more, its threshold set with "
    "the truth known",
    "flagged_over_alpha": "flagged share of normal cells over score.alpha, the share that was asked for",
    "kind_accuracy": "share of flagged abnormal cells whose kind is told right, divisions into unequal parts "
    "and into three taken as one kind",
    "onset_accuracy": "share of flagged abnormal cells whose onset is told within 2 h",
    "window_auc": "ROC AUC of windows; abnormal are those of abnormal histories that reach beyond the onset",
    "fit_cpu_s": "CPU time to fit, cutting of windows included",
    "windows_per_cpu_s": "windows scored per CPU second, cutting included",
    "held_out_auc": "ROC AUC of cells of the three kinds held out from all tuning against normal ones",
    "held_out_recall": "recall of the flags among the three kinds held out from all tuning",
    "transfer_auc": "ROC AUC of cells, fitted in one laboratory, applied in another with mean and sd of its "
    "unlabelled histories",
    "transfer_as_is_auc": "ROC AUC of cells, fitted in one laboratory, applied in another as it is",
    "transfer_own_auc": "ROC AUC of cells, fitted and applied in the other laboratory",
    "transfer_fall": "how much transfer_auc is below transfer_own_auc, on the same histories",
    "transfer_fall_from_home": "how much transfer_auc is below the same judge's AUC at home",
    "restless_auc": "ROC AUC of cells whose measured dry mass goes up and down for hours, fitted to cells "
    "without, with what is usual for the unlabelled histories to judge",
    "restless_flagged_normal": "share of normal ones of these cells that are flagged, fitted likewise",
    "restless_own_auc": "ROC AUC of such cells, fitted to such cells",
    "restless_own_flagged_normal": "share of normal ones of these cells that are flagged, fitted to such "
    "cells",
}
UNITS = {"fit_cpu_s": "s", "windows_per_cpu_s": "1/s"}
LOWER = {
    *("fit_cpu_s", "flagged_normal", "transfer_fall", "transfer_fall_from_home"),
    *("restless_flagged_normal", "restless_own_flagged_normal"),
}
TARGETS: dict[str, Target] = {
    "stardusts.cell_auc": (0.70, 0.83),
    "stardusts.cell_auc_mean_mse": (0.70, 0.83),
    "stardusts_plus.cell_auc": 0.96,
    "stardusts_plus.cell_ap": 0.87,
    "stardusts_plus.precision": 0.96,
    "stardusts_plus.recall": 0.68,
    "stardusts_plus.flagged_over_alpha": (0.5, 1.5),
    "stardusts_plus.kind_accuracy": 0.75,
    "stardusts_plus.onset_accuracy": 0.75,
    "stardusts_plus.transfer_fall": 0.03,
}


@dataclass(frozen=True)
class OfSeed:
    """What was measured of one method on one seed.

    Attributes:
        values: by name, as in `MEANINGS`.
        kinds: a row per kind of abnormal history: `kind`, `n`, `auc` (against the normal ones), `recall`.
        n_series: histories of the test table that were judged.
        n_abnormal: abnormal ones among them.
    """

    values: dict[str, float]
    kinds: pd.DataFrame
    n_series: int
    n_abnormal: int


def _cpu_s() -> float:
    """Return the CPU seconds of this process and of those that it has waited for.

    Histories are explained by processes of their own where there are cores for them.
    """
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def measure_method(
    method: Method, sets: ScoreSets, config: Config, seed: int, *, is_abroad_measured: bool
) -> OfSeed:
    """Fit a method to the training histories of a seed and measure what it says about the others.

    Raises:
        ValueError: if the method does not judge every history that has a window.
    """
    before = _cpu_s()
    judge = method.fit(sets.training.series, config.score, seed)
    fitted = _cpu_s()
    judged = judge.judge(sets.test.series)
    judging_s = max(_cpu_s() - fitted, 1e-9)
    check_complete(judged, cut_windows(sets.test.series, config.score), method.name)
    values = compare(judged, sets.test.labels, config.score)
    values |= {"fit_cpu_s": fitted - before, "windows_per_cpu_s": len(judged.windows) / judging_s}
    if method.name in (PLUS, WITHOUT_KINDS):
        values["flagged_over_alpha"] = values["flagged_normal"] / config.score.alpha
        values |= measure_reasons(sets.training, sets.test, judged)
    held_out = judge.judge(sets.held_out.series)
    values |= against_normal(held_out, judged, sets.test)
    if is_abroad_measured:
        abroad = sets.abroad_test
        own = method.fit(sets.abroad_training.series, config.score, seed)
        values["transfer_auc"] = _auc(judge.adapted(abroad.series).judge(abroad.series), abroad)
        values["transfer_as_is_auc"] = _auc(judge.judge(abroad.series), abroad)
        values["transfer_own_auc"] = _auc(own.judge(abroad.series), abroad)
        values["transfer_fall"] = values["transfer_own_auc"] - values["transfer_auc"]
        values["transfer_fall_from_home"] = values["cell_auc"] - values["transfer_auc"]
        restless = sets.restless_test
        own = method.fit(sets.restless_training.series, config.score, seed)
        for name, one in (("", judge.adapted(restless.series)), ("own_", own)):
            there = one.judge(restless.series)
            values[f"restless_{name}auc"] = _auc(there, restless)
            normal = _joined(there, restless).query("not is_abnormal")
            values[f"restless_{name}flagged_normal"] = float(normal["is_flagged"].mean())
    kinds = pd.concat(
        [kinds_of(judged, sets.test, judged, sets.test)]
        + [kinds_of(held_out, sets.held_out, judged, sets.test)],
        ignore_index=True,
    )
    is_abnormal = sets.test.labels.set_index("series_id")["is_abnormal"].reindex(judged.cells["series_id"])
    return OfSeed(values, kinds, len(judged.cells), int(is_abnormal.sum()))


def against_normal(held_out: Judgement, judged: Judgement, test: Histories) -> dict[str, float]:
    """Return how well abnormal histories judged by themselves stand out from the normal ones of the test."""
    normal = _joined(judged, test).query("not is_abnormal")["score"].to_numpy()
    abnormal = held_out.cells["score"].to_numpy()
    recall = float(held_out.cells["is_flagged"].mean())
    return {"held_out_auc": _auc_between(abnormal, normal), "held_out_recall": recall}


def kinds_of(some: Judgement, some_truth: Histories, judged: Judgement, test: Histories) -> pd.DataFrame:
    """Return `kind`, `n`, `auc`, `recall` for every kind among some abnormal histories.

    Args:
        some: judgement of these histories.
        some_truth: their labels.
        judged: judgement of the test histories, whose normal ones all kinds are compared with.
        test: their labels.
    """
    normal = _joined(judged, test).query("not is_abnormal")["score"].to_numpy()
    abnormal = _joined(some, some_truth).query("is_abnormal")
    rows = [
        {
            "kind": kind,
            "n": len(cells),
            "auc": _auc_between(cells["score"].to_numpy(), normal),
            "recall": float(cells["is_flagged"].mean()),
        }
        for kind, cells in abnormal.groupby("kind", sort=True)
    ]
    return pd.DataFrame(rows, columns=["kind", "n", "auc", "recall"])


def averaged(found: dict[str, dict[int, OfSeed]]) -> dict[str, Measure]:
    """Return the measures by key `score.<method>.<measure>`: means over seeds, their sd in the meaning.

    A measure that has no value on a seed (precision without flags, transfer of a slow method) is averaged
    over the seeds on which it has one; without any it is left out.

    Args:
        found: by name of the method, by seed.
    """
    measures = {}
    for method, of_seeds in found.items():
        for name, meaning in MEANINGS.items():
            values = {
                seed: one.values[name]
                for seed, one in of_seeds.items()
                if np.isfinite(one.values.get(name, np.nan))
            }
            if not values:
                continue
            n_abnormal = sum(of_seeds[seed].n_abnormal for seed in values)
            n_series = sum(of_seeds[seed].n_series for seed in values)
            sd = f"{np.std(list(values.values()), ddof=1):.2g}" if len(values) > 1 else "unknown"
            target = TARGETS.get(f"{method}.{name}")
            measures[f"score.{method}.{name}"] = Measure(
                value=float(np.mean(list(values.values()))),
                unit=UNITS.get(name, "1"),
                better="between" if isinstance(target, tuple) else "lower" if name in LOWER else "higher",
                n=n_series,
                seeds=tuple(values),
                target=target,
                meaning=f"{meaning}; {method}, mean over seeds, sd {sd}; {n_abnormal} abnormal of {n_series} "
                "synthetic test histories",
            )
    return measures


def _joined(judged: Judgement, truth: Histories) -> pd.DataFrame:
    return judged.cells.merge(truth.labels[["series_id", "is_abnormal", "kind"]], on="series_id")


def _auc(judged: Judgement, truth: Histories) -> float:
    return cell_auc(judged.cells.set_index("series_id")["score"], truth.labels)


def _auc_between(abnormal: np.ndarray, normal: np.ndarray) -> float:
    is_abnormal = np.repeat([True, False], [len(abnormal), len(normal)])
    return float(roc_auc_score(is_abnormal, np.concatenate([abnormal, normal])))
