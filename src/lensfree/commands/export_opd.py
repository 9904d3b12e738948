"""OPD of a finished acquisition as a file for other programs, without the workflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from lensfree.config import ExportConfig
from lensfree.config_output import EXPORT_NAMES, ExportFormat
from lensfree.contracts import HOLOGRAMS
from lensfree.io.stack_files import opened
from lensfree.io.stacks import open_opd
from lensfree.stages import export
from lensfree.view.present import Present


def export_opd(
    present: Present, format: ExportFormat, out: Path | None, dtype: Literal["int16", "float32"]
) -> Path:
    """Write OPD in one format and return where it is.

    What the acquisitions sheet says is taken from the files: times, distances, the medium and how they were
    made; wavelengths are known while the holograms are there.

    Args:
        present: the files of the acquisition.
        format: a format of OPD.
        out: the file or folder; by default where the stage export writes it.
        dtype: of the numbers.

    Raises:
        ValueError: if the chunks do not make one stack, or a value does not fit.
    """
    chosen = out or present.opd[0].parents[1] / "export" / EXPORT_NAMES[format]
    time_h: list[float] = []
    for path in present.opd:
        with open_opd(path) as reader:
            time_h += reader.time_h.tolist()
            made = reader.provenance
    about: dict[str, Any] = {"is_simulated": present.is_simulated}
    if "optics" in made:
        about["n_medium"] = made["optics"]["n_medium"]
    if present.holograms:
        with opened(present.holograms[0], HOLOGRAMS) as handle:
            about["wavelength_nm"] = [float(w) for w in handle.attrs["wavelength_nm"]]
    export.run(
        tracks=None,
        opd=present.opd,
        out=chosen,
        format=format,
        n_frames=len(time_h),
        frame_interval_h=float(np.median(np.diff(time_h))) if len(time_h) > 1 else 0.0,
        config=ExportConfig(opd_dtype=dtype),
        provenance={"acquisition": present.acquisition, "opd_made_by": made},
        about=about,
    )
    return chosen
