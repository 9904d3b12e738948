"""OPD as OME-Zarr 0.5: a Zarr 3 folder with a pyramid of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lensfree.io.exports.geff_graph import MissingPackageError
from lensfree.io.exports.opd_frames import OpdStack
from lensfree.io.files import folder_written_whole

VERSION = "0.5"
_CHUNK_PX = 512
_SMALLEST_PX = 512
"""Levels are added until the longer side is not above this."""

_AXES = (
    {"name": "t", "type": "time", "unit": "second"},
    {"name": "c", "type": "channel"},
    {"name": "y", "type": "space", "unit": "micrometer"},
    {"name": "x", "type": "space", "unit": "micrometer"},
)


def write_ome_zarr(path: Path, stack: OpdStack, name: str) -> None:
    """Write the stack as (t, c, y, x), frame by frame, with levels of half the size each.

    A pixel of a level is the mean of 2 x 2 of the one before; an odd row or column at the end has no share
    in it. A frame is one shard of 512 x 512 chunks, a file per level. Missing frames are not written: their
    values are the fill value. Besides `ome` the attributes have `lensfree`, with what OME has no words for.

    Args:
        path: the folder; one that is there is replaced.
        stack: what to write.
        name: of the picture, as programs show it.

    Raises:
        MissingPackageError: if zarr 3 is not installed.
    """
    zarr = _zarr()
    shapes = _level_shapes(stack.shape_yx)
    with folder_written_whole(path) as partial:
        group = zarr.create_group(partial, zarr_format=3)
        group.attrs.put({"ome": _ome(stack, name, len(shapes)), "lensfree": stack.explained()})
        levels = [_make_level(group, str(k), stack, shape) for k, shape in enumerate(shapes)]
        missing = set(stack.missing)
        for frame, image in enumerate(stack.frames()):
            if frame in missing:
                continue
            for k, level in enumerate(levels):
                image = image if k == 0 else halve(image)
                level[frame, 0] = image


def halve(image: np.ndarray) -> np.ndarray:
    """Return means of 2 x 2 pixels (y, x), rounded for integers; an odd row or column is left out."""
    ny, nx = (n // 2 * 2 for n in image.shape)
    blocks = image[:ny, :nx].reshape(ny // 2, 2, nx // 2, 2)
    mean = blocks.mean(axis=(1, 3), dtype=np.float32)
    return (np.rint(mean) if image.dtype.kind == "i" else mean).astype(image.dtype)


def _zarr() -> Any:
    try:
        import zarr

        if int(zarr.__version__.split(".")[0]) < 3:
            raise ImportError(f"its version is {zarr.__version__}, expected 3 or later")
    except ImportError as error:
        raise MissingPackageError(
            f"format ome_zarr needs the package zarr, which cannot be imported ({error}): "
            "pip install -e '.[ome]', or take ome_zarr out of export.formats"
        ) from error
    return zarr


def _level_shapes(shape_yx: tuple[int, int]) -> list[tuple[int, int]]:
    shapes = [shape_yx]
    while max(shapes[-1]) > _SMALLEST_PX and min(shapes[-1]) > 1:
        shapes.append((shapes[-1][0] // 2, shapes[-1][1] // 2))
    return shapes


def _make_level(group: Any, name: str, stack: OpdStack, shape_yx: tuple[int, int]) -> Any:
    shard = tuple(-(-n // _CHUNK_PX) * _CHUNK_PX for n in shape_yx)
    chunk = tuple(min(n, _CHUNK_PX) for n in shard)
    return group.create_array(
        name,
        shape=(stack.n_frames, 1, *shape_yx),
        chunks=(1, 1, *chunk),
        shards=(1, 1, *shard),
        dtype=stack.dtype,
        fill_value=stack.missing_value,
        dimension_names=[axis["name"] for axis in _AXES],
    )


def _ome(stack: OpdStack, name: str, n_levels: int) -> dict[str, Any]:
    pitch_um = stack.pixel_pitch_um
    datasets = []
    for k in range(n_levels):
        pixel_um, shift_um = pitch_um * 2**k, pitch_um * (2**k - 1) / 2
        datasets.append(
            {
                "path": str(k),
                "coordinateTransformations": [
                    {"type": "scale", "scale": [stack.interval_s, 1.0, pixel_um, pixel_um]},
                    {"type": "translation", "translation": [0.0, 0.0, shift_um, shift_um]},
                ],
            }
        )
    window = {"min": 0.0, "max": 200.0 / stack.step_nm, "start": 0.0, "end": 200.0 / stack.step_nm}
    return {
        "version": VERSION,
        "multiscales": [
            {"name": name, "axes": list(_AXES), "datasets": datasets, "type": "mean of 2 x 2 pixels"}
        ],
        "omero": {
            "channels": [{"label": stack.channel, "color": "FFFFFF", "active": True, "window": window}],
            "rdefs": {"model": "greyscale"},
        },
    }
