"""Every decision about a cell stands in one table, and every beginning and end has a name."""

import cases
import numpy as np
import pandas as pd
import pytest

from lensfree.contracts import LINEAGE_EVENTS
from lensfree.stages.track import track_with_events
from lensfree.tracks.events import COLUMNS, KINDS

FRAME = pd.concat(
    [
        cases.seen(cases.cell(90 + k, 0, cases.walk(at, (0.0, 0.0), 60, 260.0, 0.0)))
        for k, at in enumerate([(0.0, 0.0), (0.0, 300.0), (250.0, 0.0), (250.0, 300.0)])
    ]
)
"""Four cells that never move show where the field ends."""


def kinds_of(truth, config):
    _, events = track_with_events(pd.concat([cases.seen(truth), FRAME]), config)
    assert list(events.columns) == list(COLUMNS) == list(LINEAGE_EVENTS.columns)
    assert set(events["kind"]) <= set(KINDS)
    return events


def alone(first, last, at=(120.0, 150.0), dry_mass_pg=250.0):
    return cases.cell(0, first, cases.walk(at, (0.2, 0.1), last - first, dry_mass_pg, 0.0))


def test_a_division_has_a_row_per_daughter(tiny):
    tracks, events = track_with_events(cases.seen(cases.one_division()), tiny)
    division = events[events["kind"] == "division"]
    assert len(division) == 2 and division["cell_id"].nunique() == 1
    daughters = tracks[tracks["parent_id"] >= 0].drop_duplicates("cell_id")
    assert set(division["related_id"]) == set(daughters["cell_id"])
    for row in division.itertuples():
        daughter = daughters[daughters["cell_id"] == row.related_id].iloc[0]
        assert (row.frame, row.y_um, row.x_um) == (daughter.frame, daughter.y_um, daughter.x_um)
        assert 0 <= row.cost < 25 and row.time_h == daughter.time_h


def test_a_gap_says_how_long_it_was(tiny):
    truth = cases.long_absence()
    _, events = track_with_events(cases.seen(truth), tiny)
    gap = events[events["kind"] == "gap"]
    lost = np.diff(np.sort(truth["frame"])).max() - 1
    assert gap["n_frames"].tolist() == [lost] and np.isfinite(gap["cost"]).all()


@pytest.mark.parametrize(
    ("truth", "kind", "frame"),
    [
        (alone(20, 60), "birth", 20),
        (alone(20, 60, at=(120.0, 2.0)), "enters_field", 20),
        (alone(0, 40), "lost", 39),
        (alone(0, 40, at=(120.0, 2.0)), "leaves_field", 39),
    ],
)
def test_beginnings_and_ends_have_names(truth, kind, frame, tiny):
    events = kinds_of(truth, tiny)
    assert events[["kind", "frame"]].to_numpy().tolist() == [[kind, frame]]
    assert events["related_id"].tolist() == [-1] and events["cost"].isna().all()


def test_a_cell_that_loses_dry_mass_before_it_ends_died(tiny):
    truth = alone(0, 40)
    truth.loc[truth["frame"] >= 30, "dry_mass_pg"] *= np.linspace(0.95, 0.5, 10)
    assert kinds_of(truth, tiny)["kind"].tolist() == ["death"]


def test_what_lasts_from_first_to_last_frame_has_no_event(tiny):
    assert kinds_of(alone(0, 60), tiny).empty


def test_no_cells_no_events(tiny):
    _, events = track_with_events(cases.seen(alone(0, 5)).iloc[:0], tiny)
    assert events.empty and list(events.columns) == list(COLUMNS)
