"""What the reference of the files says beside the contracts: where a file lies, who writes it, what is in it.

Kept apart from `contracts`, so that a better sentence reruns no stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lensfree.contracts import BACKGROUND, HOLOGRAMS, OPD, StackContract

STACKS: tuple[StackContract, ...] = (BACKGROUND, HOLOGRAMS, OPD)

WHERE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "background": ("{acquisition}/background.h5", "background"),
        "holograms": ("{acquisition}/holograms/{chunk}.h5", "load"),
        "opd": ("{acquisition}/opd/{chunk}.h5", "reconstruct, or ingest for kind opd"),
        "frames": ("{acquisition}/frames.parquet", "check"),
        "focus": ("{acquisition}/focus.parquet", "focus"),
        "cells": ("{acquisition}/cells/{chunk}.parquet", "quantify"),
        "tracks": ("{acquisition}/tracks.parquet", "track"),
        "lineage_events": ("{acquisition}/lineage_events.parquet", "track"),
        "series": ("{acquisition}/series.parquet", "series"),
        "cell_cycles": ("{acquisition}/cell_cycles.parquet", "series"),
        "windows": ("{acquisition}/windows.parquet", "score"),
        "scores": ("{acquisition}/scores.parquet", "score"),
        "truth": ("{acquisition}/truth.parquet", "simulate"),
        "faults": ("{acquisition}/faults.parquet", "simulate"),
    }
)
"""Contract -> file below the folder of results, and the stage that writes it."""

OF_PAGES: Mapping[str, str] = MappingProxyType({"wells": "compare", "effects": "compare"})
"""Figure tables that belong to the comparison; the others lie beside the report of an acquisition."""

DATASETS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "background": {"background": "what the sensor counts without a sample"},
        "holograms": {
            "counts": "grey levels as recorded; divided by `background` they are intensities, 1 = open beam",
            "background": "what the sensor counts without a sample",
            "time_h": "time since frame 0 of the acquisition",
            "is_missing": "whether the frame could not be read; its counts are 0 then",
        },
        "opd": {
            "opd_nm": "optical path difference against the medium: stored integer x `scale_factor`",
            "absorption": "exponent a of the amplitude exp(-a): stored integer x `scale_factor`",
            "time_h": "time since frame 0 of the acquisition",
            "is_missing": "whether there was no hologram; OPD is 0 then",
            "z_um": "distance from sample to sensor that was used; NaN for kind opd",
            "misfit": "what the model left unexplained of the hologram; NaN for kind opd",
            "background_sd_nm": "sd of the OPD where there is no cell",
            "refine_rejected": "whether the CNN led away from the hologram and was left out",
        },
    }
)

ATTRIBUTES: Mapping[str, str] = MappingProxyType(
    {
        "first_frame": "index in the acquisition of the first frame of the file",
        "channels": "JSON: names of the channels",
        "wavelength_nm": "centre wavelength of each channel [nm]",
        "pixel_pitch_um": "pixel pitch in the sample plane [um]",
        "sources": "JSON: the raw files of each frame",
        "reasons": "JSON: why a frame is missing, empty text where it is there",
        "frames_sha256": "JSON: SHA-256 of the pixels of each frame as read",
        "dtype": "NumPy type of the frames that it belongs to",
        "method": "how the background was found",
    }
)
