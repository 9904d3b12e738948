"""One measured figure and its target, as it stands in docs/accuracy.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from lensfree.io.files import written_whole
from lensfree.origin import software
from lensfree.seals import BLANK, REMEDY, DamagedFileError, check_seal

_STAMP = "_file"
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


def write_measures(
    path: Path,
    measures: Mapping[str, Measure],
    command: str,
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Write measures by key, each with the command that measures it again; provenance as in `write_json`."""
    entries = {key: {**asdict(measure), "command": command} for key, measure in sorted(measures.items())}
    write_json(path, entries, provenance=provenance)


def write_json(
    path: Path,
    entries: Mapping[str, Any],
    *,
    sealed: bool = True,
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Write JSON whole, sorted and with a line per value, so that versions can be compared.

    Args:
        path: the file.
        entries: values by key.
        sealed: whether the file gets a checksum and says what software wrote it, under the key `_file`; not
            for files under version control, which are merged by hand.
        provenance: plain values that explain the result, kept under `_file` of a sealed file.
    """
    made = {} if provenance is None else {"provenance": dict(provenance)}
    stamp = {_STAMP: {"seal": BLANK.decode(), **software(), **made}} if sealed else {}
    with written_whole(path, sealed=sealed) as partial:
        text = json.dumps({**entries, **stamp}, indent=1, sort_keys=True)
        partial.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path, *, sealed: bool = True, remedy: str = REMEDY) -> dict[str, Any]:
    """Return the values of a JSON file by key, without its stamp.

    Raises:
        DamagedFileError: if it is not as it was written, or holds no keys.
    """
    if sealed:
        check_seal(path, remedy)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DamagedFileError(f"{path} is not JSON ({error}); {remedy}") from error
    if not isinstance(content, dict):
        raise DamagedFileError(f"{path} holds {type(content).__name__}, expected keys and values; {remedy}")
    content.pop(_STAMP, None)
    return content


def read_measures(path: Path, *, sealed: bool = True) -> dict[str, tuple[Measure, str]]:
    """Return measures by key, each with its command."""
    entries = read_json(path, sealed=sealed)
    return {
        key: (
            Measure(**{name: value for name, value in entry.items() if name != "command"}),
            entry["command"],
        )
        for key, entry in entries.items()
    }
