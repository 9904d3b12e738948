"""Where a division or a gap could be: beginnings of tracks, and who was near when they began.

Rows are rows of `LinkedTracks` throughout: `mother` the last before an event, daughters the first after.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from lensfree.config import TrackConfig


class LinkedTracks:
    """Linked cells as arrays sorted by track and frame; `start` and `stop` delimit the rows of a track.

    There are millions of rows: the table itself is not sorted along, `place` says where in it each row is.
    """

    def __init__(self, linked: pd.DataFrame, config: TrackConfig) -> None:
        self.linked = linked
        name, frame = linked["track"].to_numpy(), linked["frame"].to_numpy(dtype=np.int32)
        self.place = np.lexsort((frame, name))
        self.frame = frame[self.place]
        self.position_um = np.empty((len(linked), 2))
        for axis, column in enumerate(("y_um", "x_um")):
            self.position_um[:, axis] = linked[column].to_numpy()[self.place]
        self.dry_mass_pg = self._sorted("dry_mass_pg", least=config.min_dry_mass_pg)
        self.log_max_opd = np.broadcast_to(0.0, self.frame.shape)
        if "max_opd_nm" in linked:
            self.log_max_opd = self._sorted("max_opd_nm", least=1.0)
            np.log(self.log_max_opd, out=self.log_max_opd)
        self.is_start = np.ones(len(linked), dtype=bool)
        self.is_start[1:] = np.diff(name[self.place]) != 0
        self.start = np.flatnonzero(self.is_start)
        self.stop = np.append(self.start[1:], len(linked))[: len(self.start)]
        self.track = np.cumsum(self.is_start, dtype=np.int32) - np.int32(1)
        has_rows = len(linked) > 0
        self._extent_um = [way(self.position_um, axis=0) if has_rows else 0.0 for way in (np.min, np.max)]
        by_frame = np.argsort(self.frame, kind="stable")
        numbers, first = np.unique(self.frame[by_frame], return_index=True)
        self._first = int(numbers[0]) if len(numbers) else 0
        self._stride = int(numbers[-1]) - self._first + 2 if len(numbers) else 1
        self._rows_of_frame = dict(zip(numbers.tolist(), np.split(by_frame, first[1:]), strict=False))

    def _sorted(self, column: str, least: float) -> np.ndarray:
        """Return a column in the order of the rows, smaller values as the least."""
        values = self.linked[column].to_numpy()[self.place].astype(np.float64, copy=False)
        return np.maximum(values, least, out=values)

    def time_h(self, rows: np.ndarray) -> np.ndarray:
        """Return the time of each row."""
        return self.linked["time_h"].to_numpy(dtype=np.float64)[self.place[rows]]

    def rows_in(self, frame: int) -> np.ndarray:
        """Return the rows of a frame; none if the frame is missing."""
        return self._rows_of_frame.get(frame, np.empty(0, dtype=np.int64))

    def row_at(self, track: np.ndarray, frame: np.ndarray, side: Literal["left", "right"]) -> np.ndarray:
        """Return where a frame would be inserted among the rows of a track, as `numpy.searchsorted`."""
        key = self.track.astype(np.int64)
        key *= self._stride
        key += self.frame
        key -= self._first
        return np.searchsorted(key, track * self._stride + (frame - self._first), side=side)

    def inside_um(self, rows: np.ndarray) -> np.ndarray:
        """Return how far inside the outermost positions of all cells each row is."""
        low_um, high_um = self._extent_um
        position_um = self.position_um[rows]
        return np.minimum(position_um - low_um, high_um - position_um).min(axis=-1)

    def velocity_um(self, rows: np.ndarray, frames: int) -> np.ndarray:
        """Return the mean step per frame (row, yx) from or, if frames < 0, up to each row; 0 if there is
        none."""
        other = np.clip(rows + frames, self.start[self.track[rows]], self.stop[self.track[rows]] - 1)
        elapsed = self.frame[other] - self.frame[rows]
        return (self.position_um[other] - self.position_um[rows]) / np.where(elapsed == 0, 1, elapsed)[
            :, None
        ]

    def median_mass_pg(self, rows: np.ndarray, frames: int) -> np.ndarray:
        """Return the median dry mass of each row and its followers, or its forerunners if frames < 0."""
        steps = np.arange(abs(frames)) * np.sign(frames)
        window = rows[..., None] + steps
        track = self.track[rows][..., None]
        is_inside = (window >= self.start[track]) & (window < self.stop[track])
        masses = self.dry_mass_pg[np.clip(window, 0, len(self.frame) - 1)]
        return np.nanmedian(np.where(is_inside, masses, np.nan), axis=-1)


def orphans_of(tracks: LinkedTracks, config: TrackConfig) -> np.ndarray:
    """Return the first rows of tracks that begin after the first frame and last long enough."""
    is_long = tracks.stop - tracks.start >= config.min_track_frames
    return tracks.start[is_long & (tracks.frame[tracks.start] > tracks.frame.min())]


def with_heir(
    tracks: LinkedTracks, orphans: np.ndarray, config: TrackConfig
) -> Iterator[tuple[int, int, int]]:
    """Yield (mother, heir, orphan): the heir took over the mother's track and is near the orphan."""
    for frame in np.unique(tracks.frame[orphans]):
        new = orphans[tracks.frame[orphans] == frame]
        rows = np.concatenate([tracks.rows_in(int(frame) + late) for late in range(config.memory_frames + 1)])
        rows = rows[~tracks.is_start[rows]]
        lasts = tracks.stop[tracks.track[rows]] - rows >= config.min_track_frames
        rows = rows[lasts & (tracks.frame[rows - 1] < frame)]
        if len(rows) == 0:
            continue
        near = cKDTree(tracks.position_um[rows]).query_ball_point(
            tracks.position_um[new], config.division_range_um, return_sorted=True
        )
        for orphan, found in zip(new.tolist(), near, strict=True):
            for heir in rows[found].tolist():
                earliest = max(heir - config.memory_frames, int(tracks.start[tracks.track[heir]]) + 1)
                # the orphan may have been missed at birth: the heir may be a daughter for some frames already
                yield from ((row - 1, row, orphan) for row in range(earliest, heir + 1))


def without_heir(
    tracks: LinkedTracks, orphans: np.ndarray, config: TrackConfig
) -> Iterator[tuple[int, int, int]]:
    """Yield (mother, orphan, orphan): both sisters began near the place where the mother's track ended."""
    for ended, near in beginnings_after_ends(
        tracks, orphans, config.memory_frames + 1, config.division_range_um
    ):
        for one, other in combinations(near, 2):
            if (
                np.linalg.norm(tracks.position_um[one] - tracks.position_um[other])
                <= config.division_range_um
            ):
                yield ended, one, other


def beginnings_after_ends(
    tracks: LinkedTracks, orphans: np.ndarray, frames: int, range_um: float
) -> Iterator[tuple[int, list[int]]]:
    """Yield (last row of a track, orphans that begin within `frames` after it and `range_um` of it)."""
    last = tracks.stop - 1
    last = last[tracks.frame[last] < tracks.frame.max()]
    for frame in np.unique(tracks.frame[last]):
        later = tracks.frame[orphans] - frame
        new = orphans[(later > 0) & (later <= frames)]
        ends = last[tracks.frame[last] == frame]
        if len(new) == 0:
            continue
        near = cKDTree(tracks.position_um[new]).query_ball_point(
            tracks.position_um[ends], range_um, return_sorted=True
        )
        yield from (
            (end, new[found].tolist()) for end, found in zip(ends.tolist(), near, strict=True) if found
        )


def three_way(
    tracks: LinkedTracks, pairs: np.ndarray, config: TrackConfig
) -> Iterator[tuple[int, int, int, int]]:
    """Yield (mother, daughter, daughter, daughter) from divisions of one mother that share a daughter."""
    by_track: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
    for mother, heir, orphan in pairs.tolist():
        by_track.setdefault((int(tracks.track[mother]), int(tracks.track[heir])), []).append(
            (mother, heir, orphan)
        )
    for group in by_track.values():
        for one, other in combinations(group, 2):
            mother, heir, _ = min(one, other)
            is_together = abs(one[0] - other[0]) <= config.memory_frames
            apart_um = np.linalg.norm(tracks.position_um[one[2]] - tracks.position_um[other[2]])
            if one[2] != other[2] and is_together and apart_um <= config.division_range_um:
                yield mother, heir, one[2], other[2]
