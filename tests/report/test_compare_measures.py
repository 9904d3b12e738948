from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from wells_by_hand import NOTHING, OF, well

from lensfree.report.compare_measures import TOTAL, Part, Well, measure_acquisition


@pytest.fixture(scope="module")
def parts():
    cycles = pd.DataFrame(
        {
            "cell_id": [0, 1, 2, 3],
            "parent_id": [-1, 0, 0, -1],
            "lineage_id": [0, 0, 0, 3],
            "cycle_h": [np.nan, 18.0, 21.0, np.nan],
            "growth_rate_per_h": [0.03, 0.04, np.nan, 0.02],
            "division_asymmetry": [0.1, np.nan, np.nan, np.nan],
            "first_dry_mass_pg": [250.0, 120.0, 130.0, 260.0],
        }
    )
    scores = pd.DataFrame(
        {
            "series_id": [10, 11, 12, 13, 14],
            "n_windows": [5, 5, 0, 5, 5],
            "is_flagged": [True, True, True, False, False],
            "is_acquisition": [False, True, False, False, False],
        }
    )
    series = pd.DataFrame({"series_id": [10, 10, 11, 12, 13, 99], "cell_id": [0, 1, 2, 1, 3, 3]})
    tracks = pd.DataFrame(
        {
            "frame": [4, 4, 7, 7, 7],
            "time_h": [1.0, 1.0, 2.0, 2.0, 2.0],
            "dry_mass_pg": [100.0, 50.0, 60.0, 60.0, 55.0],
            "lineage_id": [0, 3, 0, 0, 3],
        }
    )
    return measure_acquisition(cycles, scores, series, tracks)


def test_cells_that_have_a_measure_count_and_others_do_not(parts):
    found = {name: (part.values.tolist(), part.lineage.tolist()) for name, part in parts.items()}
    assert found["cycle"] == ([18.0, 21.0], [0, 0])
    assert found["cell_growth"] == ([0.03, 0.04, 0.02], [0, 0, 3])
    assert found["asymmetry"] == ([0.1], [0])


def test_only_cells_whose_birth_was_seen_have_a_dry_mass_at_birth(parts):
    assert parts["birth"].values.tolist() == [120.0, 130.0]


def test_flagged_are_judged_histories_that_are_no_suspected_error(parts):
    # 10 is flagged; 11 is a suspected error; 12 was not judged; 13 is not flagged; 14 has no rows.
    assert parts["flagged"].values.tolist() == [1.0, 0.0, 0.0]
    assert parts["flagged"].lineage.tolist() == [0, 0, 3]


def test_the_growth_of_a_culture_is_summed_by_lineage_and_frame(parts):
    assert parts[TOTAL].sums_pg.tolist() == [[100.0, 120.0], [50.0, 55.0]]
    assert parts[TOTAL].time_h.tolist() == [1.0, 2.0]


def test_a_well_has_the_median_of_its_cells_the_mean_of_its_histories_and_the_rate_of_all():
    one = well("a", "w", rate_per_h=0.05, cycle=[10, 20, 40], flagged=[1, 0, 0, 0])
    assert one.value(OF["cycle"]) == 20.0
    assert one.value(OF["flagged"]) == 0.25
    assert one.value(OF[TOTAL]) == pytest.approx(0.05)
    assert np.isnan(one.value(OF["birth"]))
    assert (one.n_lineages(OF["cycle"]), one.n_lineages(OF[TOTAL]), one.n_lineages(OF["birth"])) == (3, 10, 0)


def test_lineages_of_two_acquisitions_of_a_well_are_not_mixed_up():
    parts = {name: [NOTHING, NOTHING] for name in OF}
    parts["cycle"] = [
        Part(np.array([1.0, 2.0]), np.array([7, 7])),
        NOTHING,
        Part(np.array([3.0, 4.0]), np.array([7, 9])),
    ]
    values, lineage = Well("a", "w", ("x", "y"), parts).cells(OF["cycle"])
    assert values.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert lineage.tolist() == [0, 0, 1, 2]


def test_whole_lineages_are_drawn():
    one = well("a", "w", cycle=([1, 1, 1, 5, 5, 5], [0, 0, 0, 1, 1, 1]), flagged=([1, 1, 0], [0, 0, 1]))
    rng = np.random.default_rng(0)
    assert set(one.drawn_anew(OF["cycle"], rng, 200)) == {1.0, 3.0, 5.0}
    # A draw of the first lineage twice, both once, the second twice.
    assert set(one.drawn_anew(OF["flagged"], rng, 200)) == {1.0, 2 / 3, 0.0}


def test_a_culture_whose_lineages_grow_alike_is_drawn_alike():
    drawn = well("a", "w", rate_per_h=0.05).drawn_anew(OF[TOTAL], np.random.default_rng(0), 50)
    assert drawn == pytest.approx(np.full(50, 0.05))
