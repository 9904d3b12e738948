"""Tracking on a movie of real cells: which of the cells that the instrument followed for long stay whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lensfree.config import Config
from lensfree.report.breaks import Crop
from lensfree.stages.followed_movie import PIXEL_UM, FollowedMovie
from lensfree.stages.measures import Measure
from lensfree.stages.represent import Represent
from lensfree.stages.track import track_cells
from lensfree.tracks.followed import Break, Followed, follow

LONG_FRAMES = 180
REACH_UM = 10.0
NEARLY = 0.95

SHOWN_BREAKS = 6
SHOWN_FRAMES = (-2, -1, 0, 1, 2)
HALF_CROP_PX = 30


def measure_movie(
    movie: FollowedMovie, represent: Represent, config: Config
) -> tuple[list[Followed], pd.DataFrame, dict[str, Measure]]:
    """Find and track the cells of the movie and follow the instrument's long tracks in ours.

    Returns:
        What became of each long track, our tracks, and the measures.
    """
    tracks = track_cells(movie.cells(represent, config.quantify), config.track)
    followed = follow(tracks, movie.others, min_frames=LONG_FRAMES, reach_um=REACH_UM)
    return followed, tracks, summarise_followed(followed)


def summarise_followed(followed: Sequence[Followed]) -> dict[str, Measure]:
    """Return the shares of long tracks that are whole, and of their frames that we found."""
    said = (
        f"{len(followed)} cells that the instrument followed for {LONG_FRAMES} frames or more (automatic, no "
        f"truth), a cell of ours within {REACH_UM:g} um being the same; movie of real cells, 6 min per frame "
        "assumed"
    )
    frames = sum(one.frames for one in followed)

    def measure(value: float, n: int, meaning: str) -> Measure:
        return Measure(value, "1", "higher", n, (), None, f"{meaning}; {said}")

    def share(whole: Sequence[bool]) -> float:
        return float(np.mean(whole)) if whole else float("nan")

    return {
        "track.livecyte.long_tracks_whole": measure(
            share([one.is_whole for one in followed]),
            len(followed),
            "share that one path, founder to last descendant, has in every frame in which we found the cell",
        ),
        "track.livecyte.long_tracks_95": measure(
            share([one.is_nearly_whole(NEARLY) for one in followed]),
            len(followed),
            "share that one path has in 95 % of the frames in which we found the cell",
        ),
        "track.livecyte.frames_found": measure(
            sum(one.found for one in followed) / frames if frames else float("nan"),
            frames,
            "share of frames in which any cell of ours is within reach",
        ),
    }


def shown_breaks(
    movie: FollowedMovie, followed: Sequence[Followed], tracks: pd.DataFrame
) -> list[list[Crop]]:
    """Return crops of frames around some breaks, a list per break, spread over the cells that break."""
    breaks = [(one.cell_id, one.breaks[0]) for one in followed if one.breaks]
    if len(breaks) > SHOWN_BREAKS:
        breaks = [breaks[k] for k in np.linspace(0, len(breaks) - 1, SHOWN_BREAKS).astype(int)]
    return [_crops(movie, cell_id, one, tracks) for cell_id, one in breaks]


def _crops(movie: FollowedMovie, cell_id: int, broken: Break, tracks: pd.DataFrame) -> list[Crop]:
    ny, nx = movie.counts.shape[1:]
    side = 2 * HALF_CROP_PX + 1
    top = int(np.clip(round(broken.y_um / PIXEL_UM) - HALF_CROP_PX, 0, max(ny - side, 0)))
    left = int(np.clip(round(broken.x_um / PIXEL_UM) - HALF_CROP_PX, 0, max(nx - side, 0)))
    corner_um = np.array([top, left]) * PIXEL_UM
    crops: list[Crop] = []
    for frame in (broken.frame + late for late in SHOWN_FRAMES):
        if not 0 <= frame < len(movie.counts):
            continue
        ours, others = tracks[tracks["frame"] == frame], movie.others[movie.others["frame"] == frame]
        own = others[others["cell_id"] == cell_id]
        crops.append(
            Crop(
                opd_nm=movie.opd_nm(frame)[top : top + side, left : left + side],
                pixel_pitch_um=PIXEL_UM,
                title=f"frame {frame}",
                note=f"cell {cell_id} of the instrument: {broken.what}" if not crops else "",
                cell_id=ours["cell_id"].to_numpy(),
                place_um=ours[["y_um", "x_um"]].to_numpy() - corner_um,
                cells_in_question=(broken.cell_before, broken.cell_after),
                other_um=own[["y_um", "x_um"]].to_numpy() - corner_um,
            )
        )
    return crops
