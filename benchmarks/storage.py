"""Disk that one full RGB frame takes at each stage, and the processor time of loading it.

The frame is synthetic: a simulated part of the field, repeated, with camera noise that is not. Raw files and
holograms are written at full size; OPD and cells come from a part of the field, reconstructed and quantified
with the defaults, times the number of parts. Usage: python benchmarks/storage.py
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile
from descent import entry, write
from frame import CHANNELS, PITCH_UM, SHAPE_YX, TILE_YX, frame

from lensfree.acquisitions import Acquisition
from lensfree.config import Config, OpticsConfig
from lensfree.model_files import weights_file
from lensfree.simulate.camera import add_camera, illumination
from lensfree.stages import background, focus, load, quantify, reconstruct

MODELS = Path(__file__).parents[1] / "models"
CONFIG = Config.model_validate(
    {"focus": {"register_channels": False}, "reconstruct": {"device": "cpu"}, "quantify": {"device": "cpu"}}
)
SIZE = "one frame of 2748 x 3840 RGB, 8 bit, synthetic, 200 cells/mm2"
MEANINGS = {
    "raw": "raw TIFF files, not compressed",
    "holograms": "holograms as recorded, gzip",
    "opd": "OPD and absorption, gzip, from a twelfth of the field",
    "cells": "the table of cells, from a twelfth of the field",
}


def record(intensity: np.ndarray) -> np.ndarray:
    """Return the counts (channel, y, x) of a camera of 8 bit under uneven light, with noise of its own."""
    rng = np.random.default_rng(1)
    light = illumination(intensity.shape[-2:], rng, 0.1, n_channels=len(intensity))
    return add_camera(intensity, background=light, noise=0.01, open_beam_counts=140, bits=8, rng=rng)


def load_frame(counts: np.ndarray, folder: Path) -> tuple[Acquisition, float]:
    """Write raw files, find the background, load; return the acquisition and the CPU seconds of loading."""
    folder.mkdir()
    for plane, channel in zip(counts, "RGB", strict=True):
        tifffile.imwrite(folder / f"f0_{channel}.tif", plane)
    acquisition = Acquisition(
        acquisition=folder.name,
        kind="hologram",
        files=(folder / "f{frame}_{channel}.tif").as_posix(),
        wavelength_nm=tuple(channel.wavelength_nm for channel in CHANNELS),
        z_um=tuple(channel.z_um for channel in CHANNELS),
        pixel_pitch_um=PITCH_UM,
        frame_interval_min=10,
    )
    common = {"acquisition": acquisition, "storage": CONFIG.storage, "provenance": {}}
    beam = folder / "background.h5"
    background.run(method="none", frames=[0], out=beam, config=CONFIG.load, **common)
    start = time.process_time()
    load.run(
        first_frame=0,
        n_frames=1,
        background=beam,
        out=folder / "holograms.h5",
        frames_out=folder / "frames.parquet",
        on_bad_frame="error",
        **common,
    )
    return acquisition, time.process_time() - start


def finish(acquisition: Acquisition, folder: Path) -> None:
    """Reconstruct and quantify what was loaded."""
    refine = weights_file(CONFIG.reconstruct.refine, MODELS)
    files = {name: folder / f"{name}.{end}" for name, end in (("holograms", "h5"), ("opd", "h5"))}
    focus_file, optics = folder / "focus.parquet", OpticsConfig()
    focus.run(
        holograms=files["holograms"],
        out=focus_file,
        acquisition=acquisition,
        optics=optics,
        config=CONFIG.focus,
        reconstruct=CONFIG.reconstruct,
        weights=refine,
        provenance={},
    )
    reconstruct.run(
        holograms=files["holograms"],
        focus=focus_file,
        out=files["opd"],
        optics=optics,
        focus_config=CONFIG.focus,
        config=CONFIG.reconstruct,
        storage=CONFIG.storage,
        weights=refine,
        provenance={},
    )
    quantify.run(
        opd=files["opd"],
        out=folder / "cells.parquet",
        config=CONFIG.quantify,
        weights=weights_file(CONFIG.quantify.model, MODELS),
        provenance={},
    )


def measure(counts: np.ndarray, part_yx: tuple[int, int], folder: Path) -> tuple[dict[str, float], float]:
    """Return MB per frame by stack, and the CPU seconds of loading the frame."""
    _, seconds = load_frame(counts, folder / "full")
    part = counts[:, : part_yx[0], : part_yx[1]]
    finish(load_frame(part, folder / "part")[0], folder / "part")
    parts = counts[0].size / part[0].size

    def megabytes(pattern: str) -> float:
        return sum(path.stat().st_size for path in folder.glob(pattern)) / 1e6

    sizes = {"raw": megabytes("full/*.tif"), "holograms": megabytes("full/holograms.h5")}
    return sizes | {
        "opd": megabytes("part/opd.h5") * parts,
        "cells": megabytes("part/cells.parquet") * parts,
    }, seconds


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        sizes, load_s = measure(record(frame(OpticsConfig())), TILE_YX, Path(name))
    assert np.prod(SHAPE_YX) == 12 * np.prod(TILE_YX), "the meanings say a twelfth"
    found = {
        f"storage.{key}_mb_per_frame": entry(mb, "MB", "lower", f"{MEANINGS[key]}, {SIZE}", 1, __file__)
        for key, mb in sizes.items()
    }
    found["speed.cpu_load_cpu_s"] = entry(
        load_s, "s", "lower", f"CPU seconds, stage load, {SIZE}", 1, __file__
    )
    write(found)
    print(sizes, load_s)
