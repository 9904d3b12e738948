from __future__ import annotations

import pandas as pd

from lensfree.report.lineages import count_divisions, lineage_counts


def tracks_of(rows: list[tuple[int, int, int]]) -> pd.DataFrame:
    once = pd.DataFrame(rows, columns=["cell_id", "parent_id", "lineage_id"])
    return pd.concat([once, once], ignore_index=True)  # two frames of each cell


def test_a_mother_with_two_or_three_daughters_is_one_division_and_with_one_is_none():
    assert count_divisions(tracks_of([(0, -1, 0), (1, 0, 0), (2, 0, 0)])) == 1
    assert count_divisions(tracks_of([(0, -1, 0), (1, 0, 0), (2, 0, 0), (3, 0, 0)])) == 1
    assert count_divisions(tracks_of([(0, -1, 0), (1, 0, 0)])) == 0


def test_lineages_are_counted_by_their_divisions():
    tracks = tracks_of([(0, -1, 0), (1, 0, 0), (2, 0, 0), (3, 1, 0), (4, 1, 0), (5, -1, 5), (6, -1, 6)])
    assert lineage_counts(tracks).to_numpy().tolist() == [[0, 2, 2], [2, 1, 5]]


def test_the_cells_of_all_lineages_add_up(world):
    counts = lineage_counts(world.tracks)
    assert counts["n_cells"].sum() == world.tracks["cell_id"].nunique() == 4
    assert counts["n_lineages"].sum() == 2
