"""Cut the real data of the demo out of their published sources; see demo/README.md for the sources.

Usage: python demo/prepare.py SOURCES, where SOURCES holds the folders dcod, beads_multiheight,
livecyte_movie and mcf10a_lineages as downloaded. Nothing is altered but what the README says.
"""

from __future__ import annotations

import gzip
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
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
    """Keep the first MOVIE_FRAMES frames of the whole field; tracking has the others too, and the tracks."""
    phase = tifffile.imread(source / "phase.tif")
    write(target / "mda_mb_231_phase.tif", phase[:MOVIE_FRAMES])
    write(target / "mda_mb_231_phase_later.tif", phase[MOVIE_FRAMES:])
    tracks = pd.read_csv(source / "tracks.csv", usecols=["frame", "cell_id", "y_px", "x_px"])
    text = tracks.to_csv(index=False, float_format="%.3f").encode()
    (target / "mda_mb_231_tracks.csv.gz").write_bytes(gzip.compress(text, mtime=0))


def copy_lineages(source: Path, target: Path) -> None:
    """Copy the manual tracks as they are."""
    for path in sorted(source.glob("*.csv")):
        shutil.copyfile(path, target / path.name)


if __name__ == "__main__":
    cutters = {
        "dcod": copy_dcod,
        "beads_multiheight": convert_beads,
        "livecyte_movie": cut_movie,
        "mcf10a_lineages": copy_lineages,
    }
    for folder, cut in cutters.items():
        destination = HERE / "real" / folder
        destination.mkdir(parents=True, exist_ok=True)
        cut(Path(sys.argv[1]) / folder, destination)
        shutil.copyfile(Path(sys.argv[1]) / folder / "LICENSE", destination / "LICENSE")
