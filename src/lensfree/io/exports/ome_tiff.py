"""OPD as OME-TIFF: one page per frame, sizes and times in the OME-XML of the first."""

from __future__ import annotations

import json
from pathlib import Path

import tifffile

from lensfree.io.exports.opd_frames import OpdStack
from lensfree.io.files import written_whole

NAMESPACE = "lensfree/opd"
"""Of the map annotation that holds what OME has no words for."""


def write_ome_tiff(path: Path, stack: OpdStack, name: str) -> None:
    """Write the stack (frame, y, x) as BigTIFF, page by page.

    Every page is one zlib-compressed frame in strips, integers with the horizontal predictor, which readers
    of TIFF know. OME has no quantity for OPD: the channel's name gives the unit, the description and a map
    annotation the rest (`OpdStack.explained`).

    Args:
        path: the file.
        stack: what to write.
        name: of the picture, as programs show it.
    """
    explained = stack.explained()
    metadata = {
        "axes": "TYX",
        "Name": name,
        "Description": json.dumps(explained),
        "PhysicalSizeX": stack.pixel_pitch_um,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": stack.pixel_pitch_um,
        "PhysicalSizeYUnit": "µm",
        "TimeIncrement": stack.interval_s,
        "TimeIncrementUnit": "s",
        "Channel": {"Name": [stack.channel]},
        "Plane": {"DeltaT": stack.time_s.tolist(), "DeltaTUnit": ["s"] * stack.n_frames},
        "MapAnnotation": {"Namespace": NAMESPACE, **{key: json.dumps(v) for key, v in explained.items()}},
    }
    with written_whole(path) as partial, tifffile.TiffWriter(partial, bigtiff=True, ome=True) as out:
        out.write(
            stack.frames(),
            shape=(stack.n_frames, *stack.shape_yx),
            dtype=stack.dtype,
            photometric="minisblack",
            compression="zlib",
            predictor=2 if stack.dtype == "int16" else None,
            metadata=metadata,
        )
