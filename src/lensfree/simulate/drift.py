"""A slow OPD background that is no cell: medium, temperature, and the low frequencies holography misses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PERIOD_UM = (150.0, 500.0)
PERIOD_H = (8.0, 30.0)
N_WAVES = 6


@dataclass(frozen=True)
class Drift:
    """A few long plane waves of OPD whose phases turn in time.

    Attributes:
        amplitude_nm: (wave,)
        wave_yx_per_um: (wave, yx) wave vectors, 2 pi over the period.
        turn_rad_per_h: (wave,) how fast each phase turns.
        phase_rad: (wave,) phases at time 0.
    """

    amplitude_nm: np.ndarray
    wave_yx_per_um: np.ndarray
    turn_rad_per_h: np.ndarray
    phase_rad: np.ndarray

    def at(self, time_h: float, shape_yx: tuple[int, int], pixel_pitch_um: float) -> np.ndarray:
        """Return the background at a time [h] as float32 (y, x) [nm]; it averages to about 0."""
        y_um, x_um = (np.arange(n) * pixel_pitch_um for n in shape_yx)
        out = np.zeros(shape_yx)
        for size, (ky, kx), turn, start in zip(
            self.amplitude_nm, self.wave_yx_per_um, self.turn_rad_per_h, self.phase_rad, strict=True
        ):
            out += size * np.cos(ky * y_um[:, None] + kx * x_um[None, :] + turn * time_h + start)
        return out.astype(np.float32)


def draw_drift(rng: np.random.Generator, sd_nm: float) -> Drift:
    """Draw a background with this expected sd over space and time [nm]; 0 gives none."""
    direction = rng.uniform(0, 2 * np.pi, N_WAVES)
    wave_per_um = 2 * np.pi / rng.uniform(*PERIOD_UM, N_WAVES)
    weight = rng.uniform(0.5, 1.5, N_WAVES)
    return Drift(
        amplitude_nm=sd_nm * 2**0.5 * weight / np.sqrt((weight**2).sum()),
        wave_yx_per_um=wave_per_um[:, None] * np.stack([np.sin(direction), np.cos(direction)], axis=1),
        turn_rad_per_h=2 * np.pi / rng.uniform(*PERIOD_H, N_WAVES) * rng.choice([-1.0, 1.0], N_WAVES),
        phase_rad=rng.uniform(0, 2 * np.pi, N_WAVES),
    )
