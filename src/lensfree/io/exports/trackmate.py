"""Tracks as an XML file that TrackMate (Fiji) opens.

What its reader, TmXmlReader of TrackMate 7 and 8, needs, and what it does without it:

- root `TrackMate` with `version` of at least 2.1.0: refused;
- `Model` with units, `FeatureDeclarations` for spots, edges and tracks, each feature with a dimension of
  TrackMate's enum and `isint`: an exception at an unknown dimension, an error message otherwise;
- `AllSpots`, one `SpotsInFrame` per frame, spots with an integer `ID`; apart from `ID`, `name` and an outline
  every attribute is parsed as a number, so that text would be an exception. POSITION_X/Y/Z, RADIUS, FRAME
  and VISIBILITY are taken without asking by the empty image and the display: an exception without them;
- `AllTracks`, one `Track` with an integer TRACK_ID per connected set of spots, with at least one `Edge`;
  `FilteredTracks` with the visible ones, all of which must exist: an exception if the element is missing;
- `Settings` with `ImageData`, `InitialSpotFilter` and both filter collections (an exception without
  them), detector, tracker and analysers (an error message). The manual detector and tracker stand for
  "made elsewhere", and the detector takes no attribute but RADIUS;
- `GUIState` and `DisplaySettings`, else an error message; empty `DisplaySettings` stand for the user's own.

If the image of `ImageData` is not found, TrackMate says so and draws on an empty one; without any spot that
is an exception. An image that is found must be calibrated, its pages frames: TrackMate draws in its units.
Read in TrackMate's source, github.com/trackmate-sc/TrackMate, io/TmXmlReader.java at b0d922a.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pandas as pd

from lensfree.io.exports.trackmate_features import EDGE, SPOT, TRACK, Feature, as_text, spot_values
from lensfree.io.files import written_whole

IMAGE_NAME = "opd.tif"
"""An image of this name beside the XML file is shown under the tracks."""
PROVENANCE = "provenance: "
"""What the line of the log begins with that says how the file was made."""


@dataclass(frozen=True)
class Recording:
    """What the cells were recorded with: pixels down and right, pitch [um], frames and their interval [h]."""

    shape_yx: tuple[int, int]
    pixel_pitch_um: float
    n_frames: int
    frame_interval_h: float


def write_trackmate(
    path: Path,
    cells: pd.DataFrame,
    edges: np.ndarray,
    is_division: np.ndarray,
    recording: Recording,
    fallback_radius_um: float,
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Write tracks as TrackMate XML: um and hours, one spot per row, one track per lineage with an edge.

    Spots are streamed; besides the table a few texts per row of one frame are held in memory. The column
    `model` is text, which a spot cannot have: the log of the file lists the models.

    Args:
        path: the file.
        cells: the table of tracks, sorted by frame; row numbers become spot IDs.
        edges: int (n, 2), rows of an earlier and a later spot.
        is_division: bool (n,), whether an edge leads from mother to daughter.
        recording: the image that the cells are on.
        fallback_radius_um: radius of a spot whose cell has no area.
        provenance: plain values that explain the result, as JSON in the last line of the log.
    """
    with written_whole(path) as partial, open(partial, "w", encoding="utf-8", newline="\n") as out:
        out.write('<?xml version="1.0" encoding="UTF-8"?>\n<TrackMate version="7.0.0">\n')
        out.write(f"  <Log>{escape(_log(cells, provenance or {}))}</Log>\n")
        out.write('  <Model spatialunits="um" timeunits="hour">\n')
        out.writelines(_declarations())
        out.writelines(_spots(cells, fallback_radius_um))
        out.writelines(_tracks(cells, edges, is_division))
        out.write("  </Model>\n")
        out.writelines(_settings(recording, fallback_radius_um))
        out.write('  <GUIState state="ConfigureViews" />\n  <DisplaySettings />\n</TrackMate>\n')


def _log(cells: pd.DataFrame, provenance: Mapping[str, Any]) -> str:
    models = ", ".join(sorted(cells["model"].astype(str).unique())) or "nothing"
    return (
        f"Exported by lensfree. Positions in um, times in hours, dry mass in pg. Measured by: {models}.\n"
        f"{PROVENANCE}{json.dumps(dict(provenance), sort_keys=True)}"
    )


def _declarations() -> Iterator[str]:
    yield "    <FeatureDeclarations>\n"
    for tag, features in (("SpotFeatures", SPOT), ("EdgeFeatures", EDGE), ("TrackFeatures", TRACK)):
        yield f"      <{tag}>\n"
        for f in features:
            yield (
                f'        <Feature feature="{f.key}" name={quoteattr(f.name)} shortname={quoteattr(f.name)} '
                f'dimension="{f.dimension}" isint="{str(f.is_int).lower()}" />\n'
            )
        yield f"      </{tag}>\n"
    yield "    </FeatureDeclarations>\n"


def _spots(cells: pd.DataFrame, fallback_radius_um: float) -> Iterator[str]:
    values = spot_values(cells, fallback_radius_um)
    pattern = _pattern("        <Spot", ("ID", "name"), SPOT) + " />\n"
    frame = values["FRAME"]
    yield f'    <AllSpots nspots="{len(cells)}">\n'
    for rows in np.split(np.arange(len(cells)), np.flatnonzero(np.diff(frame)) + 1) if len(cells) else ():
        part = slice(rows[0], rows[-1] + 1)
        names = [f"cell {cell}" for cell in values["CELL_ID"][part].tolist()]
        texts = (as_text(values[f.key][part]) for f in SPOT)
        yield f'      <SpotsInFrame frame="{frame[rows[0]]}">\n'
        yield "".join(pattern % row for row in zip(rows.tolist(), names, *texts, strict=True))
        yield "      </SpotsInFrame>\n"
    yield "    </AllSpots>\n"


def _tracks(cells: pd.DataFrame, edges: np.ndarray, is_division: np.ndarray) -> Iterator[str]:
    lineage_id = cells["lineage_id"].to_numpy()
    order = np.argsort(lineage_id[edges[:, 0]], kind="stable")
    edges, is_division = edges[order], is_division[order]
    tracks, first = np.unique(lineage_id[edges[:, 0]], return_index=True)
    ends = np.append(first[1:], len(edges)) if len(tracks) else first
    time_h = cells["time_h"].to_numpy(dtype=np.float64)
    head = _pattern("      <Track", ("name",), TRACK) + ">\n"
    edge = _pattern("        <Edge", (), EDGE) + " />\n"
    yield "    <AllTracks>\n"
    for k, (lineage, start, end) in enumerate(
        zip(tracks.tolist(), first.tolist(), ends.tolist(), strict=True)
    ):
        ours, divides = edges[start:end], is_division[start:end]
        time = (time_h[ours[:, 0]].min(), time_h[ours[:, 1]].max())
        times = as_text(np.array([*time, time[1] - time[0]]))
        # In a tree there is one spot more than there are edges.
        n_splits = len(np.unique(ours[divides, 0]))
        yield head % (f"lineage {lineage}", k, k, len(ours) + 1, n_splits, *times, lineage)
        yield "".join(edge % row for row in zip(*ours.T.tolist(), divides.astype(int).tolist(), strict=True))
        yield "      </Track>\n"
    yield "    </AllTracks>\n    <FilteredTracks>\n"
    yield from (f'      <TrackID TRACK_ID="{k}" />\n' for k in range(len(tracks)))
    yield "    </FilteredTracks>\n"


def _settings(recording: Recording, radius_um: float) -> Iterator[str]:
    height, width = recording.shape_yx
    pitch_um = repr(float(recording.pixel_pitch_um))
    yield "  <Settings>\n"
    yield (
        f'    <ImageData filename="{IMAGE_NAME}" folder="" width="{width}" height="{height}" nslices="1" '
        f'nframes="{recording.n_frames}" pixelwidth="{pitch_um}" pixelheight="{pitch_um}" voxeldepth="1.0" '
        f'timeinterval="{float(recording.frame_interval_h)!r}" />\n'
    )
    yield (
        f'    <BasicSettings xstart="0" xend="{width - 1}" ystart="0" yend="{height - 1}" zstart="0" '
        f'zend="0" tstart="0" tend="{recording.n_frames - 1}" />\n'
    )
    yield f'    <DetectorSettings DETECTOR_NAME="MANUAL_DETECTOR" RADIUS="{float(radius_um)!r}" />\n'
    yield '    <InitialSpotFilter feature="QUALITY" value="0.0" isabove="true" />\n'
    yield "    <SpotFilterCollection />\n"
    yield '    <TrackerSettings TRACKER_NAME="MANUAL_TRACKER" />\n'
    yield "    <TrackFilterCollection />\n"
    yield "    <AnalyzerCollection>\n"
    yield from (f"      <{tag} />\n" for tag in ("SpotAnalyzers", "EdgeAnalyzers", "TrackAnalyzers"))
    yield "    </AnalyzerCollection>\n  </Settings>\n"


def _pattern(start: str, names: Sequence[str], features: Iterable[Feature]) -> str:
    return " ".join([start, *(f'{name}="%s"' for name in (*names, *(f.key for f in features)))])
