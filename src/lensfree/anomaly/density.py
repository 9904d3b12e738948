"""How crowded the place of a stretch of dry mass is among those that a population was seen to live.

A stretch of a history is a point; the stretches of a population fill only a thin part of the space, because
all cells grow and divide alike. Where the 10th nearest known stretch is far, cells do not usually live so.
Three lengths see different things: 30 h the course of a life with its size, 10 h a wrong division or
growth, 3 h a dip, a jump, a division into unequal parts. The two short ones are divided by their own mean, so
that they compare shapes of light and of heavy cells.

Distances are taken among principal components of the stretches: what little varies is noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from lensfree.anomaly.windows import DRY_MASS, Windows
from lensfree.arrays import cpu_count

NEIGHBOUR = 10
"""The distance to this neighbour is the measure: fewer than ten of a rare kind among the known stretches do
not make their like look usual."""
_SEARCHED = 48
"""Neighbours searched for a known history: those of its own family do not count."""
LEAF = 32
"""Known stretches in a leaf of the search tree; of 8 to 128 the quickest or within 3 % of it in each view."""
_LEAST = 1e-6
_SHOWN = 20_000
"""Stretches that the principal components are found from."""


@dataclass(frozen=True)
class View:
    """A length of stretches to look at.

    Attributes:
        name: what tables call it.
        points: length on the grid of the windows.
        is_relative: whether stretches are divided by their own mean.
        components: principal components kept.
        evening: 0 leaves them as they spread, 1 makes all spread alike.
        references: known stretches that are kept.
        step: every so many points a stretch begins.
        quantile: the cell's score is this quantile of its stretches' distances.
        quantity: what is looked at: dry mass, or a channel.
    """

    name: str
    points: int
    is_relative: bool
    components: int
    evening: float
    references: int
    step: int
    quantile: float
    quantity: str = DRY_MASS


def views(span: int, channels: Sequence[str] = ()) -> tuple[View, ...]:
    """Return the three views of dry mass for windows of `span` points, and two of each channel.

    Channels vary more from point to point than dry mass: fewer components, and no stretch of 3 h.
    """
    looks = [
        view
        for name in channels
        for view in (
            View(f"{name}_window", span, False, 8, 0.25, 4000, 3, 0.90, name),
            View(f"{name}_third", max(span // 3, 4), False, 6, 0.0, 4000, 3, 0.95, name),
        )
    ]
    return (
        View("window", span, False, 16, 0.25, 8000, 1, 0.90),
        View("third", max(span // 3, 4), True, 10, 0.0, 6000, 3, 0.95),
        View("tenth", max(span // 10, 4), True, 6, 0.0, 4000, 2, 0.98),
        *looks,
    )


@dataclass(frozen=True)
class Stretches:
    """Stretches of histories, as positions in one array of points.

    Attributes:
        points: (point,) values in units of the population's, all histories one after the other.
        first: (n,) index of the first point of each.
        series_id: (n,) history it belongs to.
        lineage: (n,) number shared by related histories.
        view: how they are looked at.
    """

    points: np.ndarray
    first: np.ndarray
    series_id: np.ndarray
    lineage: np.ndarray
    view: View

    def rows(self, chosen: np.ndarray | slice) -> np.ndarray:
        """Return chosen stretches as rows (n, points), float32."""
        cut = np.lib.stride_tricks.sliding_window_view(self.points, self.view.points)[self.first[chosen]]
        if not self.view.is_relative:
            return np.asarray(cut, dtype=np.float32)
        mean = np.maximum(cut.mean(axis=1, keepdims=True), _LEAST)
        return np.asarray(cut / mean, dtype=np.float32)


def cut_stretches(windows: Windows, view: View, unit: float) -> Stretches:
    """Return the stretches of a view that the windows cover; windows of a history must be consecutive.

    Args:
        windows: all windows of some histories.
        view: which stretches.
        unit: what counts as 1 of the view's quantity.
    """
    span = windows.input_points + windows.target_points
    series_id, at, count = np.unique(windows.series_id, return_index=True, return_counts=True)
    # A history of n windows has n + span - points stretches; every `step`-th is looked at.
    starts = [
        np.arange(windows.first[i], windows.first[i] + n + span - view.points, view.step)
        for i, n in zip(at, count, strict=True)
    ]
    n_each = [len(part) for part in starts]
    return Stretches(
        points=(windows.points_of(view.quantity) / unit).astype(np.float32),
        first=np.concatenate(starts) if starts else np.empty(0, dtype=np.int64),
        series_id=np.repeat(series_id, n_each),
        lineage=np.repeat(windows.lineage[at], n_each),
        view=view,
    )


@dataclass(frozen=True)
class Density:
    """The known stretches of a view.

    Attributes:
        view: how stretches are looked at.
        centre: (points,) their mean.
        axes: (components, points) principal components, scaled by `evening`.
        references: (n, components) known stretches, float16: a file holds twice as many.
    """

    view: View
    centre: np.ndarray
    axes: np.ndarray
    references: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by name, for a file."""
        return {f"{self.view.name}.{name}": getattr(self, name) for name in ("centre", "axes", "references")}

    @classmethod
    def from_arrays(cls, view: View, arrays: Mapping[str, np.ndarray]) -> Density:
        """Return the density that `arrays` came from.

        Raises:
            KeyError: an array is missing.
        """
        return cls(view, *(arrays[f"{view.name}.{name}"] for name in ("centre", "axes", "references")))

    def log_distance(self, stretches: Stretches, lineage: np.ndarray | None = None) -> np.ndarray:
        """Return ln of the distance to the 10th nearest known stretch, for each stretch.

        Args:
            stretches: n stretches.
            lineage: (references,) family of each known stretch, to leave out those of a stretch's own; None
                for histories that are not among the known.
        """
        tree = cKDTree(self.references.astype(np.float32), leafsize=LEAF)
        wanted = min(NEIGHBOUR if lineage is None else _SEARCHED, len(self.references))
        out = np.empty(len(stretches.first))
        for start in range(0, len(out), _SHOWN):
            block = slice(start, start + _SHOWN)
            placed = (stretches.rows(block) - self.centre) @ self.axes.T
            distance, index = tree.query(placed, k=np.arange(1, wanted + 1), workers=cpu_count())
            if lineage is not None:
                own = lineage[index] == stretches.lineage[block, None]
                # The 10th that is no relative; the last one searched where there are not so many.
                rank = np.cumsum(~own, axis=1)
                tenth = np.where((rank >= NEIGHBOUR).any(axis=1), (rank >= NEIGHBOUR).argmax(axis=1), -1)
                distance = np.take_along_axis(distance, tenth[:, None] % wanted, axis=1)
            out[block] = distance[:, -1]
        return np.log(np.maximum(out, _LEAST))


def fit_density(
    stretches: Stretches, is_known: np.ndarray, rng: np.random.Generator
) -> tuple[Density, np.ndarray]:
    """Keep a sample of stretches as the known ones.

    Args:
        stretches: those of the training histories.
        is_known: (n,) which may be kept.
        rng: draws the sample.

    Returns:
        The density, and the family of each known stretch.

    Raises:
        ValueError: fewer stretches than neighbours are left.
    """
    view = stretches.view
    usable = np.flatnonzero(is_known)
    if len(usable) <= NEIGHBOUR:
        raise ValueError(
            f"got {len(usable)} stretches of {view.points} points to learn from, expected more than "
            f"{NEIGHBOUR}; use more histories or the shipped model"
        )
    drawn = rng.permutation(usable)
    shown = stretches.rows(np.sort(drawn[:_SHOWN])).astype(np.float64)
    centre = shown.mean(axis=0)
    spread, axes = np.linalg.eigh(np.cov(shown - centre, rowvar=False))
    order = np.argsort(spread)[::-1][: view.components]
    relative = np.maximum(spread[order] / max(spread[order[0]], _LEAST), _LEAST)
    scaled: Any = axes[:, order].T * relative[:, None] ** (-view.evening / 2)
    kept = np.sort(drawn[: view.references])
    references = (stretches.rows(kept) - centre) @ scaled.T
    centre, scaled = centre.astype(np.float32), scaled.astype(np.float32)
    return Density(view, centre, scaled, references.astype(np.float16)), stretches.lineage[kept]
