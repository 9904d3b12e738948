"""Gerchberg-Saxton over several exposures: colours or distances in turn, written from its description.

Gerchberg & Saxton, Optik 35, 237 (1972), with one exposure after another as in multi-height holography:
propagate to the sensor, put the measured amplitude in the place of the computed one, propagate back. OPD
and absorption are what the exposures share. OPD is carried on from exposure to exposure by the change of
phase, so that it may exceed a wavelength, but nothing unwraps it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import pi

import numpy as np

from lensfree.arrays import fft2, ifft2

LEAST_AMPLITUDE = 1e-3


def gerchberg_saxton(
    amplitude: np.ndarray,
    transfers: np.ndarray,
    wavelengths_nm: Sequence[float],
    *,
    iterations: int,
    is_positive: bool,
    max_amplitude: float | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return OPD [nm] and absorption (y, x).

    Args:
        amplitude: square root of the intensity (channel, y, x), 1 being the open beam; negative where
            nothing was recorded, and there the computed one stays.
        transfers: transfer functions of modulus 1 (channel, y, x) in FFT order, so that the conjugate
            propagates back.
        wavelengths_nm: one per channel.
        iterations: passes over all channels.
        is_positive: whether OPD below 0 becomes 0 after each exposure.
        max_amplitude: the transmitted amplitude is at most this; None: not bounded.
    """
    opd_nm = np.zeros(amplitude.shape[-2:], np.float32)
    modulus = np.ones_like(opd_nm)
    for _ in range(iterations):
        for measured, transfer, wavelength_nm in zip(amplitude, transfers, wavelengths_nm, strict=True):
            rad_per_nm = np.float32(2 * pi / wavelength_nm)
            guess = modulus * np.exp(1j * rad_per_nm * opd_nm)
            at_sensor = ifft2(fft2(guess) * transfer)
            scale = measured / np.maximum(abs(at_sensor), np.float32(LEAST_AMPLITUDE))
            at_sensor *= np.where(measured < 0, np.float32(1), scale)
            back = ifft2(fft2(at_sensor) * transfer.conj())
            opd_nm += np.angle(back * guess.conj()) / rad_per_nm
            modulus = np.maximum(abs(back), np.float32(LEAST_AMPLITUDE))
            if is_positive:
                np.maximum(opd_nm, 0, out=opd_nm)
            if max_amplitude is not None:
                np.minimum(modulus, np.float32(max_amplitude), out=modulus)
    return opd_nm, -np.log(modulus)
