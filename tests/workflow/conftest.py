"""A tiny acquisition, run once through Snakemake; every test works on its own copy of the result."""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml

ROOT = Path(__file__).parents[2]
COPIED = ("Snakefile", "workflow", "scripts", "src", "profiles", "models", "envs")
SHAPE_YX = (64, 80)
COLUMNS = (
    *("acquisition", "dataset", "kind", "files", "wavelength_nm", "pixel_pitch_um", "z_um"),
    *("frame_interval_min", "until"),
)
ROW = (
    "plate",
    "culture",
    "hologram",
    "raw/f{frame}_{channel}.tif",
    "640,450",
    "1.67",
    "900",
    "10",
    "reconstruct",
)
CONFIG = {
    "acquisitions": "sheet.tsv",
    "frames_per_chunk": 2,
    "reconstruct": {"method": "reference", "iterations_reference": 3, "device": "cpu", "padding_um": 60},
    "focus": {"register_channels": False},
    "load": {"background": "none"},
    "quantify": {"method": "reference"},
    "score": {"shipped_model": "none"},
}


@dataclass
class Workplace:
    """A folder with a sheet, a configuration and raw files, beside a copy of the project."""

    project: Path
    folder: Path
    rows: list[tuple[str, ...]] = field(default_factory=lambda: [ROW])
    config: dict = field(default_factory=lambda: {**CONFIG})

    def write(self) -> None:
        lines = ["\t".join(COLUMNS), *("\t".join(row) for row in self.rows)]
        (self.folder / "sheet.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (self.folder / "config.yaml").write_text(yaml.safe_dump(self.config), encoding="utf-8")

    def command(self, *arguments: str) -> list[str]:
        snakefile = str(self.project / "Snakefile")
        return [sys.executable, "-m", "snakemake", "-s", snakefile, "--cores", "2", *arguments]

    def environment(self) -> dict[str, str]:
        # A profile that the developer has set would change what is tested here.
        kept = {k: v for k, v in os.environ.items() if k not in ("SNAKEMAKE_PROFILE", "PYTHONPATH")}
        return {**kept, "OMP_NUM_THREADS": "1"}

    def run(self, *arguments: str, is_ok: bool = True) -> str:
        self.write()
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
        )
        assert (done.returncode == 0) == is_ok, done.stdout
        return done.stdout

    def planned(self, *arguments: str) -> set[str]:
        """Return the jobs of a dry run as `rule acquisition chunk`."""
        text = self.run("--quiet", "host", "--dry-run", *arguments)
        jobs = re.findall(r"^(?:local)?rule (\w+):\n((?:    .*\n)*)", text, flags=re.MULTILINE)
        return {_job(rule, body) for rule, body in jobs if rule != "all"}

    def plan(self, *arguments: str, is_ok: bool = True) -> str:
        """Return what `make plan` prints."""
        self.write()
        command = [sys.executable, str(self.project / "scripts" / "plan.py"), *arguments]
        snakefile = ["-s", str(self.project / "Snakefile")]
        done = subprocess.run(
            [*command, *snakefile],
            cwd=self.folder,
            env=self.environment() | {"PYTHONPATH": str(self.project / "src")},
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert (done.returncode == 0) == is_ok, done.stdout + done.stderr
        return done.stdout if is_ok else done.stderr

    def reasons(self, *arguments: str) -> set[str]:
        """Return the plan's table as `stage, of: why`, without counts."""
        lines = self.plan(*arguments).splitlines()
        (top,) = [n for n, line in enumerate(lines) if line.startswith("stage ")]
        starts = [lines[top].index(f" {name}") + 1 for name in ("of", "why")]
        rows = [
            (line.split()[0], line[starts[0] : starts[1]].strip(), line[starts[1] :])
            for line in lines[top + 1 :]
        ]
        return {f"{stage}, {of}: {why}" for stage, of, why in rows}

    def results(self, name: str = "plate") -> Path:
        return self.folder / "results" / name


def _job(rule: str, body: str) -> str:
    wildcards = re.search(r"wildcards: (.*)", body)
    values = [pair.split("=")[1] for pair in wildcards[1].split(", ")] if wildcards else []
    return " ".join([rule, *values])


def hear_interrupts() -> None:
    """Let a new process hear SIGINT, which a shell's jobs in the background are born deaf to."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def write_frame(folder: Path, frame: int, prefix: str = "f") -> None:
    (folder / "raw").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(frame)
    y, x = np.indices(SHAPE_YX)
    for channel in ("1", "2"):
        rings = 10 * np.cos(np.hypot(y - 30, x - 35 - frame) ** 2 / (60 + 20 * int(channel)))
        image = 140 + rings + rng.normal(0, 1.5, SHAPE_YX)
        tifffile.imwrite(
            folder / "raw" / f"{prefix}{frame:03d}_{channel}.tif", np.rint(image).astype(np.uint8)
        )


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Workplace:
    """Three frames in two chunks, load to report; shared by the processes of a parallel test run."""
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    place = Workplace(shared / "lensfree_project", shared / "lensfree_place")
    with open(shared / "lensfree.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place.folder / "done").exists():
            for name in COPIED:
                source, target = ROOT / name, place.project / name
                target.parent.mkdir(parents=True, exist_ok=True)
                skip = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, target, ignore=skip) if source.is_dir() else shutil.copy(
                    source, target
                )
            for frame in range(3):
                write_frame(place.folder, frame)
            place.run()
            (place.folder / "done").touch()
    return place


MOVIE_ROW = (*("movie", "culture", "opd", "raw/movie.tif", "", "1.67", "", "10"), "report")
MOVIE_CONFIG = {
    "acquisitions": "sheet.tsv",
    "frames_per_chunk": 100,
    "quantify": {"method": "reference"},
    "track": {"search_range_um": 20.0},
}
MOVIE_FRAMES = 190


def write_movie(folder: Path) -> None:
    """Write OPD in nm of three cells that drift and grow for longer than a window of 30 h."""
    (folder / "raw").mkdir(parents=True)
    y, x = np.indices(SHAPE_YX)
    frames = np.arange(MOVIE_FRAMES)[:, None, None]
    opd_nm = np.random.default_rng(0).normal(0, 1, (MOVIE_FRAMES, *SHAPE_YX))
    for row, column, top_nm in ((15, 18, 90), (45, 25, 110), (30, 60, 130)):
        grown_nm = top_nm * (1 + frames / MOVIE_FRAMES)
        radius2 = (y - row - frames / 60) ** 2 + (x - column + frames / 90) ** 2
        opd_nm += grown_nm * np.exp(-((radius2 / 60) ** 2))
    tifffile.imwrite(folder / "raw" / "movie.tif", opd_nm.astype(np.float32), photometric="minisblack")


@pytest.fixture(scope="session")
def finished_movie(finished) -> Workplace:
    """An acquisition of OPD maps, taken through to scores and report."""
    place = Workplace(
        finished.project, finished.folder.with_name("lensfree_movie"), [MOVIE_ROW], MOVIE_CONFIG
    )
    with open(finished.folder.with_name("lensfree_movie.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place.folder / "done").exists():
            write_movie(place.folder)
            place.run()
            (place.folder / "done").touch()
    return place


@pytest.fixture
def movie(finished_movie, tmp_path) -> Workplace:
    """A copy of the finished movie that a test may change."""
    folder = tmp_path / "movie"
    shutil.copytree(finished_movie.folder, folder)
    return Workplace(finished_movie.project, folder, [MOVIE_ROW], MOVIE_CONFIG)


@pytest.fixture
def place(finished, tmp_path) -> Workplace:
    """A copy of the finished run that a test may change."""
    folder = tmp_path / "place"
    shutil.copytree(finished.folder, folder)
    return Workplace(finished.project, folder)


@pytest.fixture
def own_project(place, tmp_path) -> Workplace:
    """The same with a copy of the project whose code a test may change."""
    project = tmp_path / "project"
    shutil.copytree(place.project, project)
    return Workplace(project, place.folder)


@pytest.fixture
def fresh(finished, tmp_path) -> Workplace:
    """Raw files and nothing computed."""
    folder = tmp_path / "fresh"
    shutil.copytree(finished.folder / "raw", folder / "raw")
    return Workplace(finished.project, folder)
