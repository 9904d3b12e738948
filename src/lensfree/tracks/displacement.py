"""How far a whole field moved between two frames, from the cells that are in both.

Two frames of a steady field differ by the steps of single cells; after a jump every cell is off by the
same vector on top. No cell can tell which vector that is, all together can: a displacement d is as likely
as the cells of one frame have a cell about d further on in the other (coherent point drift, Myronenko and
Song, IEEE TPAMI 32, 2262 (2010), for translations). For cells i before at x_i and j after at x_j, against
two frames that have nothing to do with each other,

    L(d) = sum_i ln(1 - p + p sum_j N(x_j - x_i - d; s) m_ij / b)

N is the 2-D normal density of a cell's own step (sd s per axis), b the density of the pairs that chance
makes, m_ij how much likelier the two dry masses are for one cell than for two, p the share found again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from lensfree.tracks.scales import NORMAL_MAD

MIN_CELLS = 5
"""With fewer cells in either frame nothing is said."""

SAMPLED_CELLS = 250
"""Cells of a frame that are asked: their mean is sure to a sixteenth of a step."""

FOUND_AGAIN = 0.8
"""Share of cells with a partner in the next frame; the rest left, were missed, fused, or stepped far."""

SURE = 18.0
"""Gain in L that counts as certain: that of a mean 6 standard errors from where it should be, 6^2 / 2."""

UNLIKE_MASS = 0.1
"""Share of true pairs whose dry masses are no more alike than any two: fused, divided, cut off."""

PRIOR_PAIRS = 10.0
"""Pairs of cells that the expected step sd counts for beside the pairs of two frames."""

CANDIDATES = 3
MAX_ITERATIONS = 20


@dataclass(frozen=True)
class OwnSteps:
    """What cells do by themselves from one frame to the other.

    Attributes:
        sd_um: sd of a step along one axis.
        log_mass_change_sd: sd of the change of ln(dry mass); None if dry masses are not compared.
        log_mass_difference_sd: sd of the difference of ln(dry mass) between any two cells.
        is_known: False lets two frames say what the sd of a step is, from this one as a guess.
    """

    sd_um: float
    log_mass_change_sd: float | None = None
    log_mass_difference_sd: float = 0.0
    is_known: bool = True


@dataclass(frozen=True)
class Displacement:
    """A frame against an earlier one.

    Attributes:
        vector_um: (yx,) the likeliest displacement.
        is_certain: whether it explains the two frames better than chance, with certainty.
        has_moved: whether it also clearly differs from no displacement.
        sd_um: sd of the cells' own steps along one axis between these frames.
        log_mass_change_sd: sd of their changes of ln(dry mass), from the median; NaN without pairs.
    """

    vector_um: np.ndarray
    is_certain: bool
    has_moved: bool
    sd_um: float
    log_mass_change_sd: float


def find_displacement(
    before: np.ndarray, after: np.ndarray, own: OwnSteps, *, limit_um: float
) -> Displacement | None:
    """Find the displacement d with the largest L(d), to the standard error s / sqrt(cells).

    Args:
        before: (cell, 3) y and x in um and ln(dry mass) of the cells of one frame.
        after: the same of the other frame.
        own: the cells' own steps between the two.
        limit_um: longest displacement that is considered.

    Returns:
        The displacement; None with fewer than `MIN_CELLS` cells in a frame, or pairs of them in reach.
    """
    if min(len(before), len(after)) < MIN_CELLS:
        return None
    if len(before) > SAMPLED_CELLS:
        before = before[np.linspace(0, len(before) - 1, SAMPLED_CELLS).astype(int)]
    pairs = _Pairs(before, after, own, reach_um=limit_um + 3 * own.sd_um)
    if len(pairs.cell) < MIN_CELLS:
        return None
    start_um = max(pairs.densest(own.sd_um, limit_um), key=lambda d_um: pairs.gain(d_um, own.sd_um))
    vector_um, sd_um, change_sd = pairs.refine(start_um, own)
    gain = pairs.gain(vector_um, sd_um)
    independent = max((limit_um / sd_um) ** 2 / 2, 1.0)  # displacements tried: areas pi limit^2 / 2 pi s^2
    is_certain = bool(gain > SURE + np.log(independent) and np.hypot(*vector_um) <= limit_um)
    has_moved = bool(is_certain and gain - pairs.gain(np.zeros(2), sd_um) > SURE)
    return Displacement(vector_um, is_certain, has_moved, sd_um, change_sd)


class _Pairs:
    """The vectors from cells of one frame to cells of the other within reach."""

    def __init__(self, before: np.ndarray, after: np.ndarray, own: OwnSteps, reach_um: float) -> None:
        trees = (cKDTree(points[:, :2]) for points in (before, after))
        found = next(trees).sparse_distance_matrix(next(trees), reach_um, output_type="ndarray")
        between = after[found["j"]] - before[found["i"]]
        self.cell, self.n_cells = found["i"], len(before)
        self.vector_um, self.log_mass_change = between[:, :2], between[:, 2]
        # true pairs are counted too, so the density that chance makes comes out rather too high
        chance_per_um2 = max(len(found), 1) / (len(before) * np.pi * reach_um**2)
        self.weight_um2 = FOUND_AGAIN * _likeness(self.log_mass_change, own) / chance_per_um2

    def gain(self, d_um: np.ndarray, sd_um: float) -> float:
        """Return L."""
        total = np.bincount(self.cell, self._odds(d_um, sd_um), self.n_cells)
        return float(np.log(1 - FOUND_AGAIN + total).sum())

    def densest(self, sd_um: float, limit_um: float) -> list[np.ndarray]:
        """Return no displacement and the densest of a grid with a pitch of one sd, as candidates."""
        half = int(np.ceil(limit_um / sd_um)) + 4
        side = 2 * half + 1
        bins = np.clip(np.rint(self.vector_um / sd_um).astype(np.int64) + half, 0, side - 1)
        density = np.bincount(bins[:, 0] * side + bins[:, 1], self.weight_um2, side**2).reshape(side, side)
        density = gaussian_filter(density, 1.0, mode="constant", truncate=3.0)
        candidates = [np.zeros(2)]
        for _ in range(CANDIDATES):
            y, x = divmod(int(density.argmax()), side)
            candidates.append((np.array([y, x]) - half) * sd_um)
            density[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3] = 0
        return candidates

    def refine(self, d_um: np.ndarray, own: OwnSteps) -> tuple[np.ndarray, float, float]:
        """Return the displacement of the maximum of L nearby and the cells' own steps there, by EM."""
        factor, prior_pairs = (2.0, PRIOR_PAIRS) if own.is_known else (6.0, 0.0)
        sd_um = own.sd_um
        near = np.flatnonzero(_square_length(self.vector_um - d_um) < (2.5 * factor * sd_um) ** 2)
        vector_um, share = self.vector_um[near], np.zeros(len(near))
        for _ in range(MAX_ITERATIONS):
            odds = self._odds(d_um, sd_um, near)
            total = np.bincount(self.cell[near], odds, self.n_cells)
            share = odds / (1 - FOUND_AGAIN + total)[self.cell[near]]
            weight = max(float(share.sum()), 1e-9)
            d_um, previous_um = share @ vector_um / weight, d_um
            square_um2 = share @ _square_length(vector_um - d_um) / 2
            sd_um = np.sqrt((square_um2 + prior_pairs * own.sd_um**2) / (weight + prior_pairs))
            sd_um = float(np.clip(sd_um, own.sd_um / factor, own.sd_um * factor))
            if np.abs(d_um - previous_um).max() < 0.01 * sd_um:
                break
        change = np.abs(self.log_mass_change[near][share > 0.5])
        return d_um, sd_um, NORMAL_MAD * float(np.median(change)) if len(change) else float("nan")

    def _odds(self, d_um: np.ndarray, sd_um: float, chosen: np.ndarray | slice = slice(None)) -> np.ndarray:
        square = _square_length(self.vector_um[chosen] - d_um)
        return self.weight_um2[chosen] * np.exp(-0.5 * square / sd_um**2) / (2 * np.pi * sd_um**2)


def _likeness(log_mass_change: np.ndarray, own: OwnSteps) -> np.ndarray:
    """Return how much likelier a change of ln(dry mass) is for one cell than for any two."""
    if own.log_mass_change_sd is None:
        return np.ones(len(log_mass_change))
    one, any_two = own.log_mass_change_sd, max(own.log_mass_difference_sd, own.log_mass_change_sd)
    ratio = any_two / one * np.exp(-0.5 * log_mass_change**2 * (one**-2 - any_two**-2))
    return UNLIKE_MASS + (1 - UNLIKE_MASS) * ratio


def _square_length(vector: np.ndarray) -> np.ndarray:
    return vector[:, 0] ** 2 + vector[:, 1] ** 2  # several times faster than a sum over an axis of two
