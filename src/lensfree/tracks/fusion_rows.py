"""From fusions to tracks: a row for each of two cells where they were found as one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lensfree.tracks.candidates import LinkedTracks

DETECTION = "detection"
"""Column that numbers the detections, if the caller wants to know rows again; an added row has that of the
last own row of its cell."""

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


def places_of(tracks: LinkedTracks, fusions: list[Fusion]) -> pd.DataFrame:
    """Return where each fusion began, how long it was, and the detections by which its cells are known.

    Returns:
        `frame`, `y_um`, `x_um` of the first fused row, `n_frames`, `cost`, `is_crossed`, and of the last row
        before it `carrier` and `missing`: their `DETECTION`, or -1 where detections are not numbered.
    """
    first = np.array([one.rows[0] for one in fusions], dtype=np.int64)

    def known(row_of: list[int]) -> np.ndarray:
        rows = np.array(row_of, dtype=np.int64)
        if DETECTION not in tracks.linked:
            return np.full(len(rows), -1)
        return tracks.linked[DETECTION].to_numpy()[tracks.place[rows]]

    return pd.DataFrame(
        {
            "frame": tracks.frame[first],
            "y_um": tracks.position_um[first, 0],
            "x_um": tracks.position_um[first, 1],
            "n_frames": np.array([len(one.rows) for one in fusions], dtype=np.int64),
            "cost": np.array([one.cost for one in fusions], dtype=np.float64),
            "is_crossed": np.array([one.is_crossed for one in fusions], dtype=bool),
            "carrier": known([one.carrier[0] for one in fusions]),
            "missing": known([one.missing[0] for one in fusions]),
        }
    )


def split_fused(tracks: LinkedTracks, fusions: list[Fusion]) -> pd.DataFrame:
    """Return the table with a row for either cell where they were one, and tracks joined and crossed.

    Returns:
        The cells in no order with `track` and a column `is_shared` (bool): the row is one cell's share of a
        detection that it had together with another. Their positions lie on each cell's way with the centroid
        of dry mass where it was found, their dry masses add up to what was found; the other columns of the
        cell that was missing are those of its last row before.
    """
    table, place = tracks.linked, tracks.place
    if not fusions:
        return table.assign(is_shared=False)
    y_um, x_um, dry_mass_pg = (
        np.array(table[name], dtype=np.float64) for name in ("y_um", "x_um", "dry_mass_pg")
    )
    copied_um: list[np.ndarray] = []
    copied_pg: list[np.ndarray] = []
    for one in fusions:
        rows = np.array(one.rows)
        weight = _share_of_carrier(tracks, one)
        carrier_um, missing_um = (_on_the_way(tracks, before, after, rows) for before, after in _ways(one))
        off_um = tracks.position_um[rows] - (weight * carrier_um + (1 - weight) * missing_um)
        copied_um.append(missing_um + off_um)
        at = place[rows]
        copied_pg.append((1 - weight) * dry_mass_pg[at])
        y_um[at], x_um[at] = (carrier_um + off_um).T
        dry_mass_pg[at] *= weight
    shared = place[np.concatenate([one.rows for one in fusions])]
    length = [len(one.rows) for one in fusions]
    is_shared = np.zeros(len(table), bool)
    is_shared[shared] = True
    own_track, added_track = _named(tracks, fusions)
    track = np.empty(len(table), dtype=np.int64)
    track[place] = own_track
    added = table.iloc[np.repeat(place[[one.missing[0] for one in fusions]], length)].assign(
        dry_mass_pg=np.concatenate(copied_pg), is_shared=True, track=np.repeat(added_track, length)
    )
    for name in ("frame", "time_h"):
        added[name] = table[name].to_numpy()[shared]
    added[["y_um", "x_um"]] = np.concatenate(copied_um)
    own = table.assign(y_um=y_um, x_um=x_um, dry_mass_pg=dry_mass_pg, is_shared=is_shared, track=track)
    return pd.concat([own, added], ignore_index=True)


def _ways(one: Fusion) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the last row before and the first after of the cell that was found, and of the one that was
    not."""
    (a, a_after), (b, b_after) = one.carrier, one.missing
    return ((a, b_after), (b, a_after)) if one.is_crossed else ((a, a_after), (b, b_after))


def _named(tracks: LinkedTracks, fusions: list[Fusion]) -> tuple[np.ndarray, np.ndarray]:
    """Return the track of every row, and of the rows that each fusion adds.

    Tracks are cut into pieces where a cell is missing or crosses, and the pieces are joined anew.
    """
    is_cut = tracks.is_start.copy()
    for one in fusions:
        is_cut[one.missing[1]] = True  # begins a track, or follows the row before
        if one.is_crossed:
            is_cut[one.carrier[1]] = True
    piece = np.cumsum(is_cut) - 1
    n_pieces = int(piece[-1]) + 1
    links = []
    for own, one in enumerate(fusions, start=n_pieces):
        (_, carrier_after), (before, after) = _ways(one)
        links += [(piece[before], own), (own, piece[after])]
        if one.is_crossed:
            links.append((piece[one.carrier[1] - 1], piece[carrier_after]))
    source, target = np.array(links).T
    n_nodes = n_pieces + len(fusions)
    graph = coo_array((np.ones(len(links), bool), (source, target)), shape=(n_nodes, n_nodes))
    track = connected_components(graph, directed=False)[1].astype(np.int64)
    return track[piece], track[n_pieces:]


def _share_of_carrier(tracks: LinkedTracks, one: Fusion) -> float:
    """Return the share of the fused dry mass that is the carrier's, from the medians before and after."""
    carrier, missing = (
        np.sqrt(
            tracks.median_mass_pg(np.array(before), -LEVEL_FRAMES)
            * tracks.median_mass_pg(np.array(after), LEVEL_FRAMES)
        )
        for before, after in _ways(one)
    )
    return float(carrier / (carrier + missing))


def _on_the_way(tracks: LinkedTracks, before: int, after: int, rows: np.ndarray) -> np.ndarray:
    """Return positions (row, yx) on the straight way from one row to another, at the frames of rows [um]."""
    share = (tracks.frame[rows] - tracks.frame[before]) / (tracks.frame[after] - tracks.frame[before])
    return (1 - share)[:, None] * tracks.position_um[before] + share[:, None] * tracks.position_um[after]
