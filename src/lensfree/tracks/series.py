"""Tracks to dry-mass histories: every path from a founder to a last descendant on a regular grid."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lensfree.config import SeriesConfig

COLUMNS = ("series_id", "cell_id", "time_h", "dry_mass_pg", "is_filled", "is_repeated")
LOOKS = ("area_um2", "max_opd_nm")
PLACE = ("y_um", "x_um")
SPEED = "speed_um_per_h"


def build_series(tracks: pd.DataFrame, *, frame_interval_h: float, config: SeriesConfig) -> pd.DataFrame:
    """Lay the dry mass along each path mother -> daughter on the grid of frames.

    A mother's points stand in the series of each of her daughters; `cell_id` tells which they are. A
    path that is split by a long gap gives one series per part, and a part that two paths share
    entirely is given once. Where the border of the field cuts a cell, its dry mass is that of the part
    inside: such rows count as not measured.

    Args:
        tracks: `frame, cell_id, parent_id, dry_mass_pg, is_shared`, `touches_border` if it is known, and
            `LOOKS` and `PLACE` or none of them.
        frame_interval_h: time between two frames in hours; the grid is its multiples.
        config: the section `series`.

    Returns:
        One row per series and frame: `series_id` (from 0, in order of the last cell and of time), `cell_id`,
        `time_h`, `dry_mass_pg`, `is_filled` where a gap of up to `max_gap_frames` was interpolated linearly
        (such points belong to the cell before the gap) or dry mass is a share of that of two cells found as
        one, and `is_repeated` where a series before has the same point of the same cell: what only counts
        once, such as windows to train on, leaves those out. From tracks with looks and places also `LOOKS`,
        interpolated likewise, and `speed_um_per_h`: the way since the point before, of the first point of a
        cell the way until the next, 0 of a cell that was seen once.

    Raises:
        ValueError: if the interval is not positive, a cell occurs twice in a frame, or the mothers form a
            circle or live on after their daughters' birth.
    """
    if not frame_interval_h > 0:
        raise ValueError(f"frame_interval_h is {frame_interval_h}, expected a positive number of hours")
    is_whole = ~tracks["touches_border"].to_numpy(dtype=bool) if "touches_border" in tracks else slice(None)
    ordered = tracks[is_whole].sort_values(["cell_id", "frame"], kind="stable")
    cell_id, first = np.unique(ordered["cell_id"].to_numpy(), return_index=True)
    parent_id = ordered["parent_id"].to_numpy()[first]
    rows = dict(zip(cell_id.tolist(), np.split(np.arange(len(ordered)), first[1:]), strict=False))
    mother_of = dict(zip(cell_id.tolist(), parent_id.tolist(), strict=True))
    frame, dry_mass_pg = ordered["frame"].to_numpy(), ordered["dry_mass_pg"].to_numpy(dtype=np.float64)
    is_shared = ordered["is_shared"].to_numpy(dtype=bool)
    has_looks = {*LOOKS, *PLACE} <= set(tracks.columns)
    measured = {name: ordered[name].to_numpy(dtype=np.float64) for name in (*LOOKS, *PLACE) if has_looks}
    names = (*COLUMNS[:-1], *LOOKS, SPEED) if has_looks else COLUMNS[:-1]
    parts: list[dict[str, np.ndarray]] = []
    known: set[tuple[int, int, int]] = set()
    for leaf in sorted(set(mother_of) - set(mother_of.values())):
        path = _path_to(leaf, mother_of)
        path_rows = np.concatenate([rows[cell] for cell in path])
        path_cell = np.repeat(path, [len(rows[cell]) for cell in path])
        steps = np.diff(frame[path_rows])
        if (steps <= 0).any():
            k = int(np.flatnonzero(steps <= 0)[0])
            raise ValueError(
                f"cell {path_cell[k]} is in frame {frame[path_rows[k]]} and cell {path_cell[k + 1]} of the "
                f"same path in frame {frame[path_rows[k + 1]]}; expected one row per frame, daughters after "
                "their mother: check cell_id and parent_id"
            )
        borders = np.flatnonzero(steps > config.max_gap_frames + 1) + 1
        for part in np.split(np.arange(len(path_rows)), borders):
            ends = path_rows[part[[0, -1]]]
            key = (int(path_cell[part[-1]]), int(frame[ends[0]]), int(frame[ends[1]]))
            is_long = (frame[ends[1]] - frame[ends[0]]) * frame_interval_h >= config.min_length_h - 1e-9
            if is_long and key not in known:
                known.add(key)
                own = path_rows[part]
                grid = _fill(frame[own], dry_mass_pg[own], path_cell[part], is_shared[own])
                for name, values in measured.items():
                    grid[name] = np.interp(grid["time_h"], frame[own], values[own])
                if has_looks:
                    way_um = np.hypot(*(np.diff(grid[name]) for name in PLACE))
                    grid[SPEED] = _speed(way_um / frame_interval_h, grid["cell_id"])
                parts.append({"series_id": np.full(len(grid["time_h"]), len(parts)), **grid})
    if not parts:
        return _empty((*COLUMNS, *names[len(COLUMNS) - 1 :]))
    series = pd.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in names})
    series["time_h"] *= frame_interval_h
    series.insert(len(COLUMNS) - 1, "is_repeated", series.duplicated(["cell_id", "time_h"]))
    return series


def _path_to(leaf: int, mother_of: dict[int, int]) -> list[int]:
    """Return the cells from the founder to the leaf; a mother that has no rows ends the path."""
    path = [leaf]
    while (mother := mother_of[path[-1]]) in mother_of:
        if mother in path:
            raise ValueError(f"cell {mother} is its own ancestor; check parent_id")
        path.append(mother)
    return path[::-1]


def _fill(
    frame: np.ndarray, dry_mass_pg: np.ndarray, cell_id: np.ndarray, is_shared: np.ndarray
) -> dict[str, np.ndarray]:
    grid = np.arange(frame[0], frame[-1] + 1)
    latest = np.searchsorted(frame, grid, side="right") - 1
    return {
        "cell_id": cell_id[latest].astype(np.int64),
        "time_h": grid.astype(np.float64),
        "dry_mass_pg": np.interp(grid, frame, dry_mass_pg),
        "is_filled": (frame[latest] != grid) | is_shared[latest],
    }


def _speed(step_um_per_h: np.ndarray, cell_id: np.ndarray) -> np.ndarray:
    """Return the speed at each point, from that between points; a birth is a step of no cell."""
    is_first = np.append(True, cell_id[1:] != cell_id[:-1])
    speed = np.append(0.0, step_um_per_h)
    after = np.append(np.where(is_first[1:], 0.0, step_um_per_h), 0.0)
    return np.where(is_first, after, speed)


def _empty(names: tuple[str, ...]) -> pd.DataFrame:
    types = {"series_id": np.int64, "cell_id": np.int64, "is_filled": bool, "is_repeated": bool}
    return pd.DataFrame({name: np.empty(0, dtype=types.get(name, np.float64)) for name in names})
