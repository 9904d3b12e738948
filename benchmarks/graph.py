"""What planning costs: a dry run of many acquisitions, and what a job costs before its first frame.

The raw files are empty and shared by links, since planning looks at names and times alone. Times are
processor seconds of Snakemake and all it starts.

Usage: python benchmarks/graph.py [60 240 960 done well start]
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from measured import entry, write
from own_process import in_own_process

ROOT = Path(__file__).parents[1]
CHANNELS = "RGB"
FRAMES = 432
PER_WELL = 10
COLUMNS = ("acquisition", "dataset", "kind", "files", "wavelength_nm", "pixel_pitch_um", "z_um")
COUNTS = (60, 240, 960)
STARTS = {
    "load": "from lensfree.stages import load",
    "reconstruct": "from pathlib import Path; from lensfree.stages import reconstruct, refine; "
    "refine.load_refine(Path('models/unwrap.safetensors'))",
    "quantify": "from pathlib import Path; from lensfree.stages import quantify, represent; "
    "represent.load_represent(Path('models/quantify.safetensors'), 'cpu')",
}
"""What a job does before its first frame."""


def run(folder: Path, *arguments: str) -> str:
    """Run Snakemake with this project's workflow in a folder and return what it said."""
    paths = [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "2", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"snakemake failed:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def prepare(folder: Path, n_acquisitions: int, n_frames: int = FRAMES) -> None:
    """Write a sheet of so many acquisitions, ten per well and data set, and their raw files."""
    raw = folder / "raw"
    (raw / "frames").mkdir(parents=True)
    for frame in range(n_frames):
        for channel in CHANNELS:
            (raw / "frames" / f"f{frame:04d}_{channel}.tif").touch()
    lines = ["\t".join((*COLUMNS, "frame_interval_min"))]
    for number in range(n_acquisitions):
        well = f"well{number // PER_WELL:03d}"
        name = f"{well}_{number % PER_WELL}"
        (raw / name).symlink_to("frames")
        files = f"raw/{name}/f{{frame}}_{{channel}}.tif"
        lines.append("\t".join((name, well, "hologram", files, "647,540,450", "1.67", "1000", "10")))
    (folder / "sheet.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "config.yaml").write_text("acquisitions: sheet.tsv\n", encoding="utf-8")


def cost(folder: Path, *arguments: str) -> float:
    """Return the processor seconds of a Snakemake run and everything that it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(folder, *arguments)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def pretend_done(folder: Path) -> None:
    """Give every result a file without content and Snakemake's record of having made it: nothing is to do."""
    in_own_process(_record_all, str(folder))


def _record_all(folder: str) -> None:
    from snakemake.api import DAGApi
    from snakemake.cli import args_to_api, parse_args

    os.chdir(folder)
    original = DAGApi.execute_workflow

    def execute(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        workflow = self.workflow_api._workflow
        for level in workflow.dag.toposorted():
            for job in level:
                for path in map(Path, job.output):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.touch()
        workflow.iocache.deactivate()
        for job in workflow.dag.jobs:
            if job.output:
                workflow.async_run(workflow.persistence.finished(job))

    DAGApi.execute_workflow = execute
    parser, args = parse_args(["--quiet", "rules", "progress", "--dry-run", "-s", str(ROOT / "Snakefile")])
    args_to_api(args, parser)


def plan_s(n_acquisitions: int, *arguments: str, is_done: bool = False, n_frames: int = FRAMES) -> float:
    """Return the processor seconds of a dry run of so many acquisitions."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, n_acquisitions, n_frames)
        if is_done:
            pretend_done(folder)
        return cost(folder, "--dry-run", *arguments)


def start_s(stage: str) -> float:
    """Return the processor seconds until a job of a stage has started Python, imported and read its model."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-c", STARTS[stage]],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(word: str) -> dict[str, dict[str, object]]:
    """Return the entries of one part: a number of acquisitions, `done`, `well` or `start`."""
    what = f"{FRAMES} frames of 3 files, chunks of 48, CPU seconds of snakemake -n"
    if word == "done":
        meaning = f"everything computed, {COUNTS[0]} acquisitions, {what}"
        return {"workflow.plan_done_cpu_s": _entry(plan_s(COUNTS[0], is_done=True), meaning)}
    if word == "well":
        meaning = f"one well of 10 chosen with only= out of {COUNTS[1]} acquisitions, {what}"
        return {
            "workflow.plan_one_well_cpu_s": _entry(plan_s(COUNTS[1], "--config", "only=well003_*"), meaning)
        }
    if word == "start":
        meaning = "CPU seconds until a job of {} has started Python, imported its stage and read its model"
        return {f"workflow.start_{s}_cpu_s": _entry(start_s(s), meaning.format(s)) for s in STARTS}
    meaning = f"nothing computed yet, {word} acquisitions, {what}"
    return {f"workflow.plan_{word}_cpu_s": _entry(plan_s(int(word)), meaning)}


def _entry(value: float, meaning: str, n: int = 1) -> dict[str, object]:
    return entry(value, "s", "lower", meaning, n, __file__)


if __name__ == "__main__":
    for word in sys.argv[1:] or (*map(str, COUNTS), "done", "well", "start"):
        entries = measure(word)
        write(entries)
        print({key: row["value"] for key, row in entries.items()}, flush=True)
