"""OPD of an acquisition as numbers of a picture format, frame by frame, and what must be said about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lensfree.io.stacks import open_opd
from lensfree.units import MIN_PER_H

S_PER_H = 60 * MIN_PER_H
MISSING_STEP = int(np.iinfo(np.int16).min)
"""What a missing frame holds in int16; no measured OPD takes this value in an export."""


class OpdExportError(ValueError):
    """OPD that cannot be exported as one stack; the message says what was got and what to do."""


@dataclass(frozen=True)
class OpdStack:
    """OPD of all frames, read chunk by chunk; it holds no pixels.

    Attributes:
        chunks: files in order of time.
        n_frames: of the acquisition.
        shape_yx: pixels of the field.
        pixel_pitch_um: side of a pixel.
        step_nm: OPD of one integer step; 1 for float32.
        dtype: int16 or float32.
        missing: frames without OPD.
        z_um: distance of each frame, NaN where it has none.
        time_s: of each frame.
        interval_s: time between frames.
        about: what else explains the numbers: wavelengths, medium, how they were made.
    """

    chunks: tuple[Path, ...]
    n_frames: int
    shape_yx: tuple[int, int]
    pixel_pitch_um: float
    step_nm: float
    dtype: Literal["int16", "float32"]
    missing: tuple[int, ...]
    z_um: np.ndarray
    time_s: np.ndarray
    interval_s: float
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def channel(self) -> str:
        """Name of the channel, which says what a value of 1 is."""
        return "OPD [nm]" if self.step_nm == 1 else f"OPD [{self.step_nm:g} nm]"

    @property
    def missing_value(self) -> int | float:
        """What a missing frame is filled with."""
        return MISSING_STEP if self.dtype == "int16" else float("nan")

    def frames(self) -> Iterator[np.ndarray]:
        """Yield every frame (y, x) in order, one in memory at a time.

        Raises:
            OpdExportError: if a value does not fit into 16 bits, which another step than the stored one could
                cause.
        """
        for path in self.chunks:
            with open_opd(path) as reader:
                for frame, _, opd_nm in reader.frames():
                    yield self._numbers(frame, opd_nm)

    def explained(self) -> dict[str, Any]:
        """Return what a reader must know, as plain values with the unit in the name."""
        return {
            "quantity": "optical path difference against the medium",
            "opd_nm_of_1": self.step_nm,
            "missing_frames": list(self.missing),
            "missing_value": self.missing_value if self.dtype == "int16" else "NaN",
            "z_um": [None if np.isnan(z) else round(float(z), 3) for z in self.z_um],
            **self.about,
        }

    def _numbers(self, frame: int, opd_nm: np.ndarray | None) -> np.ndarray:
        if opd_nm is None:
            return np.full(self.shape_yx, self.missing_value, dtype=self.dtype)
        if self.dtype == "float32":
            return opd_nm
        steps = np.rint(opd_nm / self.step_nm)
        if steps.min() <= MISSING_STEP or steps.max() > np.iinfo(np.int16).max:
            raise OpdExportError(
                f"frame {frame} holds OPD from {opd_nm.min():.6g} to {opd_nm.max():.6g} nm, which does not "
                f"fit into 16 bits in steps of {self.step_nm:g} nm; set export.opd_dtype to float32"
            )
        return steps.astype(np.int16)


def opd_stack(
    chunks: Sequence[Path],
    *,
    frame_interval_h: float,
    dtype: Literal["int16", "float32"],
    about: Mapping[str, Any],
) -> OpdStack:
    """Look through the chunks of an acquisition without reading pixels.

    The step is the coarsest of the chunks, so that what fits a chunk fits the whole; with one setting of
    `storage.opd_step_nm` it is that of all, and integers stay as they are stored.

    Args:
        chunks: the OPD files, in any order.
        frame_interval_h: time between two frames.
        dtype: of the numbers.
        about: plain values that go into the file.

    Raises:
        OpdExportError: if chunks leave frames out or differ in pixels.
    """
    first, seen = [], []
    step_nm, pitch_um, shapes, z_um, time_h = [], [], [], [], []
    for path in chunks:
        with open_opd(path) as reader:
            first.append(reader.first_frame)
            seen.append((path, np.flatnonzero(reader.is_missing) + reader.first_frame, len(reader)))
            step_nm.append(reader.opd_step_nm)
            pitch_um.append(reader.pixel_pitch_um)
            shapes.append(reader.shape_yx)
            z_um.append(reader.z_um)
            time_h.append(reader.time_h)
    order = np.argsort(first, kind="stable")
    expected = np.cumsum([0, *(seen[k][2] for k in order[:-1])])
    if [first[k] for k in order] != expected.tolist():
        raise OpdExportError(
            f"{seen[0][0].parent}: chunks begin at frames {sorted(first)}, expected {expected.tolist()}; "
            "run snakemake again for the missing ones"
        )
    if len(set(shapes)) > 1 or len(set(pitch_um)) > 1:
        raise OpdExportError(
            f"{seen[0][0].parent}: chunks have pixels {sorted(set(shapes))} with pitches "
            f"{sorted(set(pitch_um))} um, expected one of each; reconstruct the acquisition again"
        )
    return OpdStack(
        chunks=tuple(seen[k][0] for k in order),
        n_frames=sum(count for _, _, count in seen),
        shape_yx=shapes[0],
        pixel_pitch_um=pitch_um[0],
        step_nm=max(step_nm) if dtype == "int16" else 1.0,
        dtype=dtype,
        missing=tuple(int(frame) for k in order for frame in seen[k][1]),
        z_um=np.concatenate([z_um[k] for k in order]),
        time_s=np.concatenate([time_h[k] for k in order]) * S_PER_H,
        interval_s=frame_interval_h * S_PER_H,
        about=dict(about),
    )
