"""Which windows train, which choose the epoch, which are held back; and the scale of the training ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lensfree.anomaly.windows import Windows

TRAINING_SHARE = 0.8
VALIDATION_SHARE = 0.1


@dataclass(frozen=True)
class Split:
    """Windows of disjoint lineages."""

    training: Windows
    validation: Windows
    test: Windows


def deduplicated(windows: Windows) -> Windows:
    """Return the windows without copies.

    Two daughters share their mother's part of the path, so its windows occur once per daughter. Seen
    from its last cell a path has only one past: windows that start together and end in the same cell
    are the same window.
    """
    key = np.stack([windows.last_cell_id, np.round(windows.start_h * 1e4).astype(np.int64)])
    _, chosen = np.unique(key, axis=1, return_index=True)
    return windows.take(np.sort(chosen))


def split_by_lineage(windows: Windows, seed: int) -> Split:
    """Split into training, validation and test windows, 80 / 10 / 10 of the windows.

    Whole lineages go to one side, since related histories share their past: split by history, a test
    window could have been trained on. With few lineages the shares are approximate, but training and
    validation get at least one lineage each.

    Args:
        windows: windows of at least two lineages.
        seed: decides which lineage goes where.

    Raises:
        ValueError: if there are fewer than two lineages.
    """
    lineage, counts = np.unique(windows.lineage, return_counts=True)
    if len(lineage) < 2:
        raise ValueError(
            f"{len(windows)} windows of {len(lineage)} lineages cannot be split, expected at least "
            "2 lineages; use longer or more acquisitions, or set score.model to 'shipped'"
        )
    order = np.random.default_rng(seed).permutation(len(lineage))
    done = np.cumsum(counts[order])
    n_training = int(np.searchsorted(done, TRAINING_SHARE * done[-1], side="left")) + 1
    n_training = min(n_training, len(lineage) - 1)
    n_known = int(np.searchsorted(done, (TRAINING_SHARE + VALIDATION_SHARE) * done[-1], side="left")) + 1
    n_known = max(min(n_known, len(lineage) - 1), n_training + 1)
    parts = np.split(lineage[order], [n_training, n_known])
    training, validation, test = (windows.take(np.isin(windows.lineage, part)) for part in parts)
    return Split(training, validation, test)


def mean_and_sd(windows: Windows) -> tuple[float, float]:
    """Return mean and sd [pg] of all points that the windows cover, each point counted once.

    Raises:
        ValueError: if there is no window or all points are equal.
    """
    points = windows.covered_pg
    sd_pg = float(points.std()) if len(points) else 0.0
    if sd_pg == 0.0:
        raise ValueError(
            f"{len(windows)} windows with dry mass sd {sd_pg:g} pg cannot be standardised, expected "
            "dry mass that varies; check the series table"
        )
    return float(points.mean()), sd_pg
