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

REFOCUSED = 0.02
"""A frame whose distance differs by this share was refocused."""


def misfit_ratio(per_frame: pd.DataFrame) -> np.ndarray:
    """Return each frame's misfit over the median of the frames around it; NaN where that is unknown."""
    misfit = per_frame["misfit"].astype(float)
    return (misfit / misfit.rolling(NEIGHBOURS, center=True, min_periods=FEWEST).median()).to_numpy()


def fits_badly(per_frame: pd.DataFrame) -> set[int]:
    """Return the numbers of the frames whose hologram is explained worse than usual."""
    return set(per_frame.loc[misfit_ratio(per_frame) > BADLY, "frame"].tolist())


def was_refocused(per_frame: pd.DataFrame) -> set[int]:
    """Return the numbers of the frames that were reconstructed at a distance of their own."""
    z_um = per_frame["z_um"].astype(float)
    return set(per_frame.loc[(z_um - z_um.median()).abs() > REFOCUSED * z_um.median(), "frame"].tolist())


def suspect_frames(per_frame: pd.DataFrame, at_most: int = 20) -> list[str]:
    """Return one line per frame to look at: refocused, fitting badly, or with the CNN step left out.

    Args:
        per_frame: frame, time_h, misfit and, where frames were reconstructed, z_um and refine_rejected;
            in order.
        at_most: lines before the rest is only counted.
    """
    ratio = misfit_ratio(per_frame)
    z_um = per_frame["z_um"].astype(float) if "z_um" in per_frame else np.full(len(ratio), np.nan)
    usual_um = float(np.nanmedian(z_um)) if np.isfinite(z_um).any() else np.nan
    rejected = per_frame["refine_rejected"] if "refine_rejected" in per_frame else np.zeros(len(ratio), bool)
    lines = []
    for frame, time_h, times, is_rejected, own_um in zip(
        per_frame["frame"], per_frame["time_h"], ratio, rejected, z_um, strict=True
    ):
        found = []
        if abs(own_um - usual_um) > REFOCUSED * usual_um:
            found.append(f"out of focus, reconstructed at {own_um:.0f} µm instead of {usual_um:.0f} µm")
        if times > BADLY:
            found.append(f"the model leaves {times:.1f} times as much of its hologram unexplained as usual")
        if is_rejected:
            found.append("the CNN step led away from its hologram and was left out")
        if found:
            lines.append(f"frame {frame} ({time_h:.1f} h): {', and '.join(found)}")
    return lines[:at_most] + ([f"and {len(lines) - at_most} more"] if len(lines) > at_most else [])
