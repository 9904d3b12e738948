"""Tracks made by hand, tracked with settings that other fields chose: what may be expected of a new one.

The settings of the tracker that matter without dry mass were found on the eight fields of MCF10A that
`track.mcf10a` is measured on. Here each field is tracked with what was best on the other seven, so that
none is measured with settings that it had a say in. From the project's folder, no arguments.
"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
from measured import entry, write

from lensfree.config import Config
from lensfree.stages.evaluate_track_manual import counted
from lensfree.stages.manual_tracks import read_manual_tracks
from lensfree.tracks.scoring import TrackCounts

REAL = Path(__file__).parents[1] / "demo" / "real" / "mcf10a_lineages"
GRID = {
    "search_range_leaps": (0.0, 1.0, 1.5, 2.0, 3.0),
    "max_cost_without_mass": (0.25, 0.5, 0.75, 1.0),
    "min_cycle_h": (0.0, 4.0, 8.0, 12.0),
}
"""What each may be; none and everything are among them."""

Setting = tuple[float, ...]


def settings() -> list[Setting]:
    """Return every combination of the grid."""
    return list(product(*GRID.values()))


def with_setting(config: Config, setting: Setting) -> Config:
    """Return the configuration with one combination in its section `track`."""
    track = config.track.model_copy(update=dict(zip(GRID, setting, strict=True)))
    return config.model_copy(update={"track": track})


def worth(counts: TrackCounts) -> float:
    """Return what settings are ranked by: F1 of divisions and complete tracks count alike."""
    scores = counts.scores()
    return scores["division_f1"] + scores["complete_tracks"]


def total(counts: list[TrackCounts]) -> TrackCounts:
    """Return the counts of several fields together."""
    return sum(counts, TrackCounts())


def best(of_setting: dict[Setting, list[TrackCounts]], without: int | None = None) -> Setting:
    """Return the settings that are best on all fields but one; the first of equals."""

    def on_others(setting: Setting) -> float:
        return worth(total([one for k, one in enumerate(of_setting[setting]) if k != without]))

    return max(of_setting, key=on_others)


def held_out(of_setting: dict[Setting, list[TrackCounts]]) -> tuple[TrackCounts, list[Setting]]:
    """Return the counts of all fields, each with settings of the others, and those settings."""
    n_fields = len(next(iter(of_setting.values())))
    chosen = [best(of_setting, without=k) for k in range(n_fields)]
    return total([of_setting[setting][k] for k, setting in enumerate(chosen)]), chosen


def of_every_setting(truths: list[pd.DataFrame], config: Config) -> dict[Setting, list[TrackCounts]]:
    """Return the counts of each field with each combination."""
    found: dict[Setting, list[TrackCounts]] = {}
    for setting in settings():
        found[setting] = [counted(truth, with_setting(config, setting)) for truth in truths]
        print(json.dumps(dict(zip(GRID, setting, strict=True))), said(total(found[setting])), flush=True)
    return found


def said(counts: TrackCounts) -> str:
    """Return counts in a line."""
    return ", ".join(f"{name} {counts.scores()[name]:.4f}" for name in ("division_f1", "complete_tracks"))


def entries(counts: TrackCounts, chosen: list[Setting], n_fields: int) -> dict[str, dict[str, Any]]:
    """Return the lines of the table."""
    kinds = " or ".join(sorted({", ".join(f"{value:g}" for value in setting) for setting in chosen}))
    meaning = (
        f"manual tracks of MCF10A, {n_fields} fields, each with the settings that were best on the others, "
        f"out of {len(settings())} combinations of {', '.join(GRID)}: {kinds}"
    )
    return {
        f"track.mcf10a.held_out.{name}": entry(
            counts.scores()[name], "1", "higher", f"{name}, {meaning}", counts.cells_true, __file__
        )
        for name in ("link_f1", "division_f1", "complete_tracks", "md30")
    }


def main() -> None:
    """Measure every combination on every field, and write what the held-out fields say."""
    truths = [read_manual_tracks(path) for path in sorted(REAL.glob("*.csv"))]
    of_setting = of_every_setting(truths, Config())
    counts, chosen = held_out(of_setting)
    for name, setting in (("as shipped", None), ("best on all", best(of_setting))):
        found = of_setting[setting] if setting else [counted(truth, Config()) for truth in truths]
        print(name, setting or "", said(total(found)), flush=True)
    print("held out", chosen, said(counts), flush=True)
    write(entries(counts, chosen, len(truths)))


if __name__ == "__main__":
    main()
