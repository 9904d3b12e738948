"""What tracking costs on long and on crowded acquisitions: the stage `track`, and trackpy alone.

Each run is a process of its own with one thread that reads tables of cells and ends, as a user's job does;
its CPU time and its memory are those of the whole process, the interpreter and all packages included.
Usage: python benchmarks/tracking_scale.py
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from own_process import resident_mb

TRACKPY_PX = {"range_px": 16, "memory": 2, "adaptive_stop": 4, "adaptive_step": 0.9}
"""The settings that trackpy does best with on the same sets, see tracking.py."""

HALF_PX = (1374, 3840)
CASES = {
    "full sensor": (432, (2748, 3840), "10k"),
    "1250 frames": (1250, HALF_PX, "1k"),
    "5000 frames": (5000, HALF_PX, "1k"),
}
"""Frames, pixels of the sensor, and the set that its cultures come from."""

SEED = 90001


def cost_of_stage(cells: list[Path], out: Path) -> None:
    """Run the stage `track`."""
    from lensfree.config import TrackConfig
    from lensfree.stages import track

    track.run(cells, out / "tracks.parquet", out / "lineage_events.parquet", TrackConfig(), {})


def cost_of_trackpy(cells: list[Path], out: Path) -> None:
    """Link the same positions by trackpy alone, a frame after the other, and write who is who."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    import trackpy

    from lensfree.simulate.dense import PIXEL_UM

    trackpy.quiet()
    table = pa.concat_tables([pq.read_table(path, columns=["frame", "y_um", "x_um"]) for path in cells])
    frame = table["frame"].to_numpy()
    place_px = np.column_stack([table[f"{axis}_um"].to_numpy() for axis in "yx"]) / PIXEL_UM
    del table
    parts = np.split(place_px, np.searchsorted(frame, np.arange(1, frame[-1] + 1)))
    linked = trackpy.link_iter(
        enumerate(parts),
        TRACKPY_PX["range_px"],
        memory=TRACKPY_PX["memory"],
        adaptive_stop=TRACKPY_PX["adaptive_stop"],
        adaptive_step=TRACKPY_PX["adaptive_step"],
    )
    particle = np.concatenate([np.asarray(ids) for _, ids in linked])
    pq.write_table(pa.table({"particle": particle}), out / "particles.parquet")


WAYS = {"lensfree": cost_of_stage, "trackpy": cost_of_trackpy}
"""What runs in a process of its own."""


def measured(way: str, cells: Path) -> dict[str, float]:
    """Return CPU seconds and peak memory of a fresh process that tracks the tables in a folder."""
    command = [sys.executable, __file__, way, str(cells)]
    said = subprocess.run(command, capture_output=True, text=True)
    if said.returncode:
        raise RuntimeError(f"{way} failed on {cells}: {said.stderr.strip()[-500:]}")
    return dict(json.loads(said.stdout.splitlines()[-1]))


def cells_of(name: str, kept: Path) -> tuple[Path, int]:
    """Return a folder with the tables of a case, in chunks of frames, and the number of detections.

    A long acquisition is a row of cultures of 432 frames, as of a dish that is thinned out every three days.
    """
    import numpy as np
    import pandas as pd
    import pyarrow.parquet as pq

    from lensfree.config import Config
    from lensfree.contracts import CELLS
    from lensfree.io.tables import write_table
    from lensfree.simulate.dense import FRAMES, INTERVAL_MIN, simulate_dense
    from lensfree.units import MIN_PER_H

    n_frames, sensor_px, set_name = CASES[name]
    folder = kept / f"scale_{n_frames}"
    if not folder.exists():
        parts = []
        for number, first in enumerate(range(0, n_frames, FRAMES)):
            seen, _ = simulate_dense(set_name, SEED + number, sensor_px=sensor_px)
            seen = seen[seen["frame"] < n_frames - first].drop(columns="true_id")
            parts.append(seen.assign(frame=(seen["frame"] + first).astype(np.int32)))
        cells = pd.concat(parts, ignore_index=True)
        cells = cells.assign(
            time_h=cells["frame"] * INTERVAL_MIN / MIN_PER_H,
            dry_mass_se_pg=np.nan,
            touches_border=False,
            model="simulated",
        )
        partial = folder.with_suffix(".partial")
        partial.mkdir(parents=True, exist_ok=True)
        for chunk, rows in cells.groupby(cells["frame"] // Config().frames_per_chunk):
            write_table(partial / f"{chunk:04d}.parquet", rows, CELLS)
        partial.rename(folder)
    return folder, sum(pq.read_metadata(path).num_rows for path in folder.glob("*.parquet"))


def no_cells(kept: Path) -> Path:
    """Return a folder with a table of no cells: what tracking it takes is that of the packages."""
    from lensfree.contracts import CELLS
    from lensfree.io.tables import empty_table, write_table

    folder = kept / "scale_0"
    folder.mkdir(parents=True, exist_ok=True)
    write_table(folder / "0000.parquet", empty_table(CELLS), CELLS)
    return folder


def main() -> None:
    """Measure every case, and write the section of the page."""
    import tracking_table
    from measured import DOCS, entry
    from tracking import METHODS, ONE_THREAD, missing_packages, ordered
    from tracking_sets import DEVELOPMENT_SEED, KEPT

    os.environ.update(ONE_THREAD)
    found = []
    stamp = entry(0.0, "", "", "", 0, __file__)
    nothing = measured("lensfree", no_cells(KEPT))
    for name in CASES:
        folder, n_detections = cells_of(name, KEPT)
        runs = {"without cells": nothing, **{way: measured(way, folder) for way in WAYS}}
        found.append(
            {
                "n_frames": CASES[name][0],
                "n_detections": n_detections,
                **runs,
                **{key: stamp[key] for key in ("machine", "date", "command")},
            }
        )
        print(found[-1], flush=True)
    tracking_table.write_scale(DOCS, found)
    rows = tracking_table.read_rows(DOCS / "tracking.json")
    tracking_table.write(DOCS, ordered(rows), missing_packages(METHODS), DEVELOPMENT_SEED)


def track_alone(way: str, folder: Path) -> None:
    """Track the tables in a folder, and say what the process cost as JSON on the last line."""
    out = folder / way
    out.mkdir(exist_ok=True)
    WAYS[way](sorted(folder.glob("*.parquet")), out)
    # what getrusage says of a process includes the memory of the one that started it
    print(json.dumps({"cpu_s": time.process_time(), "peak_mb": resident_mb("VmHWM")}))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        track_alone(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
