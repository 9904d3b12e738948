"""Tracks to nodes and edges, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from cases import one_division, straight_walk, three_way, two_generations
from exported import family, links

from lensfree.contracts import TRACKS
from lensfree.io.tables import empty_table
from lensfree.tracks.graph import TrackGraphError, build_graph


def named(graph):
    cells = graph.cells
    names = list(zip(cells["cell_id"].tolist(), cells["frame"].tolist(), strict=True))
    return [(names[a], names[b]) for a, b in graph.edges.tolist()]


@pytest.mark.parametrize("make", [family, one_division, three_way, two_generations, straight_walk])
def test_edges_follow_cells_and_lead_to_daughters(make):
    graph = build_graph(make())
    got = named(graph)
    assert len(got) == len(set(got))
    assert set(got) == links(make())
    assert {pair for pair, divides in zip(got, graph.is_division, strict=True) if divides} == {
        ((a, f), (b, g)) for (a, f), (b, g) in links(make()) if a != b
    }


def test_the_family_has_the_edges_that_its_story_tells():
    got = set(named(build_graph(family())))
    assert {((0, 4), (1, 5)), ((0, 4), (2, 5)), ((1, 6), (1, 9))} <= got
    assert {((1, 10), (3, 12)), ((1, 10), (4, 12)), ((1, 10), (5, 12))} <= got
    assert not any(7 in (a[0], b[0]) for a, b in got)


def test_every_column_and_row_is_kept_in_the_order_of_frames():
    graph = build_graph(family())
    pd.testing.assert_frame_equal(
        graph.cells, family().sort_values(["frame", "cell_id"], ignore_index=True), check_exact=True
    )


def test_edges_are_sorted_by_their_later_end_which_is_theirs_alone():
    later = build_graph(family()).edges[:, 1]
    assert (np.diff(later) > 0).all()


def test_no_cells_make_a_graph_without_edges():
    graph = build_graph(empty_table(TRACKS))
    assert (len(graph.cells), graph.edges.shape, graph.is_division.shape) == (0, (0, 2), (0,))


def spoilt(where, **values):
    table = family()
    for name, value in values.items():
        table.loc[where(table), name] = value
    return table


WRONG = {
    "position": (
        lambda: spoilt(lambda t: t["cell_id"] == 7, y_um=np.nan),
        r"'y_um' of cell 7 in frame 3 is nan, expected a finite number \(1 such rows\)",
    ),
    "infinite": (
        lambda: spoilt(lambda t: t["cell_id"] == 2, x_um=np.inf),
        r"'x_um' of cell 2 in frame 5 is inf, expected a finite number \(4 such rows\)",
    ),
    "time": (
        lambda: spoilt(lambda t: t["frame"] == 0, time_h=np.nan),
        "'time_h' of cell 0 in frame 0 is nan",
    ),
    "negative": (
        lambda: spoilt(lambda t: t["frame"] == 0, frame=-1),
        "cell 0 is in frame -1, expected frames from 0",
    ),
    "twice": (
        lambda: pd.concat([family(), family().query("cell_id == 7")]),
        r"cell 7 has more than one row in frame 3, expected one \(1 rows too many\)",
    ),
    "two mothers": (
        lambda: spoilt(lambda t: (t["cell_id"] == 2) & (t["frame"] == 7), parent_id=7),
        "cell 2 has 'parent_id' 0 and 7, expected one",
    ),
    "two founders": (
        lambda: spoilt(lambda t: (t["cell_id"] == 2) & (t["frame"] == 8), lineage_id=7),
        "cell 2 has 'lineage_id' 0 and 7, expected one",
    ),
    "lost mother": (
        lambda: family().query("cell_id != 1"),
        "cell 3 has the mother 1, which has no rows",
    ),
    "mother of the largest name": (
        lambda: spoilt(lambda t: t["cell_id"] == 7, parent_id=99999),
        "cell 7 has the mother 99999, which has no rows",
    ),
    "another lineage": (
        lambda: spoilt(lambda t: t["cell_id"] == 4, lineage_id=4),
        "cell 4 is in lineage 4, expected 0, that of its mother",
    ),
    "founder's name": (
        lambda: spoilt(lambda t: t["cell_id"] == 7, lineage_id=0),
        "cell 7 is in lineage 0, expected 7, that of its mother or, without one, its own",
    ),
    "mother lives on": (
        lambda: spoilt(lambda t: t["cell_id"] == 7, parent_id=0, lineage_id=0),
        "cell 7 is born in frame 3, but its mother 0 is still there in frame 4",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_table_that_is_no_forest_is_refused(name):
    make, message = WRONG[name]
    with pytest.raises(TrackGraphError, match=message):
        build_graph(make())
