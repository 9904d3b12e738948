"""Pictures of frames: raw hologram, OPD, absorption and detected cells, with scale and colour bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lensfree.report import style
from lensfree.report.content import Snapshot

# Cells wider than this stay visible when a field is binned for the page.
MAX_PICTURE_PX = 700
_COLOURS = {"hologram [1]": "gray", "OPD [nm]": style.OPD_COLOURS, "absorption [1]": "gray_r"}


def compose_hologram(intensity: np.ndarray, wavelength_nm: Sequence[float]) -> np.ndarray:
    """Return what to show of a hologram: red, green, blue where it has three colours, else channel 0.

    Args:
        intensity: normalised intensity (channel, y, x), 1 = open beam.
        wavelength_nm: one per channel; three different ones make a colour picture, longest = red.

    Returns:
        (y, x) or (y, x, 3) in the same units.
    """
    if len(intensity) == 3 and len(set(wavelength_nm)) == 3:
        longest_first = np.argsort(wavelength_nm)[::-1]
        return np.moveaxis(intensity[longest_first], 0, -1)
    return intensity[0]


def bin_to_page(image: np.ndarray, max_px: int = MAX_PICTURE_PX) -> tuple[np.ndarray, int]:
    """Average blocks of pixels until the longer side fits the page; return the picture and the block."""
    block = max(1, -(-max(image.shape[:2]) // max_px))
    ny, nx = (n // block * block for n in image.shape[:2])
    parts = image[:ny, :nx].reshape(ny // block, block, nx // block, block, *image.shape[2:])
    return parts.mean(axis=(1, 3)), block


def opd_range_nm(images: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return a range of colours that shows cells: 1st to 99.8th percentile over all pictures."""
    values = (
        np.concatenate([image[np.isfinite(image)].ravel() for image in images]) if images else np.zeros(1)
    )
    if values.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(values, (1.0, 99.8))
    return float(low), float(max(high, low + 1.0))


def draw_montage(snapshots: Sequence[Snapshot], pixel_pitch_um: float) -> Figure:
    """Draw frames side by side: recorded hologram, OPD, and the cells found on the OPD.

    Rows that no frame can fill (no hologram for kind opd, no cells before quantify) are left out.
    """
    rows = ["opd"]
    if any(s.hologram is not None for s in snapshots):
        rows.insert(0, "hologram")
    if any(s.cells is not None for s in snapshots):
        rows.append("cells")
    limits = opd_range_nm([s.opd_nm for s in snapshots])
    ny, nx = snapshots[0].opd_nm.shape
    column_in = 11.0 / max(len(snapshots), 2)
    with style.look():
        figure = style.new_figure(
            column_in * len(snapshots) + 1.1, len(rows) * (column_in * min(ny / nx, 1.5) + 0.08) + 0.35
        )
        if len(snapshots) == 1:
            # The layout gives the words beside a single column no room of their own.
            figure.set_layout_engine("constrained", rect=(0.04, 0, 0.96, 1))
        grid = figure.subplots(len(rows), len(snapshots), squeeze=False)
        for column, snapshot in enumerate(snapshots):
            for row, kind in enumerate(rows):
                _draw_panel(grid[row, column], kind, snapshot, pixel_pitch_um, limits)
            grid[0, column].set_title(f"frame {snapshot.frame}, {snapshot.time_h:.1f} h")
        for row, kind in enumerate(rows):
            label = {"hologram": "hologram, open beam = 1", "opd": "OPD", "cells": "cells found"}[kind]
            grid[row, 0].set_ylabel(label)
        _add_opd_bar(figure, grid[rows.index("opd") :, :].ravel().tolist(), limits)
    return figure


def draw_reconstruction(snapshot: Snapshot, pixel_pitch_um: float) -> Figure:
    """Draw what reconstruction alone gives: the hologram, the OPD and the absorption of one frame."""
    panels: list[tuple[str, np.ndarray]] = [("OPD [nm]", snapshot.opd_nm)]
    if snapshot.hologram is not None:
        panels.insert(0, ("hologram [1]", snapshot.hologram))
    if snapshot.absorption is not None:
        panels.append(("absorption [1]", snapshot.absorption))
    ny, nx = snapshot.opd_nm.shape
    with style.look():
        figure = style.new_figure(4.0 * len(panels), 3.4 * ny / nx + 0.5)
        for axes, (label, image) in zip(
            figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
        ):
            shown, block = bin_to_page(image)
            if shown.ndim == 3:
                axes.imshow(stretch_hologram(shown))
            else:
                low, high = np.percentile(shown, (0.5, 99.8))
                limits = {"vmin": low, "vmax": max(high, low + 1e-6)}
                artist = axes.imshow(shown, cmap=_COLOURS[label], **limits)
                figure.colorbar(artist, ax=axes, shrink=0.85, pad=0.02)
            style.hide_frame(axes)
            axes.set_title(label)
            style.draw_scale_bar(axes, shown.shape[:2], pixel_pitch_um * block)
    return figure


def _draw_panel(
    axes: Any, kind: str, snapshot: Snapshot, pixel_pitch_um: float, limits: tuple[float, float]
) -> None:
    style.hide_frame(axes)
    image = snapshot.hologram if kind == "hologram" else snapshot.opd_nm
    if image is None:
        axes.text(
            0.5, 0.5, "not recorded", ha="center", va="center", color=style.MUTED, transform=axes.transAxes
        )
        return
    shown, block = bin_to_page(image)
    if kind == "hologram":
        axes.imshow(stretch_hologram(shown), cmap="gray", vmin=0, vmax=1)
    else:
        axes.imshow(shown, cmap=style.OPD_COLOURS, vmin=limits[0], vmax=limits[1])
    if kind == "cells" and snapshot.cells is not None:
        y_px = ((snapshot.cells["y_um"] - snapshot.origin_um[0]) / pixel_pitch_um - (block - 1) / 2) / block
        x_px = ((snapshot.cells["x_um"] - snapshot.origin_um[1]) / pixel_pitch_um - (block - 1) / 2) / block
        axes.plot(
            x_px, y_px, "o", ms=7 if block == 1 else 2.5, mfc="none", mec=style.MARK, mew=1.1, clip_on=True
        )
        axes.text(
            0.02,
            0.97,
            f"{len(snapshot.cells)} cells",
            transform=axes.transAxes,
            va="top",
            color="white",
            fontsize=8,
            bbox={"facecolor": "black", "alpha": 0.55, "pad": 1.5, "lw": 0},
        )
    style.draw_scale_bar(axes, shown.shape[:2], pixel_pitch_um * block)


def _add_opd_bar(figure: Figure, axes: list[Any], limits: tuple[float, float]) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    mappable = ScalarMappable(Normalize(*limits), cmap=style.OPD_COLOURS)
    figure.colorbar(mappable, ax=axes, label="OPD [nm]", shrink=0.8, pad=0.01, aspect=30)


def stretch_hologram(hologram: np.ndarray) -> np.ndarray:
    """Map intensity to 0..1 with the open beam at mid grey, so that fringes show and colours stay true."""
    reach = float(np.percentile(np.abs(hologram - 1), 99.5)) or 1.0
    return np.clip(0.5 + 0.5 * (hologram - 1) / reach, 0, 1)
