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


def write(path: Path, image: np.ndarray) -> None:
    """Write a TIFF compressed without loss."""
    tifffile.imwrite(path, image, compression="zlib", predictor=True, photometric="minisblack")


def copy_dcod(source: Path, target: Path) -> None:
    """Copy three holograms as they are; the USAF background is saturated throughout and of no use."""
    pairs = [f"{name}_{kind}" for name in ("cheek_cells", "rbcs") for kind in ("hologram", "background")]
    for name in (*pairs, "usaf_1951_hologram"):
        write(target / f"{name}.tif", tifffile.imread(source / f"{name}.tif"))


def convert_beads(source: Path, target: Path) -> None:
    """Scale the float intensities to 16-bit counts, median at BEAD_COUNTS, one file per distance."""
    for z_mm in (7, 9, 11, 13, 15, 17):
        intensity = scipy.io.loadmat(source / f"hologram_z{z_mm}mm.mat")["holography"]
        counts = np.rint(intensity / np.median(intensity) * BEAD_COUNTS)
        if counts.max() > np.iinfo(np.uint16).max:
            raise ValueError(f"beads at {z_mm} mm: {counts.max():.0f} exceeds 16 bits; lower BEAD_COUNTS")
        write(target / f"beads_0000_z{z_mm:02d}mm.tif", counts.astype(np.uint16))
    phase_rad = scipy.io.loadmat(source / "true_phase.mat")["gt_phase"]
    write(target / "beads_true_phase_rad.tif", phase_rad.astype(np.float32))


def cut_movie(source: Path, target: Path) -> None:
    """Keep the first MOVIE_FRAMES frames of the whole field."""
    write(target / "mda_mb_231_phase.tif", tifffile.imread(source / "phase.tif", key=range(MOVIE_FRAMES)))


if __name__ == "__main__":
    cutters = {"dcod": copy_dcod, "beads_multiheight": convert_beads, "livecyte_movie": cut_movie}
    for folder, cut in cutters.items():
        destination = HERE / "real" / folder
        destination.mkdir(parents=True, exist_ok=True)
        cut(Path(sys.argv[1]) / folder, destination)
        shutil.copyfile(Path(sys.argv[1]) / folder / "LICENSE", destination / "LICENSE")
