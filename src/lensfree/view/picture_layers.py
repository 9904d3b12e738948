"""Layers of pixels: OPD, absorption, holograms and the outlines of cells, each read or made when shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lensfree.config import QuantifyConfig
from lensfree.contracts import HOLOGRAMS
from lensfree.io.stack_files import opened
from lensfree.io.stacks import open_holograms
from lensfree.report import style
from lensfree.report.pictures import compose_hologram, opd_range_nm
from lensfree.report.stacks import Frames
from lensfree.view.anomalies import COLOURS, NORMAL, config_of
from lensfree.view.cells import outline_maker
from lensfree.view.lazy import LazyStack

OPD_LAYER = "OPD [nm]"

MAX_OUTLINED_PX = 1_000_000
"""Outlines of larger fields take seconds a frame: they are there, but not switched on."""


def on_the_field(pixel_pitch_um: float) -> dict[str, Any]:
    """Return where a stack (frame, y, x) lies: frames are counted, places are in um.

    napari knows no unit of a count but `pixel`.
    """
    return {"scale": (1.0, pixel_pitch_um, pixel_pitch_um), **axes()}


def axes() -> dict[str, Any]:
    """Return the names and units of the axes (frame, y, x)."""
    return {"axis_labels": ("frame", "y", "x"), "units": ("pixel", "um", "um")}


def add_opd(viewer: Any, frames: Frames, is_missing: np.ndarray, pixel_pitch_um: float) -> None:
    """Add OPD and, hidden, absorption; where there is no frame OPD is NaN, which is drawn as nothing.

    The colours range over what the first frame holds.
    """
    empty = np.full(frames.shape_yx, np.nan, dtype=np.float32)
    shape = (len(is_missing), *frames.shape_yx)

    def read_opd(frame: int) -> np.ndarray:
        opd_nm = None if is_missing[frame] else frames.read_opd(frame)
        return empty if opd_nm is None else opd_nm

    def read_absorption(frame: int) -> np.ndarray:
        return empty if is_missing[frame] else frames.read_absorption(frame)

    opd = LazyStack(read_opd, shape, np.float32)
    first = int(np.argmin(is_missing))
    # Every fourth pixel of the frame tells its range as well, and a full map in a sixteenth of the time.
    colours = {"colormap": style.OPD_COLOURS, "contrast_limits": opd_range_nm([opd[first, ::4, ::4]])}
    place = on_the_field(pixel_pitch_um)
    viewer.add_image(opd, name=OPD_LAYER, multiscale=False, rgb=False, **colours, **place)
    viewer.add_image(
        LazyStack(read_absorption, shape, np.float32),
        name="absorption [1]",
        visible=False,
        multiscale=False,
        rgb=False,
        colormap="gray_r",
        contrast_limits=(-0.1, 0.5),
        **place,
    )


def add_holograms(viewer: Any, paths: Sequence[Path], n_frames: int, pixel_pitch_um: float) -> None:
    """Add the holograms, hidden: twice the open beam is white, three colours are shown as colours."""
    chunk_of: dict[int, Path] = {}
    missing: set[int] = set()
    for path in paths:
        # The reader would load the background of every chunk, which is as large as a frame.
        with opened(path, HOLOGRAMS) as handle:
            first, is_missing = int(handle.attrs["first_frame"]), handle["is_missing"][:]
            n_channels, *shape_yx = handle["counts"].shape[1:]
            wavelength_nm = [float(w) for w in handle.attrs["wavelength_nm"]]
        chunk_of.update(dict.fromkeys(range(first, first + len(is_missing)), path))
        missing.update((first + np.flatnonzero(is_missing)).tolist())
    is_rgb = n_channels == 3 and len(set(wavelength_nm)) == 3
    shape = (*shape_yx, 3) if is_rgb else tuple(shape_yx)

    def read(frame: int) -> np.ndarray:
        if frame in missing or frame not in chunk_of:
            return np.zeros(shape, dtype=np.float32)
        with open_holograms(chunk_of[frame]) as source:
            intensity = source.read(frame)
            assert intensity is not None
            return np.clip(compose_hologram(intensity, source.wavelength_nm) / 2, 0, 1)

    colours = {} if is_rgb else {"colormap": "gray", "contrast_limits": (0, 1)}
    viewer.add_image(
        LazyStack(read, (n_frames, *shape), np.float32, n_kept=2),
        name="hologram [half of open beam]",
        visible=False,
        multiscale=False,
        rgb=is_rgb,
        **colours,
        **on_the_field(pixel_pitch_um),
    )


def add_outlines(
    viewer: Any,
    frames: Frames,
    is_missing: np.ndarray,
    tracks: pd.DataFrame,
    mark_of_cell: Mapping[int, int],
    cells: Path | None,
    pixel_pitch_um: float,
) -> Any:
    """Add and return the outlines of cells as labels of cell_id + 1, found when a frame is shown.

    Args:
        viewer: napari's.
        frames: the acquisition.
        is_missing: of each frame.
        tracks: the tracks table.
        mark_of_cell: what the cells are marked as, of those that are marked.
        cells: a chunk of the cells table, which says with which settings cells were measured.
        pixel_pitch_um: pitch of the field.
    """
    from napari.utils.colormaps import DirectLabelColormap

    def read_opd(frame: int) -> np.ndarray | None:
        return None if is_missing[frame] else frames.read_opd(frame)

    config = QuantifyConfig.model_validate(config_of(cells) if cells else {})
    make: Callable[[int], np.ndarray] = outline_maker(
        tracks, read_opd, frames.shape_yx, pixel_pitch_um, config
    )
    colours: dict[int | None, str] = {None: COLOURS[NORMAL], 0: "transparent"}
    colours |= {cell_id + 1: COLOURS[mark] for cell_id, mark in mark_of_cell.items()}
    layer = viewer.add_labels(
        LazyStack(make, (len(is_missing), *frames.shape_yx), np.int32),
        name="outlines",
        visible=frames.shape_yx[0] * frames.shape_yx[1] <= MAX_OUTLINED_PX,
        multiscale=False,
        opacity=0.9,
        colormap=DirectLabelColormap(color_dict=colours),
        **on_the_field(pixel_pitch_um),
    )
    layer.contour = 1
    layer.editable = False
    return layer
