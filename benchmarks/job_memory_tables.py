"""What the stages from tracking on take of a long acquisition, each in a process of its own.

Synthetic: what a detector sees of a full sensor of the set 1k of docs/tracking.md, 432 frames.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from own_process import resident_mb

from lensfree.resources import Size, memory_mb, runtime_min

SENSOR_PX = (2748, 3840)
N_FRAMES = 432
SEED = 90001
PITCH_UM = 1.67
STAGES = ("track", "series", "score", "flags", "csv", "trackmate")


@dataclass(frozen=True)
class Files:
    """What the stages read and write in a folder."""

    folder: Path

    def __getattr__(self, word: str) -> Path:
        """Return the table of this name."""
        return self.folder / f"{word}.parquet"


def run(stage: str, files: Files) -> None:
    """Run a stage, or an export in a format, with the shipped detector and every default."""
    from lensfree.config import Config
    from lensfree.stages import export, flags, score, series, track

    config = Config()
    if stage == "track":
        track.run([files.cells], files.tracks, files.events, config.track, {})
    elif stage == "series":
        series.run(files.tracks, files.series, files.cycles, 10.0, config.series, {})
    elif stage == "score":
        score.run(
            series=files.series,
            events=files.events,
            model=Path(__file__).parents[1] / "models" / "detector.safetensors",
            windows_out=files.windows,
            scores_out=files.scores,
            config=config.score,
            provenance={},
        )
    elif stage == "flags":
        flags.run(
            tracks=files.tracks,
            series=files.series,
            windows=files.windows,
            scores=files.scores,
            out=files.folder / "flags.csv",
            n_highest=config.report.anomalies,
            score=config.score,
        )
    else:
        export.run(
            tracks=files.tracks,
            opd=[files.folder / "opd.h5"],
            out=files.folder / f"tracks.{stage}",
            format=stage,
            n_frames=N_FRAMES,
            frame_interval_h=1 / 6,
            config=config.export,
            provenance={},
        )


def write_inputs(files: Files) -> int:
    """Write the table of cells and an empty map that knows the size of the field; return the rows."""
    import numpy as np

    from lensfree.config import StorageConfig
    from lensfree.contracts import CELLS
    from lensfree.io.stacks import create_opd
    from lensfree.io.tables import write_table
    from lensfree.simulate.dense import INTERVAL_MIN, simulate_dense

    seen, _ = simulate_dense("1k", SEED, frames=N_FRAMES, sensor_px=SENSOR_PX)
    cells = seen.drop(columns="true_id").assign(
        time_h=seen["frame"] * INTERVAL_MIN / 60,
        dry_mass_se_pg=np.nan,
        touches_border=False,
        model="simulated",
    )
    write_table(files.cells, cells, CELLS)
    with create_opd(
        files.folder / "opd.h5",
        n_frames=1,
        first_frame=0,
        shape_yx=SENSOR_PX,
        pixel_pitch_um=PITCH_UM,
        storage=StorageConfig(),
        provenance={},
    ) as sink:
        sink.write(0, time_h=0.0, opd_nm=None)
    return len(cells)


def measured(folder: Path) -> dict[str, Any]:
    """Return what each stage took and would ask for."""
    n_cells = write_inputs(Files(folder))
    size = Size(SENSOR_PX, PITCH_UM, channels=3, frames=N_FRAMES)
    jobs = {}
    for stage in STAGES:
        done = subprocess.run(
            [sys.executable, __file__, stage, str(folder)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{stage} failed: {done.stderr[-2000:]}")
        word = stage if stage in ("track", "series", "score", "flags") else "export"
        asked = {"mem_mb": memory_mb(word, size), "runtime": runtime_min(word, size)}
        jobs[stage] = {"word": word, **json.loads(done.stdout.splitlines()[-1]), **asked}
    return {
        "frames": N_FRAMES,
        "detections": n_cells,
        "expected_detections": round(size.detections),
        "jobs": jobs,
    }


if __name__ == "__main__":
    run(sys.argv[1], Files(Path(sys.argv[2])))
    print(json.dumps({"peak_mb": resident_mb("VmHWM"), "cpu_s": time.process_time()}))
