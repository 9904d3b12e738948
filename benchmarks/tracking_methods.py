"""The trackers that are compared, each behind one call: cells and settings in, cells with identity out.

Peers see position and frame in pixels of 1.67 um, as their documentation has it. Packages are imported where
they are used, so that a missing one is missed by nobody else. btrack needs another pydantic than lensfree
and runs in an environment of its own, see `tracking_btrack.py`.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from own_process import cost_of

from lensfree.simulate.dense import PIXEL_UM

BTRACK_PYTHON = Path(__file__).parents[1] / "results" / "benchmarks" / "btrack" / "bin" / "python"
WARM_UP_FRAMES = 12

ABLATIONS: dict[str, dict[str, Any]] = {
    "without mass": {"log_mass_weight_um": 0.0},
    "without mitotic rounding": {"use_rounding": False},
    "without splitting fused cells and mending swaps": {"max_fusion_frames": 0},
}
"""What lensfree is measured without: updates of the section `track`, by name."""

Tracked = tuple[pd.DataFrame, float, float]
"""Cells with `cell_id` and `parent_id`, CPU seconds, MB."""


@dataclass(frozen=True)
class Method:
    """A tracker.

    Attributes:
        package: what it is made of and must be installed.
        run: maps (cells, **settings) to the cells with `cell_id` and `parent_id`, and what it cost.
        grid: values tried per setting.
        fixed: settings that are not tried.
    """

    package: str
    run: Callable[..., Tracked]
    grid: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def version(self) -> str | None:
        """The version that would run here, None if it is not installed."""
        if self.package == "btrack":
            return btrack_version()
        return version(self.package) if find_spec(self.package) else None

    def settings(self) -> Iterator[dict[str, Any]]:
        """Yield every combination of settings to try."""
        for values in product(*self.grid.values()):
            yield {**self.fixed, **dict(zip(self.grid, values, strict=True))}


def named(cells: pd.DataFrame, cell_id: np.ndarray, parent_of: Mapping[int, int]) -> pd.DataFrame:
    """Return the cells that have an identity (0 or more) with it and their mother's."""
    has = cell_id >= 0
    parent_id = np.array([parent_of.get(cell, -1) for cell in cell_id[has].tolist()], dtype=np.int64)
    return cells[has].assign(cell_id=cell_id[has], parent_id=parent_id)


def after_warm_up(cells: pd.DataFrame, work: Callable[[pd.DataFrame], pd.DataFrame]) -> Tracked:
    """Return what is found and its cost, after a few frames that load and compile."""
    work(cells[cells["frame"] < WARM_UP_FRAMES])
    return cost_of(lambda: work(cells))


def in_px(cells: pd.DataFrame) -> pd.DataFrame:
    """Return frame, place in pixels and row number, as peers get it."""
    place = {axis: cells[f"{axis}_um"].to_numpy() / PIXEL_UM for axis in "yx"}
    return pd.DataFrame({"frame": cells["frame"].to_numpy(), **place, "row": np.arange(len(cells))})


def by_lensfree(cells: pd.DataFrame, **settings: Any) -> Tracked:
    """Track as the stage `track` does, with the shipped settings but for these."""
    from lensfree.config import TrackConfig
    from lensfree.stages.track import track_cells

    config = TrackConfig(**settings)
    return after_warm_up(cells, lambda some: track_cells(some, config))


def by_trackpy(cells: pd.DataFrame, *, range_px: float, memory: int) -> Tracked:
    """Link with adaptive search, without which dense frames are refused; trackpy knows no divisions."""
    import trackpy

    trackpy.quiet()

    def work(some: pd.DataFrame) -> pd.DataFrame:
        linked = trackpy.link(
            in_px(some), range_px, pos_columns=["y", "x"], memory=memory, adaptive_stop=4, adaptive_step=0.9
        ).sort_values("row")
        return named(some, linked["particle"].to_numpy(dtype=np.int64), {})

    return after_warm_up(cells, work)


def by_laptrack(cells: pd.DataFrame, *, cutoff_px: float, split_px: float, gap: int) -> Tracked:
    """Link, close gaps and split by two assignments of squared distances."""
    from laptrack import LapTrack

    tracker = LapTrack(
        cutoff=cutoff_px**2,
        gap_closing_cutoff=cutoff_px**2,
        gap_closing_max_frame_count=gap,
        splitting_cutoff=split_px**2,
        merging_cutoff=False,
    )

    def work(some: pd.DataFrame) -> pd.DataFrame:
        tracked, splits, _ = tracker.predict_dataframe(
            in_px(some), ["y", "x"], frame_col="frame", only_coordinate_cols=False
        )
        cell_id = np.full(len(some), -1)
        cell_id[tracked["row"].to_numpy()] = tracked["track_id"].to_numpy()
        parents = {} if splits.empty else splits.set_index("child_track_id")["parent_track_id"].to_dict()
        return named(some, cell_id, parents)

    return after_warm_up(cells, work)


def by_btrack(cells: pd.DataFrame, **settings: Any) -> Tracked:
    """Track in btrack's own environment; cost is that of its process after reading the cells."""
    script = Path(__file__).parent / "tracking_btrack.py"
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "cells.npz", Path(folder) / "tracks.npz"
        px = in_px(cells)
        np.savez(before, **{name: px[name].to_numpy() for name in ("frame", "y", "x")})
        said = subprocess.run(
            [BTRACK_PYTHON, script, before, after, json.dumps(settings)],
            capture_output=True,
            text=True,
            cwd=folder,
        )
        if said.returncode:
            raise RuntimeError(f"btrack failed with {settings}: {said.stderr.strip()[-500:]}")
        cost = json.loads(said.stdout.splitlines()[-1])
        with np.load(after) as found:
            parents = dict(zip(found["child"].tolist(), found["parent"].tolist(), strict=True))
            return named(cells, found["cell_id"], parents), cost["cpu_s"], cost["peak_mb"]


def btrack_version(python: Path = BTRACK_PYTHON) -> str | None:
    """Return the version in btrack's own environment, None without one."""
    if not python.exists():
        return None
    ask = "from importlib.metadata import version; print(version('btrack'))"
    said = subprocess.run([python, "-c", ask], capture_output=True, text=True)
    return said.stdout.strip() or None


METHODS: dict[str, Method] = {
    "trackpy": Method("trackpy", by_trackpy, {"range_px": (9, 12, 16, 20)}, {"memory": 2}),
    "laptrack": Method(
        "laptrack", by_laptrack, {"cutoff_px": (12, 16, 20), "split_px": (20, 28)}, {"gap": 2}
    ),
    "btrack": Method("btrack", by_btrack, {"radius_px": (15, 20), "lambda_branch": (50, 500)}),
    "lensfree": Method("lensfree", by_lensfree),
    **{
        f"lensfree, {name}": Method("lensfree", by_lensfree, fixed=settings)
        for name, settings in ABLATIONS.items()
    },
}
