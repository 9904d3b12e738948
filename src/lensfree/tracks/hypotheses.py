"""What may have happened where a track begins: a division, or a cell found again; and what each costs.

A linked track begins without cause when a cell divides (its sister took over the mother's track), when
both sisters begin next to the end of the mother's, or when a cell was lost for longer than linking
remembers. Costs are sums of squared deviations in units of their sd, so that 1 per term is ordinary:

    division   middle of the sisters against the mother, distance between them, conservation of dry
               mass ln(sum of daughters / mother), symmetry ln(daughter / daughter), the frame in which dry
               mass halves, mitotic rounding
    gap        distance and change of ln(dry mass) between the end and the beginning
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from lensfree.config import TrackConfig
from lensfree.tracks.border import Border
from lensfree.tracks.candidates import (
    LinkedTracks,
    beginnings_after_ends,
    orphans_of,
    three_way,
    with_heir,
    without_heir,
)
from lensfree.tracks.rounding import Rounding
from lensfree.tracks.scales import RAYLEIGH_MEDIAN, Scales

YOUNG_MOTHER_FRAMES = 2
YOUNG_MOTHER_COST = 4.0
"""Surcharge on mothers seen for fewer frames than `YOUNG_MOTHER_FRAMES`: most of them are debris."""

LATE_COST = 3.0
"""Surcharge per frame in which a daughter was missed."""

PARTING_PER_FRAME = 0.25
"""Uncertainty of the distance between sisters, per frame since the division, relative to that distance."""


TIMING_FRAMES = 3
"""Looks on either side of a division that say whether it is in the right frame."""

UNTIMELY_MOST = 12.0
"""Most that they may cost: one look may be wrong because two cells were found as one."""

LEAPING = 4.0
"""Degrees of freedom of Student's t in the plane, of the steps of cells that do not divide: some leap."""


@dataclass(frozen=True)
class Hypothesis:
    """One explanation of what happened to a track.

    Attributes:
        kind: of the event.
        before: last row of `LinkedTracks` before it.
        after: first rows after it.
        cost: sum of squared deviations, in sd.
        spared: what else would have to be explained without it, in the same unit; see `step_spared`.
    """

    kind: Literal["division", "gap"]
    before: int
    after: tuple[int, ...]
    cost: float
    spared: float = 0.0


@dataclass(frozen=True)
class Expectation:
    """What a division looks like: means and sd of the terms of its cost, how cells round up for it, and
    where daughters are none."""

    midpoint_sd_um: float
    separation_um: float
    separation_sd_um: float
    log_sum_sd: float
    log_ratio_sd: float
    rounding: Rounding | None = None
    border: Border = Border()

    @classmethod
    def before_any(cls, scales: Scales, config: TrackConfig, border: Border | None = None) -> Expectation:
        """Expect sisters at any distance in range, and the noise of medians of dry mass."""
        return cls(
            midpoint_sd_um=2.5 * scales.step_sd_um,
            separation_um=0.5 * config.division_range_um,
            separation_sd_um=0.25 * config.division_range_um,
            log_sum_sd=float(np.hypot(0.08, 0.9 * scales.log_mass_sd)),
            log_ratio_sd=float(np.hypot(0.15, 1.5 * scales.log_mass_sd)),
            border=border or Border(),
        )


def propose(
    tracks: LinkedTracks, scales: Scales, config: TrackConfig, expectation: Expectation
) -> list[Hypothesis]:
    """Return every hypothesis that is cheap enough to be accepted."""
    orphans = orphans_of(tracks, config)
    pairs = np.array(
        [*with_heir(tracks, orphans, config), *without_heir(tracks, orphans, config)], dtype=np.int64
    ).reshape(-1, 3)
    triples = np.array(list(three_way(tracks, pairs, config)), dtype=np.int64).reshape(-1, 4)
    found: list[Hypothesis] = []
    for rows, surcharge in ((pairs, 0.0), (triples, config.three_way_cost)):
        cost = surcharge + division_cost(tracks, rows[:, 0], rows[:, 1:], scales, config, expectation)
        is_cheap = cost < max_cost(scales, config)
        rows, cost = rows[is_cheap], cost[is_cheap]
        spared = step_spared(tracks, rows[:, 0], rows[:, 1], scales)
        found += [
            Hypothesis("division", mother, tuple(daughters), *figures)
            for (mother, *daughters), *figures in zip(
                rows.tolist(), cost.tolist(), spared.tolist(), strict=True
            )
        ]
    return found + list(_gaps(tracks, orphans, scales, config))


def max_cost(scales: Scales, config: TrackConfig) -> float:
    """Return the cost from which a hypothesis is refused; without mass two of four terms are gone."""
    return config.division_max_cost * (1.0 if scales.log_mass_weight_um > 0 else config.max_cost_without_mass)


def division_terms(
    tracks: LinkedTracks, mother: np.ndarray, daughters: np.ndarray, config: TrackConfig
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the quantities that a division is judged by.

    Args:
        tracks: the linked cells.
        mother: (n,) last row of each mother.
        daughters: (n, 2) or (n, 3) first rows of the daughters.
        config: the section `track`.

    Returns:
        Distance of the daughters' middle from the mother in um per square root of the frames between,
        mean distance between daughters in um, ln(sum of daughters / mother), and the root of
        2 sum ln(daughter / geometric mean)^2, which for two daughters is |ln(daughter / daughter)|.
    """
    position_um = tracks.position_um[daughters]
    waited = np.maximum(tracks.frame[daughters].max(axis=1) - tracks.frame[mother], 1)
    offset_um = np.linalg.norm(position_um.mean(axis=1) - tracks.position_um[mother], axis=1) / np.sqrt(
        waited
    )
    separation_um = np.mean(
        [np.linalg.norm(position_um[:, a] - position_um[:, b], axis=1) for a, b in _pairs_of(daughters)],
        axis=0,
    )
    mother_pg = tracks.median_mass_pg(mother, -config.division_mass_frames)
    daughter_pg = tracks.median_mass_pg(daughters, config.division_mass_frames)
    log_daughter = np.log(daughter_pg)
    spread = np.sqrt(2 * np.sum((log_daughter - log_daughter.mean(axis=1, keepdims=True)) ** 2, axis=1))
    return offset_um, separation_um, np.log(daughter_pg.sum(axis=1) / mother_pg), spread


def division_cost(
    tracks: LinkedTracks,
    mother: np.ndarray,
    daughters: np.ndarray,
    scales: Scales,
    config: TrackConfig,
    expectation: Expectation,
) -> np.ndarray:
    """Return the cost of each division; see `division_terms`."""
    if len(mother) == 0:
        return np.empty(0)
    offset_um, separation_um, log_sum, log_spread = division_terms(tracks, mother, daughters, config)
    late = np.maximum(tracks.frame[daughters].max(axis=1) - tracks.frame[mother] - 1, 0)
    parting_um = np.hypot(expectation.separation_sd_um, PARTING_PER_FRAME * late * expectation.separation_um)
    cost = (offset_um / expectation.midpoint_sd_um) ** 2 + LATE_COST * late
    cost += ((separation_um - expectation.separation_um) / parting_um) ** 2
    if scales.log_mass_weight_um > 0:
        cost += (log_sum / expectation.log_sum_sd) ** 2 + (log_spread / expectation.log_ratio_sd) ** 2
        cost += _untimely(tracks, mother, daughters[:, 0], scales, config)
    if expectation.rounding is not None:
        cost += expectation.rounding.cost(tracks, mother, daughters)
    seen = mother - tracks.start[tracks.track[mother]] + 1
    is_young = (seen < YOUNG_MOTHER_FRAMES) & (tracks.frame[mother] > tracks.frame.min())
    return cost + YOUNG_MOTHER_COST * is_young + expectation.border.cost(tracks, daughters)


def step_spared(tracks: LinkedTracks, mother: np.ndarray, heir: np.ndarray, scales: Scales) -> np.ndarray:
    """Return what the heir's step would cost without the division, beyond a median step.

    A track goes on somehow: either its cell divides, and geometry says where the heir is, or the step is an
    ordinary one, whose -2 ln of density this is. Of two neighbours that may be the mother, the one whose
    track leaps aside is the likelier. Without an heir the track ends, and no step has to be explained.

    Args:
        tracks: the linked cells.
        mother: (n,) last row of each mother.
        heir: (n,) first row of the daughter that may have taken over her track.
        scales: the sd of a step.
    """
    waited = np.maximum(tracks.frame[heir] - tracks.frame[mother], 1)
    step_um = np.linalg.norm(tracks.position_um[heir] - tracks.position_um[mother], axis=1)
    square = (step_um / scales.step_sd_um) ** 2 / waited
    over_median = (1 + square / LEAPING) / (1 + RAYLEIGH_MEDIAN**2 / LEAPING)
    cost = (LEAPING + 2) * np.log(np.maximum(over_median, 1.0))
    return np.where(tracks.track[mother] == tracks.track[heir], cost, 0.0)


def _untimely(
    tracks: LinkedTracks, mother: np.ndarray, heir: np.ndarray, scales: Scales, config: TrackConfig
) -> np.ndarray:
    """Return how much better the looks around a division fit on its other side, in sd of ln(dry mass).

    Dry mass falls by half from one look to the next. A look as heavy as the mother that counts as the heir,
    or the other way round, says that the division was in another frame. Without an heir there is nothing to
    ask.
    """
    level_before = np.log(tracks.median_mass_pg(mother, -config.division_mass_frames))
    level_after = np.log(tracks.median_mass_pg(heir, config.division_mass_frames))
    window = heir[:, None] + np.arange(-TIMING_FRAMES, TIMING_FRAMES)
    is_own = (window >= tracks.start[tracks.track[heir]][:, None]) & (
        window < tracks.stop[tracks.track[heir]][:, None]
    )
    look = np.log(tracks.dry_mass_pg[np.clip(window, 0, len(tracks.frame) - 1)])
    off_before, off_after = ((look - level[:, None]) ** 2 for level in (level_before, level_after))
    is_after = window >= heir[:, None]
    excess = np.where(is_after, off_after - off_before, off_before - off_after)
    cost = np.where(is_own, np.maximum(excess, 0.0), 0.0).sum(axis=1) / scales.log_mass_sd**2
    return np.where(tracks.track[mother] == tracks.track[heir], np.minimum(cost, UNTIMELY_MOST), 0.0)


def _pairs_of(daughters: np.ndarray) -> list[tuple[int, int]]:
    return list(combinations(range(daughters.shape[1]), 2))


def _gaps(
    tracks: LinkedTracks, orphans: np.ndarray, scales: Scales, config: TrackConfig
) -> Iterator[Hypothesis]:
    """Yield tracks that may go on as another after a gap; the step may grow with the time between."""
    frames = config.max_gap_frames + 1 if config.max_gap_frames else 0
    limit = max_cost(scales, config)
    rows = np.array(
        [
            (end, orphan)
            for end, near in beginnings_after_ends(tracks, orphans, frames, 2 * scales.search_range_um)
            for orphan in near
        ],
        dtype=np.int64,
    ).reshape(-1, 2)
    waited = tracks.frame[rows[:, 1]] - tracks.frame[rows[:, 0]]
    step_um = np.linalg.norm(np.diff(tracks.position_um[rows], axis=1)[:, 0], axis=1)
    cost = config.gap_cost + (step_um / (2 * scales.step_sd_um * waited**0.75)) ** 2
    if scales.log_mass_weight_um > 0 and len(rows):
        before_pg = tracks.median_mass_pg(rows[:, 0], -config.division_mass_frames)
        after_pg = tracks.median_mass_pg(rows[:, 1], config.division_mass_frames)
        cost += (np.log(after_pg / before_pg) / np.hypot(0.05, scales.log_mass_sd)) ** 2
    for k in np.flatnonzero(cost < limit):
        yield Hypothesis("gap", int(rows[k, 0]), (int(rows[k, 1]),), float(cost[k]))
