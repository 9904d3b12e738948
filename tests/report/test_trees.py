from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lensfree.report import style
from lensfree.report.ranking import rank_series
from lensfree.report.tree_figure import draw_trees
from lensfree.report.trees import (
    ERROR,
    FLAGGED,
    NORMAL,
    branch_slots,
    choose_lineages,
    count_leaves,
    tree_table,
    wrong_since,
)


def cells_of(*pairs, lineage=0) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["cell_id", "parent_id"]).assign(lineage_id=lineage)


def tracks_of(cells: pd.DataFrame, looks=10) -> pd.DataFrame:
    """Give every cell so many looks, a generation after the other."""
    rows = []
    for cell, parent, lineage in cells[["cell_id", "parent_id", "lineage_id"]].to_numpy().tolist():
        start = 0 if parent < 0 else looks
        rows += [(start + k, (start + k) / 6, 200.0 + k, cell, parent, lineage) for k in range(looks)]
    names = ["frame", "time_h", "dry_mass_pg", "cell_id", "parent_id", "lineage_id"]
    return pd.DataFrame(rows, columns=names)


def test_leaves_lie_one_apart_and_mothers_amid_their_daughters():
    cells = cells_of((1, -1), (2, 1), (3, 1), (4, 3), (5, 3))
    assert branch_slots(cells) == {2: 0.0, 4: 1.0, 5: 2.0, 3: 1.5, 1: 0.75}


def test_a_cell_whose_mother_is_not_there_begins_a_tree_and_three_daughters_are_fine():
    assert branch_slots(cells_of((7, 3), (8, 7), (9, 7), (10, 7), (11, 99))) == {
        8: 0.0,
        9: 1.0,
        10: 2.0,
        7: 1.0,
        11: 3.0,
    }
    assert branch_slots(cells_of()) == {}


def test_a_deep_lineage_needs_no_recursion():
    slots = branch_slots(cells_of(*((k, k - 1) for k in range(3000))))
    assert set(slots.values()) == {0.0}


def test_the_highest_ranked_lineages_come_first_then_the_largest(world):
    ranked = rank_series(world.scores, world.windows)
    assert choose_lineages(world.tracks, world.series, ranked, 1) == [1]
    assert choose_lineages(world.tracks, world.series, ranked, 5) == [1, 0]
    assert choose_lineages(world.tracks, None, None, 5) == [1, 0]
    errors = ranked.assign(is_acquisition=ranked["series_id"] != 0)
    assert choose_lineages(world.tracks, world.series, errors, 2) == [0, 1]


def test_trees_that_could_not_be_told_apart_are_left_out():
    def fan(first, leaves):
        return cells_of((first, -1), *((first + k, first) for k in range(1, leaves + 1)), lineage=first)

    cells = pd.concat([fan(0, 40), fan(100, 30), fan(200, 20)], ignore_index=True)
    assert count_leaves(cells, [0, 200]) == 60
    assert choose_lineages(tracks_of(cells), None, None, 3) == [0, 200]
    assert choose_lineages(tracks_of(fan(0, 90)), None, None, 3) == [0]


def test_cells_are_wrong_from_the_onset_of_their_flagged_series_on(world, surprised):
    # Series 1 is cells 1 -> 2, with an onset at 30 h, when cell 1 has long divided.
    assert wrong_since(world.series, world.windows, world.scores, world.score) == {2: (30.0, FLAGGED)}
    found = wrong_since(surprised.series, surprised.windows, surprised.scores, surprised.score)
    assert found == {2: (30.0, FLAGGED), 3: (20.1, ERROR)}
    assert wrong_since(None, world.windows, world.scores, world.score) == {}


def test_without_an_onset_the_most_unusual_hour_counts_and_a_flag_outweighs_an_error(surprised):
    both = surprised.scores.assign(is_flagged=True, onset_h=[np.nan, 5.0, 10.0, np.nan])
    found = wrong_since(surprised.series, surprised.windows, both, surprised.score)
    # Series 1 and 2 share cell 1: flagged from 5 h on, though series 2 is a suspected error.
    assert (found[1], found[2], found[3]) == ((5.0, FLAGGED), (5.0, FLAGGED), (10.0, ERROR))
    assert found[0][0] == pytest.approx(14 + 11 / 12)  # the middle of the first of 37 windows alike


def test_the_table_has_every_look_smoothed_and_its_state(world):
    table = tree_table(world.tracks, [1], {2: (30.0, FLAGGED)})
    assert list(table["cell_id"].unique()) == [1, 2, 3]
    assert table.drop_duplicates("cell_id")["slot"].tolist() == [0.5, 0.0, 1.0]
    assert (table["state"] == FLAGGED).equals((table["cell_id"] == 2) & (table["time_h"] >= 30.0))
    assert set(table["state"]) == {NORMAL, FLAGGED}
    own = world.tracks[world.tracks["cell_id"] == 3].sort_values("frame")["dry_mass_pg"].to_numpy()
    shown = table.loc[table["cell_id"] == 3, "dry_mass_pg"].to_numpy()
    assert shown[10] == np.median(own[8:13])
    assert shown[0] == np.median(own[:3])
    assert len(tree_table(world.tracks, [], {})) == 0


def test_branches_are_as_wide_as_cells_are_heavy():
    tracks = tracks_of(cells_of((1, -1), (2, 1), (3, 1)), looks=30)
    tracks["dry_mass_pg"] = tracks["cell_id"].map({1: 400.0, 2: 100.0, 3: 300.0})
    figure = draw_trees(tree_table(tracks, [0], {}))
    (axes,) = figure.axes
    widths = sorted(np.ptp(collection.get_paths()[0].vertices[:, 1]) for collection in axes.collections)
    assert np.array(widths) / widths[-1] == pytest.approx([0.25, 0.75, 1.0])
    connectors = [line for line in axes.lines if len(line.get_xdata()) == 2]
    assert sorted(sorted(line.get_ydata()) for line in connectors) == [[0.0, 0.5], [0.5, 1.0]]


def test_states_differ_in_more_than_colour_and_ends_are_marked():
    tracks = tracks_of(cells_of((1, -1), (2, 1), (3, 1)), looks=30)
    table = tree_table(tracks, [0], {2: (7.0, FLAGGED), 3: (7.0, ERROR)})
    figure = draw_trees(table, {2: "death", 3: "lost", 1: "division"})
    collections = figure.axes[0].collections
    hatches = {c.get_hatch() for c in collections}
    edges = {len(c.get_edgecolor()) > 0 for c in collections}
    assert hatches == {None, "//////"} and edges == {True, False}
    marks = {line.get_marker() for line in figure.axes[0].lines} - {"None", None}
    assert marks == {"X", "o"}
    (legend,) = figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["normal", "flagged", "suspected error", "died", "lost from sight"]
    assert "pg" in legend.get_title().get_text()
    assert figure.axes[0].get_xlabel() == "time [h]"
    assert style.to_png(figure).startswith(b"\x89PNG")
