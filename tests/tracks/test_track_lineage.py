"""Divisions, gaps and names on worlds whose answer is known."""

import cases
import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_t

from lensfree.contracts import TRACKS
from lensfree.tracks.border import Border
from lensfree.tracks.candidates import LinkedTracks
from lensfree.tracks.hypotheses import (
    LEAPING,
    YOUNG_MOTHER_COST,
    Expectation,
    Hypothesis,
    division_cost,
    step_spared,
)
from lensfree.tracks.lineage import choose, resolve_lineage
from lensfree.tracks.link import link
from lensfree.tracks.scales import RAYLEIGH_MEDIAN, Scales

WORLDS = [
    cases.straight_walk,
    cases.two_that_cross,
    cases.missed_frame,
    cases.long_absence,
    cases.one_division,
    cases.late_daughter,
    cases.three_way,
    cases.newcomer,
    cases.two_generations,
]


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__name__)
def test_the_world_comes_out_as_it_is(world, tiny, same_cells):
    truth = world()
    tracks = resolve_lineage(link(cases.seen(truth), tiny), tiny).cells
    assert set(tracks.columns) == set(TRACKS.columns) - {"is_shared"}
    same_cells(tracks, truth)


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__name__)
def test_cells_are_numbered_in_order_of_birth(world, tiny):
    tracks = resolve_lineage(link(cases.seen(world()), tiny), tiny).cells
    births = tracks.groupby("cell_id")["frame"].min()
    assert births.index.tolist() == list(range(len(births))) and births.is_monotonic_increasing
    assert (tracks["parent_id"] < tracks["cell_id"]).all() and (
        tracks["lineage_id"] <= tracks["cell_id"]
    ).all()


def test_both_daughters_may_be_strangers_to_the_mothers_track(tiny, same_cells):
    truth = cases.one_division()
    linked = link(cases.seen(truth), tiny.model_copy(update={"search_range_um": 5.0}))
    assert linked["track"].nunique() == 4  # neither daughter is within 5 um of the mother
    same_cells(resolve_lineage(linked, tiny).cells, truth)


def test_a_daughter_that_does_not_last_is_no_daughter(tiny):
    truth = cases.one_division()
    brief = truth[(truth["cell_id"] != 3) | (truth["frame"] < 15 + tiny.min_track_frames - 1)]
    tracks = resolve_lineage(link(cases.seen(brief), tiny), tiny).cells
    assert (tracks["parent_id"] == -1).all()


def test_mass_must_be_conserved(tiny):
    truth = cases.one_division()
    truth.loc[truth["cell_id"].isin([2, 3]), "dry_mass_pg"] *= 1.9  # two cells as heavy as the mother each
    tracks = resolve_lineage(link(cases.seen(truth), tiny), tiny).cells
    assert (tracks["parent_id"] == -1).all()
    blind = tiny.model_copy(update={"log_mass_weight_um": 0.0})
    assert (resolve_lineage(link(cases.seen(truth), blind), blind).cells["parent_id"] >= 0).any()


def test_a_mother_seen_once_is_dearer_and_one_there_from_the_start_is_not(tiny):
    truth = cases.one_division()
    scales = Scales(15.0, 2.0, 0.0, log_mass_sd=0.1, log_mass_weight_um=10.0)
    costs = {}
    for first_frame in (14, 13, 0):
        tracks = LinkedTracks(
            truth[(truth["cell_id"] != 0) | (truth["frame"] >= first_frame)].assign(track=truth["cell_id"]),
            tiny,
        )
        mother, daughters = tracks.stop[:1] - 1, tracks.start[None, 2:]
        expectation = Expectation.before_any(scales, tiny)
        costs[first_frame] = division_cost(tracks, mother, daughters, scales, tiny, expectation)[0]
    assert costs[14] - costs[13] == pytest.approx(YOUNG_MOTHER_COST)
    assert costs[13] == pytest.approx(costs[0])


@pytest.mark.parametrize("nearer", [(0, 0), (0, 1), (1, 0), (1, 1)], ids=["top", "left", "bottom", "right"])
def test_a_daughter_first_seen_at_the_edge_is_dearer(tiny, nearer):
    truth = cases.one_division()
    family = truth[(truth["cell_id"] != 1) & truth["frame"].between(10, 15)]
    scales = Scales(15.0, 2.0, 0.0, log_mass_sd=0.1, log_mass_weight_um=10.0)
    births_um = family.loc[family["frame"] == 15, ["y_um", "x_um"]].to_numpy()

    def cost(to_edge_um):
        """Two posts reach 50 um beyond the daughters, but for one side."""
        away_um = np.full((2, 2), 50.0)
        away_um[nearer] = to_edge_um
        posts = family.iloc[:2].assign(cell_id=[7, 8])
        posts[["y_um", "x_um"]] = [births_um.min(axis=0) - away_um[0], births_um.max(axis=0) + away_um[1]]
        cells = pd.concat([family, posts])
        tracks = LinkedTracks(cells.assign(track=cells["cell_id"]), tiny)
        mother, daughters = tracks.stop[:1] - 1, tracks.start[None, 1:3]
        expectation = Expectation.before_any(scales, tiny, Border(width_um=5.0, surcharge=3.0))
        return division_cost(tracks, mother, daughters, scales, tiny, expectation)[0]

    assert cost(4.99) - cost(50.0) == pytest.approx(3.0)
    assert cost(5.01) == pytest.approx(cost(50.0))


def beside(heir_um, waited=1):
    """A cell that stands still and goes on at `heir_um` after `waited` frames, when an orphan appears."""
    frames = [*range(10), *range(9 + waited, 13 + waited)]
    ways_um = {0: [(50.0, 50.0)] * 10 + [heir_um] * 4, 1: [(50.0, 60.0)] * 4}
    rows = [
        {"frame": frame, "time_h": frame / 6, "y_um": y, "x_um": x, "track": track, "dry_mass_pg": 200.0}
        for track, places in ways_um.items()
        for frame, (y, x) in zip(frames[-len(places) :], places, strict=True)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("waited", [1, 3])
def test_a_division_spares_the_heir_the_step_of_a_cell_that_does_not_divide(tiny, waited):
    scales = Scales(15.0, 2.0, 0.0, log_mass_sd=0.1, log_mass_weight_um=0.0)

    def spared(to_um, is_heir=True):
        cells = beside(to_um, waited)
        if not is_heir:
            cells.loc[(cells["track"] == 0) & (cells["frame"] > 9), "track"] = 2
        tracks = LinkedTracks(cells, tiny)
        is_after = (tracks.frame == 9 + waited) & (tracks.position_um == to_um).all(axis=1)
        return step_spared(tracks, np.array([9]), np.flatnonzero(is_after), scales).item()

    ordinary = multivariate_t(shape=scales.step_sd_um**2 * waited * np.eye(2), df=LEAPING)
    median_um = RAYLEIGH_MEDIAN * scales.step_sd_um * waited**0.5
    expected = 2 * (ordinary.logpdf([median_um, 0.0]) - ordinary.logpdf([3.0, -9.0]))
    assert expected > 3
    assert spared((53.0, 41.0)) == pytest.approx(expected)
    assert spared((50.5, 50.0)) == 0.0
    assert spared((53.0, 41.0), is_heir=False) == 0.0


def test_of_two_neighbours_the_one_whose_track_leaps_aside_has_divided(tiny):
    scales = Scales(15.0, 2.0, 0.0, log_mass_sd=0.1, log_mass_weight_um=0.0)
    blind = tiny.model_copy(update={"log_mass_weight_um": 0.0})
    neighbour = pd.DataFrame(
        {"frame": range(14), "time_h": np.arange(14) / 6, "y_um": 50.0, "x_um": 68.0, "track": 2}
    ).assign(dry_mass_pg=200.0)
    # By the middle of the sisters and their distance alone the neighbour would be the mother.
    world = pd.concat([beside(heir_um=(62.0, 50.0)), neighbour], ignore_index=True)
    cells = resolve_lineage(world, blind, scales).cells
    mother = cells.loc[cells["parent_id"] >= 0, "parent_id"].unique()
    assert cells.loc[cells["cell_id"].isin(mother), "x_um"].unique().tolist() == [50.0]


def test_a_cell_does_not_divide_again_at_once(tiny):
    truth = cases.two_generations()
    patient = tiny.model_copy(update={"min_cycle_h": 8.0})
    tracks = resolve_lineage(link(cases.seen(truth), patient), patient).cells
    assert (
        tracks.loc[tracks["parent_id"] >= 0, "cell_id"].nunique() == 2
    )  # the second is 6.7 h after the first


def test_gaps_stay_open_if_told_so(tiny):
    closed = resolve_lineage(link(cases.seen(cases.long_absence()), tiny), tiny).cells
    apart = tiny.model_copy(update={"max_gap_frames": 0})
    left_open = resolve_lineage(link(cases.seen(cases.long_absence()), apart), apart).cells
    assert (closed["cell_id"].nunique(), left_open["cell_id"].nunique()) == (1, 2)


def test_a_gap_is_not_closed_onto_a_cell_of_another_mass(tiny):
    truth = cases.long_absence()
    truth.loc[truth["frame"] > 14, "dry_mass_pg"] *= 2
    assert resolve_lineage(link(cases.seen(truth), tiny), tiny).cells["cell_id"].nunique() == 2


def test_the_choice_is_the_best_together_not_the_cheapest_first(tiny):
    tracks = LinkedTracks(link(cases.seen(cases.one_division()), tiny), tiny)
    greedy_trap = [
        Hypothesis("gap", before=0, after=(40,), cost=1.0),  # cheapest, and in the way of both others
        Hypothesis("gap", before=0, after=(50,), cost=2.0),
        Hypothesis("gap", before=10, after=(40,), cost=2.0),
    ]
    assert choose(greedy_trap, tracks, tiny, limit=10.0) == greedy_trap[1:]


def test_nothing_gives_nothing(tiny):
    empty = link(cases.seen(cases.straight_walk()).iloc[:0], tiny)
    tracks = resolve_lineage(empty, tiny).cells
    assert tracks.empty and set(tracks.columns) == set(TRACKS.columns) - {"is_shared"}
    assert tracks["lineage_id"].dtype == np.int64
