"""From the files of an acquisition to the content of its page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lensfree.acquisitions import Acquisition
from lensfree.config import ReportConfig, ScoreConfig
from lensfree.contracts import (
    CELLS,
    FAULTS,
    FOCUS,
    FRAMES,
    LINEAGE_EVENTS,
    SCORES,
    SERIES,
    TRACKS,
    TRUTH,
    WINDOWS,
    TableContract,
)
from lensfree.io.stack_files import read_stack_provenance
from lensfree.io.tables import read_provenance, read_table, read_tables
from lensfree.report import agreement
from lensfree.report.content import Facts, PageContent, Snapshot, Suspect
from lensfree.report.growth import Growth, measure_growth
from lensfree.report.made import Made, how_made
from lensfree.report.ranking import choose_shown, rank_series
from lensfree.report.shared import fold_shared
from lensfree.report.snapshots import spread, take_snapshot, take_summary_snapshot
from lensfree.report.stacks import Frames
from lensfree.report.suspects import add_thumbnails, build_suspects
from lensfree.report.trees import choose_lineages, tree_table, wrong_since

FOLDED = 20
"""Series looked at per card: several may show one event, see `fold_shared`."""


@dataclass(frozen=True)
class Sources:
    """The files of one acquisition; what a stage did not make is None or empty."""

    opd: Sequence[Path]
    holograms: Sequence[Path] = ()
    frames: Path | None = None
    focus: Path | None = None
    cells: Sequence[Path] = ()
    tracks: Path | None = None
    series: Path | None = None
    windows: Path | None = None
    scores: Path | None = None
    truth: Path | None = None
    faults: Path | None = None
    events: Path | None = None


def gather(
    sources: Sources, acquisition: Acquisition, *, report: ReportConfig, score: ScoreConfig
) -> tuple[PageContent, Snapshot | None]:
    """Read what the page shows, and the frame for the summary picture.

    Raises:
        ContractError: if a file is not what its contract says.
    """
    frames = Frames(sources.opd, sources.holograms)
    pitch_um = acquisition.pixel_pitch_um
    field_um = ((frames.shape_yx[0] - 1) * pitch_um, (frames.shape_yx[1] - 1) * pitch_um)
    cells = read_tables(sources.cells, CELLS) if sources.cells else None
    tracks, series = _read(sources.tracks, TRACKS), _read(sources.series, SERIES)
    windows, scores = _read(sources.windows, WINDOWS), _read(sources.scores, SCORES)
    truth = _read(sources.truth, TRUTH)
    accuracy: dict[str, float] = {}
    truth_of_series: pd.Series | None = None
    if truth is not None:
        truth = truth[agreement.inside_field(truth, field_um)].reset_index(drop=True)
        accuracy = agreement.compare(truth, cells, tracks, field_um)
        if tracks is not None and series is not None and scores is not None:
            truth_of_series = agreement.true_anomalies_of_series(truth, tracks, series)
            accuracy |= agreement.compare_anomalies(truth_of_series, scores)
    suspects: list[Suspect] = []
    ranked_all: pd.DataFrame | None = None
    if tracks is not None and series is not None and windows is not None and scores is not None:
        ranked_all = rank_series(scores, windows)
        n_looked = max(FOLDED * report.anomalies, int(ranked_all["is_flagged"].sum()))
        events = fold_shared(ranked_all.head(n_looked), series, windows, score)
        ranked = choose_shown(events, report.anomalies)
        suspects = add_thumbnails(
            build_suspects(
                ranked, series=series, windows=windows, truth_of_series=truth_of_series, tracks=tracks
            ),
            tracks,
            frames.read_opd,
            n_slots=report.strip_frames,
            crop_um=report.crop_um,
            pixel_pitch_um=pitch_um,
        )
    lineages = [] if tracks is None else choose_lineages(tracks, series, ranked_all, report.trees)
    used = read_provenance(sources.windows) if sources.windows else {}
    content = PageContent(
        facts=_facts(acquisition, cells, scores),
        per_frame=_with_reasons(frames.per_frame, _read(sources.frames, FRAMES)),
        field_um=field_um,
        snapshots=tuple(
            take_snapshot(frames, frame, cells, pixel_pitch_um=pitch_um, width_um=report.montage_um)
            for frame in spread(frames.recorded(), report.montage_frames)
        ),
        overview=_overview(frames, cells, pitch_um, report),
        focus=_read(sources.focus, FOCUS),
        cells=cells,
        tracks=tracks,
        series=series,
        windows=windows,
        scores=scores,
        suspects=tuple(suspects),
        tau_w=used.get("tau"),
        surprise_threshold=used.get("surprise_threshold"),
        growth=_growth(cells, tracks),
        trees=None
        if tracks is None
        else tree_table(tracks, lineages, wrong_since(series, windows, scores, score)),
        branch_ends=_branch_ends(sources.events),
        made=tuple(_made(sources)),
        truth=truth,
        faults=_read(sources.faults, FAULTS),
        accuracy=accuracy,
        score=score,
        report=report,
    )
    return content, take_summary_snapshot(
        frames, cells, tracks, suspects, score=score, pixel_pitch_um=pitch_um
    )


def _overview(
    frames: Frames, cells: pd.DataFrame | None, pitch_um: float, report: ReportConfig
) -> Snapshot | None:
    width_um = frames.shape_yx[1] * pitch_um
    if width_um <= report.montage_um or not frames.recorded():
        return None
    return take_snapshot(frames, frames.recorded()[-1], cells, pixel_pitch_um=pitch_um, width_um=width_um)


def _read(path: Path | None, contract: TableContract) -> pd.DataFrame | None:
    return None if path is None else read_table(path, contract)


def _growth(cells: pd.DataFrame | None, tracks: pd.DataFrame | None) -> tuple[Growth, ...]:
    """Return the growth of what was tracked, or else of what was found."""
    rows = cells if tracks is None or tracks.empty else tracks
    return () if rows is None or rows["frame"].nunique() < 2 else tuple(measure_growth(rows))


def _branch_ends(events: Path | None) -> dict[int, str]:
    if events is None:
        return {}
    table = read_table(events, LINEAGE_EVENTS)
    ended = table[table["kind"].isin(["death", "lost", "leaves_field"])]
    return dict(zip(ended["cell_id"].tolist(), ended["kind"].tolist(), strict=True))


def _made(sources: Sources) -> list[Made]:
    """Return how the files were made, the first chunk's for all chunks."""
    stacks = {"load": sources.holograms, "reconstruct": sources.opd}
    tables: dict[str, Path | None] = {
        "focus": sources.focus,
        "quantify": next(iter(sources.cells), None),
        "track": sources.tracks,
        "series": sources.series,
        "score": sources.scores,
    }
    found = {
        stage: how_made(stage, read_stack_provenance(files[0])) for stage, files in stacks.items() if files
    }
    found |= {stage: how_made(stage, read_provenance(path)) for stage, path in tables.items() if path}
    order = ("load", "focus", "reconstruct", "quantify", "track", "series", "score")
    return [made for stage in order if (made := found.get(stage)) is not None]


def _facts(acquisition: Acquisition, cells: pd.DataFrame | None, scores: pd.DataFrame | None) -> Facts:
    used = {"quantify": cells, "score": scores}
    return Facts(
        acquisition=acquisition.acquisition,
        dataset=acquisition.dataset,
        kind=acquisition.kind,
        pixel_pitch_um=acquisition.pixel_pitch_um,
        until=acquisition.until,
        well=acquisition.well,
        condition=acquisition.condition,
        note=acquisition.note,
        wavelength_nm=acquisition.wavelength_nm,
        frame_interval_min=acquisition.frame_interval_min,
        models={
            name: ", ".join(sorted(set(table["model"].astype(str))))
            for name, table in used.items()
            if table is not None and len(table)
        },
    )


def _with_reasons(per_frame: pd.DataFrame, frames: pd.DataFrame | None) -> pd.DataFrame:
    if frames is None:
        return per_frame.assign(reason="")
    reasons = frames.set_index("frame")["reason"]
    return per_frame.assign(reason=per_frame["frame"].map(reasons).fillna(""))
