"""Where a cell will be and how heavy: the prediction that linking measures its steps from.

Cells keep their heading for about an hour and their dry mass for longer, so the last position and the
last single measurement are not the best guess. A running velocity, damped by the persistence that the
acquisition shows, and a running mean of ln(dry mass) are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

VELOCITY_MEMORY = 0.6
"""Share of the latest step in the running velocity."""

MASS_MEMORY = 0.4
"""Share of the latest measurement in the running mean of ln(dry mass)."""

MASS_JUMP = 0.42
"""A change of ln(dry mass) beyond this is taken at once: a cell that divided is half as heavy from now on."""


class MotionPredictor:
    """A predictor for trackpy: called with a frame and points, it says where they will be in that frame.

    Coordinates are y, x and weighted ln(dry mass), all in um.

    Args:
        persistence: share of its running velocity that a cell keeps from frame to frame.
        log_mass_weight_um: distance that 1 in ln(dry mass) counts for.
    """

    def __init__(self, persistence: float, log_mass_weight_um: float) -> None:
        self.persistence = persistence
        self.jump_um = MASS_JUMP * log_mass_weight_um
        self.frame = np.full(1024, -1, dtype=np.int64)
        self.point_um = np.zeros((1024, 3))
        self.velocity_um = np.zeros((1024, 2))
        self.log_mass_um = np.zeros(1024)
        self.n_seen = np.zeros(1024, dtype=np.int64)

    def __call__(self, frame: int, points: Sequence[Any]) -> np.ndarray:
        """Return (n, 3) predictions for a frame, after learning what happened to the points' tracks."""
        track = np.fromiter((point.track.id for point in points), dtype=np.int64, count=len(points))
        seen_in = np.fromiter((point.t for point in points), dtype=np.int64, count=len(points))
        seen_um = np.array([point.pos for point in points]).reshape(-1, 3)
        self._grow(int(track.max(initial=0)) + 1)
        self._learn(track, seen_in, seen_um)
        # a velocity that keeps a share p per frame carries p + p^2 + ... in all
        p = min(self.persistence, 0.99)
        reach = p * (1 - p ** (frame - seen_in)) / (1 - p)
        predicted = np.empty((len(points), 3))
        predicted[:, :2] = seen_um[:, :2] + reach[:, None] * self.velocity_um[track]
        predicted[:, 2] = self.log_mass_um[track]
        return predicted

    def _learn(self, track: np.ndarray, seen_in: np.ndarray, seen_um: np.ndarray) -> None:
        is_new = seen_in > self.frame[track]
        track, seen_in, seen_um = track[is_new], seen_in[is_new], seen_um[is_new]
        n_seen = self.n_seen[track]
        step_um = (seen_um[:, :2] - self.point_um[track, :2]) / np.maximum(seen_in - self.frame[track], 1)[
            :, None
        ]
        share = np.where(n_seen == 0, 0.0, np.where(n_seen == 1, 1.0, VELOCITY_MEMORY))[:, None]
        self.velocity_um[track] += share * (step_um - self.velocity_um[track])
        change_um = seen_um[:, 2] - self.log_mass_um[track]
        is_sudden = (n_seen == 0) | (np.abs(change_um) > self.jump_um)
        self.log_mass_um[track] += np.where(is_sudden, 1.0, MASS_MEMORY) * change_um
        self.frame[track], self.point_um[track], self.n_seen[track] = seen_in, seen_um, n_seen + 1

    def _grow(self, n_tracks: int) -> None:
        while n_tracks > len(self.frame):
            self.frame = np.concatenate([self.frame, np.full_like(self.frame, -1)])
            for name in ("point_um", "velocity_um", "log_mass_um", "n_seen"):
                values = getattr(self, name)
                setattr(self, name, np.concatenate([values, np.zeros_like(values)]))
