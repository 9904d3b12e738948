"""What the peers are compared on: real beads and one synthetic RGB field, each with its truth and scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, pi
from pathlib import Path

import numpy as np
import tifffile

from lensfree.arrays import fft2, ifft2
from lensfree.config import Config
from lensfree.optics.hologram import Channel, PaddedGrid, pad
from lensfree.optics.propagation import frequencies_per_um
from lensfree.phase.level import background_level_nm
from lensfree.stages.evaluate_beads import (
    DISTANCES_MM,
    LASER,
    PITCH_UM,
    WAVELENGTH_NM,
    bead_holograms,
    laid_over,
)
from lensfree.stages.held_out import held_out_fields, masses_pg
from lensfree.stages.training_fields import TrueField
from lensfree.units import NM_PER_UM

CELLS_PER_MM2 = 250.0


@dataclass(frozen=True)
class Case:
    """Holograms, their geometry and the truth.

    Attributes:
        key: the case's name in the table.
        intensity: (channel, y, x), float32, the open beam being 1.
        channels: wavelength, distance and lateral shift of each exposure, all known.
        pixel_pitch_um: distance between pixels.
        config: how lensfree and the plain autograd version run.
        true_nm: true OPD (y, x).
        saturated: bool (channel, y, x), where the camera was at its top; None: nowhere.
        field: cells and outlines, None for beads.
    """

    key: str
    intensity: np.ndarray
    channels: list[Channel]
    pixel_pitch_um: float
    config: Config
    true_nm: np.ndarray
    saturated: np.ndarray | None = None
    field: TrueField | None = None

    @property
    def is_one_wavelength(self) -> bool:
        """Whether all exposures have the same colour."""
        return len({channel.wavelength_nm for channel in self.channels}) == 1

    def quarter(self) -> Case:
        """Return the first quarter of the holograms: enough to compile and load what a method needs."""
        part = (..., *(slice(n // 2) for n in self.true_nm.shape))
        return replace(
            self,
            intensity=self.intensity[part],
            true_nm=self.true_nm[part],
            saturated=None if self.saturated is None else self.saturated[part],
            field=None,
        )


def bead_cases(config: Config, folder: Path) -> Iterator[Case]:
    """Yield the real beads from one, three and six distances; decision 0007 says what their truth is."""
    true_rad = tifffile.imread(folder / "beads_true_phase_rad.tif").astype(np.float64)
    weights = {"method": "reference", "negative_absorption_weight": 0.0, "device": "cpu"}
    config = config.model_copy(
        update={
            "optics": config.optics.model_copy(update=LASER),
            "reconstruct": config.reconstruct.model_copy(update=weights),
        }
    )
    for key, distances_mm in DISTANCES_MM.items():
        intensity, channels = bead_holograms(folder, distances_mm)
        yield Case(
            key,
            intensity,
            channels,
            PITCH_UM,
            config,
            true_rad * (WAVELENGTH_NM / (2 * pi)),
        )


def rgb_case(config: Config) -> Case:
    """Return one synthetic field with the full optics, from the first seed that no training uses."""
    config = config.model_copy(
        update={
            "evaluate": config.evaluate.model_copy(update={"seeds": config.evaluate.seeds[:1]}),
            "reconstruct": config.reconstruct.model_copy(update={"device": "cpu"}),
        }
    )
    field = next(held_out_fields(config, (CELLS_PER_MM2,), 1))
    pitch_um = config.fields.pixel_pitch_um
    return Case(
        "rgb", field.intensity, field.channels, pitch_um, config, field.opd_nm, field.saturated, field
    )


def margin(case: Case) -> PaddedGrid:
    """Return the field with room for the finest fringes: a kernel reaches z wavelength / (2 pitch) far."""
    reach_um = max(abs(c.z_um) * c.wavelength_nm / NM_PER_UM for c in case.channels) / (
        2 * case.pixel_pitch_um
    )
    return PaddedGrid.around(case.intensity.shape[-2:], ceil(reach_um / case.pixel_pitch_um))


def registered(case: Case) -> tuple[np.ndarray, PaddedGrid]:
    """Return the holograms (channel, y, x) on their margin with the lateral shifts undone."""
    grid = margin(case)
    padded = pad(case.intensity, grid)
    fy_per_um, fx_per_um = frequencies_per_um(padded, case.pixel_pitch_um)
    for plane, channel in zip(padded, case.channels, strict=True):
        ramp = np.exp(2j * pi * (fy_per_um * channel.shift_y_um + fx_per_um * channel.shift_x_um))
        plane[:] = ifft2(fft2(plane) * ramp).real
    return np.maximum(padded, 0), grid


def correlation(case: Case, opd_nm: np.ndarray) -> float:
    """Return the correlation of an OPD map with the truth, by which every peer's settings are chosen."""
    return float(np.corrcoef(placed(case, opd_nm).ravel(), case.true_nm.ravel())[0, 1])


def placed(case: Case, opd_nm: np.ndarray) -> np.ndarray:
    """Return an OPD map where the truth is; the beads' was measured by another instrument."""
    return opd_nm if case.field else laid_over(opd_nm, case.true_nm)


def scores(case: Case, opd_nm: np.ndarray) -> dict[str, float]:
    """Return what is wrong with an OPD map (y, x), its background level taken off, the same for all."""
    return _cell_scores(case, case.field, opd_nm) if case.field else _bead_scores(case, opd_nm)


def _bead_scores(case: Case, opd_nm: np.ndarray) -> dict[str, float]:
    found_rad, true_rad = (
        (opd - np.median(opd)) * (2 * pi / WAVELENGTH_NM) for opd in (placed(case, opd_nm), case.true_nm)
    )
    level_found, level_true = (_without_plane(phase_rad) for phase_rad in (found_rad, true_rad))
    return {
        "correlation": correlation(case, opd_nm),
        "correlation_plane_removed": float(np.corrcoef(level_found.ravel(), level_true.ravel())[0, 1]),
        "rmse_rad": float(np.sqrt(np.mean((found_rad - true_rad) ** 2))),
        "integral_ratio": float(found_rad.sum() / true_rad.sum()),
    }


def _cell_scores(case: Case, field: TrueField, opd_nm: np.ndarray) -> dict[str, float]:
    error_nm = opd_nm - np.float32(background_level_nm(opd_nm)) - field.opd_nm
    states = np.array(["background", *field.cells["state"]])[field.labels]
    true_pg, found_pg, is_round = masses_pg(field, error_nm, case.pixel_pitch_um)
    ratios = {
        name: float(found_pg[which].sum() / true_pg[which].sum())
        for name, which in (("flat", is_round == 0), ("round", is_round > 0))
    }
    return {
        "correlation": correlation(case, opd_nm),
        "flat_rmse_nm": float(np.sqrt(np.mean(error_nm[states == "flat"].astype(np.float64) ** 2))),
        "flat_mass_ratio": ratios["flat"],
        "round_mass_ratio": ratios["round"],
    }


def _without_plane(image: np.ndarray) -> np.ndarray:
    """Return the image less its least-squares plane, which an in-line hologram does not show."""
    y, x = (axis - axis.mean() for axis in np.indices(image.shape).astype(np.float64))
    slopes = [(image * axis).sum() / (axis**2).sum() for axis in (y, x)]  # a full grid's axes are orthogonal
    return image - image.mean() - slopes[0] * y - slopes[1] * x
