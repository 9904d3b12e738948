"""A reader of TrackMate XML that asks for what TmXmlReader asks for, written for tests."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

DIMENSIONS = {
    *("NONE", "QUALITY", "COST", "INTENSITY", "INTENSITY_SQUARED", "POSITION", "VELOCITY", "LENGTH"),
    *("AREA", "TIME", "ANGLE", "RATE", "ANGLE_RATE", "STRING"),
}
NEEDED_BY_THE_DISPLAY = {"POSITION_X", "POSITION_Y", "POSITION_Z", "RADIUS", "FRAME", "VISIBILITY"}
JAVA_INT = range(-(2**31), 2**31)


@dataclass
class TrackMateFile:
    """What a file holds: spots and edges with their features, tracks with theirs, and the root element."""

    root: ET.Element
    declared: dict[str, dict[str, ET.Element]]
    spots: pd.DataFrame
    edges: pd.DataFrame
    tracks: dict[int, dict[str, float | str]]


def read_trackmate(path: Path) -> TrackMateFile:
    """Read a file; what TrackMate would stumble over is an assertion error."""
    root = ET.parse(path).getroot()
    assert root.tag == "TrackMate"
    assert tuple(int(n) for n in root.attrib["version"].split(".")) >= (2, 1, 0)
    model = only(root, "Model")
    assert model.attrib["spatialunits"] and model.attrib["timeunits"]
    declared = {
        kind: read_declarations(only(only(model, "FeatureDeclarations"), f"{kind}Features"))
        for kind in ("Spot", "Edge", "Track")
    }
    spots = read_spots(only(model, "AllSpots"), declared["Spot"])
    edges, tracks = read_tracks(only(model, "AllTracks"), declared, set(spots["ID"]))
    shown = [int_of(e, "TRACK_ID") for e in only(model, "FilteredTracks").findall("TrackID")]
    assert set(shown) <= set(tracks)
    check_settings(only(root, "Settings"))
    assert only(root, "GUIState").attrib["state"] == "ConfigureViews"
    only(root, "DisplaySettings")
    return TrackMateFile(root, declared, spots, edges, {k: tracks[k] for k in shown})


def only(parent: ET.Element, tag: str) -> ET.Element:
    found = parent.findall(tag)
    assert len(found) == 1, f"{parent.tag} has {len(found)} x {tag}"
    return found[0]


def int_of(element: ET.Element, name: str) -> int:
    value = int(element.attrib[name])
    assert value in JAVA_INT
    return value


def read_declarations(element: ET.Element) -> dict[str, ET.Element]:
    features = element.findall("Feature")
    for feature in features:
        assert set(feature.attrib) == {"feature", "name", "shortname", "dimension", "isint"}
        assert feature.attrib["dimension"] in DIMENSIONS
        assert feature.attrib["isint"] in ("true", "false")
    found = {feature.attrib["feature"]: feature for feature in features}
    assert len(found) == len(features)
    return found


def values_of(element: ET.Element, declared: dict[str, ET.Element], *others: str) -> dict[str, float]:
    """Return the features of an element as numbers; an attribute that is not declared is an error."""
    values = {}
    for name, text in element.attrib.items():
        if name not in others:
            is_int = declared[name].attrib["isint"] == "true"
            values[name] = int(text) if is_int else float(text)
            assert "nan" not in text and "inf" not in text, "Java writes NaN and Infinity"
    return values


def read_spots(element: ET.Element, declared: dict[str, ET.Element]) -> pd.DataFrame:
    rows = []
    for in_frame in element.findall("SpotsInFrame"):
        frame = int_of(in_frame, "frame")
        for spot in in_frame.findall("Spot"):
            values = values_of(spot, declared, "ID", "name")
            assert set(values) >= NEEDED_BY_THE_DISPLAY
            assert values["FRAME"] == frame
            rows.append({"ID": int_of(spot, "ID"), "name": spot.attrib["name"], **values})
    assert int_of(element, "nspots") == len(rows)
    assert len({row["ID"] for row in rows}) == len(rows)
    return pd.DataFrame(rows, columns=["ID", "name", *declared])


def read_tracks(element, declared, spots):
    edges, tracks = [], {}
    for track in element.findall("Track"):
        track_id = int_of(track, "TRACK_ID")
        assert track_id not in tracks
        tracks[track_id] = {
            "name": track.attrib["name"],
            **values_of(track, declared["Track"], "name"),
        }
        ours = [values_of(edge, declared["Edge"]) for edge in track.findall("Edge")]
        assert ours, "TrackMate drops a track without edges"
        for edge in ours:
            assert {edge["SPOT_SOURCE_ID"], edge["SPOT_TARGET_ID"]} <= spots
        check_connected([(edge["SPOT_SOURCE_ID"], edge["SPOT_TARGET_ID"]) for edge in ours])
        edges += [{"TRACK_ID": track_id, **edge} for edge in ours]
    return pd.DataFrame(edges, columns=["TRACK_ID", *declared["Edge"]]), tracks


def check_connected(pairs):
    group = {spot: spot for pair in pairs for spot in pair}

    def root_of(spot):
        while group[spot] != spot:
            spot = group[spot]
        return spot

    for a, b in pairs:
        group[root_of(a)] = root_of(b)
    assert len({root_of(spot) for spot in group}) == 1, "one track, one connected set of spots"


def check_settings(element: ET.Element) -> None:
    image = only(element, "ImageData").attrib
    for name in ("pixelwidth", "pixelheight", "voxeldepth", "timeinterval"):
        float(image[name])
    for name in ("width", "height", "nslices", "nframes"):
        int(image[name])
    quality = only(element, "InitialSpotFilter").attrib
    assert quality["feature"] == "QUALITY" and quality["isabove"] in ("true", "false")
    float(quality["value"])
    only(element, "SpotFilterCollection")
    only(element, "TrackFilterCollection")
    detector = dict(only(element, "DetectorSettings").attrib)
    assert detector.pop("DETECTOR_NAME") == "MANUAL_DETECTOR"
    assert set(detector) == {"RADIUS"}
    assert only(element, "TrackerSettings").attrib == {"TRACKER_NAME": "MANUAL_TRACKER"}
    analysers = only(element, "AnalyzerCollection")
    assert [child.tag for child in analysers] == ["SpotAnalyzers", "EdgeAnalyzers", "TrackAnalyzers"]
