"""From fusions to tracks: a row for each of two cells where they were found as one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lensfree.tracks.candidates import LinkedTracks

DETECTION = "detection"
"""Column that numbers the detections, if the caller wants to know rows again; -1 where a row was added."""

LEVEL_FRAMES = 10
"""Looks whose median dry mass is a cell's before, and after."""


@dataclass(frozen=True)
class Fusion:
    """Two cells that were found as one for some frames; rows are those of `LinkedTracks`.

    Attributes:
        missing: last row before and first after of the cell that was not found.
        carrier: the same of the cell whose track has the fused rows.
        rows: fused rows, in order of time.
        is_crossed: whether the cells have each other's tracks afterwards.
        cost: squared deviation of the fused dry masses from the sum, mean over rows.
    """

    missing: tuple[int, int]
    carrier: tuple[int, int]
    rows: tuple[int, ...]
    is_crossed: bool
    cost: float


def split_fused(tracks: LinkedTracks, fusions: list[Fusion]) -> pd.DataFrame:
    """Return the table with a row for either cell where they were one, and tracks joined and crossed.

    Returns:
        The cells by frame with `track` and a column `is_shared` (bool): the row is one cell's share of a
        detection that it had together with another. Their positions lie on each cell's way with the centroid
        of dry mass where it was found, their dry masses add up to what was found; the other columns of the
        cell that was missing are those of its last row before.
    """
    table = tracks.table.assign(is_shared=False)
    n = len(table)
    follower = np.where(np.append(np.diff(tracks.track) == 0, False), np.arange(1, n + 1), -1)
    position_um, dry_mass_pg = (
        tracks.position_um.copy(),
        table["dry_mass_pg"].to_numpy(dtype=np.float64).copy(),
    )
    shared: list[np.ndarray] = []
    copies: list[np.ndarray] = []
    copied_um: list[np.ndarray] = []
    copied_pg: list[np.ndarray] = []
    links: list[tuple[int, int]] = []
    n_new = n
    for one in fusions:
        rows = np.array(one.rows)
        (a, a_after), (b, b_after) = one.carrier, one.missing
        if one.is_crossed:
            a_after, b_after = b_after, a_after
        weight = _share_of_carrier(tracks, a, a_after, b, b_after)
        way_um = [_on_the_way(tracks, *pair, rows) for pair in ((a, a_after), (b, b_after))]
        off_um = tracks.position_um[rows] - (weight * way_um[0] + (1 - weight) * way_um[1])
        new = np.arange(n_new, n_new + len(rows))
        n_new += len(rows)
        shared.append(rows)
        copies.append(np.full(len(rows), b))
        copied_um.append(way_um[1] + off_um)
        copied_pg.append((1 - weight) * dry_mass_pg[rows])
        position_um[rows], dry_mass_pg[rows] = way_um[0] + off_um, weight * dry_mass_pg[rows]
        follower[b] = -1
        links += zip([b, *new.tolist()], [*new.tolist(), b_after], strict=True)
        if one.is_crossed:
            last = int(one.carrier[1]) - 1
            follower[last] = -1
            links.append((last, a_after))
    if not fusions:
        return table
    rows = np.concatenate(shared)
    table.loc[rows, "is_shared"] = True
    table["y_um"], table["x_um"] = position_um.T
    table["dry_mass_pg"] = dry_mass_pg
    added = table.loc[np.concatenate(copies)].assign(is_shared=True, dry_mass_pg=np.concatenate(copied_pg))
    for name in ("frame", "time_h"):
        added[name] = table[name].to_numpy()[rows]
    if DETECTION in added:
        added[DETECTION] = -1
    added[["y_um", "x_um"]] = np.concatenate(copied_um)
    whole = pd.concat([table, added], ignore_index=True)
    own = np.flatnonzero(follower >= 0)
    source = np.concatenate([own, [link[0] for link in links]]).astype(np.int64)
    target = np.concatenate([follower[own], [link[1] for link in links]]).astype(np.int64)
    graph = coo_array((np.ones(len(source), bool), (source, target)), shape=(len(whole), len(whole)))
    whole["track"] = connected_components(graph, directed=False)[1].astype(np.int64)
    return whole.sort_values("frame", kind="stable", ignore_index=True)


def _share_of_carrier(tracks: LinkedTracks, a: int, a_after: int, b: int, b_after: int) -> float:
    """Return the share of the fused dry mass that is the carrier's, from the medians before and after."""
    level = [
        np.sqrt(
            tracks.median_mass_pg(np.array(before), -LEVEL_FRAMES)
            * tracks.median_mass_pg(np.array(after), LEVEL_FRAMES)
        )
        for before, after in ((a, a_after), (b, b_after))
    ]
    return float(level[0] / (level[0] + level[1]))


def _on_the_way(tracks: LinkedTracks, before: int, after: int, rows: np.ndarray) -> np.ndarray:
    """Return positions (row, yx) on the straight way from one row to another, at the frames of rows [um]."""
    share = (tracks.frame[rows] - tracks.frame[before]) / (tracks.frame[after] - tracks.frame[before])
    return (1 - share)[:, None] * tracks.position_um[before] + share[:, None] * tracks.position_um[after]
