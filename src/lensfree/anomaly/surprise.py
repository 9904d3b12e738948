"""From scores of several views to one surprise, and to the share of normal cells that surprise as much.

Surprise is -ln of the share of normal cells whose score is as high. The training set is contaminated, so that
its own upper tail is not that of normal cells. Two things are therefore learnt from its middle alone:

- each view's scores are taken to be normally distributed up to 1.5 sd and to fall exponentially beyond (as
  those of simulated normal cells do), with median and sd from the lower three quarters;
- the surprise of a cell is that of its most surprised view. Its upper 40 % in the training set are a mixture
  of an exponential tail of normal cells and a wide distribution of others, told apart by expectation
  maximisation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from scipy.stats import norm

TURN_SD = 1.5
"""Where the normal distribution gives way to an exponential one."""
_QUARTER_SD = float(norm.ppf(0.75))
_ROUNDS = 4
_TAIL_FROM = 0.6
_MIN_CELLS = 20
_LEAST = 1e-12
_ITERATIONS = 500
USUAL_SCALE = 1.5
"""Decay of normal cells' surprise on simulated populations. It would be 1 if the views' scores were as they
are taken to be, and one view decided."""
_USUAL_WEIGHT = 300.0


@dataclass(frozen=True)
class Scales:
    """Median and sd of normal cells' scores, per view."""

    median: np.ndarray
    sd: np.ndarray

    def surprise(self, scores: np.ndarray) -> np.ndarray:
        """Return the surprise (n, view) of scores (n, view); NaN where the score is NaN."""
        z = (scores - self.median) / self.sd
        beyond = -norm.logsf(TURN_SD) + norm.pdf(TURN_SD) / norm.sf(TURN_SD) * (z - TURN_SD)
        return np.where(z < TURN_SD, -norm.logsf(np.minimum(z, TURN_SD)), beyond)


@dataclass(frozen=True)
class Tail:
    """Upper tail of normal cells' surprise: a `share` lies above `start`, e times fewer every `scale`."""

    start: float
    scale: float
    share: float

    def normal_share(self, surprise: np.ndarray) -> np.ndarray:
        """Return the share of normal cells that surprise at least as much; `share` below `start`."""
        return self.share * np.exp(-np.maximum(np.asarray(surprise) - self.start, 0.0) / self.scale)

    def threshold(self, alpha: float) -> float:
        """Return the surprise that a share `alpha` of normal cells exceeds.

        Raises:
            ValueError: alpha is not between 0 and `share`, where the tail is known.
        """
        if not 0 < alpha <= self.share:
            raise ValueError(
                f"score.alpha is {alpha:g}, expected a share above 0 and up to {self.share:.2g}; it is the "
                "share of normal cells that are flagged, such as 0.005"
            )
        return float(self.start + self.scale * np.log(self.share / alpha))


def learn_scales(scores: np.ndarray, contamination: float) -> Scales:
    """Learn how normal cells score in each view.

    Args:
        scores: (n, view) of training cells, NaN where a view has none.
        contamination: share of the cells that is left out, the most surprising ones, before the middle is
            measured.

    Raises:
        ValueError: fewer than 20 cells, or a view whose scores do not vary.
    """
    if len(scores) < _MIN_CELLS:
        raise ValueError(
            f"got {len(scores)} histories to learn from, expected at least {_MIN_CELLS}; use more "
            "acquisitions or the shipped model"
        )
    is_kept = np.ones(len(scores), dtype=bool)
    for _ in range(_ROUNDS):
        median, upper = np.nanquantile(scores[is_kept], [0.5, 0.75], axis=0)
        if not (upper > median).all():
            raise ValueError(
                "the histories score alike in one view, expected scores that vary; check that the table "
                "does not repeat one history"
            )
        scales = Scales(median, (upper - median) / _QUARTER_SD)
        surprise = np.nanmax(scales.surprise(scores), axis=1)
        is_kept = surprise <= np.quantile(surprise, 1 - contamination)
    return scales


def learn_tail(surprise: np.ndarray) -> Tail:
    """Learn the upper tail of normal cells from the surprise of contaminated training cells.

    Abnormal cells are few near the start and many far out (a gamma distribution of shape 2, at least 1.5
    times as wide; it may be empty). Some hundred cells do not settle how steep the normal tail is, so that
    the usual steepness counts for as much as `_USUAL_WEIGHT` cells.
    """
    start = float(np.quantile(surprise, _TAIL_FROM))
    excess = surprise[surprise > start] - start
    steep, wide, normal = USUAL_SCALE, 4 * USUAL_SCALE, 0.8
    for _ in range(_ITERATIONS):
        ln_normal = np.log(normal / steep) - excess / steep
        ln_other = np.log(max(1 - normal, _LEAST) * excess / wide**2) - excess / wide
        belongs = expit(ln_normal - ln_other)
        normal = float(belongs.mean())
        weight = belongs.sum() + _USUAL_WEIGHT
        steep = float(((belongs * excess).sum() + _USUAL_WEIGHT * USUAL_SCALE) / weight)
        mean = float(((1 - belongs) * excess).sum() / max((1 - belongs).sum(), _LEAST))
        wide = max(mean / 2, 1.5 * steep)
    above = (1 - _TAIL_FROM) * normal
    return Tail(start, steep, above / (above + _TAIL_FROM))
