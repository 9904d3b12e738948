"""Cells cut where they miss a frame."""

import numpy as np
import pytest
from cases import long_absence, straight_walk, three_way
from exported import LATE, family

from lensfree.contracts import TRACKS
from lensfree.io.tables import empty_table
from lensfree.tracks.graph import build_graph
from lensfree.tracks.stretches import cut_at_gaps

LINE = ["label", "first_frame", "last_frame", "parent_label", "cell_id"]


def test_the_family_is_cut_at_its_gaps_and_keeps_its_mothers():
    _, stretches = cut_at_gaps(build_graph(family()))
    assert stretches[LINE].to_numpy().tolist() == [
        [1, 0, 4, 0, 0],
        [2, 5, 6, 1, 1],
        [3, 9, 10, 2, 1],
        [4, 5, 8, 1, 2],
        [5, 12, 12, 3, 3],
        [6, 12, 14, 3, 4],
        [7, 12, 13, 3, 5],
        [8, 3, 3, 0, 7],
        [9, 2, 3, 0, LATE],
        [10, 6, 6, 9, LATE],
    ]


@pytest.mark.parametrize("make", [family, straight_walk, long_absence, three_way])
def test_a_label_is_there_once_in_every_frame_of_its_stretch(make):
    graph = build_graph(make())
    labels, stretches = cut_at_gaps(graph)
    for line in stretches.itertuples():
        rows = graph.cells[labels == line.label]
        assert rows["frame"].tolist() == list(range(line.first_frame, line.last_frame + 1))
        assert set(rows["cell_id"]) == {line.cell_id}
    assert stretches["label"].tolist() == list(range(1, labels.max() + 1))


def test_a_whole_track_is_one_stretch():
    labels, stretches = cut_at_gaps(build_graph(straight_walk()))
    assert (len(stretches), np.unique(labels).tolist()) == (1, [1])


def test_no_cells_are_no_stretches():
    labels, stretches = cut_at_gaps(build_graph(empty_table(TRACKS)))
    assert (len(labels), len(stretches), list(stretches.columns)) == (0, 0, LINE)
