"""A population of dry-mass histories, plain: growth, halving, noise; and cells that lose mass."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

INTERVAL_H = 1 / 6
CYCLE_H = 20.0


def history(
    series_id: int, dry_mass_pg: np.ndarray, *, cell_id: np.ndarray | int | None = None
) -> pd.DataFrame:
    """Return one history on the 10 min grid under contracts.SERIES."""
    n_points = len(dry_mass_pg)
    return pd.DataFrame(
        {
            "series_id": np.full(n_points, series_id, dtype=np.int64),
            "cell_id": np.broadcast_to(series_id if cell_id is None else cell_id, n_points).astype(np.int64),
            "time_h": np.arange(n_points) * INTERVAL_H,
            "dry_mass_pg": np.asarray(dry_mass_pg, dtype=np.float64),
            "is_filled": np.zeros(n_points, dtype=bool),
            "is_repeated": np.zeros(n_points, dtype=bool),
        }
    )


def simulate_population(
    seed: int, n_series: int, n_abnormal: int, n_points: int = 240
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return histories of cells that double every 20 h and halve; the last `n_abnormal` lose 60 % at 25 h."""
    rng = np.random.default_rng(seed)
    time_h = np.arange(n_points) * INTERVAL_H
    tables = []
    for series_id in range(n_series):
        age = time_h / (CYCLE_H * rng.normal(1, 0.05)) + rng.uniform()
        dry_mass_pg = 300 * 2 ** (age % 1) * rng.normal(1, 0.02, n_points)
        if series_id >= n_series - n_abnormal:
            dry_mass_pg[time_h > 25] *= 0.4
        tables.append(history(series_id, dry_mass_pg, cell_id=1000 * series_id + age.astype(int)))
    labels = pd.DataFrame(
        {"series_id": np.arange(n_series), "is_abnormal": np.arange(n_series) >= n_series - n_abnormal}
    )
    return pd.concat(tables, ignore_index=True), labels


@pytest.fixture
def make_history() -> Callable[..., pd.DataFrame]:
    return history


@pytest.fixture
def make_population() -> Callable[..., tuple[pd.DataFrame, pd.DataFrame]]:
    return simulate_population


@pytest.fixture(scope="module")
def population() -> Callable[..., tuple[pd.DataFrame, pd.DataFrame]]:
    """The same as `make_population`, for fixtures that last as long as a module."""
    return simulate_population
