"""Choosing and reading the frames that the page shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lensfree.config import ScoreConfig
from lensfree.report.content import Snapshot, Suspect
from lensfree.report.onsets import place_at, worst_hour
from lensfree.report.regions import centred_region
from lensfree.report.stacks import Frames

SUMMARY_WIDTH_UM = 320.0


def spread(frames: Sequence[int], count: int) -> list[int]:
    """Return at most `count` frames, first and last among them, evenly spread over those given."""
    picks = np.unique(np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int))
    return [frames[i] for i in picks]


def take_snapshot(
    frames: Frames,
    frame: int,
    cells: pd.DataFrame | None,
    *,
    pixel_pitch_um: float,
    width_um: float,
    centre_um: tuple[float, float] | None = None,
) -> Snapshot:
    """Read one recorded frame and keep the region that is shown.

    Args:
        frames: the acquisition.
        frame: a frame that is not missing.
        cells: the cells table, None before quantify.
        pixel_pitch_um: pitch of the field.
        width_um: width of the region.
        centre_um: position (y, x) to show, None for the middle of the field.

    Raises:
        ValueError: if the frame is missing.
    """
    opd_nm, hologram = frames.read_opd(frame), frames.read_hologram(frame)
    if opd_nm is None:
        raise ValueError(f"frame {frame} is missing; take one of those that were recorded")
    region = centred_region(
        frames.shape_yx, width_um=width_um, pixel_pitch_um=pixel_pitch_um, centre_um=centre_um
    )
    origin_um = (region[0].start * pixel_pitch_um, region[1].start * pixel_pitch_um)
    shown = None
    if cells is not None:
        is_shown = cells["frame"].eq(frame)
        for name, first_um, part in zip(("y_um", "x_um"), origin_um, region, strict=True):
            last_um = (part.stop - 1) * pixel_pitch_um
            is_shown &= cells[name].between(first_um - pixel_pitch_um / 2, last_um + pixel_pitch_um / 2)
        shown = cells[is_shown]
    times_h = frames.per_frame.set_index("frame")["time_h"]
    return Snapshot(
        frame=frame,
        time_h=float(times_h.loc[frame]),
        origin_um=origin_um,
        hologram=None if hologram is None else hologram[region],
        opd_nm=opd_nm[region],
        # Another microscope's OPD comes without absorption: its stack holds zeros there.
        absorption=None if hologram is None else frames.read_absorption(frame)[region],
        cells=shown,
        about_um=centre_um,
    )


def take_summary_snapshot(
    frames: Frames,
    cells: pd.DataFrame | None,
    tracks: pd.DataFrame | None,
    suspects: Sequence[Suspect],
    *,
    score: ScoreConfig,
    pixel_pitch_um: float,
) -> Snapshot | None:
    """Read the frame of the summary picture: the first suspect at its onset, or when it was most unusual.

    Without a suspect it is the middle of the field in the middle of the acquisition; None if no
    frame was recorded.
    """
    recorded = frames.recorded()
    if not recorded:
        return None
    frame, centre_um = recorded[len(recorded) // 2], None
    if suspects and tracks is not None:
        suspect = suspects[0]
        place = suspect.onset or place_at(suspect.series, tracks, worst_hour(suspect.windows, score))
        # A cell may have been put where its frame could not be read.
        if place is not None and place.frame in recorded:
            frame, centre_um = place.frame, (place.y_um, place.x_um)
    return take_snapshot(
        frames, frame, cells, pixel_pitch_um=pixel_pitch_um, width_um=SUMMARY_WIDTH_UM, centre_um=centre_um
    )
