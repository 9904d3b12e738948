"""When a window counts as abnormal."""

from __future__ import annotations

import numpy as np


def window_threshold(training_mse: np.ndarray, sigma_count: float, *, quantile: float | None = None) -> float:
    """Return tau_w = mu + sigma_count * sigma of the training windows' forecast MSE, StArDusTS Eq. 6.

    The paper reads mu + 2 sigma as the border of a 95 % interval. The MSE has a long tail and its sd is
    swollen by the anomalies it should find, so that far fewer than 5 % of the windows lie above. A quantile
    of 0.95 is what its words say.

    Args:
        training_mse: (n,) MSE of the training windows, standardised units.
        sigma_count: how many sd above the mean.
        quantile: share of the training windows that lies below tau_w, instead of mean and sd.

    Raises:
        ValueError: if there is no MSE or one is not finite.
    """
    training_mse = np.asarray(training_mse, dtype=np.float64)
    if training_mse.size == 0 or not np.isfinite(training_mse).all():
        raise ValueError(
            f"got {training_mse.size} training MSE of which "
            f"{int((~np.isfinite(training_mse)).sum())} are not finite, "
            "expected at least one and all finite; check the forecaster that made them"
        )
    if quantile is not None:
        return float(np.quantile(training_mse, quantile))
    return float(training_mse.mean() + sigma_count * training_mse.std())
