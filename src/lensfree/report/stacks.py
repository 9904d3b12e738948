"""Random access to the frames of an acquisition that lies in several chunks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lensfree.io.stacks import open_holograms, open_opd
from lensfree.report.pictures import compose_hologram


class Frames:
    """The chunks of an acquisition as one stack; it holds no pixels, each call reads one frame.

    Attributes:
        per_frame: frame, time_h, is_missing, z_um, misfit, background_sd_nm, refine_rejected, in order.
        shape_yx: pixels of the field.
    """

    def __init__(self, opd: Sequence[Path], holograms: Sequence[Path] = ()) -> None:
        self._opd: dict[int, Path] = {}
        self._holograms: dict[int, Path] = {}
        parts = []
        for path in opd:
            with open_opd(path) as source:
                numbers = source.first_frame + np.arange(len(source))
                self._opd.update(dict.fromkeys(numbers.tolist(), path))
                names = ("time_h", "is_missing", "z_um", "misfit", "background_sd_nm", "refine_rejected")
                parts.append(
                    pd.DataFrame({"frame": numbers} | {name: getattr(source, name) for name in names})
                )
        for path in holograms:
            with open_holograms(path) as source_h:
                numbers = source_h.first_frame + np.arange(len(source_h))
                self._holograms.update(dict.fromkeys(numbers.tolist(), path))
        self.per_frame = pd.concat(parts, ignore_index=True).sort_values("frame", ignore_index=True)
        self.shape_yx = self._find_shape()

    def read_opd(self, frame: int) -> np.ndarray | None:
        """Return OPD in nm (y, x), None where the frame is missing."""
        with open_opd(self._opd[frame]) as source:
            return source.read(frame)

    def read_absorption(self, frame: int) -> np.ndarray:
        """Return the absorption (y, x)."""
        with open_opd(self._opd[frame]) as source:
            return source.read_absorption(frame)

    def read_hologram(self, frame: int) -> np.ndarray | None:
        """Return the hologram as shown, (y, x) or RGB (y, x, 3), 1 = open beam; None if there is none."""
        if frame not in self._holograms:
            return None
        with open_holograms(self._holograms[frame]) as source:
            intensity = source.read(frame)
            return None if intensity is None else compose_hologram(intensity, source.wavelength_nm)

    def recorded(self) -> list[int]:
        """Return the frames that are not missing."""
        return [int(f) for f in self.per_frame.loc[~self.per_frame["is_missing"], "frame"]]

    def _find_shape(self) -> tuple[int, int]:
        for frame in self.recorded():
            opd_nm = self.read_opd(frame)
            if opd_nm is not None:
                return opd_nm.shape[0], opd_nm.shape[1]
        return 1, 1
