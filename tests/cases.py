"""Named tiny worlds with exact answers, shared by tests: the situations that tracking must get right.

Every world is synthetic and noise-free unless its name says otherwise. A frame lasts 10 minutes.
Each function returns the truth: the columns of a table of tracks, ids numbered in order of birth.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

INTERVAL_H = 1 / 6

Point = tuple[float, float, float]


def cell(
    cell_id: int, first_frame: int, points: list[Point], parent_id: int = -1, lineage_id: int = 0
) -> pd.DataFrame:
    """Return one cell: `points` are (y_um, x_um, dry_mass_pg), one a frame."""
    frame = first_frame + np.arange(len(points))
    y_um, x_um, dry_mass_pg = np.array(points, dtype=np.float64).T
    return pd.DataFrame(
        {
            "frame": frame.astype(np.int32),
            "time_h": frame * INTERVAL_H,
            "y_um": y_um,
            "x_um": x_um,
            "dry_mass_pg": dry_mass_pg,
            "area_um2": dry_mass_pg * 1.5,
            "max_opd_nm": np.full(len(points), 80.0),
            "length_um": np.full(len(points), 25.0),
            "dry_mass_se_pg": dry_mass_pg * 0.04,
            "touches_border": False,
            "model": "case",
            "is_shared": False,
            "cell_id": np.int64(cell_id),
            "parent_id": np.int64(parent_id),
            "lineage_id": np.int64(lineage_id),
        }
    )


def walk(
    start: tuple[float, float], step: tuple[float, float], n: int, dry_mass_pg: float, growth: float = 0.005
) -> list[Point]:
    """Return a straight walk with exponential growth per frame."""
    return [
        (start[0] + k * step[0], start[1] + k * step[1], dry_mass_pg * float(np.exp(growth * k)))
        for k in range(n)
    ]


def world(*cells: pd.DataFrame) -> pd.DataFrame:
    """Return several cells as one world, sorted by frame and cell."""
    return pd.concat(cells).sort_values(["frame", "cell_id"], kind="stable", ignore_index=True)


def seen(truth: pd.DataFrame) -> pd.DataFrame:
    """Return what a detector reports of a world: no identities, and rows in no order."""
    shuffled = truth.sample(frac=1, random_state=7).reset_index(drop=True)
    return shuffled.drop(columns=["is_shared", "cell_id", "parent_id", "lineage_id"])


def straight_walk() -> pd.DataFrame:
    """One cell walks in a line."""
    return cell(0, 0, walk((50.0, 20.0), (1.0, 2.0), 20, 250.0))


def two_that_cross() -> pd.DataFrame:
    """A light and a heavy cell meet in frame 10 and walk on: positions alone would swap them."""
    n, light, heavy = 21, 150.0, 450.0
    one = [(60.0 + 1.2 * (k - 10), 40.0 + 2.5 * (k - 10), light) for k in range(n)]
    other = [(61.0 - 1.2 * (k - 10), 40.5 - 2.5 * (k - 10), heavy) for k in range(n)]
    return world(cell(0, 0, one), cell(1, 0, other, lineage_id=1))


def missed_frame() -> pd.DataFrame:
    """One cell that is not seen in frames 8 and 9."""
    truth = straight_walk()
    return truth[~truth["frame"].isin([8, 9])].reset_index(drop=True)


def long_absence() -> pd.DataFrame:
    """One cell that is not seen for five frames, longer than linking remembers."""
    truth = cell(0, 0, walk((50.0, 20.0), (0.5, 0.8), 30, 250.0))
    return truth[~truth["frame"].between(10, 14)].reset_index(drop=True)


def one_division() -> pd.DataFrame:
    """A mother of 400 pg divides after frame 14 into 205 and 195 pg; a bystander walks far off."""
    mother = walk((60.0, 70.0), (0.8, 0.4), 15, 400.0, 0.0)
    y, x, _ = mother[-1]
    return world(
        cell(0, 0, mother),
        cell(1, 0, walk((150.0, 30.0), (0.3, 1.0), 35, 300.0), lineage_id=1),
        cell(2, 15, walk((y - 9.0, x - 3.0), (-1.0, 0.2), 20, 205.0), parent_id=0),
        cell(3, 15, walk((y + 10.0, x + 3.0), (1.0, 0.4), 20, 195.0), parent_id=0),
    )


def late_daughter() -> pd.DataFrame:
    """As `one_division`, but one daughter is not seen in her first frame."""
    truth = one_division()
    return truth[~((truth["cell_id"] == 3) & (truth["frame"] == 15))].reset_index(drop=True)


def three_way() -> pd.DataFrame:
    """A mother of 600 pg divides after frame 14 into three of about 200 pg."""
    mother = walk((80.0, 90.0), (0.4, 0.6), 15, 600.0, 0.0)
    y, x, _ = mother[-1]
    return world(
        cell(0, 0, mother),
        cell(1, 15, walk((y - 13.0, x + 0.5), (-0.8, 0.1), 20, 205.0), parent_id=0),
        cell(2, 15, walk((y + 6.0, x - 11.0), (0.5, -0.7), 20, 190.0), parent_id=0),
        cell(3, 15, walk((y + 7.5, x + 12.0), (0.5, 0.7), 20, 200.0), parent_id=0),
    )


def found_as_one(n_frames: int, *, passes: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two cells of 200 and 330 pg meet in frame 15 and are found as one for some frames.

    They pass each other or turn back where they met.

    Returns:
        The truth, and what a detector finds: the sum of dry mass at its centroid while they are one.
    """
    frame = np.arange(31)
    ahead_um = np.where(frame <= 15, frame - 15, (frame - 15) if passes else (15 - frame)) * 4.0
    one = [(60.0, 80.0 + a, 200.0) for a in ahead_um]
    other = [(63.0, 80.0 - a, 330.0) for a in ahead_um]
    truth = world(cell(0, 0, one), cell(1, 0, other, lineage_id=1))
    is_one = abs(truth["frame"] - 15) <= (n_frames - 1) // 2
    met = truth[is_one]
    share = met["dry_mass_pg"] / 530.0
    fused = met[met["cell_id"] == 1].assign(
        dry_mass_pg=530.0,
        **{
            name: (met[name] * share)
            .groupby(met["frame"])
            .sum()
            .reindex(met.loc[met["cell_id"] == 1, "frame"])
            .to_numpy()
            for name in ("y_um", "x_um")
        },
    )
    return truth, seen(pd.concat([truth[~is_one], fused]))


def newcomer() -> pd.DataFrame:
    """A second cell of its own mass comes into view beside a first that does not change: no division."""
    return world(
        cell(0, 0, walk((60.0, 60.0), (0.5, 0.5), 30, 300.0)),
        cell(1, 12, walk((85.0, 62.0), (0.5, 0.5), 18, 280.0), lineage_id=1),
    )


def two_generations() -> pd.DataFrame:
    """A founder, two daughters, and two granddaughters of the first daughter; 20 h in all."""
    founder = walk((100.0, 100.0), (0.2, 0.3), 40, 400.0, 0.0)
    y, x, _ = founder[-1]
    first = walk((y - 10.0, x - 2.0), (-0.4, 0.0), 40, 200.0, 0.0173)
    y1, x1, _ = first[-1]
    return world(
        cell(0, 0, founder),
        cell(1, 40, first, parent_id=0),
        cell(2, 40, walk((y + 10.0, x + 2.0), (0.4, 0.1), 80, 200.0, 0.005), parent_id=0),
        cell(3, 80, walk((y1 - 2.0, x1 - 10.0), (0.0, -0.4), 40, 200.0), parent_id=1),
        cell(4, 80, walk((y1 + 2.0, x1 + 10.0), (0.0, 0.4), 40, 200.0), parent_id=1),
    )
