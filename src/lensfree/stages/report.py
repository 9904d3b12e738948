"""Stage report: everything known of an acquisition -> one page, one picture, and their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lensfree.acquisitions import Acquisition
from lensfree.config import ReportConfig, ScoreConfig
from lensfree.io.figure_tables import write_figure_tables
from lensfree.io.files import written_whole
from lensfree.report.figure_tables import tables_of
from lensfree.report.gather import Sources, gather
from lensfree.report.page import build_page
from lensfree.report.style import to_png
from lensfree.report.summary import draw_summary


def run(
    *,
    acquisition: Acquisition,
    opd: Sequence[Path],
    out: Path,
    summary: Path,
    data: Path,
    config: ReportConfig,
    score: ScoreConfig,
    holograms: Sequence[Path] = (),
    frames: Path | None = None,
    focus: Path | None = None,
    cells: Sequence[Path] = (),
    tracks: Path | None = None,
    series: Path | None = None,
    windows: Path | None = None,
    scores: Path | None = None,
    truth: Path | None = None,
    faults: Path | None = None,
    events: Path | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Write the page (HTML, self-contained), the summary picture (PNG), and the figures' numbers (`data`).

    Only the OPD chunks must be there; the page says what is missing of the rest.

    Raises:
        ContractError: if a file is not what its contract says.
    """
    sources = Sources(
        opd=opd,
        holograms=holograms,
        frames=frames,
        focus=focus,
        cells=cells,
        tracks=tracks,
        series=series,
        windows=windows,
        scores=scores,
        truth=truth,
        faults=faults,
        events=events,
    )
    content, snapshot = gather(sources, acquisition, report=config, score=score)
    write_figure_tables(data, tables_of(content), provenance=provenance)
    with written_whole(out) as partial:
        partial.write_text(build_page(content, provenance), encoding="utf-8")
    with written_whole(summary) as partial:
        partial.write_bytes(to_png(draw_summary(content, snapshot), dpi=120, provenance=provenance))
