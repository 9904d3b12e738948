"""One frame's inverse problem on the padded grid: from an intensity to unknowns, from unknowns to maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil
from typing import Any

import numpy as np

from lensfree.arrays import array_namespace, is_cupy, to_device, to_numpy
from lensfree.config import OpticsConfig, ReconstructConfig
from lensfree.optics.hologram import Channel, PaddedGrid, build_transfers, crop, is_recorded, padding_px
from lensfree.phase.blockwise import Workspace
from lensfree.phase.level import background_level_nm
from lensfree.phase.objective import NM_PER_UNIT, UNKNOWN, Objective
from lensfree.phase.wholefield import NOTHING
from lensfree.units import NM_PER_UM, WAVELENGTH_RANGE_NM

OPEN_BEAM_RANGE = (0.1, 10.0)
"""Medians of a channel's intensity outside are counts, or dark frames, that nobody normalised."""

MOST_DARK = 0.5
"""A channel of which this share of pixels has no light is not a hologram with dead pixels."""

PARTS = 6
"""Parts per side when distances are compared: 64 of 384 px, at 1.67 um as wide as a cell's fringes reach."""

_LEAST_MISFIT = 1e-12
"""Misfits of parts below this count as this: none is, but for pixels that are all saturated."""

LEVEL_SAMPLE_PX = 1_000_000
"""The background level is taken from a regular grid of about this many pixels."""


@dataclass(frozen=True)
class Retrieval:
    """Maps of one frame, in the library of the intensity, on the recorded field.

    Attributes:
        opd_nm: optical path difference (y, x), float32; most frequent value 0.
        absorption: a in transmittance exp(-a) (y, x), float32.
        misfit: mean of (|U| - sqrt(I))^2 over recorded pixels and channels at the end.
        misfit_first: the same before the refinement.
        refine_rejected: whether the refinement led away from the data and was left out.
        n_evaluations: evaluations of value and gradient, four FFTs per channel each.
    """

    opd_nm: Any
    absorption: Any
    misfit: float
    misfit_first: float
    refine_rejected: bool
    n_evaluations: int


@dataclass(frozen=True)
class Problem:
    """One frame's objective on the padded grid."""

    objective: Objective
    grid: PaddedGrid

    @classmethod
    def build(
        cls,
        intensity: Any,
        channels: Sequence[Channel],
        pixel_pitch_um: float,
        optics: OpticsConfig,
        config: ReconstructConfig,
        saturated: Any | None = None,
    ) -> Problem:
        """Set up the objective of one frame; `retrieve` says what the arguments are.

        Pixels that are not finite, or not above 0, count as not recorded; see `is_recorded`.

        Raises:
            ValueError: the intensity's shape does not fit the channels; a channel has no light in most of
                its pixels, nothing finite, or an open beam far from 1; a wavelength is not in nm; a
                distance is beyond what the grid carries.
        """
        if intensity.ndim != 3 or intensity.shape[0] != len(channels):
            raise ValueError(
                f"got intensity of shape {tuple(intensity.shape)} with {len(channels)} channels, "
                "expected (channel, y, x) with one plane per channel"
            )
        xp = array_namespace(intensity)
        for index, plane in enumerate(intensity):
            _check_light(plane, index)
        _check_wavelengths(channels)
        grid = PaddedGrid.around(intensity.shape[-2:], padding_px(config.padding_um, pixel_pitch_um))
        _check_sampling(channels, grid, pixel_pitch_um)
        is_there = is_recorded(intensity)
        recorded = xp.sqrt(xp.where(is_there, intensity, 0)).astype(xp.float32)
        if saturated is not None:
            recorded = xp.where(saturated, -recorded, recorded)
        amplitude = xp.full((len(channels), *grid.padded_yx), UNKNOWN, dtype=xp.float32)
        amplitude[grid.window] = xp.where(is_there, recorded, xp.float32(UNKNOWN))
        transfers = _transfers(tuple(channels), grid.padded_yx, pixel_pitch_um, optics, is_cupy(intensity))
        wavelengths_nm = [channel.wavelength_nm for channel in channels]
        space = None if is_cupy(intensity) else Workspace.like(transfers[0])
        return cls(Objective(amplitude, transfers, wavelengths_nm, config, space), grid)

    def start(self, xp: Any) -> Any:
        """Return unknowns of an empty sample."""
        return xp.zeros((2, *self.grid.padded_yx), xp.float32)

    def levelled(self, unknowns: Any) -> tuple[Problem, Any]:
        """Return problem and unknowns with the open beam at 1 in every channel and in the background.

        The intensity's level is only known from the hologram itself, and where cells are dense neither its
        median nor its mean is the open beam. Once a descent has explained the fringes, what factor is left
        between model and data, channel by channel, and what absorption the background has, are the error
        of that level.
        """
        xp = array_namespace(unknowns)
        background = xp.median(unknowns[1][self.grid.window])
        unknowns = unknowns.copy()
        unknowns[1] -= background
        amplitude = self.objective.amplitude * xp.exp(background)
        objective = replace(self.objective, amplitude=amplitude)
        for measured, gain in zip(amplitude, objective.gains(unknowns), strict=True):
            measured /= xp.float32(gain)
        return replace(self, objective=objective), unknowns

    def misfit_of_parts(self, unknowns: Any) -> float:
        """Return the misfit as the geometric mean over `PARTS` x `PARTS` parts of the recorded field.

        So each part counts by how much better or worse it gets, not by how badly it is explained.
        Without a CNN round cells that wrap are explained badly at every distance, and less badly at wrong
        ones: on 7 % of a field they had half of its misfit and pulled the distance by 4 %.
        """
        xp = array_namespace(unknowns)
        n_recorded = (abs(self.objective.amplitude) > NOTHING).sum(axis=0)
        total, counted = (
            _sums_of_parts(crop(image, self.grid))
            for image in (self.objective.squared_error(unknowns), n_recorded)
        )
        is_counted = counted > 0
        misfits = total[is_counted] / counted[is_counted]
        return float(xp.exp(xp.log(xp.maximum(misfits, _LEAST_MISFIT)).mean()))

    def maps(self, unknowns: Any) -> tuple[Any, Any]:
        """Return OPD [nm] and absorption of the recorded field."""
        field = crop(unknowns, self.grid)
        return field[0] * np.float32(NM_PER_UNIT), field[1].copy()

    def refined(self, unknowns: Any, opd_nm: Any, absorption: Any) -> Any:
        """Return a copy with the recorded field overwritten and the margin lifted with it.

        The refinement may move the level of OPD, which no hologram shows; a margin left behind would
        make a step around the field, which holograms do show.
        """
        for got in (opd_nm, absorption):
            if tuple(got.shape) != self.grid.shape_yx:
                raise ValueError(f"refine returned maps of {tuple(got.shape)}, expected {self.grid.shape_yx}")
        xp = array_namespace(unknowns)
        opd = opd_nm / NM_PER_UNIT
        unknowns = unknowns.copy()
        unknowns[0] += xp.median(opd - unknowns[0][self.grid.window])
        unknowns[0][self.grid.window] = opd
        unknowns[1][self.grid.window] = absorption
        return unknowns

    def retrieval(
        self, unknowns: Any, misfit: float, misfit_first: float, refine_rejected: bool, n_evaluations: int
    ) -> Retrieval:
        """Return the result, with the background's level taken off the OPD."""
        opd_nm, absorption = self.maps(unknowns)
        return Retrieval(
            off_background(opd_nm), absorption, misfit, misfit_first, refine_rejected, n_evaluations
        )


def off_background(opd_nm: Any) -> Any:
    """Take the background's level off an OPD map (y, x), in place, and return it."""
    stride = ceil((opd_nm.size / LEVEL_SAMPLE_PX) ** 0.5)
    opd_nm -= np.float32(background_level_nm(to_numpy(opd_nm[::stride, ::stride])))
    return opd_nm


def _sums_of_parts(image: Any) -> Any:
    """Return the sums over the parts, float64 (PARTS, PARTS); a rest at the far borders is left out."""
    xp = array_namespace(image)
    y, x = (n // PARTS for n in image.shape)
    parts = image[: PARTS * y, : PARTS * x].reshape(PARTS, y, PARTS, x)
    return parts.sum(axis=(1, 3), dtype=xp.float64)


def _check_light(plane: Any, index: int) -> None:
    """Raise unless a channel (y, x) looks like a hologram over its open beam."""
    xp = array_namespace(plane)
    finite = plane[xp.isfinite(plane)]
    if not finite.size:
        raise ValueError(
            f"got an intensity without a finite pixel in channel {index}, expected some: is the frame "
            "missing? leave out a channel that was not recorded"
        )
    dark = float((finite <= 0).mean())
    if dark >= MOST_DARK:
        raise ValueError(
            f"got intensities of 0 or below in {dark:.0%} of channel {index}, expected light in most pixels: "
            "check lamp and exposure, or whether too high a dark level was taken off"
        )
    level = float(xp.median(finite))
    if not OPEN_BEAM_RANGE[0] <= level <= OPEN_BEAM_RANGE[1]:
        raise ValueError(
            f"got intensities with median {level:.3g} in channel {index}, expected about 1, the open beam: "
            "divide by the background first"
        )


def _check_wavelengths(channels: Sequence[Channel]) -> None:
    low_nm, high_nm = WAVELENGTH_RANGE_NM
    for channel in channels:
        if not low_nm <= channel.wavelength_nm <= high_nm:
            raise ValueError(
                f"got wavelength_nm={channel.wavelength_nm:g}, expected {low_nm:g} to {high_nm:g}, light in "
                "nm: check the unit"
            )


def _check_sampling(channels: Sequence[Channel], grid: PaddedGrid, pixel_pitch_um: float) -> None:
    """Raise if fringes of periods of four pixels would leave the grid and come back on its other side.

    A period p walks wavelength z / p sideways on its way to the sensor, and half the grid is there for it.
    """
    shortest_px = min(grid.padded_yx)
    for channel in channels:
        limit_um = 2 * shortest_px * pixel_pitch_um**2 / (channel.wavelength_nm / NM_PER_UM)
        if not abs(channel.z_um) <= limit_um:  # NaN too
            raise ValueError(
                f"z_um={channel.z_um:g} is too far for {shortest_px} pixels of {pixel_pitch_um:g} um at "
                f"{channel.wavelength_nm:g} nm, expected at most {limit_um:.0f} um: raise "
                "reconstruct.padding_um, or check the units of z_um and pixel_pitch_um"
            )


@lru_cache(maxsize=1)
def _transfers(
    channels: tuple[Channel, ...],
    padded_yx: tuple[int, int],
    pixel_pitch_um: float,
    optics: OpticsConfig,
    is_on_gpu: bool,
) -> Any:
    """Return the transfer functions; frames of one acquisition share them, so the last ones are kept."""
    like = to_device(np.empty(padded_yx, np.complex64), "cuda" if is_on_gpu else "cpu")
    return build_transfers(channels, like, pixel_pitch_um=pixel_pitch_um, optics=optics)


def forget_transfers() -> None:
    """Free the transfer functions that are kept from one frame to the next."""
    _transfers.cache_clear()
