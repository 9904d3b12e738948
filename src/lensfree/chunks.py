"""Which frames a job takes: chunk borders lie at fixed multiples, so that growth moves none of them."""

from __future__ import annotations

import re
from typing import Literal

from lensfree.config import LoadConfig

BackgroundMethod = Literal["image", "temporal_median", "smooth", "none"]


def chunk_names(n_frames: int, frames_per_chunk: int) -> list[str]:
    """Return the names of the chunks of an acquisition, `0000` first."""
    return [f"{index:04d}" for index in range(-(-n_frames // frames_per_chunk))]


def chunk_range(chunk: str, n_frames: int, frames_per_chunk: int) -> range:
    """Return the frames of a chunk.

    Raises:
        ValueError: if the acquisition has no such chunk.
    """
    names = chunk_names(n_frames, frames_per_chunk)
    if chunk not in names:
        last = names[-1] if names else "none"
        hint = "" if re.fullmatch(r"\d{4}", chunk) else "; names have four digits"
        raise ValueError(f"chunk '{chunk}' does not exist, the last one is '{last}'{hint}")
    first = int(chunk) * frames_per_chunk
    return range(first, min(first + frames_per_chunk, n_frames))


def background_plan(
    config: LoadConfig, n_frames: int, frames_per_chunk: int, *, is_image_given: bool
) -> tuple[BackgroundMethod, list[int]]:
    """Return how the background is found and from which frames.

    The frames stay the same while an acquisition grows beyond its first chunk (smooth) or beyond
    the span of the median, so that earlier chunks need not be loaded again.
    """
    span = (config.median_frames - 1) * config.median_stride + 1
    method: BackgroundMethod
    if config.background == "auto":
        is_long = n_frames >= span and config.median_frames > 1
        method = "image" if is_image_given else "temporal_median" if is_long else "smooth"
    else:
        method = config.background
    if method == "temporal_median":
        return method, list(range(0, min(n_frames, span), config.median_stride))
    return method, list(range(min(n_frames, frames_per_chunk, config.median_frames)))
