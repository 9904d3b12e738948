"""Speed of the anomaly score on simulated histories: an epoch and a whole training of the published network,
scoring per CPU second, and the stage from file to file on as many windows as the paper's largest data set.

CPU seconds are those of one core, in a process of its own. Linux only. Usage: python benchmarks/scoring.py
[PART ...], from the project's folder; parts: epoch, training, scoring, stage; all of them without.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import torch
from measured import entry, write
from own_process import cost_of, in_own_process, resident_mb
from torch import nn

from lensfree.anomaly.windows import Windows, cut_windows
from lensfree.config import ScoreConfig, TrainScoreConfig
from lensfree.contracts import LINEAGE_EVENTS, SERIES
from lensfree.io.tables import write_table
from lensfree.nets.forecaster import Forecaster
from lensfree.nets.forecaster_training import train_forecaster
from lensfree.simulate.series import simulate_series
from lensfree.stages import score, train_score

METHODS = {"stardusts": "forecast", "stardusts_plus": "detector"}
MODELS = Path("models")
LENGTHS = (180, 432)
ABNORMAL = 0.1
WINDOWS_A, WINDOWS_B = 440_000, 835_000
"""Training windows of the paper's data set A, and all windows of its largest, B."""
SERIES_A, SERIES_B = 3600, 6750
POINTS_B = (300, 306)
LOOP_WINDOWS = 20_000
TURNS = 3
Entries = dict[str, dict[str, object]]


class PlainForecaster(Forecaster):
    """The same network as anyone would write it."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the forecasts."""
        return self.foretell(self.represent(inputs[:, None, :]).flatten(1))


def histories(n_series: int, lengths: tuple[int, int], seed: int = 0) -> pd.DataFrame:
    """Return simulated histories, a tenth of them abnormal."""
    return simulate_series(n_series, lengths, np.random.default_rng(seed), ABNORMAL)[0]


def on_one_core() -> None:
    """Keep this process on one core, so that its CPU seconds hold no waiting of threads for each other."""
    os.environ["OMP_NUM_THREADS"] = "1"
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)


def epoch_s(n_windows: int, n_series: int, is_one_core: bool) -> float:
    """Return the seconds of one epoch on so many windows, validation left out: CPU seconds of one core, or
    what a clock says with all cores."""
    if is_one_core:
        on_one_core()
    clock = time.process_time if is_one_core else time.perf_counter
    windows = cut_windows(histories(n_series, LENGTHS), ScoreConfig()).take(slice(n_windows))
    if len(windows) < n_windows:
        raise ValueError(f"got {len(windows)} windows, expected {n_windows}; raise the number of series")
    inputs, targets = windows.standardised(450.0, 130.0)
    config = TrainScoreConfig(epochs=1, windows_per_epoch=n_windows)
    start = clock()
    train_forecaster(inputs, targets, inputs[:1], targets[:1], config)
    return clock() - start


def loops_s(n_windows: int) -> dict[str, float]:
    """Return the CPU seconds per pass, forward and backward, of our network and of the plain one."""
    on_one_core()
    inputs, targets = torch.randn(n_windows, 120), torch.randn(n_windows, 60)
    found: dict[str, list[float]] = {"ours": [], "plain": []}
    for _ in range(TURNS):
        for name, kind in (("ours", Forecaster), ("plain", PlainForecaster)):
            model = kind().train()
            optimiser = torch.optim.Adam(model.parameters())
            start = time.process_time()
            for some, wanted in zip(inputs.split(256), targets.split(256), strict=True):
                loss = nn.functional.mse_loss(model(some), wanted)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            found[name].append(time.process_time() - start)
    return {name: float(np.median(values)) for name, values in found.items()}


def training_s(n_series: int, method: str) -> float:
    """Return the CPU seconds of the stage train_score as configured, from file to file."""
    on_one_core()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_table(folder / "series.parquet", histories(n_series, LENGTHS), SERIES)
        start = time.process_time()
        train_score.run(
            series=[folder / "series.parquet"],
            out=folder / "model.safetensors",
            config=TrainScoreConfig(),
            score_config=ScoreConfig(method=method),
            checkpoint=folder / "state.pt",
            shipped=None,
            dataset="simulated",
        )
        return time.process_time() - start


def windows_per_s(n_series: int, method: str) -> float:
    """Return the windows that are judged per CPU second by the shipped model."""
    on_one_core()
    config = ScoreConfig(method=method)
    series = histories(n_series, LENGTHS)
    windows: Windows = cut_windows(series, config)
    model = MODELS / f"{METHODS[method]}.safetensors"
    score.judge(windows.take(windows.series_id < n_series // 20), series, model, config)
    seconds = []
    for _ in range(TURNS):
        start = time.process_time()
        score.judge(windows, series, model, config)
        seconds.append(time.process_time() - start)
    return len(windows) / float(np.median(seconds))


def write_histories(folder: Path, n_series: int) -> None:
    """Write the tables that the stage reads."""
    table = histories(n_series, POINTS_B)
    write_table(folder / "series.parquet", table, SERIES)
    write_table(folder / "events.parquet", divisions(table), LINEAGE_EVENTS)


def stage_cost(folder: Path, method: str) -> dict[str, float]:
    """Return what the stage score costs from file to file: windows, seconds, CPU seconds, peak memory [MB].

    CPU seconds are those of all processes, `shared_s` those of the processes that explain; the peak is
    that of the stage's own process, whose memory they share. The tables are written by another process:
    memory that simulating them left behind would count, too.
    """

    def work() -> float:
        start = time.perf_counter()
        score.run(
            series=folder / "series.parquet",
            events=folder / "events.parquet",
            model=MODELS / f"{METHODS[method]}.safetensors",
            windows_out=folder / "windows.parquet",
            scores_out=folder / "scores.parquet",
            config=ScoreConfig(method=method),
            provenance={},
        )
        return time.perf_counter() - start

    seconds, cpu_s, _ = cost_of(work)
    ended = os.times()
    shared_s = ended.children_user + ended.children_system
    n_windows = float(pq.read_metadata(folder / "windows.parquet").num_rows)
    return {
        "windows": n_windows,
        "s": seconds,
        "cpu_s": cpu_s + shared_s,
        "shared_s": shared_s,
        "peak_mb": resident_mb("VmHWM"),
    }


def divisions(series: pd.DataFrame) -> pd.DataFrame:
    """Return the events of the divisions that the histories pass through, two for each."""
    is_born = (series["cell_id"].diff() > 0) & (series["series_id"].diff() == 0)
    mother_id = series["cell_id"].shift()[is_born].astype(np.int64)
    events = pd.DataFrame({"kind": "division", "time_h": series.loc[is_born, "time_h"], "cell_id": mother_id})
    events = pd.concat([events, events], ignore_index=True)
    return events.assign(frame=0, y_um=0.0, x_um=0.0, related_id=-1, n_frames=0, cost=0.0)


def line(value: float, unit: str, better: str, meaning: str, n: int = 1) -> dict[str, object]:
    """Return one line of the table."""
    return entry(value, unit, better, f"{meaning}, simulated histories", n, __file__)


def epoch() -> Entries:
    """Measure an epoch, and our network against the plain one."""
    loops = in_own_process(loops_s, LOOP_WINDOWS)
    cpu_s, seconds = (
        in_own_process(epoch_s, WINDOWS_A, SERIES_A, is_one_core) for is_one_core in (True, False)
    )
    said = f"published network, one epoch of {WINDOWS_A:,} windows"
    return {
        "speed.score_epoch_s": line(seconds, "s", "lower", said),
        "speed.score_epoch_cpu_s": line(cpu_s, "s", "lower", f"CPU seconds of one core, {said}"),
        "speed.score_epoch_vs_conv1d": line(
            loops["plain"] / loops["ours"],
            "1",
            "higher",
            f"plain nn.Conv1d / ours, CPU seconds of a pass over {LOOP_WINDOWS:,} windows",
            TURNS,
        ),
    }


def training() -> Entries:
    """Measure whole trainings."""
    return {
        f"speed.score_training_{method}_cpu_s": line(
            in_own_process(training_s, SERIES_A, method),
            "s",
            "lower",
            f"CPU seconds, {method}, training as configured on {SERIES_A} series, file to file",
        )
        for method in METHODS
    }


def scoring() -> Entries:
    """Measure windows per CPU second."""
    return {
        f"speed.score_{method}_windows_per_cpu_s": line(
            in_own_process(windows_per_s, 400, method),
            "1/s",
            "higher",
            f"windows judged per CPU second, {method}",
            TURNS,
        )
        for method in METHODS
    }


def stage() -> Entries:
    """Measure the stage score on as many windows as the largest data set of the paper, and on a quarter."""
    found: Entries = {}
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / size for size in ("few", "many")]
        for folder, n_series in zip(folders, (SERIES_B // 4, SERIES_B), strict=True):
            folder.mkdir()
            in_own_process(write_histories, folder, n_series)
        for method in METHODS:
            few, many = (in_own_process(stage_cost, folder, method) for folder in folders)
            print(method, few, many, flush=True)
            found |= stage_lines(method, few, many)
    return found


def stage_lines(method: str, few: dict[str, float], many: dict[str, float]) -> Entries:
    """Return the lines of the table for what the stage cost on few and on many windows."""
    said = f"stage score, {method}, {int(many['windows']):,} windows of {SERIES_B} series"
    growth_b = 1e6 * (many["peak_mb"] - few["peak_mb"]) / (many["windows"] - few["windows"])
    figures = {
        "s": (many["s"], "s", said),
        "cpu_s": (many["cpu_s"], "s", f"CPU seconds of all processes, {said}"),
        "peak_gb": (many["peak_mb"] / 1000, "GB", f"peak memory, {said}"),
        "b_per_window": (
            growth_b,
            "B",
            f"growth of peak memory per window, from {int(few['windows']):,} of them; {said}",
        ),
    }
    return {
        f"speed.score_stage_{method}_{name}": line(value, unit, "lower", meaning)
        for name, (value, unit, meaning) in figures.items()
    }


PARTS: dict[str, Callable[[], Entries]] = {
    "scoring": scoring,
    "stage": stage,
    "epoch": epoch,
    "training": training,
}


def main(names: list[str]) -> None:
    """Measure some parts or all; each is written when it is done.

    Raises:
        ValueError: a part is unknown.
    """
    unknown = sorted(set(names) - set(PARTS))
    if unknown:
        raise ValueError(f"got {', '.join(unknown)}, expected parts out of {', '.join(PARTS)}")
    for name in names or list(PARTS):
        entries: Any = PARTS[name]()
        write(entries)
        for key, values in entries.items():
            print(f"{key} {values['value']:.4g} {values['unit']}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
