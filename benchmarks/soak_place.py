"""A folder in which the whole workflow runs: recorded, ingested and simulated tiny acquisitions."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tifffile
import yaml

ROOT = Path(__file__).parents[1]
COPIED = ("Snakefile", "workflow", "scripts", "src", "profiles", "models", "envs")
SHAPE_YX = (64, 80)
MOVIE_FRAMES = 190
COMPARED = (".h5", ".parquet", ".safetensors", ".csv", ".xml", ".tif")
COLUMNS = (
    *("acquisition", "dataset", "kind", "files", "wavelength_nm", "pixel_pitch_um", "z_um"),
    *("frame_interval_min", "until"),
)
ROWS = (
    *(("plate", "culture", "hologram", "raw/f{frame}_{channel}.tif", "640,450", "1.67", "900", "10"),),
    *(("movie", "culture", "opd", "raw/movie.tif", "", "1.67", "", "10"),),
    *(("virtual", "culture", "simulated", "", "640,450", "1.67", "900", "10"),),
)
UNTIL = {"plate": "reconstruct", "movie": "report", "virtual": "reconstruct"}
CONFIG = {
    "acquisitions": "sheet.tsv",
    "frames_per_chunk": 100,
    "reconstruct": {"method": "reference", "iterations_reference": 3, "device": "cpu", "padding_um": 60},
    "focus": {"register_channels": False},
    "load": {"background": "none", "on_bad_frame": "error"},
    "quantify": {"method": "reference"},
    "track": {"search_range_um": 20.0},
    "simulate": {
        **{"frames": 3, "height_px": 64, "width_px": 80},
        **dict.fromkeys(("lost_frames", "dim_frames", "defocused_frames", "stage_jumps"), 0),
    },
}


@dataclass
class Place:
    """A working folder beside a copy of the project, so that nobody's editing disturbs a run.

    Attributes:
        project: the copy.
        folder: where the sheet, the raw files and the results are.
        names: the acquisitions that run.
    """

    project: Path
    folder: Path
    names: tuple[str, ...] = ("plate", "movie", "virtual")
    config: dict = field(default_factory=lambda: {**CONFIG})

    def write(self) -> None:
        """Write sheet and configuration."""
        rows = [(*row, UNTIL[row[0]]) for row in ROWS if row[0] in self.names]
        lines = ["\t".join(COLUMNS), *("\t".join(row) for row in rows)]
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "sheet.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (self.folder / "config.yaml").write_text(yaml.safe_dump(self.config), encoding="utf-8")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the usual command in a session of its own; what it says goes to `said.txt`."""
        kept = {k: v for k, v in os.environ.items() if k not in ("SNAKEMAKE_PROFILE", "PYTHONPATH")}
        command = [sys.executable, "-m", "snakemake", "-s", str(self.project / "Snakefile"), "--cores", "2"]
        with open(self.folder / "said.txt", "w", encoding="utf-8") as said:
            return subprocess.Popen(
                [*command, *arguments],
                cwd=self.folder,
                env={**kept, "OMP_NUM_THREADS": "1"},
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                text=True,
            )

    def run(self, *arguments: str) -> tuple[bool, str]:
        """Run the usual command to its end; return whether it succeeded and what it said."""
        running = self.start(*arguments)
        running.wait()
        return running.returncode == 0, self.said()

    def said(self) -> str:
        """Return what the last command said."""
        return (self.folder / "said.txt").read_text(encoding="utf-8", errors="replace")

    @property
    def results(self) -> Path:
        """Where the results are."""
        return self.folder / "results"

    def digests(self) -> dict[str, str]:
        """Return the SHA-256 of every table, stack, model and export, by its path under the results."""
        files = sorted(p for p in self.results.rglob("*") if p.suffix in COMPARED and p.is_file())
        return {str(p.relative_to(self.results)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

    def left_over(self) -> list[str]:
        """Return what a killed job left under a temporary name."""
        return [str(p.relative_to(self.results)) for p in self.results.rglob(".*.partial")]

    def copied_to(self, folder: Path, *, with_results: bool) -> Place:
        """Return a place of its own with the same inputs."""
        folder.mkdir(parents=True)
        shutil.copytree(self.folder / "raw", folder / "raw")
        if with_results:
            for name in ("results", ".snakemake"):
                shutil.copytree(self.folder / name, folder / name, symlinks=True)
        place = Place(self.project, folder, self.names, {**self.config})
        place.write()
        return place


def make_place(folder: Path) -> Place:
    """Return a place with raw files and nothing computed."""
    project = folder / "project"
    for name in COPIED:
        source, target = ROOT / name, project / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    place = Place(project, folder / "undisturbed")
    place.write()
    (place.folder / "raw").mkdir()
    for frame in range(3):
        write_frame(place.folder / "raw", frame)
    write_movie(place.folder / "raw")
    return place


def write_frame(folder: Path, frame: int) -> None:
    """Write the two colours of a synthetic frame with rings."""
    rng = np.random.default_rng(frame)
    y, x = np.indices(SHAPE_YX)
    for channel in ("1", "2"):
        rings = 10 * np.cos(np.hypot(y - 30, x - 35 - frame) ** 2 / (60 + 20 * int(channel)))
        image = np.rint(140 + rings + rng.normal(0, 1.5, SHAPE_YX)).astype(np.uint8)
        tifffile.imwrite(folder / f"f{frame:03d}_{channel}.tif", image)


def write_movie(folder: Path) -> None:
    """Write synthetic OPD in nm of three cells that drift and grow for longer than a window of 30 h."""
    y, x = np.indices(SHAPE_YX)
    frames = np.arange(MOVIE_FRAMES)[:, None, None]
    opd_nm = np.random.default_rng(0).normal(0, 1, (MOVIE_FRAMES, *SHAPE_YX))
    for row, column, top_nm in ((15, 18, 90), (45, 25, 110), (30, 60, 130)):
        radius2 = (y - row - frames / 60) ** 2 + (x - column + frames / 90) ** 2
        opd_nm += top_nm * (1 + frames / MOVIE_FRAMES) * np.exp(-((radius2 / 60) ** 2))
    tifffile.imwrite(folder / "movie.tif", opd_nm.astype(np.float32), photometric="minisblack")
