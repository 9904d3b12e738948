"""TIFF files opened so that damage is an error instead of a shorter series."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import tifffile

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
    with _heard() as complaints:
        try:
            handle = tifffile.TiffFile(path)
        except Exception as error:  # tifffile raises many kinds for a damaged file
            raise BadFrameError(f"{path}: not a readable TIFF file ({brief(error)})") from error
        try:
            if len(handle.series) > 1:  # one series per written frame: take the bare pages instead
                handle.close()
                handle = tifffile.TiffFile(path, is_shaped=False)
            damage = [text for text in complaints if any(word in text for word in _DAMAGE)]
            if damage or not handle.series:
                why = damage[0].split("> ", 1)[-1] if damage else "no image in it"
                raise BadFrameError(f"{path}: not a readable TIFF file, it is cut off or damaged ({why})")
            yield handle
        finally:
            handle.close()


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
