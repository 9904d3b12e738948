"""Frames out of TIFF files, whatever way a microscope wrote them.

The layout follows from the pattern and the file: one file per frame and channel, per channel, per
frame, or one for everything; pages, interleaved samples or OME axes. Every fault of a file becomes a
`BadFrameError` whose message names the file and the reason in one sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import tifffile

from lensfree.io.tiff_files import BadFrameError as BadFrameError
from lensfree.io.tiff_files import brief, opened_tiff
from lensfree.io.tiff_pages import PageOrder, describe, page_numbers, read_page, to_channels
from lensfree.sources import FrameSource, Match, has_channel, has_frame, match_frames

_ENOUGH = 5


def list_frames(
    files: str, channels: Sequence[str], *, may_lack_frames: bool = False, match: Match = match_frames
) -> list[FrameSource]:
    """List the frames of a pattern in time order.

    Args:
        files: pattern with `{frame}` and `{channel}` where they vary.
        channels: names of the channels.
        may_lack_frames: give a missing frame a `reason` instead of an error.
        match: finds the files.

    Raises:
        SourceError: if files are missing.
        BadFrameError: if a file with many frames cannot be opened.
    """
    matched = match(files, channels, may_lack_frames=may_lack_frames)
    if has_frame(files):
        return matched
    per_file = 1 if has_channel(files) else len(channels)
    paths = matched[0].files
    counts = [count_frames(path, per_file) for path in paths]
    if len(set(counts)) > 1 and not may_lack_frames:
        listed = ", ".join(f"{path.name} {count}" for path, count in zip(paths, counts, strict=True))
        raise BadFrameError(
            f"{paths[0].parent}: the channels differ in their number of frames ({listed}); "
            "add the pages or set load.on_bad_frame to 'gap'"
        )
    sources = []
    for index in range(max(counts)):
        short = [p.name for p, n in zip(paths, counts, strict=True) if n <= index]
        reason = f"{short[0]} ends before it" if short else ""
        sources.append(replace(matched[0], frame=index, index_in_file=index, reason=reason))
    return sources


def count_frames(path: Path, n_channels: int) -> int:
    """Return how many frames a TIFF file holds.

    Raises:
        BadFrameError: if it cannot be opened or its axes do not fit the channels.
    """
    with opened_tiff(path) as handle:
        return _described(path, handle, n_channels).n_frames


def pixels_yx(sources: Sequence[FrameSource], n_channels: int) -> tuple[int, int] | None:
    """Return the pixels of the first frame whose file can be opened, None if none of the first can."""
    for source in [source for source in sources if not source.reason][:_ENOUGH]:
        per_file = n_channels if len(source.files) == 1 else 1
        try:
            with opened_tiff(source.files[0]) as handle:
                return describe(source.files[0], handle, per_file).shape_yx
        except BadFrameError:
            continue
    return None


def read_frame(source: FrameSource, n_channels: int) -> np.ndarray:
    """Read the counts of one frame.

    Args:
        source: where it is.
        n_channels: channels that the sheet promises.

    Returns:
        Counts (channel, y, x), uint8 or uint16, as recorded.

    Raises:
        BadFrameError: if a file is missing, truncated, of another shape or type, or all its pixels
            have one value.
    """
    counts = _read(source, n_channels)
    if counts.dtype not in (np.uint8, np.uint16):
        raise BadFrameError(
            f"{source.files[0]}: pixels are {counts.dtype}, expected 8 or 16 bit unsigned counts; "
            "export the camera's raw frames"
        )
    for channel, plane in enumerate(counts):
        lowest, highest = int(plane.min()), int(plane.max())
        if lowest == highest:
            why = "saturated" if highest == np.iinfo(counts.dtype).max else "no hologram"
            path = source.files[min(channel, len(source.files) - 1)]
            raise BadFrameError(f"{path}: every pixel of channel {channel} is {highest} ({why})")
    return counts


def read_map(source: FrameSource) -> np.ndarray:
    """Read one map of an OPD or phase acquisition as (y, x) float64, in the file's own unit.

    Raises:
        BadFrameError: if a file is missing, truncated, or has values that are not finite.
    """
    values = _read(source, 1)[0]
    if values.dtype.kind not in "uif":
        raise BadFrameError(f"{source.files[0]}: pixels are {values.dtype}, expected numbers")
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).sum())
        raise BadFrameError(f"{source.files[0]}: {bad} pixels are not finite numbers; fill or crop them")
    return values.astype(np.float64)


def check_like(source: FrameSource, counts: np.ndarray, expected: np.ndarray, dtype: np.dtype) -> None:
    """Check that a frame has the shape and type of the acquisition's others.

    Raises:
        BadFrameError: naming what was got and what was expected.
    """
    if counts.shape[-2:] != expected.shape[-2:]:
        raise BadFrameError(
            f"{source.files[0]}: the frame is {_size(counts)} pixels, expected {_size(expected)} like the "
            "first frame"
        )
    if counts.dtype != dtype:
        raise BadFrameError(
            f"{source.files[0]}: the frame is {counts.dtype}, expected {dtype} like the first frame"
        )


def _size(array: np.ndarray) -> str:
    return f"{array.shape[-2]} x {array.shape[-1]}"


def _read(source: FrameSource, n_channels: int) -> np.ndarray:
    if source.reason:
        raise BadFrameError(f"{source.files[0].parent}: frame {source.frame}: {source.reason}")
    per_file = n_channels if len(source.files) == 1 else 1
    planes = [_read_file(path, source.index_in_file, per_file) for path in source.files]
    first = planes[0]
    for path, plane in zip(source.files, planes, strict=True):
        if plane.shape != first.shape or plane.dtype != first.dtype:
            raise BadFrameError(
                f"{path}: the channel is {_size(plane)} {plane.dtype}, expected {_size(first)} {first.dtype} "
                f"like {source.files[0].name}"
            )
    return np.concatenate(planes, axis=0)


def _described(path: Path, handle: tifffile.TiffFile, n_channels: int) -> PageOrder:
    try:
        return describe(path, handle, n_channels)
    except BadFrameError:
        raise
    except Exception as error:  # headers that contradict themselves
        raise BadFrameError(f"{path}: not a readable TIFF file ({brief(error)})") from error


def _read_file(path: Path, index: int, n_channels: int) -> np.ndarray:
    with opened_tiff(path) as handle:
        stack = _described(path, handle, n_channels)
        if index >= stack.n_frames:
            raise BadFrameError(f"{path}: the file has {stack.n_frames} frames, no frame {index}")
        try:
            pages = [read_page(handle, number) for number in page_numbers(stack, index)]
        except Exception as error:  # so do its codecs
            raise BadFrameError(f"{path}: the image data cannot be read ({brief(error)})") from error
    try:
        planes = np.concatenate([to_channels(page, stack) for page in pages], axis=0)
    except ValueError as error:
        raise BadFrameError(f"{path}: the pages of a frame do not fit together ({brief(error)})") from error
    if planes.shape != (n_channels, *stack.shape_yx):
        raise BadFrameError(
            f"{path}: got an image of shape {planes.shape}, expected {(n_channels, *stack.shape_yx)}"
        )
    return planes
