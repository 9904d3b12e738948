"""What retrieval minimises: misfit of the amplitudes plus regularisers, with its gradient.

The unknowns are an array (2, y, x): OPD in units of 100 nm and absorption, shared by all channels. The
sample transmits t_c = exp(-absorption + i 2 pi OPD / wavelength_c), the sensor sees |H_c t_c|^2.

    J = sum_pixels [ 1/C sum_c w (|U_c| - sqrt(I_c))^2 ]  + regularisers

with w = 1 where channel c was recorded and 0 elsewhere. With g_c = H_c^* dE/dU_c the gradient is
k_c Im(conj(t_c) g_c) by OPD and -Re(conj(t_c) g_c) by absorption.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi
from typing import Any

from lensfree.arrays import array_namespace, fft2, ifft2
from lensfree.config import ReconstructConfig
from lensfree.phase import pointwise

NM_PER_UNIT = 100.0
"""OPD of one unit of the unknown, chosen so that OPD and absorption change the field alike."""


@dataclass(frozen=True)
class Objective:
    """Value and gradient over the unknowns (2, y, x).

    Attributes:
        amplitude: square root of the intensity (channel, y, x); negative where nothing was recorded.
        transfers: transfer functions (channel, y, x).
        wavelengths_nm: one per channel.
        config: weights.
    """

    amplitude: Any
    transfers: Any
    wavelengths_nm: Sequence[float]
    config: ReconstructConfig

    def value_and_gradient(self, unknowns: Any) -> tuple[float, Any]:
        """Return J and its gradient, shaped as the unknowns."""
        xp = array_namespace(unknowns)
        gradient = xp.zeros_like(unknowns)
        value = self._add_misfit(unknowns, gradient) / len(self.wavelengths_nm)
        config = self.config
        value += pointwise.add_regulariser(
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
        return value, gradient

    def misfit(self, unknowns: Any) -> float:
        """Return the mean of (|U| - sqrt(I))^2 over recorded pixels and channels."""
        total = 0.0
        for index in range(len(self.wavelengths_nm)):
            field, _ = self._field(unknowns, index)
            total += pointwise.amplitude_residual(field, self.amplitude[index])[1]
        return total / max(int((self.amplitude >= 0).sum()), 1)

    def _field(self, unknowns: Any, index: int) -> tuple[Any, Any]:
        """Return the field on the sensor and the transmittance of one channel."""
        rad_per_unit = 2 * pi * NM_PER_UNIT / self.wavelengths_nm[index]
        transmitted = pointwise.transmittance(unknowns[0], unknowns[1], rad_per_unit)
        spectrum = pointwise.filter_spectrum(fft2(transmitted), self.transfers[index])
        return ifft2(spectrum, overwrite=True), transmitted

    def _add_misfit(self, unknowns: Any, gradient: Any) -> float:
        """Add the gradient of the misfit over the number of channels; return the sum of the misfit."""
        total = 0.0
        scale = 1.0 / len(self.wavelengths_nm)
        for index, wavelength_nm in enumerate(self.wavelengths_nm):
            field, transmitted = self._field(unknowns, index)
            residual, part = pointwise.amplitude_residual(field, self.amplitude[index])
            total += part
            spectrum = fft2(residual, overwrite=True)
            spectrum = pointwise.filter_spectrum(spectrum, self.transfers[index], is_adjoint=True)
            back = ifft2(spectrum, overwrite=True)
            rad_per_unit = 2 * pi * NM_PER_UNIT / wavelength_nm
            pointwise.add_gradient(transmitted, back, rad_per_unit, scale, gradient)
        return total
