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

from lensfree.simulate.outline import fit_outline, shortest_length_um
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
MIN_DISTANCE_UM = 13.0
BORDER_UM = 20.0
"""Centres may lie this far outside the field, so that cells are cut by its border."""
_GRID_UM = 2.0
_TRIES = 30


@dataclass(frozen=True)
class Population:
    """Mean and sd of an adherent population; names and units as in the truth table."""

    area_um2: tuple[float, float]
    dry_mass_pg: tuple[float, float]
    max_opd_nm: tuple[float, float]
    length_um: tuple[float, float]


def population_at(cells_per_mm2: float) -> Population:
    """Return the published population, linear in density between the table's four, constant beyond."""
    values = {
        name: tuple(float(np.interp(cells_per_mm2, TABLE_DENSITIES_PER_MM2, column)) for column in zip(*rows, strict=True))
        for name, rows in TABLE.items()
    }
    return Population(**values)  # type: ignore[arg-type]


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
    cells = pd.DataFrame({"dry_mass_pg": box_pg * np.clip(fill, *FILL_RANGE), "area_um2": area_um2, "max_opd_nm": max_opd_nm})
    round_um = 2 * np.sqrt(population.area_um2[0] / np.pi)
    stretch_mean = population.length_um[0] / round_um - _LEAST_STRETCH
    stretch_sd = np.sqrt(
        max((population.length_um[1] / population.length_um[0]) ** 2 - (area_sd / 2) ** 2, 0.01)
    ) * (population.length_um[0] / round_um)
    shape = (stretch_mean / stretch_sd) ** 2
    stretch = _LEAST_STRETCH + rng.gamma(shape, stretch_mean / shape, count)
    cells["length_um"] = 2 * np.sqrt(area_um2 / np.pi) * np.minimum(stretch, _MOST_STRETCH)
    return _with_shape(rng, cells, roundness=0.0, state="flat")


_LEAST_STRETCH = 1.06
_MOST_STRETCH = 2.6


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
    height_um, width_um = (n * pixel_pitch_um for n in shape_yx)
    mm2 = (height_um + 2 * BORDER_UM) * (width_um + 2 * BORDER_UM) / 1e6
    count = max(1, int(np.floor(cells_per_mm2 * mm2 + rng.random())))
    is_round = rng.random(count) < round_fraction
    population = population_at(cells_per_mm2)
    parts = [draw_flat(rng, int((~is_round).sum()), population), draw_round(rng, int(is_round.sum()), population)]
    cells = pd.concat([part for part in parts if len(part)], ignore_index=True)
    y_um, x_um, angle_rad = _place(rng, cells, height_um, width_um)
    cells.insert(0, "y_um", y_um)
    cells.insert(1, "x_um", x_um)
    cells["angle_rad"] = angle_rad
    return cells.iloc[rng.permutation(count)].reset_index(drop=True)


def _with_shape(rng: np.random.Generator, cells: pd.DataFrame, *, roundness: float, state: str) -> pd.DataFrame:
    count = len(cells)
    cells["angle_rad"] = rng.uniform(0, np.pi, count)
    cells["state"] = state
    cells["roundness"] = roundness
    cells["nuclei"] = 1
    cells["shape_seed"] = rng.integers(0, 2**31 - 8, count)
    cells["shape_time_h"] = 0.0
    widths = []
    for row in range(count):
        cell = {name: cells[name].iloc[row] for name in ("shape_seed", "shape_time_h", "roundness", "area_um2")}
        shortest = 1.01 * shortest_length_um(**cell)
        length = max(float(cells["length_um"].iloc[row]), shortest)
        cells.loc[cells.index[row], "length_um"] = length
        widths.append(fit_outline(**cell, length_um=length, angle_rad=0.0).width_um)
    cells.insert(4, "width_um", widths)
    return cells


def _truncated_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw normal values, those beyond 2.6 sd anew: no cell of an impossible size."""
    values = rng.standard_normal(shape)
    while (beyond := np.abs(values) > 2.6).any():
        values[beyond] = rng.standard_normal(int(beyond.sum()))
    return values


def _place(
    rng: np.random.Generator, cells: pd.DataFrame, height_um: float, width_um: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Put the largest cells first, each where it overlaps least among a few random places."""
    reach = int(np.ceil(cells["length_um"].max() / 2 / _GRID_UM)) + 1
    pad_um = BORDER_UM + (reach + 1) * _GRID_UM
    taken = np.zeros((int((height_um + 2 * pad_um) / _GRID_UM) + 2, int((width_um + 2 * pad_um) / _GRID_UM) + 2), bool)
    offset = np.arange(-reach, reach + 1) * _GRID_UM
    y, x, angle = np.zeros(len(cells)), np.zeros(len(cells)), np.zeros(len(cells))
    placed: list[int] = []
    for row in np.argsort(-cells["area_um2"].to_numpy()):
        semi_a, semi_b = cells["length_um"].iloc[row] / 2, cells["width_um"].iloc[row] / 2
        best = np.inf
        for _ in range(_TRIES):
            cy, cx = rng.uniform(-BORDER_UM, height_um + BORDER_UM), rng.uniform(-BORDER_UM, width_um + BORDER_UM)
            turn = rng.uniform(0, np.pi)
            near = np.hypot(y[placed] - cy, x[placed] - cx).min() if placed else np.inf
            along = np.cos(turn) * offset[None, :] + np.sin(turn) * offset[:, None]
            across = np.cos(turn) * offset[:, None] - np.sin(turn) * offset[None, :]
            inside = (along / semi_a) ** 2 + (across / semi_b) ** 2 < 1
            r0, c0 = (int(round((p + pad_um) / _GRID_UM)) - reach for p in (cy, cx))
            window = (slice(r0, r0 + offset.size), slice(c0, c0 + offset.size))
            overlap = (taken[window] & inside).sum() + 1e3 * max(0.0, MIN_DISTANCE_UM - near)
            if overlap < best:
                best, chosen = overlap, (cy, cx, turn, window, inside)
            if overlap == 0:
                break
        y[row], x[row], angle[row] = chosen[:3]
        taken[chosen[3]] |= chosen[4]
        placed.append(row)
    return y, x, angle
