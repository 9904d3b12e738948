"""Forecasters that any network must beat; they share its interface, so the same code scores all."""

from __future__ import annotations

import numpy as np

from lensfree.anomaly.score import Forecaster


def persistence(target_points: int) -> Forecaster:
    """Return the forecaster that says: the cell keeps the dry mass of the last point seen."""

    def forecast(inputs: np.ndarray) -> np.ndarray:
        return np.repeat(inputs[:, -1:], target_points, axis=1)

    return forecast


def fit_ridge(inputs: np.ndarray, targets: np.ndarray, penalty: float = 1.0) -> Forecaster:
    """Return the linear forecaster with least squared error plus `penalty` times squared weights.

    Closed form, (X'X + penalty I) W = X'Y on centred data, so the offset is not penalised. One Gram
    matrix of the inputs' size is all that is kept.

    Args:
        inputs: (n, input_points) standardised.
        targets: (n, target_points) standardised.
        penalty: strength of the shrinkage, in units of one window.

    Raises:
        ValueError: if there are no windows or their numbers differ.
    """
    if len(inputs) == 0 or len(inputs) != len(targets):
        raise ValueError(
            f"got {len(inputs)} inputs and {len(targets)} targets, expected equally many and at least one; "
            "cut both from the same windows"
        )
    centre = inputs.mean(axis=0, dtype=np.float64)
    offset = targets.mean(axis=0, dtype=np.float64)
    centred = inputs - centre
    gram = centred.T @ centred + penalty * np.eye(inputs.shape[1])
    weights = np.linalg.solve(gram, centred.T @ (targets - offset))

    def forecast(unseen: np.ndarray) -> np.ndarray:
        return (unseen - centre) @ weights + offset

    return forecast
