"""The ranked series with all that their cards show, thumbnails included."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lensfree.report.content import Suspect, Thumbnail
from lensfree.report.onsets import place_at
from lensfree.report.ranking import first_sharing_rank
from lensfree.report.regions import crop_square
from lensfree.report.spans import division_times_h, strip_slots_h, strip_times_h

_SAME_H = 1e-6


@dataclass(frozen=True)
class Stop:
    """Where a cell is when its picture is taken: the frame, its time, the slot, the position."""

    frame: int
    time_h: float
    slot_h: float
    y_um: float
    x_um: float


def build_suspects(
    ranked: pd.DataFrame,
    *,
    series: pd.DataFrame,
    windows: pd.DataFrame,
    truth_of_series: pd.Series | None = None,
    tracks: pd.DataFrame | None = None,
) -> list[Suspect]:
    """Return the suspects in the order of the rows, without pictures.

    Args:
        ranked: what `rank_series` or `choose_shown` returned.
        series: the series table.
        windows: the windows table.
        truth_of_series: series_id -> what the simulator did to its cells, None if unknown.
        tracks: the tracks table; its `dry_mass_se_pg` joins the series where the cell was seen.
    """
    rows = {i: series[series["series_id"] == i].sort_values("time_h") for i in ranked["series_id"].tolist()}
    if tracks is not None:
        rows = {i: _with_standard_error(part, tracks) for i, part in rows.items()}
    cells = [set(part["cell_id"].tolist()) for part in rows.values()]
    shares = first_sharing_rank(ranked["rank"].tolist(), cells)
    suspects = []
    for row, part, shares_with in zip(ranked.to_dict("records"), rows.values(), shares, strict=True):
        series_id, onset_h = int(row["series_id"]), float(row["onset_h"])
        suspects.append(
            Suspect(
                rank=int(row["rank"]),
                series_id=series_id,
                anomaly_score=float(row["anomaly_score"]),
                n_windows=int(row["n_windows"]),
                is_flagged=bool(row["is_flagged"]),
                series=part,
                windows=windows[windows["series_id"] == series_id].sort_values("start_h"),
                shares_with=shares_with,
                truth=None if truth_of_series is None else str(truth_of_series.get(series_id, "")),
                surprise=float(row["surprise"]),
                normal_share=float(row["normal_share"]),
                view=str(row["view"]),
                kind=str(row["kind"]),
                is_acquisition=bool(row["is_acquisition"]),
                onset_h=onset_h,
                evidence=str(row["evidence"]),
                onset=None if tracks is None else place_at(part, tracks, onset_h),
                also=tuple(row.get("also", ())),
            )
        )
    return suspects


def _with_standard_error(series: pd.DataFrame, tracks: pd.DataFrame) -> pd.DataFrame:
    """Return a series, in time order, with the standard error of each point, NaN where it was filled."""
    seen = tracks[tracks["cell_id"].isin(series["cell_id"].unique())].sort_values("time_h")
    return pd.merge_asof(
        series,
        seen[["time_h", "cell_id", "dry_mass_se_pg"]],
        on="time_h",
        by="cell_id",
        direction="nearest",
        tolerance=_SAME_H,  # type: ignore[arg-type]  # the stubs know no tolerance in numbers
    )


def plan_stops(
    series: pd.DataFrame, tracks: pd.DataFrame, n_slots: int, onset_h: float = float("nan")
) -> list[Stop]:
    """Return where the cell of a series was detected closest in time to each picture of its strip.

    Args:
        series: rows of one series, in time order.
        tracks: the tracks table.
        n_slots: thumbnails in the strip.
        onset_h: where pictures are taken more often, NaN if nowhere.
    """
    begin_h, end_h = series["time_h"].min() - 1e-6, series["time_h"].max() + 1e-6
    is_followed = tracks["cell_id"].isin(series["cell_id"].unique()) & tracks["time_h"].between(
        begin_h, end_h
    )
    detections = tracks[is_followed].sort_values("time_h")
    if detections.empty:
        return []
    times_h = detections["time_h"].to_numpy()
    stops = []
    wanted_h = strip_times_h(series, n_slots, onset_h)
    for slot_h, when_h in zip(strip_slots_h(series, n_slots), wanted_h, strict=True):
        row = detections.iloc[int(np.abs(times_h - when_h).argmin())]
        stops.append(
            Stop(
                int(row["frame"]), float(row["time_h"]), float(slot_h), float(row["y_um"]), float(row["x_um"])
            )
        )
    return stops


def add_thumbnails(
    suspects: Sequence[Suspect],
    tracks: pd.DataFrame,
    read_opd: Callable[[int], np.ndarray | None],
    *,
    n_slots: int,
    crop_um: float,
    pixel_pitch_um: float,
) -> list[Suspect]:
    """Return the suspects with their pictures; every frame is read once, for all of them together.

    Args:
        suspects: what `build_suspects` returned.
        tracks: the tracks table.
        read_opd: frame -> OPD in nm (y, x), None if missing.
        n_slots: thumbnails in a strip.
        crop_um: side of a thumbnail.
        pixel_pitch_um: pitch of the frames.
    """
    plans = [plan_stops(suspect.series, tracks, n_slots, suspect.onset_h) for suspect in suspects]
    crops: dict[Stop, np.ndarray] = {}
    for frame in sorted({stop.frame for plan in plans for stop in plan}):
        opd_nm = read_opd(frame)
        image = np.full((1, 1), np.nan) if opd_nm is None else opd_nm  # an empty picture keeps its slot
        for stop in {stop for plan in plans for stop in plan if stop.frame == frame}:
            centre_um = (stop.y_um, stop.x_um)
            crops[stop] = crop_square(image, centre_um, side_um=crop_um, pixel_pitch_um=pixel_pitch_um)
    return [
        replace(suspect, thumbnails=_strip(suspect, plan, crops))
        for suspect, plan in zip(suspects, plans, strict=True)
    ]


def _strip(suspect: Suspect, stops: Sequence[Stop], crops: dict[Stop, np.ndarray]) -> tuple[Thumbnail, ...]:
    divisions = division_times_h(suspect.series)
    before_h = [np.inf, *(stop.time_h for stop in stops)][: len(stops)]
    onset = None
    if stops and np.isfinite(suspect.onset_h):
        onset = int(np.abs([stop.time_h - suspect.onset_h for stop in stops]).argmin())
    return tuple(
        Thumbnail(
            time_h=stop.time_h,
            slot_h=stop.slot_h,
            opd_nm=crops[stop],
            is_first_after_division=any(last_h < t <= stop.time_h for t in divisions),
            is_onset=index == onset,
        )
        for index, (stop, last_h) in enumerate(zip(stops, before_h, strict=True))
    )
