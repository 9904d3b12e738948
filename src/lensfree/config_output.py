"""Settings of what a run makes and leaves behind for people; see `config` for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from lensfree.config_base import Count, Positive, Section

ExportFormat = Literal["csv", "trackmate", "geff", "ctc", "ome_tiff", "ome_zarr"]

EXPORT_NAMES: Mapping[ExportFormat, str] = MappingProxyType(
    {
        "csv": "tracks.csv",
        "trackmate": "tracks.xml",
        "geff": "tracks.geff",
        "ctc": "ctc",
        "ome_tiff": "opd.ome.tif",
        "ome_zarr": "opd.ome.zarr",
    }
)
"""The file or folder of each format under `results/{acquisition}/export/`."""

OPD_FORMATS: tuple[ExportFormat, ...] = ("ome_tiff", "ome_zarr")
"""Formats that hold OPD; the others hold tracks."""

Kept = Literal["holograms", "opd"]


def _words(value: Any) -> Any:
    """Return `a,b`, a number or a list of them as a tuple of words: a command line gives any of these."""
    parts = value.split(",") if isinstance(value, str) else value
    parts = parts if isinstance(parts, list | tuple) else [parts]
    return tuple(word for part in parts if (word := str(part).strip()))


Selection = Annotated[tuple[str, ...], BeforeValidator(_words)]
KeptStacks = Annotated[tuple[Kept, ...], BeforeValidator(_words)]


class ReportConfig(Section):
    """One page per acquisition."""

    montage_frames: Count = Field(4, description="frames shown")
    anomalies: Count = Field(12, description="ranked anomalies shown")
    trees: Count = Field(6, description="lineages drawn as trees, half of them for their anomalies")
    strip_frames: Count = Field(12, description="thumbnails per anomaly")
    crop_um: Positive = Field(100.0, description="side of a thumbnail [um]")
    montage_um: Positive = Field(800.0, description="larger fields show a centre of this width [um]")


class CompareConfig(Section):
    """One page across acquisitions: what differs between conditions."""

    reference: str = Field(
        "auto", description="condition that others are compared with; auto: first in the sheet"
    )
    min_wells: Annotated[int, Field(ge=3)] = Field(
        3, description="wells of each condition from which on an interval says how wells differ"
    )
    resamples: Annotated[int, Field(ge=100)] = Field(2000, description="draws of the bootstrap")
    seed: int = Field(1, description="seed of these draws")


class ExportConfig(Section):
    """Tracks and OPD in formats of other programs."""

    formats: tuple[ExportFormat, ...] = Field(
        ("csv", "trackmate"),
        description="csv: for spreadsheets, R and pandas; trackmate: XML for Fiji; geff: graph exchange "
        "format (extra geff); ctc: label images of the Cell Tracking Challenge; ome_tiff, ome_zarr: OPD (the "
        "latter with extra ome); []: none",
    )
    opd_dtype: Literal["int16", "float32"] = Field(
        "int16", description="ome_*: int16 in steps that the file states, as stored; float32: in nm, larger"
    )
    disc_diameter_um: Positive = Field(
        10.0, description="ctc: disc that stands for a cell; trackmate: that of cells without an area [um]"
    )
