"""Whether cells that somebody else followed for long keep one identity in our tracks, and where they lose it.

The other's tracks are no truth and hold only one cell each, so nothing is matched one to one: in a frame, a
followed cell is that of our cells which are within reach. Identity is kept along a path from a founder to
a last descendant: a daughter goes on for her mother.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree


@dataclass(frozen=True)
class Break:
    """Where our tracks lose a followed cell.

    Attributes:
        frame: first frame in which the identity is another.
        y_um: where the other has the cell in that frame.
        x_um: the same along x.
        other_step_um: how far the other's track went since its frame before.
        cell_before: our cell until then.
        frame_before: last frame in which we had it.
        cell_after: our cell from `frame` on.
        what: what happened, in words.
    """

    frame: int
    y_um: float
    x_um: float
    other_step_um: float
    cell_before: int
    frame_before: int
    cell_after: int
    what: str


@dataclass(frozen=True)
class Followed:
    """One of the other's tracks beside ours.

    Attributes:
        cell_id: the other's name for it.
        frames: frames of the other's track.
        found: those in which a cell of ours is within reach.
        covered: those of one path from a founder to a last descendant, the best one.
        breaks: where the identity changes.
    """

    cell_id: int
    frames: int
    found: int
    covered: int
    breaks: tuple[Break, ...]

    @property
    def is_whole(self) -> bool:
        """Whether one path has the cell in every frame in which we found it."""
        return self.found > 0 and self.covered == self.found

    def is_nearly_whole(self, share: float) -> bool:
        """Return whether one path has the cell in this share of the frames in which we found it."""
        return self.found > 0 and self.covered >= share * self.found


class _Family:
    """Our tracks: who was when, and who descends from whom."""

    def __init__(self, tracks: pd.DataFrame) -> None:
        cells = tracks.groupby("cell_id").agg(
            parent=("parent_id", "first"), first=("frame", "min"), last=("frame", "max")
        )
        self.parent_of = {
            cell: parent for cell, parent in cells["parent"].to_dict().items() if parent in cells.index
        }
        self.first_of, self.last_of = cells["first"].to_dict(), cells["last"].to_dict()

    def line(self, cell: int) -> list[int]:
        """Return the cell, its mother, her mother and so on."""
        line = [cell]
        while line[-1] in self.parent_of:
            line.append(self.parent_of[line[-1]])
        return line


def follow(tracks: pd.DataFrame, others: pd.DataFrame, *, min_frames: int, reach_um: float) -> list[Followed]:
    """Follow the other's long tracks in ours.

    Args:
        tracks: ours: `frame, y_um, x_um, cell_id, parent_id`.
        others: the other's: `frame, y_um, x_um, cell_id`, a row per cell and frame.
        min_frames: tracks with fewer rows are left out.
        reach_um: a cell of ours farther away is not the same.

    Returns:
        One per track that is long enough, by `cell_id`.
    """
    size = others.groupby("cell_id")["frame"].transform("size")
    long = others[size >= min_frames].sort_values(["cell_id", "frame"], kind="stable", ignore_index=True)
    near = _near(tracks, long, reach_um)
    family = _Family(tracks)
    return [
        _follow_one(int(str(cell)), rows, [near[row] for row in rows.index], family)
        for cell, rows in long.groupby("cell_id")
    ]


def _near(tracks: pd.DataFrame, long: pd.DataFrame, reach_um: float) -> list[list[int]]:
    """Return for each row of the other's our cells within reach, the nearest first."""
    near: list[list[int]] = [[] for _ in range(len(long))]
    ours = {frame: rows for frame, rows in tracks.groupby("frame")}
    for frame, rows in long.groupby("frame"):
        if frame not in ours:
            continue
        place_um, cell_id = ours[frame][["y_um", "x_um"]].to_numpy(), ours[frame]["cell_id"].to_numpy()
        wanted_um = rows[["y_um", "x_um"]].to_numpy()
        for row, at_um, found in zip(
            rows.index, wanted_um, cKDTree(place_um).query_ball_point(wanted_um, reach_um), strict=True
        ):
            order = np.argsort(np.linalg.norm(place_um[found] - at_um, axis=1), kind="stable")
            near[row] = cell_id[np.array(found, dtype=np.int64)[order]].tolist()
    return near


def _follow_one(cell_id: int, rows: pd.DataFrame, near: list[list[int]], family: _Family) -> Followed:
    frames_of: dict[int, int] = {}
    for cells in near:
        for cell in cells:
            frames_of[cell] = frames_of.get(cell, 0) + 1
    covered = max((sum(frames_of.get(one, 0) for one in family.line(cell)) for cell in frames_of), default=0)
    return Followed(
        cell_id=cell_id,
        frames=len(rows),
        found=sum(bool(cells) for cells in near),
        covered=covered,
        breaks=tuple(_breaks(rows, near, family)),
    )


def _breaks(rows: pd.DataFrame, near: list[list[int]], family: _Family) -> list[Break]:
    """Return where the identity changes, if each is kept as long as it can be."""
    frame = rows["frame"].to_numpy()
    place_um = rows[["y_um", "x_um"]].to_numpy(dtype=np.float64)
    breaks: list[Break] = []
    kept: list[int] = []
    latest = -1
    for k, cells in enumerate(near):
        if not cells:
            continue
        still = [cell for cell in cells if set(family.line(cell)) & set(kept)]
        if kept and not still:
            breaks.append(
                Break(
                    frame=int(frame[k]),
                    y_um=float(place_um[k, 0]),
                    x_um=float(place_um[k, 1]),
                    other_step_um=float(np.linalg.norm(place_um[k] - place_um[k - 1])),
                    cell_before=kept[0],
                    frame_before=int(frame[latest]),
                    cell_after=cells[0],
                    what=_what_happened(kept[0], int(frame[latest]), cells[0], int(frame[k]), family),
                )
            )
        kept, latest = still or cells, k
    return breaks


def _what_happened(before: int, seen: int, after: int, frame: int, family: _Family) -> str:
    """Say what became of the cell before, and where that after came from."""
    is_ended = family.last_of[before] < frame
    is_new = family.first_of[after] > seen
    if set(family.line(before)) & set(family.line(after)):
        return "went over to a relative: a division that may not be one"
    if is_ended and is_new:
        waited = family.first_of[after] - family.last_of[before] - 1
        return f"lost for {waited} frames and found again as another cell"
    if is_ended:
        return "its track ended, and another that was there already took over"
    if is_new:
        return "its track went on elsewhere, and the cell began anew"
    return "its track went on elsewhere, and another that was there already took over"
