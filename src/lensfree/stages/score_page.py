"""The page of the detectors of abnormal histories: side by side, by kind, and in another laboratory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lensfree.anomaly import matrix_profile
from lensfree.anomaly.matrix_profile import PARTS, TRAINING_HISTORIES
from lensfree.anomaly.window_methods import NEIGHBOUR_COMPONENTS, NEIGHBOURS, RECONSTRUCTED_FROM
from lensfree.config import Config
from lensfree.simulate.held_out import HELD_OUT_KINDS
from lensfree.simulate.series import KINDS
from lensfree.stages.measures import Measure
from lensfree.stages.score_measures import OfSeed

WORDS = {
    "stardusts": "published: CNN forecast 120 -> 60, MSE; ranked by A",
    "stardusts.mean_mse": "the same, ranked by mean MSE",
    "stardusts_plus": "default: density at three lengths, a forecast with its own sd, odds of known kinds",
    "stardusts_plus_without_kinds": "the same without the odds of known kinds",
    "persistence": "the last dry mass seen stays; mean MSE",
    "ridge": "linear forecast 120 -> 60; mean MSE",
    "pca": f"what {RECONSTRUCTED_FROM} principal components leave of a window",
    "isolation_forest": "isolation forest on windows as measured",
    "knn": f"{NEIGHBOURS} nearest of the training windows, {NEIGHBOUR_COMPONENTS} components",
    "matrix_profile": f"stumpy `aamp`, 1/{PARTS} of a window, against {TRAINING_HISTORIES} histories; "
    "maximum",
}
"""Method, or method and ranking, to what it is."""

PROTOTYPE = {
    "stardusts": ("0.704", "0.48", "0.85 / 0.42", "0.728"),
    "stardusts.mean_mse": ("0.818", "0.57", "", "0.728"),
    "persistence": ("0.554", "0.38", "0.41 / 0.38", "0.514"),
    "ridge": ("0.743", "0.55", "1.00 / 0.21", "0.708"),
    "pca": ("0.711", "0.56", "1.00 / 0.27", "0.716"),
    "isolation_forest": ("0.899", "0.76", "1.00 / 0.31", "0.884"),
    "knn": ("0.952", "0.85", "0.96 / 0.26; alpha 0.10: 0.78 / 0.74", "0.915"),
    "matrix_profile": ("0.906", "0.83", "", ""),
}
"""Cell AUC, AP, precision / recall and window AUC of an independent prototype."""

HEAD = """# Scoring, method by method

Detectors of abnormal dry-mass histories on the same **synthetic** histories. Written by
`make evaluate ONLY=score`; do not edit. Each of the {n_seeds} seeds ({seeds}) has {n_training} histories
to fit to, {training_abnormal:.0%} of them abnormal and none labelled, and {n_test} others to judge, of which
{abnormal:.0%} are abnormal: {n_kinds} kinds, equally often. Histories have {shortest} to {longest} points
of {interval_min:g} min. All methods cut the same windows of {points} points. They train on the same 80 % of
the histories, but for `stardusts_plus`, which takes all: its thresholds need none that are held back.

A figure is the mean over seeds, +- its sd over seeds. AUC and AP are of cells (histories). **P / R** are
precision and recall of the flags at the method's own threshold: for forecasts the paper's rule, a window
above mean + {sigma_count:g} sd of the training windows and a cell with a share A of them above
{flag_above:g}; for `stardusts_plus` an estimated share of {alpha:g} of normal cells that look as odd; for the
others the 90 % quantile of the training cells that were held back from the fit.
**R at P 0.96** is the recall at the best threshold of that precision, chosen with the truth known. A window
counts as abnormal if it belongs to an abnormal history and reaches beyond the onset. CPU time is that of the
machine that wrote this page.

The prototype is an independent one, written and measured apart from this project on one seed of a similar
simulation (84 abnormal of 600): figures of different origin compare roughly. Its P / R are by the
paper's rule, except where it says alpha: there by a quantile of held-back cells, as here."""

CAUTION = """The odds of known kinds (`anomaly/reasons.py`) come from a model of dry mass that knows by which
sizes kinds are called, written after the simulation was read: on simulated cells they are nearly always
right, and that is **no figure to expect of real cells**. What the detector is worth without them is the row
`stardusts_plus_without_kinds`, and on kinds that neither knows, the last lines of the next table."""

KINDS_HEAD = """## By kind

ROC AUC of the abnormal histories of one kind against all normal ones; mean over the histories of all seeds.
The last three kinds are held out from all tuning: no training set has them."""

ABROAD_HEAD = """## In another laboratory

Cells that are larger, live longer, differ more and mostly grow linearly; noise 1.4 times as large. ROC AUC
of cells there: fitted at home and applied with mean and sd of the unlabelled histories to judge, as the
paper's experiment 2 does; fitted at home and applied as it is; fitted there. The fall is that of the first
below the third, on the same histories. Methods that take minutes were fitted there
for {slow_seeds} of the seeds."""

RESTLESS_HEAD = """## Where measured dry mass goes up and down

The cells of home, measured with slow ups and downs (sd 5 % in the median history, over 3 h) and with an
outline cut short for some points every 50 h, about as dry mass of real cells was found to behave. ROC AUC of
cells, and the share of normal cells flagged at the own threshold of each method: fitted at home and applied
with what is usual for the unlabelled histories to judge; fitted to such cells."""

WHY_HEAD = """## Why

What `stardusts_plus` says of the abnormal histories that it flags: kind and onset, against the truth; a
division into unequal parts and one into three look alike on one path and count as one kind. Mean over
seeds."""

CHAIN_HEAD = """## Behind tracking

Fitted to and judging histories that tracking made from **synthetic** detections ({frames} frames, cells that
are missed, fused or invented); abnormal are paths with an abnormal cell or with a wrong link of
tracking."""


def build_page(
    measures: Mapping[str, Measure], found: Mapping[str, Mapping[int, OfSeed]], config: Config
) -> str:
    """Return the page as Markdown.

    Args:
        measures: by key, as stage evaluate_score returns them.
        found: by name of the method, by seed.
        config: what the page tells of seeds, histories and windows.
    """
    evaluate, score = config.evaluate, config.score
    head = HEAD.format(
        n_seeds=len(evaluate.score_seeds),
        seeds=", ".join(map(str, evaluate.score_seeds)),
        n_training=evaluate.score_training_series,
        training_abnormal=evaluate.score_training_abnormal,
        n_test=evaluate.score_series,
        abnormal=evaluate.score_abnormal,
        n_kinds=len(KINDS),
        shortest=config.train_score.simulated_points[0],
        longest=config.train_score.simulated_points[1],
        interval_min=score.interval_min,
        points=score.input_points + score.target_points,
        sigma_count=score.sigma_count,
        flag_above=score.flag_above,
        alpha=score.alpha,
    )
    parts = [head, _side_by_side(found), CAUTION]
    if not matrix_profile.is_available():
        parts.append("The matrix profile is left out: stumpy was not installed (extra `peers`).")
    parts += [KINDS_HEAD, _by_kind(found)]
    parts += [ABROAD_HEAD.format(slow_seeds=evaluate.score_slow_seeds), _abroad(measures, found)]
    parts += [RESTLESS_HEAD, _restless(measures, found)]
    parts += [WHY_HEAD, _chosen(measures, REASONS)]
    parts += [CHAIN_HEAD.format(frames=evaluate.track_frames), _chosen(measures, "chain_")]
    return "\n\n".join(parts) + "\n"


REASONS = ("kind_accuracy", "onset_accuracy", "flagged_over_alpha")


def _chosen(measures: Mapping[str, Measure], names: str | tuple[str, ...]) -> str:
    """Return the measures whose name begins with one of these, with what they mean."""
    rows = [
        [f"`{key.split('.')[1]}`", f"{measure.value:.3f}", measure.meaning]
        for key, measure in measures.items()
        if key.split(".")[-1].startswith(names)
    ]
    return _table(["method", "value", "what"], rows)


def _side_by_side(found: Mapping[str, Mapping[int, OfSeed]]) -> str:
    titles = [
        "method",
        "what it is",
        "AUC",
        "AP",
        "P / R",
        "normal flagged",
        "R at P 0.96",
        "window AUC",
        "fit [CPU s]",
    ]
    titles += ["windows per CPU s", "prototype: AUC", "AP", "P / R", "window AUC"]
    rows = []
    most = max(map(len, found.values()), default=0)
    for method, of_seeds in found.items():
        flags = f"{_spread(of_seeds, 'precision', 2)} / {_spread(of_seeds, 'recall', 2)}"
        told = [_spread(of_seeds, "cell_auc"), _spread(of_seeds, "cell_ap"), flags]
        told.append(_spread(of_seeds, "flagged_normal"))
        told += [_spread(of_seeds, "recall_at_precision_096", 2), _spread(of_seeds, "window_auc")]
        told += [_mean(of_seeds, "fit_cpu_s", ".3g"), _mean(of_seeds, "windows_per_cpu_s", ",.0f")]
        fewer = f" ({len(of_seeds)} of the seeds)" if len(of_seeds) < most else ""
        what = WORDS.get(method, "") + fewer
        rows.append([f"`{method}`", what, *told, *PROTOTYPE.get(method, ("",) * 4)])
        if _mean(of_seeds, "cell_auc_mean_mse", ".3f"):
            other = f"{method}.mean_mse"
            told = [_spread(of_seeds, "cell_auc_mean_mse"), _spread(of_seeds, "cell_ap_mean_mse")]
            empty = [""] * 6
            rows.append(["", WORDS.get(other, ""), *told, *empty, *PROTOTYPE.get(other, ("",) * 4)])
    return _table(titles, rows)


def _by_kind(found: Mapping[str, Mapping[int, OfSeed]]) -> str:
    means = {}
    for method, of_seeds in found.items():
        kinds = pd.concat([one.kinds for one in of_seeds.values()])
        weighted = (kinds["auc"] * kinds["n"]).groupby(kinds["kind"]).sum()
        counts = kinds.groupby("kind")["n"].sum()
        means[method] = weighted / counts
    rows = [
        [kind, str(int(counts[kind])), *(f"{means[method][kind]:.2f}" for method in found)]
        for kind in (*KINDS, *HELD_OUT_KINDS)
        if kind in counts
    ]
    together = ["held out, together", str(int(counts.reindex(HELD_OUT_KINDS).sum()))]
    rows.append(together + [_spread(of_seeds, "held_out_auc") for of_seeds in found.values()])
    flagged = ["held out, flagged", together[1]]
    rows.append(flagged + [_spread(of_seeds, "held_out_recall", 2) for of_seeds in found.values()])
    return _table(["kind", "n", *(f"`{method}`" for method in found)], rows)


def _abroad(measures: Mapping[str, Measure], found: Mapping[str, Mapping[int, OfSeed]]) -> str:
    names = ("cell_auc", "transfer_auc", "transfer_as_is_auc", "transfer_own_auc", "transfer_fall")
    titles = ["method", "seeds", "at home", "abroad, adapted", "abroad, as it is", "fitted abroad", "fall"]
    return _table(titles, _elsewhere(measures, found, names))


def _restless(measures: Mapping[str, Measure], found: Mapping[str, Mapping[int, OfSeed]]) -> str:
    names = (
        *("cell_auc", "restless_auc", "restless_own_auc"),
        *("flagged_normal", "restless_flagged_normal", "restless_own_flagged_normal"),
    )
    titles = ["method", "seeds", "at home", "restless, adapted", "fitted there"]
    titles += ["normal flagged at home", "restless, adapted", "fitted there"]
    return _table(titles, _elsewhere(measures, found, names))


def _elsewhere(
    measures: Mapping[str, Measure], found: Mapping[str, Mapping[int, OfSeed]], names: Sequence[str]
) -> list[list[str]]:
    """Return a row per method: on how many seeds it was taken elsewhere, and these values on them."""
    rows = []
    for method, of_seeds in found.items():
        measure = measures.get(f"score.{method}.transfer_auc")
        if measure is not None:
            there = {seed: of_seeds[seed] for seed in measure.seeds}
            rows.append([f"`{method}`", str(len(there)), *(_spread(there, name) for name in names)])
    return rows


def _values(of_seeds: Mapping[int, OfSeed], name: str) -> np.ndarray:
    values = np.array([one.values.get(name, np.nan) for one in of_seeds.values()])
    return values[np.isfinite(values)]


def _mean(of_seeds: Mapping[int, OfSeed], name: str, form: str) -> str:
    values = _values(of_seeds, name)
    return f"{values.mean():{form}}" if len(values) else ""


def _spread(of_seeds: Mapping[int, OfSeed], name: str, digits: int = 3) -> str:
    values = _values(of_seeds, name)
    if len(values) < 2:
        return _mean(of_seeds, name, f".{digits}f")
    return f"{values.mean():.{digits}f} +- {values.std(ddof=1):.{digits}f}"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
