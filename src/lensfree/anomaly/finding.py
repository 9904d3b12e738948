"""A kind that was found in a history, and the plain numbers around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lensfree.anomaly.condensed import Condensed
from lensfree.anomaly.norms import Norms

NEAR_H = 3.0
"""Hours on either side whose mean is given as the dry mass before and after."""


@dataclass(frozen=True)
class Finding:
    """A kind in a history: what a sentence is about.

    Attributes:
        history: the condensed history.
        norms: what is normal for the population.
        onset_h: when it began [h].
        stop_h: when it ended [h], the end of the history if it lasts.
        daughters: number of daughters of a division into more than two, 0 if it is not known.
    """

    history: Condensed
    norms: Norms
    onset_h: float
    stop_h: float
    daughters: int = 0

    @property
    def life(self) -> int:
        """Return the number of the cell at the onset."""
        return max(int(np.searchsorted(self.history.birth_h, self.onset_h + 1e-6)) - 1, 0)

    @property
    def before_pg(self) -> float:
        """Return the dry mass before the onset [pg]; at a birth what the mother would have given."""
        birth_h = float(self.history.birth_h[self.life])
        within_pg = self.mean_pg(max(self.onset_h - NEAR_H, birth_h), self.onset_h)
        mother_pg = self.mean_pg(birth_h - NEAR_H, birth_h)
        values_pg = (within_pg, mother_pg * self.norms.division_ratio, self.after_pg)
        return next((value for value in values_pg if np.isfinite(value)), float("nan"))

    @property
    def after_pg(self) -> float:
        """Return the dry mass after the onset [pg]."""
        return self.mean_pg(self.onset_h, self.onset_h + NEAR_H)

    @property
    def least_pg(self) -> float:
        """Return the least running mean over 3 h from the onset until it ended [pg]."""
        return float(self.history.running_pg(self.onset_h, self.stop_h).min())

    @property
    def during_pg(self) -> float:
        """Return the dry mass from the onset until it ended [pg]."""
        return self.mean_pg(self.onset_h, self.stop_h)

    @property
    def last_pg(self) -> float:
        """Return the dry mass before it ended [pg]."""
        return self.mean_pg(self.stop_h - NEAR_H, self.stop_h)

    @property
    def rate_per_h(self) -> float:
        """Return the growth rate of the cell at the onset over her life [1/h], NaN if hardly any was seen."""
        mine = self.history.life == self.life
        time_h, ln = self.history.time_h[mine], self.history.ln[mine]
        return float(np.polyfit(time_h, ln, 1)[0]) if mine.sum() > 1 else float("nan")

    @property
    def undivided(self) -> str:
        """Say for how long the cell did not divide."""
        return f"the cell did not divide in the {self.history.end_h - self.onset_h:.1f} h after"

    def mean_pg(self, from_h: float, to_h: float) -> float:
        """Return the geometric mean dry mass from one time to another [pg], NaN if nothing was measured."""
        start_h = self.history.start_h
        inside = (start_h >= from_h - 1e-6) & (start_h < to_h - 1e-6)
        return float(np.exp(self.history.ln[inside].mean())) if inside.any() else float("nan")
