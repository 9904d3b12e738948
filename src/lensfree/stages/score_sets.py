"""The synthetic histories that detectors are compared on; a seed gives each of them anew."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import pandas as pd

from lensfree.config import Config
from lensfree.simulate.held_out import HELD_OUT_KINDS
from lensfree.simulate.laboratory import ABROAD, HOME, RESTLESS, Laboratory
from lensfree.simulate.series import simulate_series


@dataclass(frozen=True)
class Histories:
    """A table of histories and the truth about them.

    Attributes:
        series: table under `contracts.SERIES`.
        labels: columns `series_id`, `is_abnormal`, `kind`, `onset_h`.
    """

    series: pd.DataFrame
    labels: pd.DataFrame


@dataclass(frozen=True)
class ScoreSets:
    """What one seed gives.

    Attributes:
        training: what methods are fitted to; they are not told the labels.
        test: what they judge.
        held_out: abnormal histories of the kinds that no tuning saw, at home.
        abroad_training: as training, in the other laboratory.
        abroad_test: as test, in the other laboratory.
        restless_training: as training, of cells whose measured dry mass goes up and down.
        restless_test: as test, of such cells.
    """

    training: Histories
    test: Histories
    held_out: Histories
    abroad_training: Histories
    abroad_test: Histories
    restless_training: Histories
    restless_test: Histories


class _Stream(IntEnum):
    """Second number of the seeds, so that no two sets share their draws."""

    TRAINING = 11
    TEST = 12
    HELD_OUT = 13
    ABROAD_TRAINING = 14
    ABROAD_TEST = 15
    RESTLESS_TRAINING = 16
    RESTLESS_TEST = 17


def draw_sets(config: Config, seed: int) -> ScoreSets:
    """Draw the histories of a seed."""
    evaluate = config.evaluate

    def draw(
        stream: _Stream,
        laboratory: Laboratory,
        n_series: int,
        abnormal: float,
        kinds: tuple[str, ...] | None = None,
    ) -> Histories:
        drawn = simulate_series(
            n_series,
            config.train_score.simulated_points,
            np.random.default_rng([seed, stream]),
            abnormal,
            culture=laboratory.culture,
            noise=laboratory.noise,
            kinds=kinds,
        )
        return Histories(*drawn)

    known = (evaluate.score_training_series, evaluate.score_training_abnormal)
    unseen = (evaluate.score_series, evaluate.score_abnormal)
    return ScoreSets(
        training=draw(_Stream.TRAINING, HOME, *known),
        test=draw(_Stream.TEST, HOME, *unseen),
        held_out=draw(_Stream.HELD_OUT, HOME, evaluate.score_held_out_series, 1.0, HELD_OUT_KINDS),
        abroad_training=draw(_Stream.ABROAD_TRAINING, ABROAD, *known),
        abroad_test=draw(_Stream.ABROAD_TEST, ABROAD, *unseen),
        restless_training=draw(_Stream.RESTLESS_TRAINING, RESTLESS, *known),
        restless_test=draw(_Stream.RESTLESS_TEST, RESTLESS, *unseen),
    )
