"""Cut the real data of the demo out of their published sources; see demo/README.md for the sources.

Usage: python demo/prepare.py SOURCES, where SOURCES holds the folders dcod, beads_multiheight and
livecyte_movie as downloaded. Nothing is altered but what the README says.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import scipy.io
import tifffile

HERE = Path(__file__).parent
BEAD_COUNTS = 15000
MOVIE_FRAMES = 360


def copy_dcod(source: Path, target: Path) -> None:
    """Copy two holograms as they are, recompressed; the USAF background is saturated throughout and of no use."""
    kinds = {"cheek_cells": ("hologram", "background"), "usaf_1951": ("hologram",)}
    for name, published in kinds.items():
        for kind in published:
            image = tifffile.imread(source / f"{name}_{kind}.tif")
            tifffile.imwrite(target / f"{name}_{kind}.tif", image, compression="zlib", predictor=True)


def convert_beads(source: Path, target: Path) -> None:
    """Scale the float intensities to 16-bit counts, median at BEAD_COUNTS, one file per distance."""
    for z_mm in (7, 9, 11, 13, 15, 17):
        contents = scipy.io.loadmat(source / f"hologram_z{z_mm}mm.mat")
        intensity = next(value for name, value in contents.items() if not name.startswith("__"))
        counts = np.rint(intensity / np.median(intensity) * BEAD_COUNTS)
        if counts.max() > np.iinfo(np.uint16).max:
            raise ValueError(f"beads at {z_mm} mm: {counts.max():.0f} counts do not fit 16 bits; lower BEAD_COUNTS")
        tifffile.imwrite(
            target / f"beads_0000_z{z_mm:02d}mm.tif", counts.astype(np.uint16), compression="zlib", predictor=True
        )
    phase_rad = scipy.io.loadmat(source / "true_phase.mat")["gt_phase"].astype(np.float32)
    tifffile.imwrite(target / "beads_true_phase_rad.tif", phase_rad, compression="zlib", predictor=True)


def cut_movie(source: Path, target: Path) -> None:
    """Keep the first MOVIE_FRAMES frames of the whole field."""
    movie = tifffile.imread(source / "phase.tif", key=range(MOVIE_FRAMES))
    tifffile.imwrite(target / "mda_mb_231_phase.tif", movie, compression="zlib", predictor=True, photometric="minisblack")


if __name__ == "__main__":
    sources = Path(sys.argv[1])
    for folder, work in (("dcod", copy_dcod), ("beads_multiheight", convert_beads), ("livecyte_movie", cut_movie)):
        destination = HERE / "real" / folder
        destination.mkdir(parents=True, exist_ok=True)
        work(sources / folder, destination)
        shutil.copy(sources / folder / "LICENSE", destination / "LICENSE")
