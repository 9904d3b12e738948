"""Makes the shared worlds of tests/cases.py importable, and the helpers that compare tracks with them."""

import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from lensfree.config import TrackConfig


@pytest.fixture
def tiny():
    """A configuration for worlds with too few cells to learn scales from, and with lives of 7 h."""
    return TrackConfig(search_range_um=15.0, log_mass_weight_um=10.0, min_cycle_h=4.0)


@pytest.fixture
def same_cells():
    """Compare tracks with the truth: identities may be named otherwise, and must name the same things."""

    def check(tracks: pd.DataFrame, truth: pd.DataFrame) -> None:
        keys = ["frame", "y_um", "x_um"]
        both = tracks.merge(truth, on=keys, suffixes=("", "_true"), validate="one_to_one")
        assert len(both) == len(truth) == len(tracks)
        pairs = both[["cell_id", "cell_id_true"]].drop_duplicates()
        assert pairs["cell_id"].is_unique, f"cells joined wrongly:\n{pairs}"
        assert pairs["cell_id_true"].is_unique, f"cells torn apart:\n{pairs}"
        true_name = {-1: -1, **dict(zip(pairs["cell_id"], pairs["cell_id_true"], strict=True))}
        assert both["parent_id"].map(true_name).tolist() == both["parent_id_true"].tolist()
        assert both["lineage_id"].map(true_name).tolist() == both["lineage_id_true"].tolist()

    return check
