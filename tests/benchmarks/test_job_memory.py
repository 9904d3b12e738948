"""Jobs take less than they ask for, and not much less; the page says what was measured."""

import json
from pathlib import Path

import job_memory
import job_memory_page
import job_memory_tables
import numpy as np
import pytest
import tifffile

from lensfree.resources import LEAST_MB, NEEDS, SNAKEMAKE_MB

SHAPE_YX = (150, 210)
MOST = 3.0


def rings() -> np.ndarray:
    """Return the intensity of a toy hologram (channel, y, x)."""
    y, x = np.indices((80, 110))
    radius2 = (y - 40) ** 2 + (x - 50) ** 2
    return np.stack([1 + 0.07 * np.cos(radius2 / scale) for scale in (90, 75, 60)])


@pytest.fixture(scope="module")
def jobs(tmp_path_factory) -> dict:
    """A small acquisition, load to report: what each process took, and what each rule asks for."""
    folder = tmp_path_factory.mktemp("job_memory")
    pattern = job_memory.write_frames(folder / "raw", rings(), SHAPE_YX, 2)
    row = ("a", "d", "hologram", pattern, "647,540,450", "1.67", "1000", "10", "report")
    job_memory.write_place(folder, [row], {"reconstruct": {"device": "cpu"}, "quantify": {"device": "cpu"}})
    return {"asked": job_memory.asked_of(folder), "took": job_memory.peaks_of(folder)}


@pytest.mark.workflow
def test_no_job_takes_more_than_it_asks_for_nor_much_less(jobs):
    [snakemake] = [peak.peak_mb for peak in jobs["took"] if peak.word == "snakemake"]
    assert 0.25 * SNAKEMAKE_MB < snakemake <= 0.5 * SNAKEMAKE_MB
    stages = {peak.word for peak in jobs["took"]} & set(NEEDS)
    assert stages == set(NEEDS) - {"simulate", "ingest"}
    for peak in jobs["took"]:
        if peak.word in stages:
            whole_mb = peak.peak_mb + 2 * snakemake
            asked_mb = jobs["asked"][peak.word]["mem_mb"]
            assert whole_mb <= asked_mb <= MOST * whole_mb, peak
            assert peak.cpu_s < 60 * jobs["asked"][peak.word]["runtime"], peak


def test_frames_are_of_the_size_that_is_asked_for_and_differ(tmp_path):
    pattern = job_memory.write_frames(tmp_path / "raw", rings(), SHAPE_YX, 2)
    assert pattern.endswith("frame_{frame}_{channel}.tif")
    images = {path.name: tifffile.imread(path) for path in sorted((tmp_path / "raw").iterdir())}
    assert list(images) == [f"frame_00{frame}_{channel}.tif" for frame in (0, 1) for channel in "BGR"]
    assert {image.shape for image in images.values()} == {SHAPE_YX}
    assert {image.dtype for image in images.values()} == {np.dtype(np.uint8)}
    first, second = images["frame_000_R.tif"].astype(int), images["frame_001_R.tif"].astype(int)
    moved = np.abs(np.roll(first, 2, axis=1) - second)[:, 4:100]
    assert moved.mean() < np.abs(first - second)[:, 4:100].mean()


def test_a_run_that_fails_says_what_it_said(tmp_path):
    job_memory.write_place(tmp_path, [], {"no_such_section": 1})
    with pytest.raises(RuntimeError, match="no_such_section"):
        job_memory.peaks_of(tmp_path, "--dry-run")


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (["/a/.snakemake/scripts/tmpx_1.load.py"], "load"),
        (["/a/snakemake/__main__.py", "-s", "Snakefile"], "snakemake"),
        ([], "snakemake"),
    ],
)
def test_processes_are_known_by_their_script(argv, word):
    assert job_memory._word(argv) == word


def toy() -> dict:
    job = {"peak_mb": 1000.0, "cpu_s": 12.34, "mem_mb": 2400, "runtime": 15}
    own = {"peak_mb": 200.0, "cpu_s": 3.0}
    tables = {"frames": 9, "detections": 70, "expected_detections": 90, "jobs": {"track": job}}
    return {
        "20x30": {"frames": 2, "jobs": {"reconstruct": job, "load": job, "snakemake": own}},
        "tables": tables,
    }


def test_the_page_counts_snakemake_twice_and_keeps_the_order_of_stages():
    stamped = {label: {"machine": "m", "date": "d", **part} for label, part in toy().items()}
    page = job_memory_page.page(stamped)
    assert "| load | 12.3 | 1000 | 1400 | 2400 | 1.71 | 15 |" in page
    assert page.index("| load |") < page.index("| reconstruct |")
    assert "## 20 x 30 pixels" in page and "## Long tables" in page
    assert "70 detections; asked for 90" in page
    assert "| snakemake |" not in page
    assert f"{LEAST_MB} MB" in page
    assert "**synthetic**" in page


def test_what_was_measured_before_stays(tmp_path):
    assert job_memory_page.read(tmp_path) == {}
    job_memory_page.write(tmp_path, toy())
    kept = job_memory_page.read(tmp_path)
    assert kept["20x30"]["jobs"] == toy()["20x30"]["jobs"]
    kept["20x30"]["date"] = "2001-02-03"
    job_memory_page.write(tmp_path, kept)
    assert job_memory_page.read(tmp_path)["20x30"]["date"] == "2001-02-03"


def test_the_committed_page_is_that_of_the_committed_figures_and_every_job_fits():
    docs = Path(job_memory.__file__).parents[1] / "docs"
    found = json.loads((docs / "resources.json").read_text(encoding="utf-8"))
    assert (docs / "resources.md").read_text(encoding="utf-8") == job_memory_page.page(found)
    own_mb = job_memory_page.snakemake_mb(found)
    assert 2 * own_mb <= SNAKEMAKE_MB
    assert {"320x384", "2748x3840", "tables"} <= set(found)
    for label, part in found.items():
        for word, job in part["jobs"].items():
            if job.get("word", word) in NEEDS:
                assert job["peak_mb"] + 2 * own_mb <= job["mem_mb"], (label, word)


def test_the_stages_of_long_tables_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.setattr(job_memory_tables, "SENSOR_PX", (600, 840))
    monkeypatch.setattr(job_memory_tables, "N_FRAMES", 40)
    files = job_memory_tables.Files(tmp_path)
    assert job_memory_tables.write_inputs(files) > 10
    for stage in job_memory_tables.STAGES:
        job_memory_tables.run(stage, files)
    made = {path.name for path in tmp_path.iterdir()}
    assert {"scores.parquet", "flags.csv", "tracks.csv", "tracks.trackmate"} <= made
