"""The cost of long and crowded acquisitions: made as said, measured in its own process, put on the page."""

import measured
import numpy as np
import pandas as pd
import pytest
import tracking_scale
import tracking_table

import lensfree.simulate.dense
from lensfree.contracts import CELLS, TRACKS
from lensfree.io.tables import read_table, read_tables

CASES = {"short": (30, (400, 560), "3k"), "long": (70, (300, 560), "3k")}
COST = {"cpu_s": 12.0, "peak_mb": 400.0}
RUN = {
    "n_frames": 432,
    "n_detections": 2_000_000,
    "without cells": {"cpu_s": 1.0, "peak_mb": 300.0},
    "lensfree": {"cpu_s": 30.0, "peak_mb": 1000.0},
    "trackpy": {"cpu_s": 60.0, "peak_mb": 500.0},
    "machine": "toy",
    "date": "2026-01-02",
    "command": "python benchmarks/tracking_scale.py",
}


@pytest.fixture
def toy(monkeypatch):
    """Cultures of 30 frames on pieces of the sensor, which are counted as they are made."""
    made = []
    simulate = lensfree.simulate.dense.simulate_dense

    def small(name, seed, *, sensor_px):
        made.append((name, seed, sensor_px))
        return simulate(name, seed, frames=30, sensor_px=sensor_px)

    monkeypatch.setattr(lensfree.simulate.dense, "simulate_dense", small)
    monkeypatch.setattr(lensfree.simulate.dense, "FRAMES", 30)
    monkeypatch.setattr(tracking_scale, "CASES", CASES)
    return made


def test_a_long_acquisition_is_a_row_of_cultures_in_chunks(toy, tmp_path):
    folder, n_detections = tracking_scale.cells_of("long", tmp_path)
    assert toy == [("3k", tracking_scale.SEED + k, (300, 560)) for k in range(3)]
    paths = sorted(folder.glob("*.parquet"))
    assert len(paths) == 2  # chunks of 48 frames
    cells = read_tables(paths, CELLS)
    assert len(cells) == n_detections
    assert cells["frame"].is_monotonic_increasing and set(cells["frame"]) == set(range(70))
    np.testing.assert_allclose(cells["time_h"], cells["frame"] / 6)
    assert tracking_scale.cells_of("long", tmp_path) == (folder, n_detections) and len(toy) == 3


def test_either_way_is_measured_alone_and_links_every_detection(toy, tmp_path):
    folder, n_detections = tracking_scale.cells_of("short", tmp_path)
    ours, theirs, nothing = (
        tracking_scale.measured(way, where)
        for way, where in (
            ("lensfree", folder),
            ("trackpy", folder),
            ("lensfree", tracking_scale.no_cells(tmp_path)),
        )
    )
    assert min(ours["cpu_s"], nothing["cpu_s"]) > 0 and min(ours["peak_mb"], theirs["peak_mb"]) > 50
    tracks = read_table(folder / "lensfree" / "tracks.parquet", TRACKS)
    assert (~tracks["is_shared"]).sum() <= n_detections <= len(tracks)
    particles = pd.read_parquet(folder / "trackpy" / "particles.parquet")["particle"]
    assert len(particles) == n_detections and 1 < particles.nunique() < n_detections / 5


def test_a_run_that_fails_says_why(tmp_path):
    with pytest.raises(RuntimeError, match=r"trackpy failed on .*nowhere"):
        tracking_scale.measured("trackpy", tmp_path / "nowhere")


def test_the_page_has_the_ratio_and_what_a_detection_takes(tmp_path):
    runs = [RUN, {**RUN, "n_frames": 1250}, {**RUN, "n_frames": 5000, "n_detections": 1_000_000}]
    tracking_table.write_scale(tmp_path, runs)
    tracking_table.write(tmp_path, {}, [], 80001)
    page = (tmp_path / "tracking.md").read_text(encoding="utf-8")
    said = " ".join(page.split())
    assert "for 5000 frames and for the first 1250 of them" in said and "the stage takes 300 MB" in said
    assert "| 432 | 2000000 | 30.0 | 60.0 | 0.50 | 1000 | 350 | 500 | toy | 2026-01-02 |" in page
    assert "| 5000 | 1000000 | 30.0 | 60.0 | 0.50 | 1000 | 700 | 500 | toy | 2026-01-02 |" in page
    assert "Long and crowded" not in tracking_table.markdown({}, [], 80001)


def test_main_measures_each_case_both_ways(toy, tmp_path, monkeypatch):
    asked = []

    def answer(way, folder):
        asked.append((way, folder.name))
        return COST

    monkeypatch.setattr(tracking_scale, "measured", answer)
    monkeypatch.setattr(measured, "DOCS", tmp_path)
    monkeypatch.setattr("tracking_sets.KEPT", tmp_path / "kept")
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    tracking_scale.main()
    assert asked == [
        ("lensfree", "scale_0"),
        *[(way, f"scale_{frames}") for frames in (30, 70) for way in ("lensfree", "trackpy")],
    ]
    runs = tracking_table.read_scale(tmp_path)
    assert [run["n_frames"] for run in runs] == [30, 70] and runs[0]["lensfree"] == COST
    assert "Long and crowded" in (tmp_path / "tracking.md").read_text(encoding="utf-8")
