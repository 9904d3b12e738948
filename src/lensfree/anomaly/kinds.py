"""The kinds of abnormal histories, and what a candidate for an explanation is.

A kind is a shape of deviation from the normal path (`expectation`), at every onset that is possible for it,
and what it means for the length of the cell's life. The sizes that stand in the modules of the kinds say what
goes by which name ("half of the usual rate", "twice as heavy"), with room around them; how far the
population must be left before it counts follows from the spreads of its norms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lensfree.anomaly.condensed import Condensed
from lensfree.anomaly.expectation import Expectation
from lensfree.anomaly.unmarked import log_cycle, log_remaining, log_survival

UNCLEAR = "unclear"
BIOLOGICAL = (
    "no_division",
    "abnormal_division",
    "slow_growth",
    "fast_growth",
    "dry_mass_loss",
    "merge",
    "giant",
    "death",
)
ACQUISITION = ("jump", "swap", "dropout", "segmentation")


@dataclass(frozen=True)
class Candidate:
    """One kind at all its onsets.

    Attributes:
        kind: one of `BIOLOGICAL`, `ACQUISITION` or `UNCLEAR`.
        onset_h: (k,) when it may have begun [h].
        gain: (k,) ln probability of the history with it, prior of the onset included, up to a constant of the
            history.
        stop_h: (k,) when it ended [h], None if it lasts.
    """

    kind: str
    onset_h: np.ndarray
    gain: np.ndarray
    stop_h: np.ndarray | None = None


def log_lives(history: Condensed, expected: Expectation, factor: float = 1.0) -> np.ndarray:
    """Return for each cell the ln probability of how long it was seen, if lives last `factor` times as long.

    The first cell is of unknown age, the last one goes on.
    """
    seen_h = np.append(history.birth_h[1:], history.end_h) - history.birth_h
    out = log_cycle(seen_h / factor, expected.norms)
    out[-1] = log_survival(seen_h[-1] / factor, expected.norms)
    out[0] = log_remaining(seen_h[0] / factor, expected.norms)
    return out


def shared(gain: np.ndarray, times: int = 1) -> np.ndarray:
    """Return gains whose prior is shared evenly by their elements, `times` over."""
    return gain - np.log(max(gain.size, 1) * times)


def ages_h(expected: Expectation) -> np.ndarray:
    """Return (rows, lives) how long each cell has lived at each row, growing from 0 and then staying."""
    history = expected.history
    stop_h = np.append(history.birth_h[1:], history.end_h)
    return np.clip(expected.row_h[:, None], history.birth_h, stop_h) - history.birth_h
