"""Accuracy on real beads, whose phase another instrument measured; decision 0007 says what counts and why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from scipy import ndimage

from lensfree.config import Config
from lensfree.optics.hologram import Channel
from lensfree.phase.retrieve import retrieve
from lensfree.stages.measures import Measure
from lensfree.units import NM_PER_UM

WAVELENGTH_NM = 532.0
PITCH_UM = 6.5
DISTANCES_MM = {"beads1": (11,), "beads3": (7, 11, 15), "beads6": (7, 9, 11, 13, 15, 17)}
LASER = {"led_fwhm_nm": 0.0, "source_diameter_um": 0.0}
CUT_PX = 40
"""Border cut of the second comparison, the one of earlier versions."""

BEAD_RAD = 0.5
BEAD_RIM_PX = 2
"""A bead is where the true phase exceeds this above its plane, and this many pixels more."""


def run(config: Config, folder: Path) -> dict[str, Measure]:
    """Compare beads seen from one, three and six distances, and perfect beads, with the true phase.

    A bead focuses: behind it the light is brighter than the open beam, so absorption may be negative.
    No CNN has seen beads, so it is the reference method that is measured.
    """
    true_rad = tifffile.imread(folder / "beads_true_phase_rad.tif").astype(np.float64)
    optics = config.optics.model_copy(update=LASER)
    settings = config.reconstruct.model_copy(
        update={"method": "reference", "negative_absorption_weight": 0.0}
    )
    measures: dict[str, Measure] = {}
    for name, distances_mm in DISTANCES_MM.items():
        counts = [
            tifffile.imread(folder / f"beads_0000_z{z:02d}mm.tif").astype(np.float32) for z in distances_mm
        ]
        opd_nm = retrieve(
            np.stack([c / np.median(c) for c in counts]),
            [Channel(WAVELENGTH_NM, z * NM_PER_UM) for z in distances_mm],
            pixel_pitch_um=PITCH_UM,
            optics=optics,
            config=settings,
        ).opd_nm
        said = f"real beads from {distances_mm} mm, reference method"
        measures |= _compare(f"recon.{name}", opd_nm * (2 * np.pi / WAVELENGTH_NM), true_rad, said)
    perfect = _compare(
        "recon.beads_perfect", _perfect_beads(true_rad), true_rad, "true beads on a flat background"
    )
    return measures | {key: m for key, m in perfect.items() if key.endswith(("_corr", "_corr_cut"))}


def _compare(key: str, found_rad: np.ndarray, true_rad: np.ndarray, said: str) -> dict[str, Measure]:
    """Return correlation and integral over the whole field and with borders cut."""
    is_aim = key == "recon.beads3"
    measures: dict[str, Measure] = {}
    for suffix, cut_px in (("", 0), ("_cut", CUT_PX)):
        inside = (slice(cut_px, -cut_px or None),) * 2
        found, true = (image[inside] - np.median(image[inside]) for image in (found_rad, true_rad))
        where = f"{said}, {cut_px} px borders cut" if cut_px else f"{said}, whole field"
        is_counted = is_aim and not cut_px
        measures[f"{key}_corr{suffix}"] = Measure(
            _correlation(found, true),
            "1",
            "higher",
            true.size,
            (),
            0.82 if is_counted else None,
            f"correlation of phase, {where}",
        )
        measures[f"{key}_corr_plane_removed{suffix}"] = Measure(
            _correlation(_without_plane(found), _without_plane(true)),
            "1",
            "higher",
            true.size,
            (),
            None,
            f"correlation of phase, planes removed, {where}",
        )
        measures[f"{key}_integral_ratio{suffix}"] = Measure(
            float(found.sum() / true.sum()),
            "1",
            "between",
            true.size,
            (),
            (0.8, 1.2) if is_counted else None,
            f"integral of phase found / true, {where}",
        )
    return measures


def _perfect_beads(true_rad: np.ndarray) -> np.ndarray:
    """Return the true phase within the beads, above its plane, and 0 between them."""
    above_rad = _without_plane(true_rad)
    is_bead = ndimage.binary_dilation(above_rad > BEAD_RAD, iterations=BEAD_RIM_PX)
    return np.where(is_bead, above_rad - np.median(above_rad[~is_bead]), 0.0)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def _without_plane(image: np.ndarray) -> np.ndarray:
    """Return the image less its least-squares plane."""
    y, x = np.indices(image.shape)
    basis = np.stack([np.ones(image.size), y.ravel(), x.ravel()], axis=1)
    return image - (basis @ np.linalg.lstsq(basis, image.ravel(), rcond=None)[0]).reshape(image.shape)
