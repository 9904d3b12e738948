"""Detectors on histories that tracking made: its errors among them, as well as abnormal cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lensfree.anomaly.compare import compare
from lensfree.anomaly.histories import pool_series
from lensfree.anomaly.methods import Method
from lensfree.config import Config
from lensfree.simulate.detections import simulate_detections
from lensfree.stages.measures import Measure
from lensfree.stages.score_sets import Histories
from lensfree.stages.track import track_cells
from lensfree.tracks.series import build_series
from lensfree.units import MIN_PER_H

CHAIN = 16
"""Stream of random numbers of these cultures."""
TRAINING_CULTURES = 2
LASTING_POINTS = 4
"""A foreign cell for fewer points is two cells found as one for a moment, no wrong link."""
NAMES = ("cell_auc", "cell_ap", "precision", "recall")
WRONG_LINK = "wrong_link"


def measure_on_chain(methods: Sequence[Method], config: Config) -> dict[str, Measure]:
    """Fit methods to the tracked cells of two simulated cultures per seed and judge those of a third.

    Args:
        methods: what is measured.
        config: `simulate`, `track`, `series`, `score` and `evaluate` are used.

    Returns:
        `score.<method>.chain_<measure>` for the measures in `NAMES`, means over `evaluate.seeds`.
    """
    found: dict[str, list[dict[str, float]]] = {method.name: [] for method in methods}
    n_series = n_abnormal = n_wrong = 0
    for seed in config.evaluate.seeds:
        cultures = [tracked_histories(config, (seed, CHAIN, i)) for i in range(TRAINING_CULTURES + 1)]
        training = pool_series([culture.series for culture in cultures[:-1]])
        test = cultures[-1]
        for method in methods:
            judged = method.fit(training, config.score, seed).judge(test.series)
            found[method.name].append(compare(judged, test.labels, config.score))
        seen = test.labels[test.labels["series_id"].isin(judged.cells["series_id"])]
        n_series += len(seen)
        n_abnormal += int(seen["is_abnormal"].sum())
        n_wrong += int((seen["kind"] == WRONG_LINK).sum())
    said = (
        f"; tracked cells of simulated cultures (synthetic), {n_abnormal} abnormal of {n_series} series of "
        f"a window or more, {n_wrong} of them by wrong links of tracking"
    )
    measures = {}
    for name, rows in found.items():
        for key in NAMES:
            values = [row[key] for row in rows if np.isfinite(row[key])]
            if not values:
                continue
            spread = f"{min(values):.3f} to {max(values):.3f}"
            measures[f"score.{name}.chain_{key}"] = Measure(
                float(np.mean(values)),
                "1",
                "higher",
                n_series,
                config.evaluate.seeds,
                None,
                f"{key.replace('_', ' ')}{said}; spread over seeds {spread}",
            )
    return measures


def tracked_histories(config: Config, seed: tuple[int, ...]) -> Histories:
    """Return the histories of a simulated culture as tracking makes them, labelled by the truth.

    A history is abnormal if a cell on its path goes wrong before it ends, or if it goes on along a cell that
    is no daughter of the one before (kind `wrong_link`).
    """
    evaluate = config.evaluate
    culture = config.simulate.model_copy(
        update={"frames": evaluate.track_frames, "cells_per_mm2": evaluate.track_cells_per_mm2}
    )
    detections, truth = simulate_detections(
        culture,
        shape_um=evaluate.track_field_um,
        frame_interval_min=evaluate.track_interval_min,
        rng=np.random.default_rng(seed),
    )
    tracks = track_cells(detections.assign(model="simulated"), config.track)
    interval_h = evaluate.track_interval_min / MIN_PER_H
    series = build_series(tracks, frame_interval_h=interval_h, config=config.series)
    return Histories(series, label_histories(series, tracks, truth, interval_h))


def label_histories(
    series: pd.DataFrame, tracks: pd.DataFrame, truth: pd.DataFrame, interval_h: float
) -> pd.DataFrame:
    """Return `series_id, is_abnormal, kind, onset_h` of histories whose tracks know the true cell.

    Args:
        series: table under `contracts.SERIES`.
        tracks: table under `contracts.TRACKS` with a column `true_id`; shares of fused cells are passed over.
        truth: `cell_id, parent_id, time_h, anomaly` of the true cells.
        interval_h: time between frames [h].
    """
    cells = truth.groupby("cell_id")[["parent_id", "anomaly"]].first().reset_index()
    parent = dict(zip(cells["cell_id"].tolist(), cells["parent_id"].tolist(), strict=True))
    anomaly = dict(zip(cells["cell_id"].tolist(), cells["anomaly"].tolist(), strict=True))
    seen = tracks[~tracks["is_shared"] & (tracks["true_id"] >= 0)]
    steps = {"step": np.round(seen["time_h"] / interval_h).astype(np.int64)}
    seen = seen.assign(**steps)[["cell_id", "step", "true_id"]]
    points = series.assign(step=np.round(series["time_h"] / interval_h).astype(np.int64))
    points = points.merge(seen, on=["cell_id", "step"], how="inner").sort_values(["series_id", "time_h"])
    rows = []
    for series_id in np.unique(series["series_id"]):
        part = points[points["series_id"] == series_id]
        rows.append((int(series_id), *_label(part, parent, anomaly)))
    return pd.DataFrame(rows, columns=["series_id", "is_abnormal", "kind", "onset_h"])


def _label(part: pd.DataFrame, parent: dict[int, int], anomaly: dict[int, str]) -> tuple[bool, str, float]:
    ids = part["true_id"].to_numpy()
    time_h = part["time_h"].to_numpy()
    starts = np.flatnonzero(np.r_[True, np.diff(ids) != 0]) if ids.size else np.empty(0, dtype=np.int64)
    lengths = np.diff(np.r_[starts, ids.size])
    before = None
    for start, length in zip(starts, lengths, strict=True):
        if length < LASTING_POINTS:
            continue
        cell = int(ids[start])
        if before is not None and cell != before and parent.get(cell, -1) != before:
            return True, WRONG_LINK, float(time_h[start])
        if anomaly.get(cell, ""):
            return True, anomaly[cell], float(time_h[start])
        before = cell
    return False, "", float("nan")
