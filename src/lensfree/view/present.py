"""Which files of an acquisition are there to be looked at, and what to run for those that are not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

TABLES: Mapping[str, str] = MappingProxyType(
    {
        "tracks": "tracks, outlines, divisions and cells found as one",
        "series": "the anomaly table",
        "windows": "the anomaly table",
        "scores": "the anomaly table",
    }
)
"""Tables under `results/{acquisition}/` that the viewer reads, and what is not shown without one."""


class NothingToShowError(ValueError):
    """There is no such folder, no such acquisition, or nothing of it to look at; the message says which."""


@dataclass(frozen=True)
class Present:
    """The files of an acquisition.

    Attributes:
        acquisition: its name.
        opd: chunks of OPD, in order of time, at least one.
        holograms: chunks of holograms, none if it has none or they were taken away.
        cells: chunks of the cells table.
        tables: name -> file, of `TABLES`, those that exist.
        is_simulated: whether the pixels come from the simulator.
        missing: a sentence for each stage that has not run.
    """

    acquisition: str
    opd: tuple[Path, ...]
    holograms: tuple[Path, ...]
    cells: tuple[Path, ...]
    tables: Mapping[str, Path]
    is_simulated: bool
    missing: tuple[str, ...]

    @property
    def is_scored(self) -> bool:
        """Whether all is there that the anomaly table needs."""
        return set(TABLES) <= set(self.tables)


def acquisitions_in(results: Path) -> list[str]:
    """Return the names of the acquisitions that have OPD or cells under a results folder.

    Raises:
        NothingToShowError: if there is no such folder.
    """
    if not results.is_dir():
        raise NothingToShowError(
            f"{results}: no such folder; run snakemake first, or say where the results are with --results"
        )
    return sorted(
        folder.name
        for folder in results.iterdir()
        if any((folder / word).is_dir() for word in ("holograms", "opd", "cells"))
    )


def find_acquisition(results: Path, acquisition: str) -> Present:
    """Return what there is of an acquisition.

    Args:
        results: the folder of results.
        acquisition: its name.

    Raises:
        NothingToShowError: if there is no such folder or acquisition, or it has no OPD yet; an unknown name
            is answered with those that exist.
    """
    known = acquisitions_in(results)
    if acquisition not in known:
        there = ", ".join(known) or "none"
        raise NothingToShowError(
            f"{results}: no acquisition '{acquisition}', there are: {there}; if it is in the sheet, run "
            "snakemake first"
        )
    folder = results / acquisition
    opd = _chunks(folder / "opd", "h5")
    if not opd:
        raise NothingToShowError(
            f"{folder}: no OPD to show, expected opd/0000.h5; run snakemake --until reconstruct"
        )
    cells = _chunks(folder / "cells", "parquet")
    tables = {name: path for name in TABLES if (path := folder / f"{name}.parquet").is_file()}
    missing = [] if cells else [f"{folder}/cells: no cells; run snakemake --until quantify"]
    missing += [
        f"{folder}/{name}.parquet is not there: {what} cannot be shown; run snakemake {folder}/{name}.parquet"
        for name, what in TABLES.items()
        if name not in tables
    ]
    return Present(
        acquisition=acquisition,
        opd=opd,
        holograms=_chunks(folder / "holograms", "h5"),
        cells=cells,
        tables=MappingProxyType(tables),
        is_simulated=(folder / "truth.parquet").is_file(),
        missing=tuple(missing),
    )


def _chunks(folder: Path, suffix: str) -> tuple[Path, ...]:
    """Return the finished chunks; half-written ones begin with a dot."""
    return tuple(sorted(path for path in folder.glob(f"[0-9]*.{suffix}") if path.is_file()))
