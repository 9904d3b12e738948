"""The view of a forecast that says how sure it is: how far it is off, in units of its own variance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lensfree.anomaly.windows import Windows

BLOCK = 8192
_LEAST = 1e-6

Outlook = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Standardised inputs (n, input_points) to mean and sd (n, target_points) of the points that follow."""

Trainer = Callable[[np.ndarray, np.ndarray], Outlook]
"""Standardised inputs and targets (not smoothed) to an outlook."""


def forecast_scores(
    windows: Windows, outlook: Outlook, unit_pg: float, spread: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return, per window, ln of the mean squared error in foretold variances, and the plain MSE."""
    surprise, mse = np.empty(len(windows)), np.empty(len(windows))
    for start in range(0, len(windows), BLOCK):
        block = slice(start, start + BLOCK)
        inputs, raw, smoothed = standardised(windows.take(block), unit_pg, spread)
        mean, sd = outlook(inputs)
        surprise[block] = np.log(np.mean(((raw - mean) / sd) ** 2, axis=1) + _LEAST)
        mse[block] = np.mean((smoothed - mean) ** 2, axis=1)
    return surprise, mse


def standardised(
    windows: Windows, unit_pg: float, spread: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return inputs, targets as measured and smoothed targets as (value / unit - 1) / spread, float32."""
    parts = (windows.inputs, windows.targets_raw, windows.targets)
    inputs, raw, smoothed = (((part / unit_pg - 1) / spread).astype(np.float32) for part in parts)
    return inputs, raw, smoothed


def cross_fitted(
    windows: Windows,
    known: np.ndarray,
    train: Trainer,
    unit_pg: float,
    spread: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, Outlook]:
    """Return every window's error by a forecast not trained on its family, and a forecast trained on all."""
    lineage, index = np.unique(windows.lineage, return_inverse=True)
    half = rng.permutation(len(lineage))[index] % 2
    inputs, raw, _ = standardised(windows.take(known), unit_pg, spread)
    errors = np.empty(len(windows))
    for side in (0, 1):
        is_other = half[known] != side
        outlook = train(inputs[is_other], raw[is_other])
        mine = np.flatnonzero(half == side)
        errors[mine] = forecast_scores(windows.take(mine), outlook, unit_pg, spread)[0]
    return errors, train(inputs, raw)
