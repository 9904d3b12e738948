"""Cells of one frame, drawn from the populations that were published for fibroblasts.

Means and sd at four densities: Allier et al., Front. Phys. 9:776805 (2022), Table 1. Area and maximum
OPD are drawn log-normal, the share of the box `area x max OPD` that a cell fills likewise, and the dry
mass follows from the three. The correlation of area and maximum is set so that the dry mass gets its
published sd: spread cells come out thinner. The table is of adherent cells; rounded cells come on top.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lensfree.simulate.outline import shortest_length_um
from lensfree.simulate.placement import BORDER_UM, place_cells
from lensfree.units import NM_PER_UM, SPECIFIC_REFRACTION_INCREMENT_UM3_PER_PG

TABLE_DENSITIES_PER_MM2 = (183.0, 255.0, 364.0, 527.0)
TABLE = {
    "area_um2": ((585.0, 158.0), (641.0, 176.0), (674.0, 176.0), (655.0, 166.0)),
    "dry_mass_pg": ((185.0, 45.0), (195.0, 50.0), (209.0, 55.0), (203.0, 56.0)),
    "max_opd_nm": ((79.0, 21.0), (76.0, 17.0), (77.0, 17.0), (75.0, 16.0)),
    "length_um": ((40.0, 11.0), (42.0, 12.0), (43.0, 11.0), (40.0, 9.0)),
}
FILL_SD = 0.05
FILL_RANGE = (0.60, 0.84)
ROUND_RADIUS_UM = (7.0, 9.0)
ROUND_FILL = (0.42, 0.55)
ROUND_MAX_OPD_NM = (300.0, 900.0)
_LEAST_STRETCH = 1.06
_MOST_STRETCH = 2.6


@dataclass(frozen=True)
class Population:
    """Mean and sd of an adherent population; names and units as in the truth table."""

    area_um2: tuple[float, float]
    dry_mass_pg: tuple[float, float]
    max_opd_nm: tuple[float, float]
    length_um: tuple[float, float]


def population_at(cells_per_mm2: float) -> Population:
    """Return the published population, linear in density between the table's four, constant beyond."""

    def at(name: str, which: int) -> float:
        column = [row[which] for row in TABLE[name]]
        return float(np.interp(cells_per_mm2, TABLE_DENSITIES_PER_MM2, column))

    return Population(**{name: (at(name, 0), at(name, 1)) for name in TABLE})


def draw_flat(rng: np.random.Generator, count: int, population: Population) -> pd.DataFrame:
    """Draw adherent cells without positions; angle and outline are random."""
    area_sd, max_sd, mass_sd = (
        np.sqrt(np.log1p((sd / mean) ** 2))
        for mean, sd in (population.area_um2, population.max_opd_nm, population.dry_mass_pg)
    )
    fill_sd = FILL_SD
    covariance = (mass_sd**2 - area_sd**2 - max_sd**2 - fill_sd**2) / 2
    covariance = np.clip(covariance, -0.9 * area_sd * max_sd, 0.9 * area_sd * max_sd)
    normal = _truncated_normal(rng, (3, count))
    correlation = covariance / (area_sd * max_sd)
    log_max = correlation * normal[0] + np.sqrt(1 - correlation**2) * normal[1]
    area_um2 = population.area_um2[0] * np.exp(area_sd * normal[0] - area_sd**2 / 2)
    max_opd_nm = population.max_opd_nm[0] * np.exp(max_sd * log_max - max_sd**2 / 2)
    box_pg = area_um2 * max_opd_nm / NM_PER_UM / SPECIFIC_REFRACTION_INCREMENT_UM3_PER_PG
    box_mean_pg = (
        population.area_um2[0]
        * population.max_opd_nm[0]
        * np.exp(covariance)
        / (NM_PER_UM * SPECIFIC_REFRACTION_INCREMENT_UM3_PER_PG)
    )
    fill = population.dry_mass_pg[0] / box_mean_pg * np.exp(fill_sd * normal[2] - fill_sd**2 / 2)
    cells = pd.DataFrame(
        {"dry_mass_pg": box_pg * np.clip(fill, *FILL_RANGE), "area_um2": area_um2, "max_opd_nm": max_opd_nm}
    )
    round_um = 2 * np.sqrt(population.area_um2[0] / np.pi)
    stretch_mean = population.length_um[0] / round_um - _LEAST_STRETCH
    stretch_sd = np.sqrt(
        max((population.length_um[1] / population.length_um[0]) ** 2 - (area_sd / 2) ** 2, 0.01)
    ) * (population.length_um[0] / round_um)
    shape = (stretch_mean / stretch_sd) ** 2
    stretch = _LEAST_STRETCH + rng.gamma(shape, stretch_mean / shape, count)
    cells["length_um"] = 2 * np.sqrt(area_um2 / np.pi) * np.minimum(stretch, _MOST_STRETCH)
    return _with_shape(rng, cells, roundness=0.0, state="flat")


def draw_round(rng: np.random.Generator, count: int, population: Population) -> pd.DataFrame:
    """Draw rounded (mitotic or detached) cells: discs of 7-9 um radius with peaks of 300-900 nm."""
    radius_um = rng.uniform(*ROUND_RADIUS_UM, count)
    area_um2 = np.pi * radius_um**2
    mean_pg = 1.35 * population.dry_mass_pg[0]
    fill = rng.uniform(*ROUND_FILL, count)
    box_pg_per_nm = area_um2 * fill / NM_PER_UM / SPECIFIC_REFRACTION_INCREMENT_UM3_PER_PG
    dry_mass = mean_pg * np.exp(0.18 * _truncated_normal(rng, (count,)))
    max_opd_nm = np.clip(dry_mass / box_pg_per_nm, *ROUND_MAX_OPD_NM)
    cells = pd.DataFrame(
        {"dry_mass_pg": max_opd_nm * box_pg_per_nm, "area_um2": area_um2, "max_opd_nm": max_opd_nm}
    )
    cells["length_um"] = 2 * radius_um * rng.uniform(1.01, 1.12, count)
    return _with_shape(rng, cells, roundness=1.0, state="round")


def random_field(
    rng: np.random.Generator,
    shape_yx: tuple[int, int],
    pixel_pitch_um: float,
    cells_per_mm2: float,
    round_fraction: float = 0.05,
) -> pd.DataFrame:
    """Draw the cells of a single frame.

    Args:
        rng: source of everything random.
        shape_yx: pixels of the field.
        pixel_pitch_um: pitch [um].
        cells_per_mm2: density; it also picks the population.
        round_fraction: share of rounded cells.

    Returns:
        Truth rows `y_um, x_um, dry_mass_pg, area_um2, max_opd_nm, length_um, width_um, angle_rad, state,
        roundness, nuclei, shape_seed, shape_time_h`, index 0..n-1. The position is the centroid of
        the outline; it may lie up to 20 um outside the field, and the outline may cross the border.
        Cells avoid each other, but where a place is crowded they touch and overlap a little.
    """
    field_yx_um = (shape_yx[0] * pixel_pitch_um, shape_yx[1] * pixel_pitch_um)
    mm2 = (field_yx_um[0] + 2 * BORDER_UM) * (field_yx_um[1] + 2 * BORDER_UM) / 1e6
    count = max(1, int(np.floor(cells_per_mm2 * mm2 + rng.random())))
    is_round = rng.random(count) < round_fraction
    population = population_at(cells_per_mm2)
    flat = draw_flat(rng, int((~is_round).sum()), population)
    rounded = draw_round(rng, int(is_round.sum()), population)
    cells = pd.concat([part for part in (flat, rounded) if len(part)], ignore_index=True)
    length_um, width_um = cells["length_um"].to_numpy(), cells["width_um"].to_numpy()
    centre, cells["angle_rad"] = place_cells(rng, length_um, width_um, field_yx_um)
    cells.insert(0, "y_um", centre[:, 0])
    cells.insert(1, "x_um", centre[:, 1])
    return cells.iloc[rng.permutation(count)].reset_index(drop=True)


def _with_shape(
    rng: np.random.Generator, cells: pd.DataFrame, *, roundness: float, state: str
) -> pd.DataFrame:
    """Return the cells with an outline of their own, and axes that this outline can have."""
    count = len(cells)
    seeds = rng.integers(0, 2**31 - 8, count)
    areas = cells["area_um2"].to_numpy()
    shortest = np.array([shortest_length_um(s, 0.0, roundness, a) for s, a in zip(seeds, areas, strict=True)])
    length_um = np.maximum(cells["length_um"].to_numpy(), 1.01 * shortest)
    return cells.assign(
        length_um=length_um,
        width_um=shortest**2 / length_um,
        angle_rad=0.0,
        state=state,
        roundness=roundness,
        nuclei=1,
        shape_seed=seeds,
        shape_time_h=0.0,
    )


def _truncated_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw normal values, those beyond 2.6 sd anew: no cell of an impossible size."""
    values = rng.standard_normal(shape)
    while (beyond := np.abs(values) > 2.6).any():
        values[beyond] = rng.standard_normal(int(beyond.sum()))
    return values
