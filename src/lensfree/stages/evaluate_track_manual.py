"""Tracking against tracks that people made by hand: MCF10A cells, a frame every 30 min, no dry mass."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from lensfree.config import Config
from lensfree.stages.manual_tracks import WITHOUT_MASS, read_manual_tracks, without_identity
from lensfree.stages.measures import Measure
from lensfree.stages.track import track_cells
from lensfree.stages.track_meanings import MEANINGS
from lensfree.tracks.scoring import TrackCounts, count_tracks

NAMES = ("link_f1", "division_f1", "complete_tracks", "md30")
TARGETS = {"division_f1": 0.78, "complete_tracks": 0.88}


def counted(truth: pd.DataFrame, config: Config) -> TrackCounts:
    """Track the positions of one file, without names, and count what is right."""
    track = config.track.model_copy(update=WITHOUT_MASS)
    tracks = track_cells(without_identity(truth), track)
    return count_tracks(tracks, truth, max_distance_um=config.evaluate.track_pairing_um)


def measure_manual(folder: Path, config: Config) -> dict[str, Measure]:
    """Track the positions of each file and compare with its tracks; counts are summed over the files.

    Search range and all else is estimated from each file by itself; only mass is told to count for
    nothing.

    Raises:
        FileNotFoundError: if the folder has no tracks.
    """
    paths = sorted(folder.glob("*.csv"))
    if not paths:
        raise FileNotFoundError(f"{folder} has no *.csv, expected tracks made by hand: see demo/README.md")
    truths = [read_manual_tracks(path) for path in paths]
    counts = sum((counted(truth, config) for truth in truths), TrackCounts())
    scores, n_rows = counts.scores(), sum(len(truth) for truth in truths)
    said = (
        f"manual tracks of MCF10A cells, {len(paths)} fields, 30 min between frames, 1 pixel taken as 1 um, "
        f"no dry mass; counts summed over fields: {counts.divisions_true} divisions, "
        f"{counts.cells_true} cells, {counts.histories_true} histories"
    )
    return {
        f"track.mcf10a.{name}": Measure(
            scores[name], "1", "higher", n_rows, (), TARGETS.get(name), f"{MEANINGS[name]}; {said}"
        )
        for name in NAMES
    }
