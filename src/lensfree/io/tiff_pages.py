"""Which pages of an open TIFF file make up a frame, and in which order its channels come."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

from lensfree.io.tiff_files import BadFrameError

_SEQUENCE_AXES = "TIQZR"  # all that tifffile calls a series of pages without saying what they are


@dataclass(frozen=True)
class PageOrder:
    """Frames and channels of one open TIFF file.

    Attributes:
        n_frames: frames in the file.
        n_channels: channels of a frame.
        lead: the axes before (y, x) that pages run over, as (axis, size), the last one fastest.
        shape_yx: pixels of a frame.
    """

    n_frames: int
    n_channels: int
    lead: tuple[tuple[str, int], ...]
    shape_yx: tuple[int, int]


def describe(path: Path, handle: tifffile.TiffFile, n_channels: int) -> PageOrder:
    """Say how the axes of the file map to (frame, channel, y, x)."""
    series = handle.series[0]
    axes, shape = _name_samples(series), series.get_shape(squeeze=False)
    sizes = [(axis, int(size)) for axis, size in zip(axes, shape, strict=True)]
    shape_yx = (dict(sizes)["Y"], dict(sizes)["X"])
    lead = tuple((axis, size) for axis, size in sizes if axis not in "YXS" and size > 1)
    unknown = [axis for axis, _ in lead if axis not in f"{_SEQUENCE_AXES}C"]
    if unknown:
        raise BadFrameError(f"{path}: axes {axes} of shape {tuple(shape)} are not time, channel, y, x")
    in_samples = int(series.keyframe.samplesperpixel)
    in_pages = int(np.prod([size for axis, size in lead if axis == "C"]))
    in_sequence = int(np.prod([size for axis, size in lead if axis != "C"]))
    got = in_samples * in_pages
    if got == 1 and n_channels > 1 and in_sequence % n_channels == 0:
        # Pages without a name: the channels of a frame follow each other.
        lead = (("T", in_sequence // n_channels), ("C", n_channels))
        return PageOrder(in_sequence // n_channels, n_channels, lead, shape_yx)
    if got != n_channels:
        pages = f" in {in_sequence} pages" if in_sequence > 1 else ""
        raise BadFrameError(
            f"{path}: the file has {got} channels{pages}, the sheet promises {n_channels}; "
            "correct 'channels' and 'wavelength_nm' or export the missing colours"
        )
    return PageOrder(in_sequence, n_channels, lead, shape_yx)


def _name_samples(series: tifffile.TiffPageSeries) -> str:
    """Return the axes of a series, with `S` for what a page itself holds, whatever the file calls it."""
    axes = str(series.get_axes(squeeze=False))
    if series.keyframe.samplesperpixel == 1 or "S" in axes:
        return axes
    at = axes.index("X") + 1 if axes[-1] != "X" else axes.index("Y") - 1
    return f"{axes[:at]}S{axes[at + 1 :]}"


def page_numbers(stack: PageOrder, index: int) -> list[int]:
    """Return which pages of the file make up a frame, in the order of the channels."""
    sizes = [size for _, size in stack.lead]
    numbers = np.arange(int(np.prod(sizes))).reshape(sizes or (1,))
    order = [i for i, (axis, _) in enumerate(stack.lead) if axis != "C"]
    order += [i for i, (axis, _) in enumerate(stack.lead) if axis == "C"]
    by_frame = numbers.transpose(order or (0,)).reshape(stack.n_frames, -1)
    return [int(number) for number in by_frame[index]]


def read_page(handle: tifffile.TiffFile, number: int) -> np.ndarray:
    """Return one page; files whose pages share one header are read by offset."""
    series = handle.series[0]
    page = series.pages[number] if len(series.pages) > number else None
    if page is None and len(series.pages) > 1:
        raise EOFError("the plane is not in this file; export the acquisition as one file, or one per frame")
    if page is not None:
        end = max((o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=True)), default=0)
        if end > handle.filehandle.size:
            raise EOFError(f"the file ends {end - handle.filehandle.size} bytes early")
        return np.asarray(page.asarray())
    whole = series.asarray(out="memmap")
    return np.array(whole.reshape(-1, *series.keyframe.shape)[number])


def to_channels(page: np.ndarray, stack: PageOrder) -> np.ndarray:
    """Return a page as (channel, y, x): samples last, first, or none."""
    if page.ndim == 2:
        return page[None]
    planes = page if page.shape[-2:] == stack.shape_yx else np.moveaxis(page, -1, 0)
    return planes.reshape(-1, *stack.shape_yx)
