"""What the network of quantification sees and what it shall answer: OPD maps and representations of cells.

Inputs went through the whole optics and reconstruction. Targets are drawn from the true cells of simulated
fields, and from the answers of the classical pipeline on the map of real ones that another
microscope measured.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import zoom
from skimage.transform import resize

from lensfree.cells.integral import as_learnt
from lensfree.cells.measure import measure_cells
from lensfree.cells.representation import MEASURES, draw_representation
from lensfree.config import OpticsConfig, QuantifyConfig, ReconstructConfig, TrainQuantifyConfig
from lensfree.phase.retrieve import Refine, retrieve
from lensfree.stages.refine import load_refine
from lensfree.stages.represent import OPD_SCALE_NM
from lensfree.stages.training_fields import TrueField

SCALED_WITH_OPD = np.array([name in ("dry_mass_pg", "max_opd_nm") for name in MEASURES])


def seen_and_wanted(
    field: TrueField,
    pixel_pitch_um: float,
    rng: np.random.Generator,
    *,
    optics: OpticsConfig,
    reconstruct: ReconstructConfig,
    quantify: QuantifyConfig,
    refine_weights: Path | None,
    zoom_range: tuple[float, float],
) -> np.ndarray:
    """Return (5, y, x): reconstructed OPD in the network's unit, then the four maps of the cells.

    A field of real cells has no table of them: the classical pipeline measures them in its true map. Every
    second field is zoomed, so that the network knows cells of other sizes than the simulator's.
    """
    opd_nm = retrieve(
        field.intensity,
        field.channels,
        pixel_pitch_um=pixel_pitch_um,
        optics=optics,
        config=reconstruct,
        refine=_refine_once(refine_weights),
        saturated=field.saturated,
    ).opd_nm
    is_real = "dry_mass_pg" not in field.cells
    cells = measure_cells(field.opd_nm, pixel_pitch_um, as_learnt(quantify)) if is_real else field.cells
    if rng.random() < 0.5:
        opd_nm, cells = zoomed(opd_nm, cells, rng.uniform(*zoom_range), pixel_pitch_um)
    maps = draw_representation(cells, opd_nm.shape, pixel_pitch_um)
    return np.concatenate([opd_nm[None] / OPD_SCALE_NM, maps])


def zoomed(
    opd_nm: np.ndarray, cells: pd.DataFrame, factor: float, pixel_pitch_um: float
) -> tuple[np.ndarray, pd.DataFrame]:
    """Return the field with every length multiplied by about `factor`, at the same pixel pitch and OPD."""
    shape_yx = tuple(round(n * factor) for n in opd_nm.shape)
    per_axis = np.divide(shape_yx, opd_nm.shape)
    area = per_axis.prod()
    centre_um = (per_axis - 1) / 2 * pixel_pitch_um  # resize keeps pixel edges, not pixel centres
    bigger = cells.assign(
        y_um=cells["y_um"] * per_axis[0] + centre_um[0],
        x_um=cells["x_um"] * per_axis[1] + centre_um[1],
        dry_mass_pg=cells["dry_mass_pg"] * area,
        area_um2=cells["area_um2"] * area,
        length_um=cells["length_um"] * area**0.5,
    )
    return resize(opd_nm, shape_yx, order=1, anti_aliasing=factor < 1), bigger


def spoil(crop: np.ndarray, rng: np.random.Generator, config: TrainQuantifyConfig) -> np.ndarray:
    """Return the crop with other optical density, noise and slow background, as other instruments have.

    A gain on OPD multiplies dry mass and maximum OPD and leaves area and length. The sd of the noise is
    drawn as a uniform number to the power of 1.5, because most instruments are nearer to the quiet end.
    """
    gain = np.float32(np.exp(rng.uniform(*np.log(config.opd_gain))))
    spoilt = crop.copy()
    spoilt[0] *= gain
    spoilt[1:][SCALED_WITH_OPD] *= gain
    noise_nm = config.noise_sd_nm * rng.random() ** 1.5 * rng.normal(size=crop.shape[1:])
    coarse_nm = rng.uniform(0, config.background_nm) * rng.uniform(-1, 1, (4, 4))
    slow_nm = zoom(coarse_nm, np.array(crop.shape[1:]) / 4, order=3)
    spoilt[0] += ((noise_nm + slow_nm) / OPD_SCALE_NM).astype(np.float32)
    return spoilt


@cache
def _refine_once(weights: Path | None) -> Refine | None:
    return load_refine(weights)
