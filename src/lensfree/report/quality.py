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
    if "z_um" not in per_frame:
        return set()
    z_um = per_frame["z_um"].astype(float)
    return set(per_frame.loc[(z_um - z_um.median()).abs() > REFOCUSED * z_um.median(), "frame"].tolist())


def suspect_frames(per_frame: pd.DataFrame, at_most: int = 20) -> list[str]:
    """Return one line per frame to look at: refocused, fitting badly, or with the CNN step left out.

    Args:
        per_frame: frame, time_h, misfit and, where frames were reconstructed, z_um and refine_rejected;
            in order.
        at_most: lines before the rest is only counted.
    """
    table = per_frame.assign(ratio=misfit_ratio(per_frame))
    refocused = was_refocused(table)
    lines = []
    for row in table.to_dict("records"):
        found = []
        if row["frame"] in refocused:
            usual_um = table["z_um"].median()
            found.append(f"out of focus, reconstructed at {row['z_um']:.0f} µm instead of {usual_um:.0f} µm")
        if row["ratio"] > BADLY:
            found.append(
                f"the model leaves {row['ratio']:.1f} times as much of its hologram unexplained as usual"
            )
        if row.get("refine_rejected", False):
            found.append("the CNN step led away from its hologram and was left out")
        if found:
            lines.append(f"frame {row['frame']} ({row['time_h']:.1f} h): {', and '.join(found)}")
    return lines[:at_most] + ([f"and {len(lines) - at_most} more"] if len(lines) > at_most else [])
