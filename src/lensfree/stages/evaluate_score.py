"""Accuracy of the anomaly score on simulated histories, beside the baselines on the same windows."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from lensfree.anomaly.baselines import fit_ridge, persistence
from lensfree.anomaly.compare import Candidate, candidate, compare_forecasters
from lensfree.anomaly.split import deduplicated, split_by_lineage
from lensfree.anomaly.windows import cut_windows
from lensfree.config import Config
from lensfree.nets.forecaster import forecast
from lensfree.nets.forecaster_card import load_forecaster
from lensfree.simulate.series import simulate_series
from lensfree.stages.measures import Measure
from lensfree.stages.train_forecast import training_series

NAMES = {"stardusts": "", "persistence": "persistence.", "ridge": "ridge."}


def run(*, config: Config, forecast_weights: Path) -> dict[str, Measure]:
    """Score unseen histories with the shipped forecaster, persistence and ridge.

    Ridge and all thresholds come from the windows that the shipped forecaster was trained on.
    """
    model, card = load_forecaster(forecast_weights)
    scale = {"mean_pg": card.mean_pg, "sd_pg": card.sd_pg}
    known = deduplicated(cut_windows(training_series(config.train_score), config.score))
    training = split_by_lineage(known, config.train_score.seed).training
    last_value = persistence(config.score.target_points)
    ridge = fit_ridge(*training.standardised(**scale))
    candidates = {
        "stardusts": Candidate(partial(forecast, model), card.tau),
        "persistence": candidate(last_value, training, config.score, **scale),
        "ridge": candidate(ridge, training, config.score, **scale),
    }
    series, labels = held_out_series(config)
    table = compare_forecasters(candidates, cut_windows(series, config.score), labels, config.score, **scale)
    rows = {row["forecaster"]: row for row in table.to_dict("records")}
    rivals_auc = max(float(rows[name]["auc_by_score"]) for name in ("persistence", "ridge"))
    measures = {}
    for name, prefix in NAMES.items():
        row = rows[name]
        said = f"{name} on {int(row['n_abnormal'])} abnormal of {int(row['n_series'])} simulated histories"
        target = rivals_auc if name == "stardusts" else None
        for key, column, meaning in (
            ("cell_auc", "auc_by_score", "ROC AUC of ranking by A, the published rule"),
            ("cell_auc_mean_mse", "auc_by_mean_mse", "ROC AUC of ranking by mean MSE"),
            ("precision", "precision", "precision of the flags"),
            ("recall", "recall", "recall of the flags"),
        ):
            better: Literal["higher"] = "higher"
            aim = target if key == "cell_auc" else None
            measures[f"score.{prefix}{key}"] = Measure(
                float(row[column]),
                "1",
                better,
                int(row["n_series"]),
                config.evaluate.seeds,
                aim,
                f"{meaning}; {said}",
            )
    return measures


def held_out_series(config: Config) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return histories of all held-out seeds with their labels, ids made distinct."""
    tables, labels = [], []
    for index, seed in enumerate(config.evaluate.seeds):
        rng = np.random.default_rng(seed)
        table, label = simulate_series(
            config.evaluate.score_series,
            config.train_score.simulated_points,
            rng,
            config.evaluate.score_abnormal,
        )
        apart = index * 1_000_000
        tables.append(table.assign(series_id=table["series_id"] + apart, cell_id=table["cell_id"] + apart))
        labels.append(label.assign(series_id=label["series_id"] + apart))
    return pd.concat(tables, ignore_index=True), pd.concat(labels, ignore_index=True)
