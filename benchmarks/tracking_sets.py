"""The sets that trackers are compared on, made once and kept in results/benchmarks/tracking.

Synthetic detections with known truth. A tracker sees the columns of a table of cells and no identities.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lensfree.io.files import written_whole
from lensfree.simulate.dense import simulate_dense

KEPT = Path(__file__).parents[1] / "results" / "benchmarks" / "tracking"
DEVELOPMENT_SEED = 80001
"""The seed that settings are chosen on; results come from the seeds of the section `evaluate`."""


def detections_of(name: str, seed: int, kept: Path = KEPT) -> pd.DataFrame:
    """Return what a tracker sees of a set."""
    path = kept / f"{name}_{seed}_detections.parquet"
    if not path.exists():
        _make(name, seed, kept)
    return pd.read_parquet(path)


def truth_of(name: str, seed: int, kept: Path = KEPT) -> pd.DataFrame:
    """Return the true cells of a set, with the columns that scores need."""
    path = kept / f"{name}_{seed}_truth.parquet"
    if not path.exists():
        _make(name, seed, kept)
    return pd.read_parquet(path)


def are_alike_without_mass(name: str, other: str, seed: int, kept: Path = KEPT) -> bool:
    """Return whether two sets hold the same detections but for their dry mass."""
    places = [detections_of(which, seed, kept)[["frame", "y_um", "x_um"]] for which in (name, other)]
    return bool(
        places[0].equals(places[1]) and truth_of(name, seed, kept).equals(truth_of(other, seed, kept))
    )


def _make(name: str, seed: int, kept: Path) -> None:
    detections, truth = simulate_dense(name, seed)
    seen = detections.drop(columns="true_id").assign(model="simulated")
    scored = truth[["frame", "time_h", "y_um", "x_um", "cell_id", "parent_id"]]
    for table, what in ((scored, "truth"), (seen, "detections")):
        with written_whole(kept / f"{name}_{seed}_{what}.parquet") as partial:
            table.to_parquet(partial)
