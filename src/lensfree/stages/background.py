"""Stage background: the open-beam counts of an acquisition, from an image or from its own frames."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lensfree.acquisitions import Acquisition
from lensfree.chunks import BackgroundMethod
from lensfree.config import LoadConfig, StorageConfig
from lensfree.io.backgrounds import write_background
from lensfree.io.tiff import BadFrameError, list_frames, read_frame
from lensfree.optics import background as methods
from lensfree.origin import array_sha256
from lensfree.sources import FrameSource, SourceError

logger = logging.getLogger(__name__)


def run(
    *,
    acquisition: Acquisition,
    method: BackgroundMethod,
    frames: Sequence[int],
    out: Path,
    config: LoadConfig,
    storage: StorageConfig,
    provenance: Mapping[str, Any],
) -> None:
    """Find the background and write `background.h5`.

    Args:
        acquisition: where the files are.
        method: image, temporal_median, smooth, or none (one level per channel).
        frames: frames that enter, except for `image`.
        out: the file.
        config: the section `load`.
        storage: compression.
        provenance: plain values that explain the result.

    Raises:
        BadFrameError: if a frame cannot be read and `on_bad_frame` is `error`.
        SourceError: if the method is `image` and the sheet gives none.
    """
    n_channels, may_lack = len(acquisition.channels), config.on_bad_frame == "gap"
    digests: dict[str, str] = {}
    listed = list_frames(acquisition.files, acquisition.channels, may_lack_frames=may_lack)
    chosen = [listed[frame] for frame in frames if frame < len(listed)]
    first = next(_readable(chosen + listed, n_channels, may_lack, digests), None)
    if first is None:
        raise BadFrameError(f"{acquisition.files}: no frame can be read; check the files")
    if method == "image":
        found = methods.mean_background(_images(acquisition, n_channels, digests))
    elif method == "temporal_median":
        found = methods.temporal_median(list(_readable(chosen, n_channels, may_lack, digests)))
    else:
        mean = methods.mean_background(_readable(chosen, n_channels, may_lack, digests))
        found = methods.level_background(mean)
        if method == "smooth":
            pitch_um = acquisition.pixel_pitch_um
            found = methods.smooth_background(mean, smooth_um=config.smooth_um, pixel_pitch_um=pitch_um)
    if found.shape != first.shape:
        raise BadFrameError(
            f"{acquisition.background}: the background is {found.shape} (channel, y, x), the frames are "
            f"{first.shape}; give a background of the same camera and channels"
        )
    filled, n_dark = methods.fill_dark(found)
    logger.info("background by %s of %d frames; %d dark pixels filled", method, len(chosen), n_dark)
    write_background(
        out,
        filled,
        dtype=first.dtype,
        method=method,
        pixel_pitch_um=acquisition.pixel_pitch_um,
        storage=storage,
        provenance={**provenance, "frames_sha256": digests},
    )


def _images(acquisition: Acquisition, n_channels: int, digests: dict[str, str]) -> Iterator[np.ndarray]:
    if not acquisition.background:
        raise SourceError(
            f"acquisition '{acquisition.acquisition}': load.background is 'image' but the sheet's column "
            "'background' is empty; give the image or choose auto"
        )
    listed = list_frames(acquisition.background, acquisition.channels)
    return _readable(listed, n_channels, False, digests)


def _readable(
    sources: Sequence[FrameSource], n_channels: int, may_lack: bool, digests: dict[str, str]
) -> Iterator[np.ndarray]:
    """Yield the frames that can be read, and note the digest of each under its first file and index."""
    for source in sources:
        try:
            counts = read_frame(source, n_channels)
        except BadFrameError as error:
            if not may_lack:
                raise
            logger.warning("left out of the background: %s", error)
            continue
        digests[f"{source.files[0].as_posix()} {source.index_in_file}"] = array_sha256(counts)
        yield counts
