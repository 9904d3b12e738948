"""TIFF files opened so that damage is an error instead of a shorter series."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tifffile

from lensfree.io.limits import MAX_FRAMES_PER_FILE, MAX_VALUES_PER_FRAME
from lensfree.io.raw_sums import RawSumError, check_raw

_PIXELS = re.compile(r"<(?:\w+:)?Pixels\b[^>]*>")
_SIZE = re.compile(r"\bSize([XYCZT])\s*=\s*[\"']\s*(\d+)")
_MAX_CHANNELS = 16
_MAX_AXES = 32
_DIGITS = 20
_DESCRIPTION = 1 << 24
_DAMAGE = ("invalid page offset", "invalid value offset", "corrupted", "failed to reshape")


class BadFrameError(ValueError):
    """A frame cannot be used; the message names file and reason in one sentence."""


@contextmanager
def opened_tiff(path: Path) -> Iterator[tifffile.TiffFile]:
    """Open a TIFF file; every failure to do so is a `BadFrameError`.

    tifffile only logs that a chain of pages breaks off, and would hand out the shorter series.
    """
    if not path.is_file():
        raise BadFrameError(f"{path}: the file is missing")
    try:
        check_raw(path)
    except RawSumError as error:
        raise BadFrameError(str(error)) from error
    with _heard() as complaints:
        handle = _open(path)
        try:
            damage = [text for text in complaints if any(word in text for word in _DAMAGE)]
            if damage or not handle.series:
                why = damage[0].split("> ", 1)[-1] if damage else "no image in it"
                raise BadFrameError(f"{path}: not a readable TIFF file, it is cut off or damaged ({why})")
            yield handle
        finally:
            handle.close()


def _open(path: Path) -> tifffile.TiffFile:
    """Open the file and find its series; nothing outside this one file is opened, whatever it names."""
    handle = None
    try:
        handle = tifffile.TiffFile(path, _multifile=False)
        _check_claims(path, handle)
        if len(handle.series) > 1:  # one series per written frame: take the bare pages instead
            handle.close()
            handle = tifffile.TiffFile(path, is_shaped=False, _multifile=False)
        _check_complete(path, handle)
    except Exception as error:  # tifffile raises many kinds for a damaged file
        if handle is not None:
            handle.close()
        if isinstance(error, BadFrameError):
            raise
        raise BadFrameError(f"{path}: not a readable TIFF file ({brief(error)})") from error
    return handle


def _check_claims(path: Path, handle: tifffile.TiffFile) -> None:
    """Refuse sizes that the file cannot hold, before tifffile makes room for them.

    A description of a few bytes can claim any number of planes: ImageJ's `images`, the sizes of OME, the
    shape that tifffile itself writes. The chain of pages needs no check: each takes room in the file.
    """
    page = handle.pages.first
    n_values = int(page.imagelength) * int(page.imagewidth) * int(page.samplesperpixel)
    if n_values > MAX_VALUES_PER_FRAME:
        raise BadFrameError(
            f"{path}: the file declares {page.imagelength} x {page.imagewidth} pixels of "
            f"{page.samplesperpixel} values, expected at most {MAX_VALUES_PER_FRAME} values per frame; crop "
            "it or check the file"
        )
    n_planes = _claimed_planes(page.description[:_DESCRIPTION], max(n_values, 1))
    most = min(MAX_FRAMES_PER_FILE * _MAX_CHANNELS, handle.filehandle.size)
    if n_planes > most:
        raise BadFrameError(
            f"{path}: the file declares {n_planes} planes in {handle.filehandle.size} bytes, expected at "
            f"most {most}; check the file"
        )


def _check_complete(path: Path, handle: tifffile.TiffFile) -> None:
    """Refuse an OME-TIFF whose planes are not all in it: other files are not opened, fewer are no movie."""
    images = re.findall(_PIXELS, handle.pages.first.description[:_DESCRIPTION])
    if not handle.series or len(images) != 1:
        return
    declared = math.prod(int(size[:_DIGITS]) for _, size in re.findall(_SIZE, images[0]))
    if declared > handle.series[0].size:
        raise BadFrameError(
            f"{path}: its description declares {declared} values, the file holds {handle.series[0].size}; "
            "are the other planes in other files? Export the acquisition as one file, or one per frame"
        )


def _claimed_planes(description: str, n_values: int) -> int:
    """Return the largest number of planes that a description claims."""
    claims = [int(number[:_DIGITS]) for number in re.findall(r"(?m)^images=\s*(\d+)", description)]
    for image in re.findall(_PIXELS, description):
        sizes = [size for axis, size in re.findall(_SIZE, image) if axis in "CZT"]
        claims.append(math.prod(int(size[:_DIGITS]) for size in sizes))
    for shape in re.findall(r"[\"']?shape[\"']?\s*[:=]\s*[\[(]([\d,\s]*)", description):
        sizes_of = [int(size[:_DIGITS]) for size in re.findall(r"\d+", shape)[:_MAX_AXES]]
        claims.append(math.prod(sizes_of) // n_values)
    return max(claims, default=0)


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Collect what tifffile logs instead of printing it."""
    texts: list[str] = []
    logger = logging.getLogger("tifffile")
    handler = logging.Handler()
    handler.emit = lambda record: texts.append(record.getMessage())  # type: ignore[method-assign]
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield texts
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate


def brief(error: Exception) -> str:
    """Return the first line of an error's message."""
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__
