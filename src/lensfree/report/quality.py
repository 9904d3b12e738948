"""Frames that the model explains less well than their neighbours: for a person to look at."""

from __future__ import annotations

import numpy as np
import pandas as pd

NEIGHBOURS = 25
"""Frames whose median misfit is the usual one; it grows slowly as cells multiply."""

FEWEST = 5

BADLY = 1.5
"""A frame whose misfit is this many times the usual one fits badly. On the simulated demo frames out of focus
have 2.4 to 2.6 times the usual misfit and all others less than 1.2."""


def misfit_ratio(per_frame: pd.DataFrame) -> np.ndarray:
    """Return each frame's misfit over the median of the frames around it; NaN where that is unknown."""
    misfit = per_frame["misfit"].astype(float)
    return (misfit / misfit.rolling(NEIGHBOURS, center=True, min_periods=FEWEST).median()).to_numpy()


def fits_badly(per_frame: pd.DataFrame) -> set[int]:
    """Return the numbers of the frames whose hologram is explained worse than usual."""
    return set(per_frame.loc[misfit_ratio(per_frame) > BADLY, "frame"].tolist())


def suspect_frames(per_frame: pd.DataFrame, at_most: int = 20) -> list[str]:
    """Return one line per frame to look at: those that fit badly, and those whose CNN step was left out.

    Args:
        per_frame: frame, time_h, misfit and, where frames were reconstructed, refine_rejected; in order.
        at_most: lines before the rest is only counted.
    """
    ratio = misfit_ratio(per_frame)
    rejected = per_frame["refine_rejected"] if "refine_rejected" in per_frame else np.zeros(len(ratio), bool)
    lines = []
    for frame, time_h, times, is_rejected in zip(
        per_frame["frame"], per_frame["time_h"], ratio, rejected, strict=True
    ):
        found = []
        if times > BADLY:
            found.append(f"the model leaves {times:.1f} times as much of its hologram unexplained as usual")
        if is_rejected:
            found.append("the CNN step led away from its hologram and was left out")
        if found:
            lines.append(f"frame {frame} ({time_h:.1f} h): {', and '.join(found)}")
    return lines[:at_most] + ([f"and {len(lines) - at_most} more"] if len(lines) > at_most else [])
