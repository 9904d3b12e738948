"""The rows of the figure on the movie's highest-ranked cells: which frames, whose outline, which band."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pandas as pd

from lensfree.anomaly.foreseen import foreseen
from lensfree.cells.integral import cell_regions
from lensfree.config import QuantifyConfig
from lensfree.report.content import Place
from lensfree.report.odd_cells import Look, OddCell
from lensfree.report.onsets import place_at
from lensfree.report.plain_words import kind_in_words, share_in_words
from lensfree.report.regions import crop_square
from lensfree.stages.followed_movie import PIXEL_UM
from lensfree.stages.scored_movie import INTERVAL_H, ScoredMovie

LOOKS_H = (-3.0, -1.0, -0.3, -0.1, 0.0, 0.1, 0.3, 1.0, 3.0)
"""When pictures are taken, from the onset: close together there, because most of it happens within frames."""
N_LOOKS = len(LOOKS_H) + 2
CROP_UM = 90.0
_SAME_UM = 1.0

Frame = tuple[np.ndarray, np.ndarray, pd.DataFrame]


def onset_place(scored: ScoredMovie, row: pd.Series) -> Place | None:
    """Return where the onset of a ranked history was, or its beginning where there is no onset."""
    own = scored.series[scored.series["series_id"] == row["series_id"]]
    onset_h = float(row["onset_h"])
    return place_at(own, scored.tracks, onset_h if np.isfinite(onset_h) else float(own["time_h"].min()))


def odd_cells(
    scored: ScoredMovie,
    shown: pd.DataFrame,
    opd_nm: Callable[[int], np.ndarray],
    config: QuantifyConfig,
) -> list[OddCell]:
    """Return a row of the figure for each of the ranked histories in `shown`."""

    @cache
    def frame_of(frame: int) -> Frame:
        cells = scored.cells[scored.cells["frame"] == frame].reset_index(drop=True)
        image = opd_nm(frame)
        return image, cell_regions(cells, image, PIXEL_UM, config)[0], cells

    return [_odd_cell(scored, row, frame_of) for _, row in shown.iterrows()]


def look_frames(frames: Sequence[int], onset_frame: int, count: int = N_LOOKS) -> list[int]:
    """Return the frames that are shown of a cell: first, last, around the onset, and where most is left out.

    Args:
        frames: in which the cell was found, in order.
        onset_frame: what they are taken around.
        count: how many at most.
    """
    known = np.asarray(frames)
    wanted = [known[0], known[-1], *(onset_frame + round(late_h / INTERVAL_H) for late_h in LOOKS_H)]
    chosen = sorted({int(known[np.abs(known - frame).argmin()]) for frame in wanted})
    while len(chosen) < min(count, len(known)):
        gaps = np.diff(chosen)
        left = chosen[int(gaps.argmax())]
        between = known[(known > left) & (known < left + gaps.max())]
        if not len(between):  # the cell was lost there
            break
        chosen = sorted([*chosen, int(between[len(between) // 2])])
    return chosen


def _odd_cell(scored: ScoredMovie, row: pd.Series, frame_of: Callable[[int], Frame]) -> OddCell:
    series_id, onset_h = int(row["series_id"]), float(row["onset_h"])
    own = scored.series[scored.series["series_id"] == series_id].sort_values("time_h")
    path = {int(seen["frame"]): seen for _, seen in scored.path(series_id).iterrows()}
    place = onset_place(scored, row)
    onset_frame = min(path) if place is None else place.frame
    frames = look_frames(list(path), onset_frame)
    nearest = min(frames, key=lambda frame: abs(frame - onset_frame))
    has_onset = np.isfinite(onset_h)
    looks = tuple(
        _look(path[frame], frame, frame_of(frame), has_onset and frame == nearest) for frame in frames
    )
    begun = f" at {onset_h:.1f} h (frame {onset_frame})" if has_onset else ""
    evidence = str(row["evidence"])
    return OddCell(
        title=(
            f"{row['rank']}   {kind_in_words(str(row['kind']))}{begun}   surprise {row['surprise']:.0f}, "
            f"{share_in_words(float(row['normal_share']))} normal ones look as odd"
        ),
        words=f"{evidence[:1].upper()}{evidence[1:]}.",
        series=own,
        band=_band(scored, own, onset_h),
        onset_h=onset_h,
        looks=looks,
        pixel_pitch_um=PIXEL_UM,
    )


def _band(scored: ScoredMovie, own: pd.DataFrame, onset_h: float) -> pd.DataFrame:
    if scored.norms is None:
        return pd.DataFrame({"time_h": []})
    return foreseen(own, scored.norms, onset_h)


def _look(row: pd.Series, frame: int, seen: Frame, is_onset: bool) -> Look:
    image, labels, cells = seen
    centre_um = (float(row["y_um"]), float(row["x_um"]))
    own = _own_label(row, labels, cells)
    numbers = np.where(labels == own, 1, labels + 1) if own else labels + 1
    numbers[labels == 0] = 0
    cut = {"side_um": CROP_UM, "pixel_pitch_um": PIXEL_UM}
    opd_nm = crop_square(image, centre_um, **cut)
    middle = (len(opd_nm) - 1) / 2
    return Look(
        frame=frame,
        time_h=float(row["time_h"]),
        opd_nm=opd_nm,
        regions=np.nan_to_num(crop_square(numbers, centre_um, **cut)).astype(np.int32),
        place_px=(middle, middle),
        is_onset=is_onset,
    )


def _own_label(row: pd.Series, labels: np.ndarray, cells: pd.DataFrame) -> int:
    """Return the number of a cell's region, that of both where two were found as one, 0 if there is none."""
    if row["is_shared"]:
        at = [round(float(row[name]) / PIXEL_UM) for name in ("y_um", "x_um")]
        y, x = np.clip(at, 0, np.array(labels.shape) - 1)
        return int(labels[y, x])
    apart_um = np.hypot(cells["y_um"] - row["y_um"], cells["x_um"] - row["x_um"]).to_numpy()
    nearest = int(apart_um.argmin())
    return nearest + 1 if apart_um[nearest] <= _SAME_UM else 0
