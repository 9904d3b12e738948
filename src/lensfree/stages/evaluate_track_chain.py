"""Tracking at the end of the whole chain: a simulated culture, its holograms, and every stage after them.

The culture is that of the section `simulate`, errors of the acquisition included, on a sensor of
`track_chain_px` pixels. Distance and shifts of the colours are found, not given.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from lensfree.acquisitions import Acquisition
from lensfree.chunks import background_plan, chunk_names, chunk_range
from lensfree.config import Config
from lensfree.contracts import TRACKS, TRUTH
from lensfree.io.tables import read_table
from lensfree.stages import background, focus, load, quantify, reconstruct, simulate, track
from lensfree.stages.measures import Measure
from lensfree.stages.track_meanings import MEANINGS
from lensfree.tracks.scoring import TrackCounts, count_tracks
from lensfree.units import MIN_PER_H

logger = logging.getLogger(__name__)


def measure_chain(config: Config, refine_weights: Path | None, quantify_weights: Path) -> dict[str, Measure]:
    """Record a culture per seed, reconstruct, quantify and track it; counts are summed over seeds.

    Args:
        config: everything up to `track`, and `evaluate`.
        refine_weights: network of the reconstruction, None without.
        quantify_weights: network of the quantification.

    Returns:
        The scores of tracks as `track.chain.<score>`; nothing if `track_chain_seeds` is 0.
    """
    evaluate = config.evaluate
    seeds = evaluate.seeds[: evaluate.track_chain_seeds]
    counts, n_rows = TrackCounts(), 0
    for seed in seeds:
        start = time.process_time()
        with TemporaryDirectory() as folder:
            tracks, culture = follow_culture(config, seed, refine_weights, quantify_weights, Path(folder))
        truth = as_seen(culture, config.track.max_gap_frames)
        counts += count_tracks(tracks, truth, max_distance_um=evaluate.track_pairing_um)
        n_rows += len(truth)
        logger.info("chain, seed %d: %.0f CPU s", seed, time.process_time() - start)
    duration_h = (evaluate.track_chain_frames - 1) * evaluate.track_interval_min / MIN_PER_H
    said = (
        f"synthetic culture of {duration_h:.0f} h, recorded as holograms of "
        f"{evaluate.track_chain_px[0]} x {evaluate.track_chain_px[1]} pixels in "
        f"{len(config.fields.wavelength_nm)} colours, reconstructed and quantified by the shipped networks, "
        "and tracked; counts summed over seeds: "
        f"{counts.divisions_true} divisions, {counts.cells_true} cells, {counts.histories_true} histories"
    )
    scores = counts.scores() if seeds else {}
    return {
        f"track.chain.{name}": Measure(scores[name], "1", "higher", n_rows, seeds, None, f"{meaning}; {said}")
        for name, meaning in MEANINGS.items()
        if seeds
    }


def follow_culture(
    config: Config, seed: int, refine_weights: Path | None, quantify_weights: Path, folder: Path
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Send a simulated culture through all stages, with files in a folder.

    Returns:
        The tracks, and the true cells inside the field.
    """
    evaluate, optics, storage = config.evaluate, config.optics, config.storage
    height_px, width_px = evaluate.track_chain_px
    n_frames = evaluate.track_chain_frames
    culture = config.simulate.model_copy(
        update={"frames": n_frames, "height_px": height_px, "width_px": width_px, "seed": seed}
    )
    acquisition = Acquisition(
        acquisition="culture",
        kind="simulated",
        wavelength_nm=config.fields.wavelength_nm,
        pixel_pitch_um=config.fields.pixel_pitch_um,
        frame_interval_min=evaluate.track_interval_min,
    ).in_folder(folder / "tiff")
    simulate.run(
        acquisition=acquisition,
        config=culture,
        optics=optics,
        out_dir=folder / "tiff",
        truth=folder / "truth.parquet",
        faults=folder / "faults.parquet",
        provenance={},
    )
    method, frames = background_plan(config.load, n_frames, config.frames_per_chunk, is_image_given=False)
    background.run(
        acquisition=acquisition,
        method=method,
        frames=frames,
        out=folder / "background.h5",
        config=config.load,
        storage=storage,
        provenance={},
    )
    cells: list[Path] = []
    for chunk in chunk_names(n_frames, config.frames_per_chunk):
        span = chunk_range(chunk, n_frames, config.frames_per_chunk)
        holograms, opd = folder / f"holograms_{chunk}.h5", folder / f"opd_{chunk}.h5"
        load.run(
            acquisition=acquisition,
            first_frame=span.start,
            n_frames=len(span),
            background=folder / "background.h5",
            out=holograms,
            frames_out=folder / f"frames_{chunk}.parquet",
            on_bad_frame=config.load.on_bad_frame,
            storage=storage,
            provenance={},
        )
        if not cells:
            focus.run(
                holograms=holograms,
                out=folder / "focus.parquet",
                acquisition=acquisition,
                optics=optics,
                config=config.focus,
                reconstruct=config.reconstruct,
                weights=refine_weights,
                provenance={},
            )
        reconstruct.run(
            holograms=holograms,
            focus=folder / "focus.parquet",
            out=opd,
            optics=optics,
            focus_config=config.focus,
            config=config.reconstruct,
            storage=storage,
            weights=refine_weights,
            provenance={},
        )
        cells.append(folder / f"cells_{chunk}.parquet")
        quantify.run(opd=opd, out=cells[-1], config=config.quantify, weights=quantify_weights, provenance={})
    tracks, events = folder / "tracks.parquet", folder / "events.parquet"
    track.run(cells, tracks, events, config.track, {})
    return read_table(tracks, TRACKS), read_table(folder / "truth.parquet", TRUTH)


def as_seen(truth: pd.DataFrame, most_missed_frames: int) -> pd.DataFrame:
    """Return true cells under the names that a field of view allows for.

    A cell that leaves the field and comes back later is another one to whoever sees the field alone, and a
    daughter born outside has no mother. Of `truth` the columns `frame, cell_id, parent_id` are used.

    Args:
        truth: rows inside the field.
        most_missed_frames: absences of up to so many frames are no leave.
    """
    seen = truth.sort_values(["cell_id", "frame"], kind="stable", ignore_index=True)
    cell_id, frame = seen["cell_id"].to_numpy(), seen["frame"].to_numpy(dtype=np.int64)
    is_new = np.diff(cell_id, prepend=-1) != 0
    is_start = is_new | (np.diff(frame, prepend=0) > most_missed_frames + 1)
    piece = np.cumsum(is_start) - 1
    start = np.flatnonzero(is_start)
    last_row_of = {cell: row for row, cell in enumerate(cell_id.tolist())}
    mother = np.array([last_row_of.get(cell, -1) for cell in seen["parent_id"].to_numpy()[start].tolist()])
    is_born_inside = is_new[start] & (mother >= 0)
    is_born_inside &= frame[start] - frame[mother] <= most_missed_frames + 1
    parent = np.where(is_born_inside, piece[mother], -1)
    return seen.assign(cell_id=piece, parent_id=parent[piece]).sort_values(
        ["frame", "cell_id"], ignore_index=True
    )
