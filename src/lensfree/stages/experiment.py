"""Stage experiment: models of both methods and data sets -> the experiments of StArDusTS, beside its figures.

One: train and test on one data set; with verdicts of a person its precision. Two: train on one, apply to
another. Three: train on normal cells, tell held-back ones from altered ones.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score, roc_curve

from lensfree.anomaly.fit import scale_for_shipped
from lensfree.anomaly.score import mean_mse
from lensfree.anomaly.verdicts import BIOLOGICAL, check_verdicts, precision_of
from lensfree.config import ScoreConfig
from lensfree.io.files import written_whole
from lensfree.nets.forecaster_card import hand_on
from lensfree.report.roc import Roc, draw_roc
from lensfree.report.style import to_png
from lensfree.stages.detector_file import METHOD
from lensfree.stages.experiment_data import PARTS, TEST, Population, read_population
from lensfree.stages.experiment_page import page_of
from lensfree.stages.measures import write_json
from lensfree.stages.plus_training import hand_plus_on
from lensfree.stages.score import judge

METHODS = ("stardusts", METHOD)
Tables = tuple[pd.DataFrame, pd.DataFrame]


@dataclass(frozen=True)
class Inputs:
    """What an experiment reads.

    Attributes:
        series: tables of the acquisitions by data set; first the one that is trained on.
        models: files of the models by data set and method.
        annotations: tables of verdicts, experiment one.
    """

    series: Mapping[str, Sequence[Path]]
    models: Mapping[tuple[str, str], Path]
    annotations: Sequence[Path] = ()


def run(
    *,
    experiment: str,
    inputs: Inputs,
    out: Path,
    page: Path,
    figure: Path | None,
    config: ScoreConfig,
    seed: int,
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Run one experiment and write its figures, its page and, for experiment three, its curves.

    Args:
        experiment: `one`, `two` or `three`.
        inputs: data sets, models and verdicts.
        out: JSON to write.
        page: Markdown to write.
        figure: PNG to write, experiment three.
        config: section `score`; its method is ignored, both are run.
        seed: of the training, which decides the split.
        provenance: plain values that explain the result.

    Raises:
        ValueError: if a data set has too few histories or a verdict is unknown.
        ModelError: if a model is not one of these settings.
    """
    populations = [read_population(name, paths, config, seed) for name, paths in inputs.series.items()]
    if experiment == "one":
        found = _one(populations[0], inputs, config)
    elif experiment == "two":
        found = _two(populations[0], populations[1], inputs, config)
    else:
        found, curves = _three(populations[0], populations[1], inputs, config)
        if figure is not None:
            with written_whole(figure) as partial:
                partial.write_bytes(to_png(draw_roc(curves), provenance=provenance))
    found = {"experiment": experiment, "seed": seed, **found}
    write_json(out, found, provenance=provenance)
    with written_whole(page) as partial:
        partial.write_text(page_of(found), encoding="utf-8")


def _one(population: Population, inputs: Inputs, config: ScoreConfig) -> dict[str, Any]:
    by_method = {}
    for method in METHODS:
        raised = {part: 0 for part in PARTS}
        for part in PARTS:
            some = population.only(part)
            if len(some.windows):
                scores = _judge(some, inputs.models[population.name, method], method, config)[1]
                raised[part] = int(scores["is_flagged"].sum())
        by_method[method] = {"raised": sum(raised.values()), "raised_by_part": raised}
    return {
        "data_sets": [population.name],
        "n_series": len(population.part_of),
        "n_short": population.n_short,
        "split": population.counts(),
        "methods": by_method,
        "verdicts": _verdicts(inputs.annotations),
    }


def _two(learnt: Population, other: Population, inputs: Inputs, config: ScoreConfig) -> dict[str, Any]:
    by_method = {}
    for method in METHODS:
        own = _judge(other, inputs.models[other.name, method], method, config)[1]
        with tempfile.TemporaryDirectory() as folder:
            moved = Path(folder) / "model.safetensors"
            _hand_on(inputs.models[learnt.name, method], moved, other, method, config)
            foreign = _judge(other, moved, method, config)[1]
        is_own, is_foreign = (table.set_index("series_id")["is_flagged"] for table in (own, foreign))
        both = int((is_own & is_foreign).sum())
        by_method[method] = {
            "raised_by_own": int(is_own.sum()),
            "raised_by_other": int(is_foreign.sum()),
            "raised_by_both": both,
            "share_of_own": _share(both, int(is_own.sum())),
        }
    return {
        "data_sets": [learnt.name, other.name],
        "n_series": len(other.part_of),
        "n_short": other.n_short,
        "methods": by_method,
    }


def _three(
    normal: Population, altered: Population, inputs: Inputs, config: ScoreConfig
) -> tuple[dict[str, Any], list[Roc]]:
    by_method: dict[str, dict[str, Any]] = {}
    curves = []
    held_back = normal.only(TEST)
    if len(held_back.windows) == 0:
        raise ValueError(
            f"data set '{normal.name}' has too few lineages for a test split, expected at least 3; add "
            "acquisitions to it"
        )
    for method in METHODS:
        model = inputs.models[normal.name, method]
        judged = [_judge(some, model, method, config) for some in (held_back, altered)]
        by_method[method] = {}
        levels = zip(("windows", "cells"), _ranked(judged, method), strict=True)
        for level, (values, is_raised) in levels:
            is_altered = np.repeat([False, True], [len(part) for part in values])
            raised = [float(np.mean(part)) for part in is_raised]
            score = np.concatenate(values)
            auc = float(roc_auc_score(is_altered, score))
            by_method[method][level] = {
                "auc": auc,
                "recall": raised[1],
                "false_positive_share": raised[0],
                "n_normal": len(values[0]),
                "n_altered": len(values[1]),
            }
            false, true, _ = roc_curve(is_altered, score)
            curves.append(Roc(method, level, false, true, auc, (raised[0], raised[1])))
    found = {
        "data_sets": [normal.name, altered.name],
        "n_series": len(held_back.part_of) + len(altered.part_of),
        "n_short": normal.n_short + altered.n_short,
        "methods": by_method,
    }
    return found, curves


def _ranked(judged: list[Tables], method: str) -> tuple[Any, Any]:
    """Return (values of normal and altered, whether raised) of windows, and of cells.

    Cells of the published method are ranked by mean MSE, since most share a score of 0.
    """
    measure = "surprise" if method == METHOD else "forecast_mse"
    windows = (
        [table[measure].to_numpy() for table, _ in judged],
        [table["is_abnormal"] for table, _ in judged],
    )
    if method == METHOD:
        ranks = [scores["surprise"].to_numpy() for _, scores in judged]
    else:
        ranks = [mean_mse(table).to_numpy() for table, _ in judged]
    return windows, (ranks, [scores["is_flagged"] for _, scores in judged])


def _judge(some: Population, model: Path, method: str, config: ScoreConfig) -> Tables:
    judged, scores, _ = judge(some.windows, some.series, model, config.model_copy(update={"method": method}))
    return judged, scores


def _hand_on(model: Path, out: Path, other: Population, method: str, config: ScoreConfig) -> None:
    """Put a model on the scale of another data set, as the workflow does with a shipped one."""
    if method == METHOD:
        hand_plus_on(model, out, other.windows, other.series, config)
    else:
        hand_on(model, out, scale_for_shipped(other.windows, config))


def _verdicts(files: Sequence[Path]) -> dict[str, Any] | None:
    """Return precision, counts of verdicts, and kinds of the biological ones; None without tables."""
    tables = []
    for path in files:
        try:
            tables.append(check_verdicts(pd.read_csv(path)))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
    if not tables:
        return None
    table = pd.concat(tables, ignore_index=True)
    precision, counts = precision_of(table)
    is_biological = table["is_flagged"] & (table["verdict"] == BIOLOGICAL)
    kinds = table["kind"].fillna("") if "kind" in table else pd.Series("", index=table.index)
    return {
        "files": [path.name for path in files],
        "precision": None if np.isnan(precision) else precision,
        "counts": {word or "not looked at": n for word, n in counts.items()},
        "kinds": {str(kind): int(n) for kind, n in kinds[is_biological].value_counts().items()},
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
