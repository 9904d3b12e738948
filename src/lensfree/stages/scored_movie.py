"""The movie of real cells as scoring is looked at on it: its histories, judged by the shipped detector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from lensfree.anomaly.explained import with_reasons, with_short_series
from lensfree.anomaly.norms import Norms
from lensfree.anomaly.windows import cut_windows
from lensfree.cells.integral import find_cells
from lensfree.config import Config
from lensfree.report.ranking import rank_series
from lensfree.stages.detector_file import METHOD, read_norms
from lensfree.stages.followed_movie import INTERVAL_MIN, PIXEL_UM
from lensfree.stages.plus_training import hand_plus_on
from lensfree.stages.represent import Represent
from lensfree.stages.score import judge
from lensfree.stages.track import track_with_events
from lensfree.tracks.series import build_series
from lensfree.units import MIN_PER_H

INTERVAL_H = INTERVAL_MIN / MIN_PER_H


@dataclass(frozen=True)
class ScoredMovie:
    """What the stages from quantify to score say of the movie.

    Attributes:
        cells: what was found, before tracking; positions are those that dry mass was integrated around.
        tracks: the columns of `contracts.TRACKS` but for the standard error, which nothing is known of here.
        events: under `contracts.LINEAGE_EVENTS`.
        series: under `contracts.SERIES`.
        windows: under `contracts.WINDOWS`.
        scores: under `contracts.SCORES`; a row per history, judged or not.
        ranked: the judged ones, most surprising first, with their `rank`.
        norms: what is normal here; None if there are too few cells to say.
        alpha: share of normal histories that was meant to be flagged.
    """

    cells: pd.DataFrame
    tracks: pd.DataFrame
    events: pd.DataFrame
    series: pd.DataFrame
    windows: pd.DataFrame
    scores: pd.DataFrame
    ranked: pd.DataFrame
    norms: Norms | None
    alpha: float

    @property
    def n_judged(self) -> int:
        """Return how many histories are as long as a window."""
        return int((self.scores["n_windows"] > 0).sum())

    def path(self, series_id: int) -> pd.DataFrame:
        """Return the rows of the tracks along a history, in order of frames; filled frames have none."""
        own = self.series.loc[self.series["series_id"] == series_id, ["cell_id", "time_h"]]
        frame = np.rint(own["time_h"] / INTERVAL_H).astype(np.int64)
        keys = own.assign(frame=frame)[["cell_id", "frame"]]
        tracks = self.tracks[self.tracks["cell_id"].isin(keys["cell_id"].unique())]
        return tracks.merge(keys, on=["cell_id", "frame"]).sort_values("frame", ignore_index=True)


def score_movie(
    opd_nm: Callable[[int], np.ndarray], n_frames: int, represent: Represent, detector: Path, config: Config
) -> ScoredMovie:
    """Take OPD maps through quantify, track, series and score, as the stages of these names do.

    Args:
        opd_nm: frame -> OPD (y, x) [nm].
        n_frames: how many there are.
        represent: the network of quantify.
        detector: file of the shipped detector; it takes scale and norms from the movie, as it does for a data
            set that is too small to train its own.
        config: sections `quantify`, `track`, `series` and `score`; the method of `score` is that of the
            detector.
    """
    cells = pd.concat(
        [_cells(opd_nm(frame), frame, represent, config) for frame in range(n_frames)], ignore_index=True
    )
    tracks, events = track_with_events(cells, config.track)
    series = build_series(tracks, frame_interval_h=INTERVAL_H, config=config.series)
    score = config.score.model_copy(update={"method": METHOD})
    windows = cut_windows(series, score)
    with TemporaryDirectory() as folder:
        model = Path(folder) / "detector.safetensors"
        hand_plus_on(detector, model, windows, series, score)
        judged, scores, used = judge(windows, series, model, score)
        norms = read_norms(model)
    scores = with_reasons(
        with_short_series(scores, series["series_id"].to_numpy(), used["model"]), series, norms, events
    )
    ranked = rank_series(scores, judged)
    return ScoredMovie(cells, tracks, events, series, judged, scores, ranked, norms, score.alpha)


def distinct_cells(ranked: pd.DataFrame, series: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return the first rows of a ranking that have no cell in common with one taken before them.

    Sisters share the history of their mother: two paths with the same event in them would stand for one.

    Args:
        ranked: `series_id`, best first.
        series: under `contracts.SERIES`.
        count: how many at most.
    """
    cells_of = series.groupby("series_id")["cell_id"].agg(set)
    taken: set[int] = set()
    kept: list[int] = []
    for row, series_id in enumerate(ranked["series_id"]):
        if len(kept) < count and not taken & cells_of[series_id]:
            kept.append(row)
            taken |= cells_of[series_id]
    return ranked.iloc[kept].reset_index(drop=True)


def _cells(opd_nm: np.ndarray, frame: int, represent: Represent, config: Config) -> pd.DataFrame:
    cells = find_cells(represent(opd_nm, PIXEL_UM), opd_nm, PIXEL_UM, config.quantify)
    return cells.assign(frame=frame, time_h=frame * INTERVAL_H, model="movie")
