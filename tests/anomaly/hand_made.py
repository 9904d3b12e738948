"""Hand-made paths of cells that are born with 130 pg and double in 20 h, and norms that fit them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from lensfree.anomaly.norms import Norms

RATE_PER_H = np.log(2) / 20
NORMS = Norms(
    dry_mass_pg=185.0,
    dry_mass_spread=0.23,
    dry_mass_low_pg=125.0,
    dry_mass_high_pg=275.0,
    birth_dry_mass_pg=130.0,
    birth_spread=0.1,
    growth_rate_per_h=float(RATE_PER_H),
    growth_rate_sd_per_h=0.005,
    cycle_h=20.0,
    cycle_spread=0.13,
    division_ratio=0.5,
    division_spread=0.08,
    noise_relative=0.08,
    noise_memory_h=0.0,
    step_spread=0.06,
    wander_spread=0.0,
    wander_memory_h=2.0,
    dip_rate_per_h=1e-6,
)


def path(
    hours: float,
    births_h: tuple[float, ...] = (8.0, 28.0, 48.0),
    *,
    interval_h: float = 1 / 6,
    changed: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
    noise: float = 0.0,
    seed: int = 0,
) -> pd.DataFrame:
    """Return a normal history, or what `changed(time_h, dry_mass_pg)` makes of it, with relative noise."""
    time_h = interval_h * np.arange(round(hours / interval_h))
    life = np.searchsorted(births_h, time_h + 1e-9, side="right")
    begun_h = np.array([min(births_h[0] - 20.0, 0.0) if births_h else -8.0, *births_h])
    dry_mass_pg = 130 * np.exp(RATE_PER_H * (time_h - begun_h[life]))
    if changed is not None:
        dry_mass_pg = changed(time_h, dry_mass_pg)
    dry_mass_pg = dry_mass_pg * (1 + noise * np.random.default_rng(seed).standard_normal(len(time_h)))
    return pd.DataFrame(
        {
            "series_id": np.int64(3),
            "cell_id": (70 + life).astype(np.int64),
            "time_h": time_h,
            "dry_mass_pg": np.maximum(dry_mass_pg, 1.0),
            "is_filled": False,
            "is_repeated": False,
        }
    )


def event(kind: str, time_h: float, cell_id: int, related_id: int = -1) -> dict[str, object]:
    """Return one row of lineage events, without position and cost."""
    return dict(
        kind=kind,
        frame=round(time_h * 6),
        time_h=time_h,
        y_um=0.0,
        x_um=0.0,
        cell_id=cell_id,
        related_id=related_id,
        n_frames=0,
        cost=np.nan,
    )
