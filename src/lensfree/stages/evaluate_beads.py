"""Accuracy on real beads, whose phase another instrument measured; decision 0007 says what counts and why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from scipy import ndimage

from lensfree.config import Config
from lensfree.optics.hologram import Channel
from lensfree.optics.registration import edge_fade, find_shift_px, register
from lensfree.phase.retrieve import retrieve
from lensfree.stages.measures import Measure, Target
from lensfree.units import NM_PER_UM

WAVELENGTH_NM = 532.0
PITCH_UM = 6.5
DISTANCES_MM = {"beads1": (11,), "beads3": (7, 11, 15), "beads6": (7, 9, 11, 13, 15, 17)}
LASER = {"led_fwhm_nm": 0.0, "source_diameter_um": 0.0}
CUT_PX = 40
"""Border cut of the second comparison, the one of earlier versions."""

AIMS: dict[str, tuple[Target, Target]] = {
    "recon.beads1": (0.82, (0.75, 1.25)),
    "recon.beads3": (0.85, (0.9, 1.1)),
    "recon.beads6": (0.85, (0.9, 1.1)),
}
"""Wished correlation and ratio of integrals over the whole field."""

BEAD_RAD = 0.5
BEAD_RIM_PX = 2
"""A bead is where the true phase exceeds this above its plane, and this many pixels more."""
RING_PX = 4


MAX_SHIFT_UM = 20.0
"""The stage moved by up to 5 um between the distances."""

MAX_OFFSET_PX = 3.0
"""The true phase, another instrument's, is sought this far from the one found."""


def bead_holograms(folder: Path, distances_mm: tuple[int, ...]) -> tuple[np.ndarray, list[Channel]]:
    """Return the holograms (distance, y, x), open beam 1, with distances as labelled and shifts as found."""
    counts = [tifffile.imread(folder / f"beads_0000_z{z:02d}mm.tif").astype(np.float32) for z in distances_mm]
    intensity = np.stack([plane / np.median(plane) for plane in counts])
    channels = [Channel(WAVELENGTH_NM, z * NM_PER_UM) for z in distances_mm]
    return intensity, register(intensity, channels, pixel_pitch_um=PITCH_UM, max_shift_um=MAX_SHIFT_UM)


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
        intensity, channels = bead_holograms(folder, distances_mm)
        opd_nm = retrieve(intensity, channels, pixel_pitch_um=PITCH_UM, optics=optics, config=settings).opd_nm
        found_rad = laid_over(opd_nm * (2 * np.pi / WAVELENGTH_NM), true_rad)
        said = f"real beads from {distances_mm} mm, reference method"
        measures |= _compare(f"recon.{name}", found_rad, true_rad, said)
        measures |= _bead_by_bead(f"recon.{name}", found_rad, true_rad, said)
    perfect = _compare(
        "recon.beads_perfect", _perfect_beads(true_rad), true_rad, "true beads on a flat background"
    )
    return measures | {key: m for key, m in perfect.items() if key.endswith(("_corr", "_corr_cut"))}


def laid_over(found_rad: np.ndarray, true_rad: np.ndarray) -> np.ndarray:
    """Return the phase found (y, x) moved by the fraction of a pixel that the two instruments differ by."""
    found, true = (_without_plane(image) * edge_fade(image.shape) for image in (found_rad, true_rad))
    shift_px = find_shift_px(found, true, max_shift_px=MAX_OFFSET_PX)
    return ndimage.shift(found_rad.astype(np.float64), shift_px, order=3, mode="nearest")


def _bead_by_bead(key: str, found_rad: np.ndarray, true_rad: np.ndarray, said: str) -> dict[str, Measure]:
    """Return the phase of whole beads above what surrounds each, found / true: mean and spread over beads."""
    labels, n_beads = ndimage.label(_is_bead(true_rad))
    at_border = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    ratios = []
    for index in sorted(set(range(1, n_beads + 1)) - set(at_border)):
        bead = labels == index
        ring = ndimage.binary_dilation(bead, iterations=RING_PX) & (labels == 0)
        found, true = (np.sum(image[bead] - np.median(image[ring])) for image in (found_rad, true_rad))
        ratios.append(found / true)
    meaning = f"phase of single beads above their surroundings, found / true, {said}"
    n = len(ratios)
    return {
        f"{key}_bead_ratio": Measure(float(np.mean(ratios)), "1", "between", n, (), None, f"{meaning}, mean"),
        f"{key}_bead_ratio_sd": Measure(
            float(np.std(ratios)), "1", "lower", n, (), None, f"{meaning}, standard deviation"
        ),
    }


def _compare(key: str, found_rad: np.ndarray, true_rad: np.ndarray, said: str) -> dict[str, Measure]:
    """Return correlation and integral over the whole field and with borders cut."""
    aims = AIMS.get(key, (None, None))
    measures: dict[str, Measure] = {}
    for suffix, cut_px in (("", 0), ("_cut", CUT_PX)):
        inside = (slice(cut_px, -cut_px or None),) * 2
        found, true = (image[inside] - np.median(image[inside]) for image in (found_rad, true_rad))
        where = f"{said}, {cut_px} px borders cut" if cut_px else f"{said}, whole field"
        corr_aim, ratio_aim = (None, None) if cut_px else aims
        measures[f"{key}_corr{suffix}"] = Measure(
            _correlation(found, true),
            "1",
            "higher",
            true.size,
            (),
            corr_aim,
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
            ratio_aim,
            f"integral of phase found / true, {where}",
        )
    return measures


def _perfect_beads(true_rad: np.ndarray) -> np.ndarray:
    """Return the true phase within the beads, above its plane, and 0 between them."""
    above_rad, is_bead = _without_plane(true_rad), _is_bead(true_rad)
    return np.where(is_bead, above_rad - np.median(above_rad[~is_bead]), 0.0)


def _is_bead(true_rad: np.ndarray) -> np.ndarray:
    return ndimage.binary_dilation(_without_plane(true_rad) > BEAD_RAD, iterations=BEAD_RIM_PX)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def _without_plane(image: np.ndarray) -> np.ndarray:
    """Return the image less its least-squares plane."""
    y, x = np.indices(image.shape)
    basis = np.stack([np.ones(image.size), y.ravel(), x.ravel()], axis=1)
    return image - (basis @ np.linalg.lstsq(basis, image.ravel(), rcond=None)[0]).reshape(image.shape)
