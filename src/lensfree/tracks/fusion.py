"""Cells that were found as one for some frames: both go through it, each with its share.

Where two cells come too near to each other a detector finds one, with the sum of their dry masses. Linking
gives it to one of the two; the other is missing, and afterwards either may have taken the name of the other.
What tells is dry mass: it jumps up by that of the missing cell and falls back, and it is conserved,

    m(fused) = M(carrier) + M(missing)

with M the medians before and after. Such a detection is split in the ratio of the two, and who is who
afterwards is decided anew by dry mass before and after and by the way the cells were going.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from lensfree.config import TrackConfig
from lensfree.tracks.candidates import LinkedTracks, beginnings_after_ends, orphans_of
from lensfree.tracks.fusion_rows import LEVEL_FRAMES, Fusion, places_of, split_fused
from lensfree.tracks.scales import Scales

logger = logging.getLogger(__name__)

LEVEL_SD = 0.05
"""What ln(dry mass) of a cell may change by meanwhile, and the error of medians beside noise."""

MOST_OFF = 16.0
"""Largest squared deviation, in sd, of a fused dry mass from the sum that it should be."""

CLEARER = 4.0
"""By how much the sum must explain a dry mass better than one cell alone does."""

CROSSING_FRAMES = 4
"""Looks whose median says who is who: a cell that met one other has often just met a third."""

VELOCITY_FRAMES = 2
"""Frames that a cell's velocity before and after is the mean of."""


def resolve_fusions(
    linked: pd.DataFrame, config: TrackConfig, scales: Scales
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Find detections that are two cells, and give each cell its own row there.

    Args:
        linked: the answer of `link`.
        config: the section `track`.
        scales: as given to `link`.

    Returns:
        The cells with `track` mended and a column `is_shared` (bool), see `split_fused`. Beside it a row per
        fusion that was accepted, see `places_of`.
    """
    is_weighed = scales.log_mass_weight_um > 0 and not linked.empty
    tracks = LinkedTracks(linked, config)
    del linked  # millions of rows: who calls may not need them any more
    fusions = find_fusions(tracks, config, scales) if is_weighed else []
    if fusions:
        logger.info(
            "%d times two cells were found as one, in %d detections; %d pairs of tracks crossed there",
            *(len(fusions), sum(len(f.rows) for f in fusions), sum(f.is_crossed for f in fusions)),
        )
    places = places_of(tracks, fusions)
    return split_fused(tracks, fusions), places


def find_fusions(tracks: LinkedTracks, config: TrackConfig, scales: Scales) -> list[Fusion]:
    """Return the fusions, the surest first; each row, and each cut of a track, belongs to one at most."""
    found = sorted(_propose(tracks, config, scales), key=lambda one: (one.cost, one.missing))
    taken: set[int] = set()
    ends: set[tuple[str, int]] = set()
    kept = []
    for one in found:
        claims = {("end", one.missing[0]), ("begin", one.missing[1])}
        if one.is_crossed:  # the carrier's track is cut as well
            claims |= {("end", one.carrier[1] - 1), ("begin", one.carrier[1])}
        if taken.isdisjoint(one.rows) and ends.isdisjoint(claims):
            taken.update(one.rows)
            ends |= claims
            kept.append(one)
    return kept


def _absences(tracks: LinkedTracks, config: TrackConfig) -> Iterator[tuple[int, int]]:
    """Yield (last row before, first row after) where a cell is missing: gaps, or ends and beginnings."""
    most = config.max_fusion_frames + 1
    step = np.diff(tracks.frame)
    for row in np.flatnonzero((np.diff(tracks.track) == 0) & (step > 1) & (step <= most)).tolist():
        yield row, row + 1
    for end, near in beginnings_after_ends(tracks, orphans_of(tracks, config), most, config.fusion_range_um):
        for begin in near:
            if tracks.frame[begin] - tracks.frame[end] > 1:
                yield int(end), begin


def _propose(tracks: LinkedTracks, config: TrackConfig, scales: Scales) -> Iterator[Fusion]:
    absences = list(_absences(tracks, config))
    if not absences:
        return
    before, after = np.array(absences).T
    which, row = _near_on_the_way(tracks, before, after, config.fusion_range_um)
    frame_before, frame_after = tracks.frame[before[which]], tracks.frame[after[which]]
    own = tracks.track[row]
    carrier_before = tracks.row_at(own, frame_before, side="right") - 1
    carrier_after = tracks.row_at(own, frame_after, side="left")
    is_through = (carrier_before >= tracks.start[own]) & (carrier_after < tracks.stop[own])
    is_other = (own != tracks.track[before[which]]) & (own != tracks.track[after[which]])
    which, row, carrier_before, carrier_after = (
        values[is_through & is_other] for values in (which, row, carrier_before, carrier_after)
    )
    if not len(which):
        return
    level = np.log(
        [
            tracks.median_mass_pg(carrier_before, -LEVEL_FRAMES),
            tracks.median_mass_pg(carrier_after, LEVEL_FRAMES),
            tracks.median_mass_pg(before[which], -LEVEL_FRAMES),
            tracks.median_mass_pg(after[which], LEVEL_FRAMES),
        ]
    )
    log_sum = (np.logaddexp(level[0], level[2]) + np.logaddexp(level[1], level[3])) / 2
    variance = scales.log_mass_sd**2 + LEVEL_SD**2
    look = np.log(tracks.dry_mass_pg[row])
    off_sum = (look - log_sum) ** 2 / variance
    off_alone = np.min((look - level) ** 2, axis=0) / variance
    is_sum = (off_sum < MOST_OFF) & (off_sum + CLEARER < off_alone)
    crossing = _crossing_gain(tracks, carrier_before, carrier_after, before[which], after[which], scales)
    groups: dict[tuple[int, int], list[int]] = {}
    for k in np.flatnonzero(is_sum).tolist():
        groups.setdefault((int(which[k]), int(carrier_before[k])), []).append(k)
    for members in groups.values():
        first = members[0]
        yield Fusion(
            missing=(int(before[which[first]]), int(after[which[first]])),
            carrier=(int(carrier_before[first]), int(carrier_after[first])),
            rows=tuple(row[members].tolist()),
            is_crossed=bool(crossing[first] > 0),
            cost=float(off_sum[members].mean()),
        )


def _near_on_the_way(
    tracks: LinkedTracks, before: np.ndarray, after: np.ndarray, range_um: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs (absence, row): rows in the missing frames near the straight way of the missing cell."""
    missed = tracks.frame[after] - tracks.frame[before] - 1
    which = np.repeat(np.arange(len(before)), missed)
    later = np.arange(len(which)) - np.repeat(np.cumsum(missed) - missed, missed) + 1
    frame = tracks.frame[before[which]] + later
    share = (later / (missed[which] + 1))[:, None]
    way_um = (1 - share) * tracks.position_um[before[which]] + share * tracks.position_um[after[which]]
    pairs: list[np.ndarray] = [np.empty((0, 2), dtype=np.int64)]
    order = np.argsort(frame, kind="stable")
    numbers, first = np.unique(frame[order], return_index=True)
    for number, asked in zip(numbers.tolist(), np.split(order, first[1:]), strict=True):
        rows = tracks.rows_in(number)
        if not len(rows):
            continue
        near = cKDTree(tracks.position_um[rows]).query_ball_point(way_um[asked], range_um, return_sorted=True)
        pairs += [
            np.column_stack([np.full(len(n), a), rows[n]]) for a, n in zip(asked, near, strict=True) if n
        ]
    found = np.concatenate(pairs)
    return which[found[:, 0]], found[:, 1]


def _crossing_gain(
    tracks: LinkedTracks,
    carrier_before: np.ndarray,
    carrier_after: np.ndarray,
    missing_before: np.ndarray,
    missing_after: np.ndarray,
    scales: Scales,
) -> np.ndarray:
    """Return by how much the cells fit better if they have each other's tracks afterwards.

    Squared deviations in sd: of dry mass before and after, of where a cell came to from where its velocity
    before and, backwards, after would have it, and of the two velocities from each other.
    """
    mass_variance = LEVEL_SD**2 + np.pi / CROSSING_FRAMES * scales.log_mass_sd**2
    # The persistence of scales is that of a velocity with noise on it; that of the way itself is higher.
    keep = min(scales.persistence**0.5, 0.99)

    def cost(before: np.ndarray, after: np.ndarray) -> np.ndarray:
        frames = (tracks.frame[after] - tracks.frame[before]).astype(np.float64)[:, None]
        log_before, log_after = (
            np.log(tracks.median_mass_pg(rows, sign * CROSSING_FRAMES))
            for rows, sign in ((before, -1), (after, 1))
        )
        step_um = tracks.position_um[after] - tracks.position_um[before]
        reach = keep * (1 - keep**frames) / (1 - keep)
        velocity_before = tracks.velocity_um(before, -VELOCITY_FRAMES)
        velocity_after = tracks.velocity_um(after, VELOCITY_FRAMES)
        ahead, back = (
            (step_um - reach * velocity) / frames for velocity in (velocity_before, velocity_after)
        )
        turn_um = velocity_after - keep**frames * velocity_before
        square_um2 = (ahead**2 + back**2).sum(axis=1) / 2 + (turn_um**2).sum(axis=1)
        return (log_after - log_before) ** 2 / mass_variance + square_um2 / scales.step_sd_um**2

    straight = cost(carrier_before, carrier_after) + cost(missing_before, missing_after)
    crossed = cost(carrier_before, missing_after) + cost(missing_before, carrier_after)
    return straight - crossed
