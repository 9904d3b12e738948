"""Detections of a large field without pictures, for trackers: noise, misses, ghosts, fused neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from lensfree.config import SimulateConfig
from lensfree.simulate.lives import Culture, Lives, dry_mass_at, grow_lineages
from lensfree.simulate.morphology import describe, draw_looks
from lensfree.simulate.motion import Walls
from lensfree.simulate.walk import Motility, walk
from lensfree.units import MIN_PER_H

BORDER_UM = 40.0
CELL_UM = 15.0
"""Cells without an outline keep this distance from each other."""


@dataclass(frozen=True)
class DetectionNoise:
    """How measured cells differ from true ones.

    Attributes:
        missed: share of cells that a frame lacks.
        false: ghosts per true cell.
        fusion_um: cells nearer than this are found as one, with the sum of the dry masses.
        dry_mass_relative: sd of the dry mass relative to itself.
        dry_mass_pg: sd of the dry mass on top [pg].
        position_um: sd of each coordinate [um].
    """

    missed: float = 0.01
    false: float = 0.005
    fusion_um: float = 8.4
    dry_mass_relative: float = 0.06
    dry_mass_pg: float = 12.0
    position_um: float = 0.8


def simulate_detections(
    config: SimulateConfig,
    *,
    shape_um: tuple[float, float],
    frame_interval_min: float,
    rng: np.random.Generator,
    noise: DetectionNoise | None = None,
    culture: Culture | None = None,
    motility: Motility | None = None,
    border_um: float = BORDER_UM,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Simulate what a detector finds in a field, with the truth.

    Args:
        config: frames, density, cell cycle, speed and share of abnormal cells.
        shape_um: height and width of the field [um].
        frame_interval_min: time between frames.
        rng: source of everything random.
        noise: errors of the detector; default: those of `DetectionNoise`.
        culture: how the cells live; default: as the configuration says.
        motility: how they behave in their walk; default: that of `Motility`.
        border_um: how far the walls stand outside the field; with 0 no cell leaves it.

    Returns:
        Detections `frame, time_h, y_um, x_um, dry_mass_pg, area_um2, max_opd_nm, length_um, true_id`
        (`cell_id` of the cell, of the heaviest where several fuse, -1 for a ghost), and the truth inside
        the field `frame, time_h, cell_id, parent_id, lineage_id, y_um, x_um, dry_mass_pg, anomaly` and
        `is_abnormal`. Both are sorted by frame.
    """
    noise = noise or DetectionNoise()
    step_h = frame_interval_min / MIN_PER_H
    walls = Walls(shape_um, border_um)
    lives = grow_lineages(
        rng,
        culture or Culture.of(config),
        n_founders=max(1, round(config.cells_per_mm2 * walls.area_mm2)),
        duration_h=(config.frames - 1) * step_h,
    )
    looks = draw_looks(rng, lives)
    detections, truths = [], []

    def footprint(now: Lives, time_h: float) -> tuple[np.ndarray, np.ndarray]:
        size_um = np.full(len(now["cell_id"]), CELL_UM)
        return size_um, size_um

    for frame, now, position in walk(
        lives,
        looks,
        frames=config.frames,
        step_h=step_h,
        speed_um_per_h=config.speed_um_per_h,
        walls=walls,
        rng=rng,
        footprint=footprint,
        motility=motility,
    ):
        time_h = frame * step_h
        inside = np.flatnonzero(((position >= 0) & (position < np.array(shape_um))).all(axis=1))
        cells = {name: column[inside] for name, column in now.items()}
        dry_mass_pg = dry_mass_at(cells, time_h)
        shape = describe(cells, looks, dry_mass_pg, time_h)
        truths.append(
            pd.DataFrame(
                {
                    "frame": np.full(len(inside), frame, np.int32),
                    "time_h": time_h,
                    **{name: cells[name] for name in ("cell_id", "parent_id", "lineage_id")},
                    "y_um": position[inside, 0],
                    "x_um": position[inside, 1],
                    "dry_mass_pg": dry_mass_pg,
                    "anomaly": cells["kind"],
                    "is_abnormal": cells["onset_h"] <= time_h,
                }
            )
        )
        found = truths[-1][["frame", "time_h", "y_um", "x_um", "dry_mass_pg"]].assign(
            **{name: shape[name] for name in ("area_um2", "max_opd_nm", "length_um")},
            true_id=cells["cell_id"],
        )
        detections.append(_detect(found, shape_um, noise, rng))
    return pd.concat(detections, ignore_index=True), pd.concat(truths, ignore_index=True)


def _detect(
    cells: pd.DataFrame, shape_um: tuple[float, float], noise: DetectionNoise, rng: np.random.Generator
) -> pd.DataFrame:
    """Return the cells of one frame as a detector would report them."""
    found = _fuse(cells, noise.fusion_um)
    found = found[rng.random(len(found)) >= noise.missed]
    n = len(found)
    ghosts = _ghosts(cells, rng.poisson(noise.false * len(cells)), shape_um, rng)
    sd_pg = np.hypot(noise.dry_mass_relative * found["dry_mass_pg"], noise.dry_mass_pg)
    found = found.assign(
        y_um=found["y_um"] + noise.position_um * rng.standard_normal(n),
        x_um=found["x_um"] + noise.position_um * rng.standard_normal(n),
        dry_mass_pg=np.maximum(found["dry_mass_pg"] + sd_pg * rng.standard_normal(n), 1.0),
    )
    return pd.concat([found, ghosts], ignore_index=True) if len(ghosts) else found


def _fuse(cells: pd.DataFrame, fusion_um: float) -> pd.DataFrame:
    """Return the cells with clusters of near ones as one row, at their common centre of dry mass."""
    position = cells[["y_um", "x_um"]].to_numpy()
    if len(cells) < 2 or fusion_um <= 0:
        return cells
    pairs = cKDTree(position).query_pairs(fusion_um, output_type="ndarray")
    if not len(pairs):
        return cells
    ones = np.ones(len(pairs))
    graph = coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape=(len(cells), len(cells)))
    n_clusters, cluster = connected_components(graph, directed=False)
    dry_mass_pg = cells["dry_mass_pg"].to_numpy()
    total_pg = np.bincount(cluster, dry_mass_pg, n_clusters)
    heaviest = cells.iloc[np.argsort(-dry_mass_pg, kind="stable")].assign(
        cluster=cluster[np.argsort(-dry_mass_pg, kind="stable")]
    )
    fused = heaviest.drop_duplicates("cluster").sort_values("cluster").drop(columns="cluster")
    centre = [np.bincount(cluster, dry_mass_pg * position[:, i], n_clusters) / total_pg for i in (0, 1)]
    return fused.assign(y_um=centre[0], x_um=centre[1], dry_mass_pg=total_pg).reset_index(drop=True)


def _ghosts(
    cells: pd.DataFrame, count: int, shape_um: tuple[float, float], rng: np.random.Generator
) -> pd.DataFrame:
    """Return false detections: somewhere in the field, with looks borrowed from true cells."""
    if not count or not len(cells):
        return cells.iloc[:0]
    ghosts = cells.iloc[rng.integers(0, len(cells), count)]
    return ghosts.assign(
        y_um=rng.uniform(0, shape_um[0], count),
        x_um=rng.uniform(0, shape_um[1], count),
        dry_mass_pg=ghosts["dry_mass_pg"] * rng.uniform(0.2, 0.7, count),
        true_id=-1,
    )
