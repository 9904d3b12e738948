"""Maps of real cells, measured by another quantitative phase microscope, as samples for simulated holograms.

What is drawn is semi-real: the sample was measured, its hologram is simulated, so its OPD is known exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from scipy import ndimage

SEAM_PX = 16
"""Neighbouring patches of a mosaic fade into each other over this many pixels."""

SMOOTHING_PX = 0.7
"""Gaussian sd: pixel noise of the other microscope is finer than a coherence-limited hologram shows."""


@dataclass(frozen=True)
class RealCells:
    """A quantitative phase time-lapse as grey levels.

    Attributes:
        counts: (frame, y, x) grey levels proportional to OPD plus a constant background.
    """

    counts: np.ndarray

    def half(self, side: str) -> RealCells:
        """Return the left or the right half of the field: one learns, the other measures."""
        if side not in ("left", "right"):
            raise ValueError(f"got half {side!r}, expected 'left' or 'right'")
        middle = self.counts.shape[2] // 2
        return RealCells(self.counts[:, :, :middle] if side == "left" else self.counts[:, :, middle:])

    def nm_per_count(self, max_opd_nm: float) -> float:
        """Return the OPD of one grey level if the brightest possible one stands for this OPD [nm]."""
        return max_opd_nm / float(np.iinfo(self.counts.dtype).max)

    def frame_nm(self, frame: int, nm_per_count: float) -> np.ndarray:
        """Return the OPD [nm] of one frame, float32 (y, x), its most frequent grey level being 0."""
        counts = self.counts[frame]
        level = int(np.argmax(np.bincount(counts.ravel())))
        opd_nm = (counts.astype(np.float32) - level) * np.float32(nm_per_count)
        return ndimage.gaussian_filter(opd_nm, SMOOTHING_PX)

    def mosaic_nm(
        self, shape_yx: tuple[int, int], nm_per_count: float, rng: np.random.Generator
    ) -> np.ndarray:
        """Return a field of any size put together from turned patches of random frames.

        Args:
            shape_yx: pixels wanted.
            nm_per_count: OPD of one grey level.
            rng: source of everything random.

        Returns:
            OPD [nm], float32 (y, x). Seams fade, so a cell may be cut softly; the map is the truth anyway.
        """
        side = min(self.counts.shape[1:])
        pace = side - SEAM_PX
        rows, columns = (max(1, ceil((n - SEAM_PX) / pace)) for n in shape_yx)
        canvas = np.zeros((rows * pace + SEAM_PX, columns * pace + SEAM_PX), np.float32)
        total = np.zeros_like(canvas)
        weight = _patch_weight(side)
        for row in range(rows):
            for column in range(columns):
                patch = self._patch(side, nm_per_count, rng)
                where = (
                    slice(row * pace, row * pace + side),
                    slice(column * pace, column * pace + side),
                )
                canvas[where] += weight * patch
                total[where] += weight
        return (canvas / total)[: shape_yx[0], : shape_yx[1]]

    def _patch(self, side: int, nm_per_count: float, rng: np.random.Generator) -> np.ndarray:
        opd_nm = self.frame_nm(int(rng.integers(len(self.counts))), nm_per_count)
        top, left = (int(rng.integers(n - side + 1)) for n in opd_nm.shape)
        patch = np.rot90(opd_nm[top : top + side, left : left + side], int(rng.integers(4)))
        return patch[::-1] if rng.random() < 0.5 else patch


def _patch_weight(side: int) -> np.ndarray:
    """Return weights (side, side) that fall towards the rim over a seam and never reach 0."""
    from_rim_px = np.minimum(np.arange(side), np.arange(side)[::-1]) + 0.5
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.minimum(from_rim_px / SEAM_PX, 1.0))
    return np.maximum(ramp[:, None] * ramp[None, :], 1e-4).astype(np.float32)


def upsample(opd_nm: np.ndarray, factor: int) -> np.ndarray:
    """Return the map on a grid `factor` times finer, spanning the same area; cubic, float32."""
    fine = ndimage.zoom(opd_nm, factor, order=3, mode="nearest", grid_mode=True)
    return fine.astype(np.float32)


def block_mean(fine: np.ndarray, factor: int) -> np.ndarray:
    """Return the means of factor x factor blocks: the map as a sensor-pitch truth of a finer one."""
    ny, nx = (n // factor for n in fine.shape)
    return fine.reshape(ny, factor, nx, factor).mean(axis=(1, 3))
