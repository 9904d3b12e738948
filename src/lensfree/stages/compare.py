"""Stage compare: the tables of all tracked acquisitions -> one page on what differs between conditions."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lensfree.config import CompareConfig
from lensfree.contracts import CELL_CYCLES, SCORES, SERIES, TRACKS
from lensfree.io.figure_tables import write_figure_tables
from lensfree.io.files import written_whole
from lensfree.io.tables import read_table, read_tables
from lensfree.report.compare_measures import Part, Well, measure_acquisition
from lensfree.report.compare_page import build_comparison

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recorded:
    """One acquisition of the comparison.

    Attributes:
        acquisition: its name.
        kind: simulated, hologram or opd.
        condition: what was done to the cells, empty if the sheet does not say.
        well: data set and well, or the acquisition.
        cycles, scores, series, tracks: its tables.
    """

    acquisition: str
    kind: str
    condition: str
    well: str
    cycles: Path
    scores: Path
    series: Path
    tracks: Path


def run(
    *,
    recorded: Sequence[Recorded],
    out: Path,
    data: Path,
    config: CompareConfig,
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Write the page (HTML, self-contained) and the tables of its figures.

    Raises:
        ContractError: if a file is not what its contract says.
        ValueError: if the reference is no condition of the sheet.
    """
    wells: dict[tuple[str, str], list[Recorded]] = {}
    for one in recorded:
        wells.setdefault((one.condition, one.well), []).append(one)
    measured = [_measured(condition, well, group) for (condition, well), group in wells.items()]
    kinds = {one.acquisition: one.kind for one in recorded}
    page, tables = build_comparison(measured, config, kinds=kinds, provenance=provenance)
    logger.info(
        "%d acquisitions, %d wells, %d comparisons", len(recorded), len(wells), len(tables["effects"])
    )
    write_figure_tables(data, tables, provenance=provenance)
    with written_whole(out) as partial:
        partial.write_text(page, encoding="utf-8")


def _measured(condition: str, well: str, group: Sequence[Recorded]) -> Well:
    parts: dict[str, list[Part]] = {}
    for one in group:
        found = measure_acquisition(
            read_table(one.cycles, CELL_CYCLES),
            read_table(one.scores, SCORES),
            read_tables([one.series], SERIES, columns=["series_id", "cell_id"]),
            read_tables([one.tracks], TRACKS, columns=["frame", "time_h", "dry_mass_pg", "lineage_id"]),
        )
        for name, part in found.items():
            parts.setdefault(name, []).append(part)
    return Well(condition, well, tuple(one.acquisition for one in group), parts)
