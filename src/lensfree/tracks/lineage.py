"""Linked tracks to cells with mothers: which divisions and gaps explain the tracks best together."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from lensfree.config import TrackConfig
from lensfree.tracks.border import Border
from lensfree.tracks.candidates import LinkedTracks
from lensfree.tracks.hypotheses import Expectation, Hypothesis, division_terms, max_cost, propose
from lensfree.tracks.rounding import Rounding
from lensfree.tracks.scales import NORMAL_MAD, Scales, estimate_scales

logger = logging.getLogger(__name__)

DECISIONS = {
    "kind": str,
    "cost": float,
    "frame_before": np.int64,
    "frame": np.int64,
    "y_um": float,
    "x_um": float,
    "cell_id": np.int64,
    "related_id": np.int64,
}
"""Columns of decisions and their types."""

MIN_DIVISIONS_TO_LEARN = 20
SURE_SHARE_OF_MAX_COST = 0.4


@dataclass(frozen=True)
class Lineage:
    """Cells with names, and what was decided on the way.

    Attributes:
        cells: the cells without `track` but with `cell_id` (from 0 in order of birth), `parent_id` (-1 if
        none)
            and `lineage_id` (`cell_id` of the founder), sorted by frame and cell.
        decisions: the divisions and gaps, a row per daughter or gap: `kind`, `cost`, `frame_before`, `frame`,
            `y_um`, `x_um` (first after it), `cell_id` (mother, or the cell) and `related_id` (daughter, or
            -1).
    """

    cells: pd.DataFrame
    decisions: pd.DataFrame


def resolve_lineage(linked: pd.DataFrame, config: TrackConfig, scales: Scales | None = None) -> Lineage:
    """Find divisions and gaps in linked tracks, and name every cell, its mother and its founder.

    Divisions are judged by geometry, conservation of dry mass and mitotic rounding, first with a wide
    expectation and, once enough are sure, with what this acquisition shows. Of the hypotheses that contradict
    each other the set with the largest total gain is taken, exactly.

    Args:
        linked: the answer of `link` or `resolve_fusions`; other columns are kept.
        config: the section `track`.
        scales: as given to `link`; estimated from the cells if not given.
    """
    if linked.empty:
        names = {name: np.empty(0, dtype=np.int64) for name in ("cell_id", "parent_id", "lineage_id")}
        return Lineage(linked.drop(columns="track").assign(**names), _decisions([]))
    scales = scales or estimate_scales(linked, config)
    tracks = LinkedTracks(linked, config)
    del linked  # millions of rows: who calls may not need them any more
    events = find_events(tracks, scales, config)
    return _name_cells(tracks, events)


def find_events(tracks: LinkedTracks, scales: Scales, config: TrackConfig) -> list[Hypothesis]:
    """Return the accepted divisions and gaps."""
    border = Border.learn(tracks, scales, config)
    expectation = Expectation.before_any(scales, config, border)
    limit = max_cost(scales, config)
    events = choose(propose(tracks, scales, config, expectation), tracks, config, limit)
    sure = [e for e in events if e.kind == "division" and e.cost < SURE_SHARE_OF_MAX_COST * limit]
    if len(sure) >= MIN_DIVISIONS_TO_LEARN:
        expectation = _learn(tracks, sure, config, expectation)
        events = choose(propose(tracks, scales, config, expectation), tracks, config, limit)
    kinds = [e.kind for e in events]
    logger.info(
        "%d tracks: %d divisions, %d gaps closed; %s",
        len(tracks.start),
        kinds.count("division"),
        kinds.count("gap"),
        expectation,
    )
    return events


def choose(
    hypotheses: list[Hypothesis], tracks: LinkedTracks, config: TrackConfig, limit: float
) -> list[Hypothesis]:
    """Return the set of compatible hypotheses with the largest sum of `limit - cost + spared`.

    A beginning of a track is explained once, an end of a track leads to one event, and a cell does not
    divide within `min_cycle_h` of its birth. Solved as an integer programme (HiGHS).
    """
    if not hypotheses:
        return []
    conflicts = [members for members in _claims(hypotheses).values() if len(members) > 1]
    conflicts += _too_soon(hypotheses, tracks, config.min_cycle_h)
    gain = np.array([limit - h.cost + h.spared for h in hypotheses])
    if not conflicts:
        return hypotheses
    rows = np.repeat(np.arange(len(conflicts)), [len(members) for members in conflicts])
    columns = np.concatenate(conflicts)
    matrix = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(conflicts), len(hypotheses)))
    answer = milp(
        -gain,
        integrality=np.ones(len(gain)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(matrix, ub=np.ones(len(conflicts))),
        options={"mip_rel_gap": 0.0},
    )
    if answer.x is None:
        raise RuntimeError(f"choosing among {len(hypotheses)} divisions failed: {answer.message}")
    return [hypotheses[k] for k in np.flatnonzero(answer.x > 0.5)]


def _claims(hypotheses: list[Hypothesis]) -> dict[tuple[str, int], list[int]]:
    """Return which hypotheses explain what follows a row, and which what precedes it."""
    claims: dict[tuple[str, int], list[int]] = {}
    for k, hypothesis in enumerate(hypotheses):
        claims.setdefault(("after", hypothesis.before), []).append(k)
        for row in hypothesis.after:
            claims.setdefault(("before", row), []).append(k)
    return claims


def _too_soon(hypotheses: list[Hypothesis], tracks: LinkedTracks, min_cycle_h: float) -> list[list[int]]:
    """Return pairs of divisions of which the second comes too soon: on one track, or on a daughter's."""
    divided: dict[int, list[int]] = {}
    for k, hypothesis in enumerate(hypotheses):
        if hypothesis.kind == "division":
            divided.setdefault(int(tracks.track[hypothesis.before]), []).append(k)
    division_h = tracks.time_h(np.array([hypothesis.before for hypothesis in hypotheses])).tolist()
    found: set[tuple[int, int]] = set()
    for k, hypothesis in enumerate(hypotheses):
        if hypothesis.kind == "division":
            for track in {int(tracks.track[row]) for row in (hypothesis.before, *hypothesis.after)}:
                near = (j for j in divided.get(track, []) if abs(division_h[j] - division_h[k]) < min_cycle_h)
                found.update((min(j, k), max(j, k)) for j in near if j != k)
    return [list(pair) for pair in sorted(found)]


def _learn(
    tracks: LinkedTracks, sure: list[Hypothesis], config: TrackConfig, prior: Expectation
) -> Expectation:
    """Return what the sure divisions look like: medians and sd, the sd within a factor of the prior."""
    pairs = [e for e in sure if len(e.after) == 2]
    mother, daughters = np.array([e.before for e in pairs]), np.array([e.after for e in pairs])
    offset_um, separation_um, log_sum, log_spread = division_terms(tracks, mother, daughters, config)

    def bounded(sd: float, prior_sd: float, low: float = 0.4) -> float:
        return float(np.clip(sd, low * prior_sd, prior_sd))

    separation_sd_um = NORMAL_MAD * float(np.median(np.abs(separation_um - np.median(separation_um))))
    return Expectation(
        midpoint_sd_um=bounded(1.5 * float(np.median(offset_um)), prior.midpoint_sd_um),
        separation_um=float(np.median(separation_um)),
        separation_sd_um=bounded(1.5 * separation_sd_um, prior.separation_sd_um),
        log_sum_sd=bounded(1.5 * NORMAL_MAD * float(np.median(np.abs(log_sum))), prior.log_sum_sd),
        log_ratio_sd=bounded(1.5 * NORMAL_MAD * float(np.median(log_spread)), prior.log_ratio_sd),
        rounding=Rounding.learn(tracks, mother, daughters) if config.use_rounding else None,
        border=prior.border,
    )


def _name_cells(tracks: LinkedTracks, events: list[Hypothesis]) -> Lineage:
    """Cut the tracks at divisions, join them across gaps, and number the cells in order of birth."""
    is_cut = tracks.is_start.copy()
    for event in events:
        is_cut[list(event.after)] = True
    piece = np.cumsum(is_cut) - 1
    first_row = np.flatnonzero(is_cut)
    before = np.full(len(first_row), -1)
    is_gap = np.zeros(len(first_row), dtype=bool)
    for event in events:
        before[piece[list(event.after)]] = piece[event.before]
        is_gap[piece[list(event.after)]] = event.kind == "gap"
    order = np.lexsort((*tracks.position_um[first_row].T[::-1], tracks.frame[first_row]))
    cell_of, parent_of, founder_of = (np.full(len(first_row), -1, dtype=np.int64) for _ in range(3))
    born = 0
    for k in order:  # in order of birth, so that whatever came before is named already
        if is_gap[k]:
            source = before[k]
            cell_of[k], parent_of[k], founder_of[k] = cell_of[source], parent_of[source], founder_of[source]
            continue
        cell_of[k] = born
        if before[k] >= 0:
            parent_of[k], founder_of[k] = cell_of[before[k]], founder_of[before[k]]
        else:
            founder_of[k] = born
        born += 1
    cell_id = cell_of[piece]
    decisions = [
        {
            "kind": event.kind,
            "cost": event.cost,
            "frame_before": tracks.frame[event.before],
            "frame": tracks.frame[row],
            "y_um": tracks.position_um[row, 0],
            "x_um": tracks.position_um[row, 1],
            "cell_id": cell_id[event.before],
            "related_id": cell_id[row] if event.kind == "division" else -1,
        }
        for event in events
        for row in event.after
    ]
    order = np.lexsort((cell_id, tracks.frame))
    piece = piece[order]
    cells = tracks.linked.drop(columns="track").take(tracks.place[order]).reset_index(drop=True)
    names = {"cell_id": cell_of, "parent_id": parent_of, "lineage_id": founder_of}
    return Lineage(cells.assign(**{name: of[piece] for name, of in names.items()}), _decisions(decisions))


def _decisions(rows: list[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(DECISIONS)).astype(DECISIONS)
