"""The pages of synthetic cultures as pictures in docs: one acquisition, and seven wells of three conditions.

Usage: python benchmarks/report_pages.py [--work FOLDER] [--docs FOLDER]

Cells are simulated and measured with noise, without holograms; tracking, series, scores and pages are those
of the workflow. The pictures need `chromium` (Debian: apt-get install chromium); without it only the pages
are made.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from lensfree.acquisitions import Acquisition
from lensfree.config import (
    CompareConfig,
    ReportConfig,
    ScoreConfig,
    SeriesConfig,
    SimulateConfig,
    TrackConfig,
)
from lensfree.contracts import CELLS, FRAMES, TRUTH
from lensfree.io.stacks import create_opd
from lensfree.io.tables import write_table
from lensfree.simulate.detections import simulate_detections
from lensfree.simulate.render import render_opd
from lensfree.simulate.world import simulate_world
from lensfree.stages import compare, report, score, series, track

ROOT = Path(__file__).parents[1]
PITCH_UM, SHAPE_YX, INTERVAL_MIN = 1.67, (288, 384), 10.0
WELLS = (
    ("control", 18.0), ("control", 18.0), ("control", 18.5),
    ("drug 1 µM", 22.0), ("drug 1 µM", 22.5), ("drug 1 µM", 21.5), ("drug 10 µM", 24.0),
)  # fmt: skip
"""Condition and mean cell cycle [h] of each well; its number, from 1, is its seed."""

WINDOW = (1280, 900)
PICTURES: Mapping[str, tuple[str, tuple[str, ...], int]] = {
    "report_page": ("page", (), WINDOW[1]),
    "report_lineages": ("page", ("lineages",), 960),
    "report_anomalies": ("page", ("anomalies",), 1500),
    "report_compare": ("compare", (), 2080),
}
"""Name of a picture -> the page, the sections that are left of it (all if none is named), and its height."""


def measured(table: pd.DataFrame) -> pd.DataFrame:
    """Return cells as a table of detections, with what a simulation of detections does not say."""
    known = {"dry_mass_se_pg": 12.0, "touches_border": False, "model": "synthetic 1", "area_um2": 300.0}
    known |= {"max_opd_nm": 150.0, "length_um": 20.0}
    lacking = {name: value for name, value in known.items() if name not in table}
    return table.assign(dry_mass_pg=table["dry_mass_pg"].clip(lower=15.0), **lacking)[list(CELLS.columns)]


def follow(folder: Path) -> None:
    """Track the cells of a folder and score their histories."""
    tracks, settings = folder / "tracks.parquet", {"config": TrackConfig().model_dump(mode="json")}
    track.run([folder / "cells.parquet"], tracks, folder / "events.parquet", TrackConfig(), settings)
    series.run(
        tracks,
        folder / "series.parquet",
        folder / "cycles.parquet",
        INTERVAL_MIN,
        SeriesConfig(),
        {"config": SeriesConfig().model_dump(mode="json")},
    )
    config = ScoreConfig()
    score.run(
        series=folder / "series.parquet",
        events=folder / "events.parquet",
        model=ROOT / "models" / f"{config.shipped}.safetensors",
        windows_out=folder / "windows.parquet",
        scores_out=folder / "scores.parquet",
        config=config,
        provenance={"config": config.model_dump(mode="json")},
    )


def make_wells(work: Path, frames: int = 300) -> list[compare.Recorded]:
    """Simulate every well and follow its cells."""
    recorded = []
    for seed, (condition, cycle_h) in enumerate(WELLS, start=1):
        folder = work / f"well_{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        config = SimulateConfig(frames=frames, cells_per_mm2=45, cycle_h=cycle_h, seed=seed)
        shape_um = (500.0, 640.0)
        found, _ = simulate_detections(
            config, shape_um=shape_um, frame_interval_min=INTERVAL_MIN, rng=np.random.default_rng(seed)
        )
        write_table(folder / "cells.parquet", measured(found), CELLS)
        follow(folder)
        paths = {name: folder / f"{name}.parquet" for name in ("cycles", "scores", "series", "tracks")}
        recorded.append(compare.Recorded(folder.name, "simulated", condition, f"plate B{seed + 1}", **paths))
    return recorded


def make_page(work: Path, frames: int = 320) -> Path:
    """Simulate an acquisition with OPD maps, outline a mother wrongly for 4 h, and make its page."""
    work.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    shape_um = (SHAPE_YX[0] * PITCH_UM, SHAPE_YX[1] * PITCH_UM)
    config = SimulateConfig(frames=frames, cells_per_mm2=60, abnormal_fraction=0.2, seed=3)
    world = simulate_world(
        config, shape_um=shape_um, frame_interval_min=INTERVAL_MIN, rng=np.random.default_rng(3)
    )
    inside = world["y_um"].between(0, shape_um[0]) & world["x_um"].between(0, shape_um[1])
    truth = world[inside].reset_index(drop=True)
    noise = 1 + 0.04 * rng.normal(size=len(truth))
    cells = truth.assign(dry_mass_pg=truth["dry_mass_pg"] * noise + 8 * rng.normal(size=len(truth)))
    seen = cells.groupby("cell_id").size()
    mothers = [cell for cell in seen[seen > 80].index if cell in set(cells["parent_id"])]
    for mother in mothers[:1]:
        middle = int(cells.loc[cells["cell_id"] == mother, "frame"].median())
        is_wrong = (cells["cell_id"] == mother) & cells["frame"].between(middle, middle + 24)
        cells.loc[is_wrong, "dry_mass_pg"] *= 1.9
    write_table(work / "cells.parquet", measured(cells), CELLS)
    write_table(work / "truth.parquet", truth[list(TRUTH.columns)], TRUTH)
    with create_opd(
        work / "opd.h5", n_frames=frames, first_frame=0, shape_yx=SHAPE_YX, pixel_pitch_um=PITCH_UM
    ) as sink:
        for frame in range(frames):
            own = world[world["frame"] == frame].reset_index(drop=True)
            opd_nm = render_opd(own, SHAPE_YX, PITCH_UM) + rng.normal(0, 2, SHAPE_YX)
            sink.write(frame, time_h=frame * INTERVAL_MIN / 60, opd_nm=opd_nm, background_sd_nm=2.0)
    per_frame = pd.DataFrame({"frame": np.arange(frames), "time_h": np.arange(frames) * INTERVAL_MIN / 60})
    read = {"is_missing": False, "reason": "", "mean_intensity": np.nan, "saturated_fraction": np.nan}
    write_table(work / "frames.parquet", per_frame.assign(**read), FRAMES)
    follow(work)
    tables = ("frames", "tracks", "series", "windows", "scores", "truth", "events")
    report.run(
        acquisition=Acquisition(
            acquisition="synthetic_culture",
            dataset="synthetic",
            kind="simulated",
            wavelength_nm=(450.0, 540.0, 647.0),
            pixel_pitch_um=PITCH_UM,
            z_um="1000",
            frame_interval_min=INTERVAL_MIN,
            well="B2",
            condition="control",
            note="Synthetic cells, measured with noise and without holograms.",
        ),
        opd=[work / "opd.h5"],
        cells=[work / "cells.parquet"],
        out=work / "report.html",
        summary=work / "summary.png",
        data=work / "report",
        config=ReportConfig(),
        score=ScoreConfig(),
        **{name: work / f"{name}.parquet" for name in tables},
    )
    return work / "report.html"


def only(page: str, sections: tuple[str, ...]) -> str:
    """Return a page in which only some sections are shown, under its title."""
    if not sections:
        return page
    shown = ", ".join(f"#{name}" for name in sections)
    rule = f"section, nav, .numbers, .facts {{ display: none; }} {shown} {{ display: block; }}"
    return page.replace("</head>", f"<style>{rule}</style></head>", 1)


def photograph(pages: Mapping[str, Path], work: Path, docs: Path) -> list[Path]:
    """Write the pictures into docs; none without a browser."""
    browser = next(
        (found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None
    )
    if browser is None:
        print("no chromium found: the pages were made, their pictures were not")
        return []
    made = []
    for name, (page, sections, height) in PICTURES.items():
        cut = work / f"{name}.html"
        cut.write_text(only(pages[page].read_text(encoding="utf-8"), sections), encoding="utf-8")
        target = docs / f"{name}.png"
        subprocess.run(
            [
                *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                *(f"--user-data-dir={(work / 'browser').resolve()}", f"--window-size={WINDOW[0]},{height}"),
                *(f"--screenshot={target.resolve()}", cut.resolve().as_uri()),
            ],
            check=True,
            capture_output=True,
            timeout=600,
        )
        made.append(target)
    return made


def main() -> None:
    """Make pages and pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("results/benchmarks/report_pages"))
    parser.add_argument("--docs", type=Path, default=ROOT / "docs")
    asked = parser.parse_args()
    page = make_page(asked.work / "culture")
    comparison = asked.work / "compare.html"
    compare.run(
        recorded=make_wells(asked.work),
        out=comparison,
        data=asked.work / "compare",
        config=CompareConfig(),
    )
    for path in photograph({"page": page, "compare": comparison}, asked.work, asked.docs):
        print(path)


if __name__ == "__main__":
    main()
