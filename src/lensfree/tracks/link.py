"""Cells of successive frames to tracks: trackpy on position and dry mass, never a refused subnetwork.

trackpy (Crocker and Grier, J. Colloid Interface Sci. 179, 298 (1996)) minimises the sum of squared
steps within each group of cells that compete for each other, and refuses groups that are large. Such
groups are solved here as a linear assignment of the same sum, and only beyond `assignment_limit`
cells is the search range narrowed (trackpy's adaptive search) until the group falls apart.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import trackpy
from scipy.optimize import linear_sum_assignment
from trackpy.linking.subnetlinker import subnet_linker_recursive
from trackpy.linking.utils import SubnetOversizeException

from lensfree.config import TrackConfig
from lensfree.progress import followed
from lensfree.tracks.motion import MotionPredictor
from lensfree.tracks.scales import Scales, estimate_scales, log_dry_mass

logger = logging.getLogger(__name__)

RECURSION_LIMIT = 8
"""Cells in a group up to which trackpy's own search is faster than an assignment."""

NARROWEST = 0.25
"""Share of the search range below which narrowing stops."""

NARROWING_STEP = 0.8
"""Factor by which the search range of a group that is too large narrows."""


def link(cells: pd.DataFrame, config: TrackConfig, scales: Scales | None = None) -> pd.DataFrame:
    """Link the cells of an acquisition into tracks; divisions are left to `resolve_lineage`.

    Args:
        cells: one row per cell and frame with at least `frame, y_um, x_um, dry_mass_pg`, any order.
        config: the section `track`.
        scales: search range and weight of mass; estimated from the cells if not given.

    Returns:
        The cells sorted by frame, with a column `track` (int64, from 0 in order of appearance): rows of one
        track are one cell, or a cell and the daughter that took over its track.

    Raises:
        ValueError: if a position or a dry mass is not a finite number, or a cell is there twice.
    """
    is_ordered = cells["frame"].is_monotonic_increasing  # then millions of rows need not be copied
    by_frame = cells if is_ordered else cells.sort_values("frame", kind="stable")
    ordered = by_frame.reset_index(drop=True)
    _check(ordered)
    _check_doubles(ordered)
    if ordered.empty:
        return ordered.assign(track=np.empty(0, dtype=np.int64))
    scales = scales or estimate_scales(ordered, config)
    logger.info("linking %d detections with %s", len(ordered), scales)
    solver = _GroupSolver(config.assignment_limit, narrowest_um=NARROWEST * scales.search_range_um)
    linked = trackpy.link_iter(
        _coordinates(ordered, scales, config),
        search_range=scales.search_range_um,
        memory=config.memory_frames,
        adaptive_stop=solver.narrowest_um,
        adaptive_step=NARROWING_STEP,
        link_strategy=solver,
        predictor=MotionPredictor(scales.persistence, scales.log_mass_weight_um),
    )
    with _quiet_trackpy(), _without_cycle_search():
        frames = int(ordered["frame"].iloc[-1] - ordered["frame"].iloc[0]) + 1
        track = np.concatenate([np.asarray(ids, dtype=np.int64) for _, ids in followed(linked, frames)])
    if solver.narrowed or solver.largest > RECURSION_LIMIT:
        logger.info(
            "largest group of competing cells: %d; search range narrowed %d times",
            solver.largest,
            solver.narrowed,
        )
    # trackpy numbers the tracks that begin together in the order of memory addresses
    return ordered.assign(track=pd.factorize(track)[0].astype(np.int64, copy=False))


@contextmanager
def _quiet_trackpy() -> Iterator[None]:
    """Keep trackpy from telling every frame."""
    level = trackpy.linking.logger.level
    trackpy.quiet()
    try:
        yield
    finally:
        trackpy.linking.logger.setLevel(level)


@contextmanager
def _without_cycle_search() -> Iterator[None]:
    """Keep Python from searching trackpy's objects, of which there are millions, for cycles: there are none.

    The search takes more than half of the time of linking. What a frame leaves behind is freed without it.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def check_times(cells: pd.DataFrame) -> None:
    """Refuse a table in which a frame has two times, or times do not grow with frames.

    Raises:
        ValueError: if so.
    """
    times = cells[["frame", "time_h"]].drop_duplicates().sort_values("frame", kind="stable")
    frame, time_h = times["frame"].to_numpy(), times["time_h"].to_numpy(dtype=np.float64)
    is_double = np.append(False, frame[1:] == frame[:-1])
    if is_double.any():
        k = int(np.flatnonzero(is_double)[0])
        raise ValueError(
            f"frame {frame[k]} has the times {time_h[k - 1]:g} h and {time_h[k]:g} h, expected one: the same "
            "frame number was given to two recordings; number the frames anew"
        )
    is_back = np.append(False, ~(np.diff(time_h) > 0))
    if is_back.any():
        k = int(np.flatnonzero(is_back)[0])
        raise ValueError(
            f"frame {frame[k]} is at {time_h[k]:g} h and frame {frame[k - 1]} at {time_h[k - 1]:g} h, "
            "expected times that grow with the frame number; sort the frames by time"
        )


def _check(cells: pd.DataFrame) -> None:
    for name in ("y_um", "x_um", "dry_mass_pg"):
        is_bad = ~np.isfinite(cells[name].to_numpy(dtype=np.float64))
        if is_bad.any():
            frame = int(cells["frame"].to_numpy()[is_bad][0])
            raise ValueError(
                f"{name} of {int(is_bad.sum())} cells is not a finite number, first in frame {frame}; "
                "expected a measured value for every cell: remove these rows or quantify the frame again"
            )


def _check_doubles(cells: pd.DataFrame) -> None:
    order = np.lexsort([cells[name].to_numpy() for name in ("x_um", "y_um", "frame")])
    is_double = np.ones(len(cells), dtype=bool)
    is_double[order[:1]] = False
    for name in ("frame", "y_um", "x_um"):
        is_double[order[1:]] &= np.diff(cells[name].to_numpy()[order]) == 0
    if is_double.any():
        first = cells[is_double].iloc[0]
        raise ValueError(
            f"{int(is_double.sum())} cells are there twice, first in frame {int(first['frame'])} at y = "
            f"{first['y_um']:g} um, x = {first['x_um']:g} um; expected every detection once: the frame was "
            "read twice, drop one of them"
        )


def _coordinates(
    cells: pd.DataFrame, scales: Scales, config: TrackConfig
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (frame, (cell, 3) array of y, x and weighted log mass in um); missing frames are empty."""
    y_um, x_um, dry_mass_pg = (cells[name].to_numpy() for name in ("y_um", "x_um", "dry_mass_pg"))
    frame = cells["frame"].to_numpy()
    frames = np.arange(frame[0], frame[-1] + 1)
    borders = np.searchsorted(frame, np.append(frames, frame[-1] + 1))
    for k, number in enumerate(frames):
        own = slice(borders[k], borders[k + 1])
        log_mass_um = scales.log_mass_weight_um * log_dry_mass(dry_mass_pg[own], config)
        yield int(number), np.column_stack([y_um[own], x_um[own], log_mass_um])


class _GroupSolver:
    """A link strategy for trackpy that solves every group, small ones by trackpy itself."""

    def __init__(self, assignment_limit: int, narrowest_um: float) -> None:
        self.assignment_limit = assignment_limit
        self.narrowest_um = narrowest_um
        self.largest = 0
        self.narrowed = 0

    def __call__(
        self, sources: set[Any], targets: set[Any], search_range: float, **_: Any
    ) -> tuple[list, list]:
        size = max(len(sources), len(targets))
        self.largest = max(self.largest, size)
        if len(sources) <= 1 or size <= RECURSION_LIMIT:
            return subnet_linker_recursive(sources, targets, search_range, max_size=size + 1)
        if size > self.assignment_limit and search_range > self.narrowest_um:
            self.narrowed += 1
            raise SubnetOversizeException(f"group of {size} cells")
        return _assign(sources, targets, search_range)


def _assign(sources: set[Any], targets: set[Any], search_range: float) -> tuple[list, list]:
    """Minimise the sum of squared steps, a lost cell counting as a step of the search range."""
    # sets of objects come in the order of memory addresses; sorted, equal costs end equally in every run
    rows, columns = sorted(sources, key=_birth), sorted(targets, key=_birth)
    column_of = {target: k for k, target in enumerate(columns)}
    lost = search_range**2
    cost = np.full((len(rows), len(columns) + len(rows)), np.inf)
    for i, source in enumerate(rows):
        cost[i, len(columns) + i] = lost
        for target, distance in source.forward_cands:
            if target is not None:
                cost[i, column_of[target]] = distance**2
    _, chosen = linear_sum_assignment(cost)
    ends = [columns[k] if k < len(columns) else None for k in chosen]
    taken = {target for target in ends if target is not None}
    born = [target for target in columns if target not in taken]
    return rows + [None] * len(born), ends + born


def _birth(point: Any) -> int:
    return int(point.uuid)
