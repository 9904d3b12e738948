"""Tracks as results of the Cell Tracking Challenge: label images and a table of who comes from whom.

The folder holds `mask000.tif` and so on, 16 bit, one per frame of the acquisition whether it has cells or
not, and `res_track.txt` with lines `L B E P`: label, first frame, last frame, label of the parent or 0.
A label is there in each frame from B to E. See celltrackingchallenge.net, "Naming and file content
conventions". `labels.csv`, which is ours, tells which cell a label belongs to; the metadata beside it say how
the folder was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tifffile

from lensfree.contracts import TRACKS, Column
from lensfree.io.csv_metadata import metadata_of, write_csv_metadata
from lensfree.io.files import folder_written_whole

MAX_LABEL = int(np.iinfo(np.uint16).max)
_LINE = ("label", "first_frame", "last_frame", "parent_label")
_LABELS = {
    "label": Column("int32", "1", "number of the cell in the masks and in res_track.txt"),
    "cell_id": TRACKS.columns["cell_id"],
}


class LabelError(ValueError):
    """Labels that the format cannot hold; the message says what was got and what to do."""


def write_ctc(
    path: Path,
    stretches: pd.DataFrame,
    masks: Iterable[np.ndarray],
    n_frames: int,
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Write the folder; masks are taken one by one and not kept.

    Args:
        path: the folder; one that is there is replaced.
        stretches: `label, first_frame, last_frame, parent_label, cell_id`, one row per label.
        masks: integer (y, x) per frame in order, 0 where there is no cell.
        n_frames: how many masks come.
        provenance: plain values that explain the result; they stand beside `labels.csv`.

    Raises:
        LabelError: if a label does not fit into 16 bits, a track outlasts the frames, or a mask lacks a
            label or has one too many.
    """
    if len(stretches) and int(stretches["label"].max()) > MAX_LABEL:
        raise LabelError(
            f"{path}: got {len(stretches)} tracks without gaps, expected at most {MAX_LABEL}, because masks "
            "of the Cell Tracking Challenge have 16 bits; take ctc out of export.formats"
        )
    if len(stretches) and int(stretches["last_frame"].max()) >= n_frames:
        raise LabelError(
            f"{path}: a track ends in frame {int(stretches['last_frame'].max())}, expected at most "
            f"{n_frames - 1}, the last of the acquisition; track again"
        )
    n_digits = max(3, len(str(n_frames - 1)))
    label, first, last = (stretches[name].to_numpy() for name in _LINE[:3])
    with folder_written_whole(path) as partial:
        partial.mkdir()
        for frame, mask in zip(range(n_frames), masks, strict=True):
            wanted = label[(first <= frame) & (frame <= last)]
            got = np.unique(mask[mask > 0])
            if not np.array_equal(got, np.sort(wanted)):
                odd = np.setxor1d(got, wanted)
                raise LabelError(
                    f"{path}: the mask of frame {frame} has {len(got)} labels, expected {len(wanted)}; they "
                    f"differ in {odd[:5].tolist()}: check the frames of the tracks"
                )
            tifffile.imwrite(
                partial / f"mask{frame:0{n_digits}d}.tif",
                mask.astype(np.uint16),
                photometric="minisblack",
                compression="zlib",
            )
        lines = stretches[list(_LINE)].itertuples(index=False)
        text = "".join(f"{' '.join(str(value) for value in line)}\n" for line in lines)
        (partial / "res_track.txt").write_text(text, encoding="ascii")
        labels = partial / "labels.csv"
        stretches[list(_LABELS)].to_csv(labels, index=False, lineterminator="\n")
        write_csv_metadata(metadata_of(labels), {labels.name: _LABELS}, provenance)
