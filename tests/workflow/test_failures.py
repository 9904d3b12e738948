"""Killed jobs, unreadable frames and wrong input: nothing half done, and one clear sentence."""

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ROW, Workplace

from lensfree.anomaly.verdicts import COLUMNS
from lensfree.contracts import CELLS, FRAMES, SCORES, SERIES, TRACKS, WINDOWS
from lensfree.io.stacks import open_opd
from lensfree.io.tables import read_table

pytestmark = pytest.mark.workflow


def children(pid: int) -> list[int]:
    """Return the processes below one, its own children first."""
    try:
        direct = [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        threads = Path(f"/proc/{pid}/task").iterdir()
        direct += [
            int(p) for t in threads for p in (t / "children").read_text().split() if t.name != str(pid)
        ]
    except OSError:
        return []
    return direct + [below for child in direct for below in children(child)]


def job_of(pid: int, script: str) -> int | None:
    """Return the process below `pid` that runs a script in Python."""
    for child in children(pid):
        try:
            arguments = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if len(arguments) > 1 and "python" in arguments[0] and arguments[1].endswith(script):
            return child
    return None


def kill_job(place: Workplace, script: str) -> None:
    """Start the usual command, SIGKILL the first job that runs a script, and see the command fail."""
    place.write()
    running = subprocess.Popen(
        place.command(),
        cwd=place.folder,
        env=place.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    job = None
    while job is None and running.poll() is None:
        job = job_of(running.pid, script)
        time.sleep(0.02)
    assert job is not None, "the job was over before it could be killed"
    os.kill(job, signal.SIGKILL)
    text, _ = running.communicate(timeout=120)
    assert running.returncode != 0, text


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the job through /proc")


@needs_proc
def test_a_killed_job_leaves_no_half_file_and_the_same_command_finishes(place):
    undisturbed = {name: read_opd(place.results() / "opd" / name) for name in ("0000.h5", "0001.h5")}
    for path in [*(place.results() / "opd").iterdir(), place.results() / "report.html"]:
        path.unlink()
    kill_job(place, ".reconstruct.py")
    place.run()
    assert {path.name for path in (place.results() / "opd").iterdir()} == set(undisturbed)
    for name, before in undisturbed.items():
        np.testing.assert_array_equal(read_opd(place.results() / "opd" / name), before)
    assert place.planned() == set()


TABLES = {
    "cells/0000.parquet": CELLS,
    "cells/0001.parquet": CELLS,
    "tracks.parquet": TRACKS,
    "series.parquet": SERIES,
    "windows.parquet": WINDOWS,
    "scores.parquet": SCORES,
}


@needs_proc
@pytest.mark.parametrize("killed", ["quantify", "track", "series", "score"])
def test_a_killed_stage_is_made_up_for_and_all_tables_are_the_same(movie, killed):
    results = movie.results("movie")
    undisturbed = {name: read_table(results / name, contract) for name, contract in TABLES.items()}
    assert all(len(table) for table in undisturbed.values())
    stages = {"quantify": 0, "track": 2, "series": 3, "score": 4}
    for name in list(TABLES)[stages[killed] :]:
        (results / name).unlink()
    (results / "report.html").unlink()
    kill_job(movie, f".{killed}.py")
    movie.run()
    for name, contract in TABLES.items():
        pd.testing.assert_frame_equal(read_table(results / name, contract), undisturbed[name])
    assert tuple(pd.read_csv(results / "flags.csv").columns) == COLUMNS
    assert not list(movie.folder.rglob("*.partial"))
    assert movie.planned() == set()


def read_opd(path: Path) -> np.ndarray:
    with open_opd(path) as opd:
        return np.stack([array for _, _, array in opd.frames()])


def test_an_unreadable_frame_stops_before_anything_expensive(fresh):
    path = fresh.folder / "raw" / "f002_2.tif"
    path.write_bytes(path.read_bytes()[:1000])
    text = fresh.run("results/plate/report.html", is_ok=False)
    assert "raw/f002_2.tif: the image data cannot be read (the file ends" in text
    log = (fresh.folder / "logs" / "load" / "plate" / "0001.log").read_text(encoding="utf-8")
    assert log.rstrip().splitlines()[-1].startswith("error: raw/f002_2.tif: the image data cannot be read")
    assert not (fresh.results() / "focus.parquet").exists()
    assert not (fresh.folder / "logs" / "focus").exists()


def test_an_unreadable_frame_becomes_a_gap_where_gaps_are_allowed(fresh):
    (fresh.folder / "raw" / "f001_2.tif").unlink()
    fresh.config["load"] = {"background": "none", "on_bad_frame": "gap"}
    fresh.run("results/plate/frames.parquet")
    frames = read_table(fresh.results() / "frames.parquet", FRAMES)
    assert frames["is_missing"].tolist() == [False, True, False]
    assert "f001_2.tif is missing" in frames["reason"][1]


def unknown_key(place):
    place.config["reconstruct"] = {"iteration_first": 3}
    return "config.yaml: unknown key in section 'reconstruct': 'iteration_first'; did you mean 'iterations_f"


def wrong_type(place):
    place.config["frames_per_chunk"] = "many"
    return "config.yaml: 'frames_per_chunk' is 'many', expected integer"


def wrong_cell(place):
    place.rows = [(*ROW[:5], "tiny", *ROW[6:])]
    return "sheet.tsv, row 2: 'pixel_pitch_um' is 'tiny', expected number"


def duplicate(place):
    place.rows = [ROW, ROW]
    return "sheet.tsv, row 3: acquisition 'plate' is there twice; rename or remove one"


def no_file(place):
    place.rows = [(*ROW[:3], "raw/x{frame}.tif", *ROW[4:])]
    return "sheet.tsv, row 2: no file matches 'raw/x{frame}.tif'; check the column 'files'"


def missing_frame(place):
    (place.folder / "raw" / "f001_1.tif").unlink()
    return "lacks f001_1.tif; add the file or set load.on_bad_frame to 'gap'"


@pytest.mark.parametrize(
    "spoil",
    [unknown_key, wrong_type, wrong_cell, duplicate, no_file, missing_frame],
    ids=lambda f: f.__name__,
)
def test_wrong_input_is_one_sentence_before_any_job(fresh, spoil):
    sentence = spoil(fresh)
    text = fresh.run(is_ok=False)
    (line,) = [line for line in text.splitlines() if sentence in line]
    assert not (fresh.folder / "results").exists()
    assert "Traceback" not in text


def test_a_missing_column_is_one_sentence(fresh):
    fresh.write()
    sheet = fresh.folder / "sheet.tsv"
    broken = sheet.read_text(encoding="utf-8").replace("z_um", "z_mm")
    fresh.write = lambda: sheet.write_text(broken, encoding="utf-8")  # type: ignore[method-assign]
    text = fresh.run(is_ok=False)
    assert "sheet.tsv: column 'z_um' is missing; the columns are acquisition, dataset" in text


def test_an_unknown_model_is_one_sentence(fresh):
    fresh.config["reconstruct"] = {"refine": "nowhere.safetensors"}
    text = fresh.run("--dry-run", is_ok=False)
    assert "model 'nowhere.safetensors': no such file; train it or give a name" in text
