"""The misfit on the CPU, block by block: every pass over memory does all that can be done in the cache.

A two-dimensional FFT is rows, then columns; its inverse may go columns, then rows. So a channel takes five
passes over one spectrum instead of four transforms and as many passes between them:

    rows: transmittance, FFT     columns: FFT, times H, inverse FFT     rows: inverse FFT, residual, FFT
    columns: FFT, times conj(H), inverse FFT     rows: inverse FFT, chain rule into the gradient

Blocks of rows or columns that fit a core's cache are shared out to threads. `wholefield` says what each
function returns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft

from lensfree.phase import loops
from lensfree.phase.blocks import Share, threads


@dataclass(frozen=True)
class Workspace:
    """Buffers of one grid, filled anew for every channel.

    Attributes:
        transmitted: transmittance of the sample, complex (y, x).
        spectrum: what is being transformed, complex (y, x).
    """

    transmitted: np.ndarray
    spectrum: np.ndarray

    @classmethod
    def like(cls, transfer: np.ndarray) -> Workspace:
        """Return buffers for fields of a transfer function's shape and type."""
        return cls(np.empty_like(transfer), np.empty_like(transfer))


def add_misfit(
    amplitude: np.ndarray,
    transfers: np.ndarray,
    rad_per_unit: Sequence[float],
    unknowns: np.ndarray,
    gradient: np.ndarray,
    space: Workspace | None = None,
) -> float:
    """See `wholefield.add_misfit`."""
    space = space or Workspace.like(transfers[0])
    ny, nx = transfers.shape[-2:]
    line, scale, real = transfers.itemsize, 1 / len(transfers), gradient.dtype.type
    total = 0.0
    with threads((ny, nx)) as share:
        for measured, transfer, factor in zip(amplitude, transfers, rad_per_unit, strict=True):

            def compare(field: np.ndarray, rows: slice, measured: np.ndarray = measured) -> float:
                part = loops.amplitude_residual(0, len(field), field, measured[rows])
                scipy.fft.fft(field, axis=1, overwrite_x=True)
                return float(part)

            def back(columns: slice, transfer: np.ndarray = transfer) -> float:
                return _filter(space.spectrum, transfer, columns, True)

            def chain(rows: slice, factor: float = factor) -> float:
                field = space.spectrum[rows]
                scipy.fft.ifft(field, axis=1, overwrite_x=True)
                weights = real(factor * scale), real(scale)
                sample = space.transmitted[rows]
                return float(loops.add_gradient(0, len(field), sample, field, *weights, gradient[:, rows]))

            total += _to_sensor(space, unknowns, transfer, factor, share, compare)
            share(back, nx, ny * line)
            share(chain, ny, nx * line)
    return total


def misfit(
    amplitude: np.ndarray,
    transfers: np.ndarray,
    rad_per_unit: Sequence[float],
    unknowns: np.ndarray,
    space: Workspace | None = None,
) -> float:
    """See `wholefield.misfit`."""
    space = space or Workspace.like(transfers[0])
    total = 0.0
    with threads(transfers.shape[-2:]) as share:
        for measured, transfer, factor in zip(amplitude, transfers, rad_per_unit, strict=True):

            def compare(field: np.ndarray, rows: slice, measured: np.ndarray = measured) -> float:
                return float(loops.amplitude_residual(0, len(field), field, measured[rows]))

            total += _to_sensor(space, unknowns, transfer, factor, share, compare)
    return total


def gains(
    amplitude: np.ndarray,
    transfers: np.ndarray,
    rad_per_unit: Sequence[float],
    unknowns: np.ndarray,
    space: Workspace | None = None,
) -> list[float]:
    """See `wholefield.gains`."""
    space = space or Workspace.like(transfers[0])
    found = []
    with threads(transfers.shape[-2:]) as share:
        for measured, transfer, factor in zip(amplitude, transfers, rad_per_unit, strict=True):
            sums: list[tuple[float, float]] = []

            def compare(field: np.ndarray, rows: slice, measured: np.ndarray = measured) -> float:
                sums.append(loops.gain_sums(0, len(field), field, measured[rows]))  # noqa: B023
                return 0.0

            _to_sensor(space, unknowns, transfer, factor, share, compare)
            both, own = np.sum(sums, axis=0)
            found.append(float(both / own))
    return found


def _to_sensor(
    space: Workspace,
    unknowns: np.ndarray,
    transfer: np.ndarray,
    rad_per_unit: float,
    share: Share,
    then: Callable[[np.ndarray, slice], float],
) -> float:
    """Propagate the sample to the sensor; return the sum of then(field rows, slice) over blocks of rows."""
    ny, nx = transfer.shape
    line = space.spectrum.itemsize
    factor = unknowns.dtype.type(rad_per_unit)

    def transmit(rows: slice) -> float:
        sample, spectrum = space.transmitted[rows], space.spectrum[rows]
        loops.transmittance(0, len(sample), unknowns[0, rows], unknowns[1, rows], factor, sample)
        spectrum[...] = sample
        scipy.fft.fft(spectrum, axis=1, overwrite_x=True)
        return 0.0

    def arrive(rows: slice) -> float:
        field = space.spectrum[rows]
        scipy.fft.ifft(field, axis=1, overwrite_x=True)
        return then(field, rows)

    share(transmit, ny, nx * line)
    share(lambda columns: _filter(space.spectrum, transfer, columns, False), nx, ny * line)
    return share(arrive, ny, nx * line)


def _filter(spectrum: np.ndarray, transfer: np.ndarray, columns: slice, is_adjoint: bool) -> float:
    """Transform columns of a half-transformed field, multiply by the transfer function, and back."""
    block: Any = spectrum[:, columns].copy()  # side by side, where strided columns would miss the cache
    scipy.fft.fft(block, axis=0, overwrite_x=True)
    loops.filter_spectrum(0, len(block), block, transfer[:, columns], is_adjoint)
    scipy.fft.ifft(block, axis=0, overwrite_x=True)
    spectrum[:, columns] = block
    return 0.0
