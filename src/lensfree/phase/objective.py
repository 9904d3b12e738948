"""What retrieval minimises: misfit of the amplitudes plus regularisers, with its gradient.

The unknowns are an array (2, y, x): OPD in units of 100 nm and absorption, shared by all channels. The
sample transmits t_c = exp(-absorption + i 2 pi OPD / wavelength_c), the sensor sees |H_c t_c|^2.

    J = sum_pixels [ 1/C sum_c w (|U_c| - sqrt(I_c))^2 ]  + regularisers

with w = 1 where channel c was recorded and 0 elsewhere. Where the camera was saturated the light was at
least sqrt(I_c), and only a field below it counts. With g_c = H_c^* dE/dU_c the gradient is
k_c Im(conj(t_c) g_c) by OPD and -Re(conj(t_c) g_c) by absorption.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import pi
from types import ModuleType
from typing import Any

from lensfree.arrays import array_namespace, is_cupy
from lensfree.config import ReconstructConfig
from lensfree.phase import blockwise, expressions, pointwise, wholefield

NM_PER_UNIT = 100.0
"""OPD of one unit of the unknown, chosen so that OPD and absorption change the field alike."""

UNKNOWN = -1e-30
"""Amplitude of pixels that were not recorded: the light was at least nothing."""


@dataclass(frozen=True)
class Objective:
    """Value and gradient over the unknowns (2, y, x).

    Attributes:
        amplitude: square root of the intensity (channel, y, x); minus that where it is only a lower
            bound: saturated pixels, and `UNKNOWN` where nothing was recorded.
        transfers: transfer functions (channel, y, x).
        wavelengths_nm: one per channel.
        config: weights.
        space: buffers for the CPU; None takes new ones for every evaluation.
    """

    amplitude: Any
    transfers: Any
    wavelengths_nm: Sequence[float]
    config: ReconstructConfig
    space: blockwise.Workspace | None = None

    def value_and_gradient(self, unknowns: Any) -> tuple[float, Any]:
        """Return J and its gradient, shaped as the unknowns."""
        gradient = array_namespace(unknowns).zeros_like(unknowns)
        arguments = (self.amplitude, self.transfers, self._rad_per_unit(), unknowns, gradient, self.space)
        value = self._engine().add_misfit(*arguments) / len(self.wavelengths_nm)
        return value + self._add_regularisers(unknowns, gradient), gradient

    def without_variation(self) -> Objective:
        """Return the smooth part: the same without total variation."""
        weights = {"tv_weight": 0.0, "absorption_tv_weight": 0.0}
        return replace(self, config=self.config.model_copy(update=weights))

    def misfit(self, unknowns: Any) -> float:
        """Return the mean of (|U| - sqrt(I))^2 over recorded pixels and channels."""
        total = self._engine().misfit(
            self.amplitude, self.transfers, self._rad_per_unit(), unknowns, self.space
        )
        return total / max(int((abs(self.amplitude) > wholefield.NOTHING).sum()), 1)

    def squared_error(self, unknowns: Any) -> Any:
        """Return (|U| - sqrt(I))^2 per pixel (y, x), summed over channels; 0 where nothing was recorded."""
        field = wholefield.sensor_field(self.transfers, self._rad_per_unit(), unknowns)
        residual, _ = expressions.amplitude_residual(field, self.amplitude)
        return (abs(residual) ** 2).sum(axis=0) / 4  # its modulus is twice the error

    def gains(self, unknowns: Any) -> list[float]:
        """Return per channel the factor by which the measured amplitudes exceed the model's."""
        return self._engine().gains(
            self.amplitude, self.transfers, self._rad_per_unit(), unknowns, self.space
        )

    def _add_regularisers(self, unknowns: Any, gradient: Any) -> float:
        config = self.config
        value = pointwise.add_regulariser(
            unknowns[0],
            gradient[0],
            tv_weight=config.tv_weight,
            tv_eps=config.tv_eps_nm / NM_PER_UNIT,
            negative_weight=config.negative_opd_weight * NM_PER_UNIT**2,
            square_weight=config.slow_opd_weight,
        )
        value += pointwise.add_regulariser(
            unknowns[1],
            gradient[1],
            tv_weight=config.absorption_tv_weight,
            tv_eps=config.absorption_tv_eps,
            negative_weight=config.negative_absorption_weight,
            square_weight=0.0,
        )
        return value

    def _rad_per_unit(self) -> list[float]:
        return [2 * pi * NM_PER_UNIT / wavelength_nm for wavelength_nm in self.wavelengths_nm]

    def _engine(self) -> ModuleType:
        return wholefield if is_cupy(self.transfers) else blockwise
