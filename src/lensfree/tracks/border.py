"""The border of the field: where tracks begin because cells come in, how much more often is learnt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lensfree.config import TrackConfig
from lensfree.tracks.candidates import LinkedTracks, orphans_of
from lensfree.tracks.scales import Scales

WIDTH_SD = 2.0
"""Width of the border in sd of a step along one axis: 95 % of normal steps across it end closer."""

MOST_ROWS = 200_000
"""Of more cells and frames only some are looked at: the share that is near the border is all that counts."""


@dataclass(frozen=True)
class Border:
    """Along the outermost positions of all cells.

    Attributes:
        width_um: how far inside it reaches.
        surcharge: what it costs to call a cell first seen there a daughter; 0 if as many tracks begin
            there as elsewhere.
    """

    width_um: float = 0.0
    surcharge: float = 0.0

    @classmethod
    def learn(cls, tracks: LinkedTracks, scales: Scales, config: TrackConfig) -> Border:
        """Count where tracks begin.

        Costs are -2 ln of a likelihood, so the surcharge is 2 ln of how many times more tracks begin at the
        border, per cell and frame, than inside. One more is counted on either side: few tracks say little.
        """
        width_um = WIDTH_SD * scales.step_sd_um
        rows = np.arange(0, len(tracks.frame), 1 + len(tracks.frame) // MOST_ROWS)
        looks = rows[tracks.frame[rows] > tracks.frame.min()]
        is_look_near, is_begin_near = (
            tracks.inside_um(some) < width_um for some in (looks, orphans_of(tracks, config))
        )
        looks_near, begins_near = np.count_nonzero(is_look_near), np.count_nonzero(is_begin_near)
        if looks_near == len(looks):
            return cls(width_um)
        begins_per_look = (len(is_begin_near) - begins_near) / (len(looks) - looks_near)
        times_more = (begins_near + 1) / (begins_per_look * looks_near + 1)
        return cls(width_um, max(2 * float(np.log(times_more)), 0.0))

    def cost(self, tracks: LinkedTracks, daughters: np.ndarray) -> np.ndarray:
        """Return the surcharge of divisions with a daughter first seen here.

        The heir counts too, as linking may give the mother's track to the one that comes in.
        """
        is_near = tracks.inside_um(daughters) < self.width_um
        return np.where(is_near.any(axis=1), self.surcharge, 0.0)
