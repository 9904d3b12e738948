"""Stage check: the gate before anything expensive; every frame was read, and what it looked like."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lensfree.contracts import FRAMES
from lensfree.io.tables import read_tables, write_table
from lensfree.io.tiff import BadFrameError

logger = logging.getLogger(__name__)


def run(*, chunks: Sequence[Path], out: Path, acquisition: str, provenance: Mapping[str, Any]) -> None:
    """Join the frame tables of an acquisition's chunks into `frames.parquet`.

    Raises:
        BadFrameError: if every frame is missing, or the chunks leave a frame out.
    """
    frames = read_tables(chunks, FRAMES).sort_values("frame", ignore_index=True)
    if frames["is_missing"].all():
        raise BadFrameError(
            f"acquisition '{acquisition}': none of its {len(frames)} frames can be read; "
            f"the first: {frames['reason'].iloc[0]}"
        )
    absent = set(range(len(frames))) - set(frames["frame"])
    if absent:
        raise BadFrameError(
            f"acquisition '{acquisition}': frame {min(absent)} is in no chunk; delete its results and rerun"
        )
    logger.info("%d frames, %d missing", len(frames), int(frames["is_missing"].sum()))
    write_table(out, frames, FRAMES, provenance=provenance)
