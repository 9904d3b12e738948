"""Look of the figures, and the way from a figure to bytes; no global matplotlib state is touched."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.layout_engine import ConstrainedLayoutEngine

# Okabe and Ito's palette keeps its meaning for colour-blind readers.
INK = "#1f2a33"
MUTED = "#64727d"
BLUE = "#0072B2"
RED = "#C43C1C"
GREEN = "#008A63"
ORANGE = "#E69F00"
SKY = "#56B4E9"
MARK = "#3BE0A5"
MISSING = "#d9dee2"
OPD_COLOURS = "inferno"
ONSET = "#6E1466"
BEYOND_FIELD = "#e9edf0"

_LOOK: dict[str, Any] = {
    "font.size": 9.0,
    "axes.titlesize": 9.0,
    "axes.labelsize": 9.0,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e9edf0",
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.edgecolor": "none",
    "legend.framealpha": 0.85,
    "legend.borderpad": 0.2,
    "legend.fontsize": 8.0,
    "lines.linewidth": 1.4,
    "image.interpolation": "nearest",
    "figure.facecolor": "white",
}


@contextmanager
def look() -> Iterator[None]:
    """Apply the look to the figures drawn inside the block."""
    with mpl.rc_context(cast(Any, _LOOK)):
        yield


def new_figure(width_in: float, height_in: float, *, padding_in: float | None = None) -> Figure:
    """Return an empty figure that belongs to no window system.

    Args:
        width_in: width.
        height_in: height.
        padding_in: room around every panel, matplotlib's own if not given.
    """
    engine = ConstrainedLayoutEngine(h_pad=padding_in, w_pad=padding_in)
    figure = Figure(figsize=(width_in, height_in), layout=engine)
    FigureCanvasAgg(figure)
    return figure


def to_png(figure: Figure, *, dpi: int = 110, provenance: Mapping[str, Any] | None = None) -> bytes:
    """Render a figure to PNG bytes; the same figure gives the same bytes.

    Args:
        figure: what is drawn.
        dpi: pixels per inch.
        provenance: plain values that explain it, as JSON in the text `Description` of the file.
    """
    # savefig would draw everything twice, once only to lay it out.
    canvas = FigureCanvasAgg(figure)
    with look():
        figure.set_dpi(dpi)
        canvas.draw()
    buffer = io.BytesIO()
    said = {} if provenance is None else {"Description": json.dumps(dict(provenance), sort_keys=True)}
    metadata = cast(Any, {"Software": None, **said})
    imsave(buffer, np.asarray(canvas.buffer_rgba()), format="png", metadata=metadata)
    return buffer.getvalue()


def hide_frame(axes: Any, *, is_sharing_x: bool = False) -> None:
    """Strip ticks, grid and spines: the axes hold pictures.

    Shared x ticks belong to the other axes as well, so there they are only not drawn.
    """
    if is_sharing_x:
        axes.tick_params(bottom=False, labelbottom=False)
    else:
        axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def nice_length_um(width_um: float) -> float:
    """Return the length of a scale bar: 1, 2 or 5 times a power of ten, at most 30 % of the width."""
    limit = 0.3 * width_um
    power = 10.0
    while power > limit:
        power /= 10
    while power * 10 <= limit:
        power *= 10
    return next(step * power for step in (5.0, 2.0, 1.0) if step * power <= limit)


def draw_scale_bar(
    axes: Any, shape_yx: tuple[int, int], pixel_pitch_um: float, *, has_label: bool = True
) -> None:
    """Draw a scale bar at the lower right of a picture whose axes are in pixels."""
    ny, nx = shape_yx
    length_um = nice_length_um(nx * pixel_pitch_um)
    length_px = length_um / pixel_pitch_um
    right, y = nx * 0.95, ny * 0.94
    for colour, width in (("black", 4.5), ("white", 2.5)):
        axes.plot([right - length_px, right], [y, y], color=colour, lw=width, solid_capstyle="butt")
    if has_label:
        text = axes.text(
            right, y - 0.025 * ny, f"{length_um:g} µm", color="white", ha="right", va="bottom", size=8
        )
        text.set_path_effects([outline()])
    axes.set_xlim(-0.5, nx - 0.5)
    axes.set_ylim(ny - 0.5, -0.5)


def outline() -> Any:
    """Return a dark edge around white words, so that they can be read on any ground."""
    from matplotlib import patheffects

    return patheffects.withStroke(linewidth=2, foreground="black")
