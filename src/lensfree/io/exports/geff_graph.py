"""Tracks as GEFF, the graph exchange file format: a Zarr folder with nodes, edges and their properties."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lensfree.contracts import TRACKS
from lensfree.io.files import folder_written_whole

_TIME, _SPACE = "frame", ("y_um", "x_um")
_UNITS = {"um": "micrometer", "um2": "square micrometer", "nm": "nanometer", "pg": "picogram", "h": "hour"}


class MissingPackageError(ImportError):
    """A format needs a package that is not installed; the message says which and how to install it."""


def write_geff(
    path: Path,
    cells: pd.DataFrame,
    edges: np.ndarray,
    is_division: np.ndarray,
    frame_interval_h: float,
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Write tracks as GEFF (Zarr format 2) and check it with the validator of the package `geff`.

    Nodes are the rows, with every column as a property of the same name, unit and meaning. Axes are
    `frame`, scaled to hours, and `y_um`, `x_um` in micrometer. `lineage_id` names the connected parts;
    `cell_id` names the tracklets, unless a mother has a single daughter: GEFF takes the two for one.

    Args:
        path: the folder; one that is there is replaced.
        cells: the table of tracks; row numbers become node ids.
        edges: int (n, 2), rows of an earlier and a later node.
        is_division: bool (n,), becomes a property of edges.
        frame_interval_h: time between two frames.
        provenance: plain values that explain the result, stored under `extra`.

    Raises:
        MissingPackageError: if the package `geff` is not installed.
    """
    spec, write_arrays = _geff()
    axes = [
        spec.Axis(name=_TIME, type="time", unit="frame", scale=frame_interval_h, scaled_unit="hour"),
        *(spec.Axis(name=name, type="space", unit="micrometer") for name in _SPACE),
    ]
    metadata = spec.GeffMetadata(
        directed=True,
        axes=axes,
        node_props_metadata={name: _described(spec, name) for name in TRACKS.columns},
        edge_props_metadata={
            "is_division": spec.PropMetadata(
                identifier="is_division", dtype="bool", description="whether it leads from mother to daughter"
            )
        },
        track_node_props=_track_props(edges, is_division),
        display_hints=spec.DisplayHint(
            display_vertical="y_um", display_horizontal="x_um", display_time=_TIME
        ),
        extra={"lensfree": dict(provenance or {})},
    )
    with folder_written_whole(path) as partial:
        write_arrays(
            partial,
            np.arange(len(cells), dtype=np.uint64),
            {name: {"values": _values(cells, name), "missing": None} for name in TRACKS.columns},
            edges.astype(np.uint64).reshape(-1, 2),
            {"is_division": {"values": is_division.astype(bool), "missing": None}},
            metadata,
        )


def _geff() -> tuple[Any, Any]:
    try:
        import geff_spec
        from geff.core_io import write_arrays
    except ImportError as error:
        raise MissingPackageError(
            f"format geff needs the package geff, which cannot be imported ({error}): "
            "pip install -e '.[geff]', or take geff out of export.formats"
        ) from error
    return geff_spec, write_arrays


def _values(cells: pd.DataFrame, name: str) -> np.ndarray:
    dtype = TRACKS.columns[name].dtype
    return cells[name].to_numpy().astype(np.str_ if dtype == "str" else dtype)


def _described(spec: Any, name: str) -> Any:
    column = TRACKS.columns[name]
    return spec.PropMetadata(
        identifier=name,
        dtype=column.dtype,
        unit=_UNITS.get(column.unit),
        description=column.meaning,
    )


def _track_props(edges: np.ndarray, is_division: np.ndarray) -> dict[str, str]:
    _, n_daughters = np.unique(edges[is_division, 0], return_counts=True)
    names = {"lineage": "lineage_id"}
    return names if (n_daughters == 1).any() else {**names, "tracklet": "cell_id"}
