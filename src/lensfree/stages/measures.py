"""One measured figure and its target, as it stands in docs/accuracy.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from lensfree.io.files import written_whole

Target = float | tuple[float, float] | None


@dataclass(frozen=True)
class Measure:
    """A figure that was measured, met or not.

    Attributes:
        value: what was measured.
        unit: its unit, "1" if none.
        better: which way is better; `between` when the target is a range.
        n: how many cells, windows, links or pixels it rests on.
        seeds: seeds of the held-out simulations, empty for real data.
        target: a bound or a range, None if none was set.
        meaning: what exactly was compared with what.
    """

    value: float
    unit: str
    better: Literal["lower", "higher", "between"]
    n: int
    seeds: tuple[int, ...]
    target: Target
    meaning: str

    @property
    def is_met(self) -> bool | None:
        """Return whether the target is met, None if there is none."""
        if self.target is None:
            return None
        if isinstance(self.target, tuple | list):
            return self.target[0] <= self.value <= self.target[1]
        return self.value <= self.target if self.better == "lower" else self.value >= self.target


def write_measures(path: Path, measures: Mapping[str, Measure], command: str) -> None:
    """Write measures by key, each with the command that measures it again."""
    entries = {key: {**asdict(measure), "command": command} for key, measure in sorted(measures.items())}
    write_json(path, entries)


def write_json(path: Path, entries: Mapping[str, Any]) -> None:
    """Write JSON whole, sorted and with a line per value, so that versions can be compared."""
    with written_whole(path) as partial:
        partial.write_text(json.dumps(entries, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read_measures(path: Path) -> dict[str, tuple[Measure, str]]:
    """Return measures by key, each with its command."""
    entries = json.loads(path.read_text(encoding="utf-8"))
    return {
        key: (
            Measure(**{name: value for name, value in entry.items() if name != "command"}),
            entry["command"],
        )
        for key, entry in entries.items()
    }
