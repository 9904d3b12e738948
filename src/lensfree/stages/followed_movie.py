"""The movie of real cells as tracking is judged on it: all frames, and the instrument's own tracks.

The source states no scales: 1.63 um per pixel, 6 min per frame and 1.5 nm of OPD per grey level are
assumptions, those of the demo's sheet.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile

from lensfree.cells.peaks import find_peaks
from lensfree.config import QuantifyConfig
from lensfree.phase.level import background_level_nm
from lensfree.stages.outlined_movie import PHASE
from lensfree.stages.represent import Represent
from lensfree.units import MIN_PER_H

LATER = "mda_mb_231_phase_later.tif"
TRACKS = "mda_mb_231_tracks.csv.gz"
PIXEL_UM = 1.63
INTERVAL_MIN = 6.0
NM_PER_COUNT = 1.5
COLUMNS = ("frame", "cell_id", "y_px", "x_px")


@dataclass(frozen=True)
class FollowedMovie:
    """The movie and where the instrument had its cells.

    Attributes:
        counts: (frame, y, x) grey levels.
        others: the instrument's tracks: `frame, cell_id, y_um, x_um`; automatic, no truth.
    """

    counts: np.ndarray
    others: pd.DataFrame

    @classmethod
    def read(cls, folder: Path) -> FollowedMovie:
        """Read both parts of the movie and the instrument's tracks.

        Raises:
            ValueError: if the tracks lack a column or go on after the movie.
        """
        counts = np.concatenate([tifffile.imread(folder / name) for name in (PHASE, LATER)])
        others = pd.read_csv(folder / TRACKS)
        missing = [name for name in COLUMNS if name not in others.columns]
        if missing:
            raise ValueError(f"{folder / TRACKS} lacks the columns {missing}; expected {list(COLUMNS)}")
        if others["frame"].max() >= len(counts):
            raise ValueError(
                f"{folder}: tracks up to frame {others['frame'].max()} and a movie of {len(counts)} frames; "
                "expected tracks within the movie: fetch both again"
            )
        place_um = {f"{axis}_um": others[f"{axis}_px"] * PIXEL_UM for axis in "yx"}
        return cls(counts, others[["frame", "cell_id"]].assign(**place_um))

    def opd_nm(self, frame: int) -> np.ndarray:
        """Return the OPD (y, x) [nm] of a frame, its most frequent level being 0."""
        opd_nm = self.counts[frame] * NM_PER_COUNT
        return (opd_nm - background_level_nm(opd_nm)).astype(np.float32)

    def cells(self, represent: Represent, config: QuantifyConfig) -> pd.DataFrame:
        """Return the cells that the network finds in all frames, as the stage quantify would list them."""
        found = [
            find_peaks(represent(self.opd_nm(frame), PIXEL_UM), PIXEL_UM, config).assign(
                frame=frame, time_h=frame * INTERVAL_MIN / MIN_PER_H, model="movie"
            )
            for frame in range(len(self.counts))
        ]
        return pd.concat(found, ignore_index=True)
