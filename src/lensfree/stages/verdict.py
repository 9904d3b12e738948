"""Verdict on two networks: does the new one agree better with the reference pipeline, and is that sure?

Both have measured the same held-out frames. The error that decides is the root mean square of ln(dry mass
of the network / of the reference) over the reference's cells, where a missed or an invented cell counts
as `WRONG`. Cells of one place are not independent, least of all one cell in many frames: a bootstrap draws
places anew, not cells, the same for both networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from lensfree.cells.pairing import pair_cells, regression

WRONG = float(np.log(2.0))
"""What a missed or invented cell counts for, and a pair at most: dry mass wrong by a factor of two."""

PLACE_UM = 100.0
"""Side of the squares that are drawn together, over all frames of an acquisition."""

MIN_PLACES = 5
"""Fewer do not tell how far chance reaches."""

RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class HeldOut:
    """What the reference pipeline found in one held-out frame, and where cells count.

    Attributes:
        acquisition: its name.
        reference: columns `y_um`, `x_um`, `dry_mass_pg`.
        low_um: y, x from which on cells count.
        high_um: y, x up to which they count.
    """

    acquisition: str
    reference: pd.DataFrame
    low_um: tuple[float, float]
    high_um: tuple[float, float]

    def is_counted(self, cells: pd.DataFrame) -> np.ndarray:
        """Return which cells count."""
        yx_um = cells[["y_um", "x_um"]].to_numpy(float)
        return np.asarray(np.all((yx_um >= self.low_um) & (yx_um <= self.high_um), axis=1))

    @property
    def n_cells(self) -> int:
        """The reference's cells that count."""
        return int(self.is_counted(self.reference).sum())


@dataclass(frozen=True)
class Agreement:
    """How well a network agrees with the reference pipeline.

    Attributes:
        error: the one that decides.
        recall: share of the reference's cells that were found; NaN without any.
        precision: share of the found cells that are the reference's; NaN without any.
        n_pairs: cells found by both.
        mass_r2: of the line through dry mass of the network against the reference; NaN below three pairs.
        mass_slope: likewise.
        mass_error_mad_pg: spread of the difference [pg], likewise.
    """

    error: float
    recall: float
    precision: float
    n_pairs: int
    mass_r2: float
    mass_slope: float
    mass_error_mad_pg: float


@dataclass(frozen=True)
class Verdict:
    """Two networks on the same cells.

    Attributes:
        start: agreement of the network that training started from.
        own: agreement of the new one.
        improvement: error of `start` less error of `own`.
        interval: its interval of 95 % confidence.
        n_frames: held-out frames.
        n_cells: cells of the reference in them that count.
        n_places: squares of 100 um in which they lie.
    """

    start: Agreement
    own: Agreement
    improvement: float
    interval: tuple[float, float]
    n_frames: int
    n_cells: int
    n_places: int

    @property
    def is_better(self) -> bool:
        """Whether the new network is better by more than chance."""
        return self.interval[0] > 0


def judge(
    held_out: Sequence[HeldOut], start: Sequence[pd.DataFrame], own: Sequence[pd.DataFrame], seed: int
) -> Verdict:
    """Return the verdict on the cells that two networks found in the same frames.

    The interval is Student's, about the measured improvement, with the standard deviation of the bootstrap.

    Args:
        held_out: the frames.
        start: what the old network found in each; columns `y_um`, `x_um`, `dry_mass_pg`.
        own: what the new network found in each.
        seed: of the bootstrap.

    Raises:
        ValueError: if the cells that count lie at fewer than `MIN_PLACES` places.
    """
    counts = cells_by_place(held_out)
    n_places = len(counts)
    agreements, tables = zip(*(_compared(held_out, found) for found in (start, own)), strict=True)
    sums = pd.concat([counts, *tables], axis=1).fillna(0.0).to_numpy()
    drawn = np.random.default_rng(seed).integers(0, len(sums), (RESAMPLES, len(sums)))
    chance = np.std(_improvement(sums[drawn].sum(axis=1)), ddof=1)
    margin = float(chance * student_t.ppf((1 + CONFIDENCE) / 2, n_places - 1))
    improvement = float(_improvement(sums.sum(axis=0)))
    return Verdict(
        start=agreements[0],
        own=agreements[1],
        improvement=improvement,
        interval=(improvement - margin, improvement + margin),
        n_frames=len(held_out),
        n_cells=sum(frame.n_cells for frame in held_out),
        n_places=n_places,
    )


def cells_by_place(held_out: Sequence[HeldOut]) -> pd.Series:
    """Return the number of the reference's cells that count at each place, places without left out.

    Raises:
        ValueError: if there are fewer than `MIN_PLACES` places.
    """
    counts = _by_place([_rows(frame, frame.reference, 1.0) for frame in held_out])
    if len(counts) < MIN_PLACES:
        raise ValueError(
            f"held-out cells lie at {len(counts)} places of {PLACE_UM:g} um, expected at least {MIN_PLACES}; "
            "raise transfer_quantify.held_out or name more acquisitions in transfer_quantify.acquisitions"
        )
    return counts


def _improvement(sums: np.ndarray) -> np.ndarray:
    """Return the fall of the error from sums (..., 3) of cells, old and new squared errors."""
    n_cells = np.maximum(sums[..., 0], 1.0)
    return np.asarray(np.sqrt(sums[..., 1] / n_cells) - np.sqrt(sums[..., 2] / n_cells))


def _compared(held_out: Sequence[HeldOut], found: Sequence[pd.DataFrame]) -> tuple[Agreement, pd.Series]:
    """Return the agreement over all frames, and the sum of squared errors by place."""
    rows, masses_pg = [], []
    n_true = n_found = n_true_paired = n_found_paired = 0
    for frame, cells in zip(held_out, found, strict=True):
        is_true, is_found = frame.is_counted(frame.reference), frame.is_counted(cells)
        pairs = pair_cells(cells, frame.reference)
        is_missed, is_invented = is_true.copy(), is_found.copy()
        is_missed[pairs[:, 1]] = is_invented[pairs[:, 0]] = False
        n_true, n_found = n_true + int(is_true.sum()), n_found + int(is_found.sum())
        n_true_paired += int((is_true & ~is_missed).sum())
        n_found_paired += int((is_found & ~is_invented).sum())
        pairs = pairs[is_true[pairs[:, 1]]]
        found_pg = cells["dry_mass_pg"].to_numpy(float)[pairs[:, 0]]
        true_pg = frame.reference["dry_mass_pg"].to_numpy(float)[pairs[:, 1]]
        masses_pg.append(np.stack([found_pg, true_pg]))
        tiny = np.finfo(float).tiny
        off = np.abs(np.log(np.maximum(found_pg, tiny) / np.maximum(true_pg, tiny)))
        rows += [
            _rows(frame, frame.reference.iloc[pairs[:, 1]], np.minimum(off, WRONG) ** 2),
            _rows(frame, frame.reference[is_missed], WRONG**2),
            _rows(frame, cells[is_invented], WRONG**2),
        ]
    squared = _by_place(rows)
    found_pg, true_pg = np.concatenate(masses_pg, axis=1)
    line = regression(found_pg, true_pg) if len(np.unique(true_pg)) >= 3 else None
    nan = float("nan")
    agreement = Agreement(
        error=float(np.sqrt(squared.sum() / max(n_true, 1))),
        recall=n_true_paired / n_true if n_true else nan,
        precision=n_found_paired / n_found if n_found else nan,
        n_pairs=len(true_pg),
        mass_r2=line.r2 if line else nan,
        mass_slope=line.slope if line else nan,
        mass_error_mad_pg=line.error_mad if line else nan,
    )
    return agreement, squared


def _rows(frame: HeldOut, cells: pd.DataFrame, value: np.ndarray | float) -> pd.DataFrame:
    """Return acquisition, place and value of the cells that count."""
    at = np.floor(cells[["y_um", "x_um"]].to_numpy(float) / PLACE_UM).astype(int)
    table = pd.DataFrame({"acquisition": frame.acquisition, "y": at[:, 0], "x": at[:, 1], "value": value})
    return table[frame.is_counted(cells)]


def _by_place(rows: Sequence[pd.DataFrame]) -> pd.Series:
    return pd.concat(rows).groupby(["acquisition", "y", "x"])["value"].sum()
