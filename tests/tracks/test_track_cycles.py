"""What is said of each cell, on worlds whose answer is known."""

import cases
import numpy as np
import pandas as pd
import pytest

from lensfree.contracts import CELL_CYCLES
from lensfree.tracks.cycles import COLUMNS, EDGE_FRAMES, FEWEST_FRAMES, describe_cells

HOUR = cases.INTERVAL_H


def described(truth):
    return describe_cells(truth, frame_interval_h=HOUR).set_index("cell_id")


def test_a_row_per_cell_with_the_columns_of_the_contract():
    truth = cases.two_generations()
    table = describe_cells(truth.sample(frac=1, random_state=2), frame_interval_h=HOUR)
    assert tuple(table.columns) == COLUMNS == tuple(CELL_CYCLES.columns)
    assert table["cell_id"].tolist() == sorted(truth["cell_id"].unique())


def test_a_cycle_lasts_from_birth_to_division():
    """Cell 1 is born in frame 40 and its daughters in frame 80; no other's life is seen whole."""
    table = described(cases.two_generations())
    assert table.loc[1, "cycle_h"] == pytest.approx(40 * HOUR)
    assert table["cycle_h"].drop(1).isna().all()
    assert table["n_daughters"].tolist() == [2, 2, 0, 0, 0]


def test_a_cycle_does_not_end_with_the_last_look_at_the_mother():
    truth = cases.two_generations()
    unseen = truth[(truth["cell_id"] != 1) | (truth["frame"] < 77)]
    assert described(unseen).loc[1, "cycle_h"] == pytest.approx(40 * HOUR)


def test_growth_is_the_slope_of_the_logarithm():
    """The walks of the world grow by 0.0173 and 0.005 per frame, the founder not at all."""
    table = described(cases.two_generations())
    np.testing.assert_allclose(
        table["growth_rate_per_h"], np.array([0, 0.0173, 0.005, 0.005, 0.005]) / HOUR, atol=1e-9
    )


def test_growth_leaves_out_what_two_cells_shared_and_few_looks():
    truth = cases.straight_walk()
    spoilt = truth.assign(is_shared=truth["frame"] == 9)
    spoilt.loc[spoilt["is_shared"], "dry_mass_pg"] = 900.0
    assert described(spoilt).loc[0, "growth_rate_per_h"] == pytest.approx(0.005 / HOUR)
    few = truth[truth["frame"] < FEWEST_FRAMES - 1]
    assert np.isnan(described(few).loc[0, "growth_rate_per_h"])


def test_asymmetry_is_that_of_the_daughters_at_birth():
    truth = cases.two_generations()
    heavier = truth["dry_mass_pg"].where(truth["cell_id"] != 3, 1.5 * truth["dry_mass_pg"])
    table = described(truth.assign(dry_mass_pg=heavier))
    assert table.loc[1, "division_asymmetry"] == pytest.approx(0.5 / 2.5)
    assert table.loc[[2, 3, 4], "division_asymmetry"].isna().all()


def test_dry_mass_at_the_ends_is_a_median():
    truth = cases.straight_walk()
    truth.loc[truth["frame"] == 1, "dry_mass_pg"] = 2000.0
    first = np.sort(truth.loc[truth["frame"] < EDGE_FRAMES, "dry_mass_pg"])
    assert described(truth).loc[0, "first_dry_mass_pg"] == pytest.approx(np.median(first))


def test_no_cells_give_no_rows():
    table = describe_cells(cases.straight_walk().iloc[:0], frame_interval_h=HOUR)
    assert table.empty and tuple(table.columns) == COLUMNS
    assert isinstance(table, pd.DataFrame)
