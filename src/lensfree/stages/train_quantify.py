"""Stage train_quantify: the CNN from OPD to representations, from simulated and reconstructed fields.

Inputs are OPD maps that went through the whole optics and reconstruction, targets are drawn from the
true cells: Allier et al., Front. Phys. 9:776805 (2022), section 2.3, with truth in place of a
reference pipeline.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.ndimage import binary_erosion, zoom
from skimage.transform import resize

from lensfree.cells.representation import MEASURES, draw_representation
from lensfree.config import (
    FieldsConfig,
    OpticsConfig,
    QuantifyConfig,
    ReconstructConfig,
    TrainQuantifyConfig,
)
from lensfree.nets.plain_cnn import PlainCnn, PlainCnnSpec, channels_last, fold_batch_norm
from lensfree.nets.train import fit, turn
from lensfree.nets.weights import save_cnn
from lensfree.phase.retrieve import Refine, retrieve
from lensfree.stages.own_crops import own_crops
from lensfree.stages.refine import load_refine
from lensfree.stages.represent import OPD_SCALE_NM
from lensfree.stages.training_crops import CropPlan, make_crops
from lensfree.stages.training_fields import TrueField

DISC_WEIGHT = 5.0
CORE_PX = 2
"""Rim of a disc that does not count when outputs are balanced."""

BALANCED_CROPS = 250
"""Crops that outputs are balanced on."""

logger = logging.getLogger(__name__)
SCALED_WITH_OPD = np.array([name in ("dry_mass_pg", "max_opd_nm") for name in MEASURES])


def run(
    *,
    out: Path,
    work: Path,
    config: TrainQuantifyConfig,
    fields: FieldsConfig,
    optics: OpticsConfig,
    reconstruct: ReconstructConfig,
    refine_weights: Path | None,
    card: Mapping[str, str],
    own: Sequence[Path] = (),
    quantify: QuantifyConfig | None = None,
) -> None:
    """Make the crops (kept in `work`, so that an interrupted run goes on), train, save.

    `own` are OPD chunks of the user's acquisitions, labelled by the classical pipeline; their crops join
    the simulated ones.
    """
    planes_of = partial(
        seen_and_wanted,
        optics=optics,
        reconstruct=reconstruct,
        refine_weights=refine_weights,
        zoom_range=config.zoom,
    )
    plan = CropPlan.of(planes_of, config, fields, optics, culture_fraction=config.culture_fraction)
    folder = plan.folder(work, config)
    crops = make_crops(plan, folder)
    if own:
        labelled = own_crops(own, config, quantify or QuantifyConfig(), fields.pixel_pitch_um)
        crops = np.concatenate([crops, labelled])

    def draw_batch(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        chosen = crops[np.sort(rng.choice(len(crops), config.batch, replace=False))]
        pairs = [spoil(turn(crop.astype(np.float32), int(rng.integers(8))), rng, config) for crop in chosen]
        stacked = np.stack(pairs)
        return stacked[:, :1], stacked[:, 1:]

    model, losses = fit(
        PlainCnnSpec(1, len(MEASURES), config.layers, config.features, config.stride),
        draw_batch,
        disc_weighted_l1,
        steps=config.steps,
        learning_rate=config.learning_rate,
        seed=config.seed,
        checkpoint=folder / "state.pt",
    )
    balance(model, crops)
    trained = {
        "pixel_pitch_um": str(fields.pixel_pitch_um),
        "crops": str(len(crops)),
        "own_stacks": str(len(own)),
        "seed": str(config.seed),
        "training_l1": f"{np.mean(losses[-200:]):.4f}",
    }
    save_cnn(model, out, card={**card, **trained})


def seen_and_wanted(
    field: TrueField,
    pixel_pitch_um: float,
    rng: np.random.Generator,
    *,
    optics: OpticsConfig,
    reconstruct: ReconstructConfig,
    refine_weights: Path | None,
    zoom_range: tuple[float, float],
) -> np.ndarray:
    """Return (5, y, x): reconstructed OPD in the network's unit, then the four maps of the true cells.

    Every second field is zoomed, so that the network knows cells of other sizes than the simulator's.
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
    cells = field.cells
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

    A gain on OPD multiplies dry mass and maximum OPD and leaves area and length.
    """
    gain = np.float32(np.exp(rng.uniform(*np.log(config.opd_gain))))
    spoilt = crop.copy()
    spoilt[0] *= gain
    spoilt[1:][SCALED_WITH_OPD] *= gain
    noise_nm = rng.uniform(0, config.noise_sd_nm) * rng.normal(size=crop.shape[1:])
    coarse_nm = rng.uniform(0, config.background_nm) * rng.uniform(-1, 1, (4, 4))
    slow_nm = zoom(coarse_nm, np.array(crop.shape[1:]) / 4, order=3)
    spoilt[0] += ((noise_nm + slow_nm) / OPD_SCALE_NM).astype(np.float32)
    return spoilt


def disc_weighted_l1(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the mean absolute error, discs weighted up because they cover little of the field."""
    weight = 1 + (DISC_WEIGHT - 1) * (target > 0)
    return (weight * (predicted - target).abs()).mean()


@torch.inference_mode()
def balance(model: PlainCnn, crops: np.ndarray) -> None:
    """Scale each output so that its sum over the cores of all discs of the crops is the true one.

    The loss weighs errors of thin and thick cells alike, and training ends a few per cent high or low.

    Args:
        model: trained network; its last convolution is changed.
        crops: (crop, 1 + map, y, x), what the network sees and the true maps.
    """
    found, true = np.zeros(len(MEASURES)), np.zeros(len(MEASURES))
    lean = channels_last(fold_batch_norm(model))
    for crop in crops[:: max(1, len(crops) // BALANCED_CROPS)]:
        maps = crop.astype(np.float32)
        is_core = binary_erosion(maps[1] > 0, iterations=CORE_PX)
        answer = lean(torch.from_numpy(maps[None, :1]))[0].numpy()
        found += answer[:, is_core].sum(axis=1)
        true += maps[1:, is_core].sum(axis=1)
    gain = torch.from_numpy(true / found).float().repeat_interleave(model.spec.stride**2)
    head = model.body[-1]
    head.weight *= gain[:, None, None, None]  # type: ignore[operator]
    head.bias *= gain  # type: ignore[operator]
    logger.info("outputs balanced by %s", np.round(true / found, 3))


@cache
def _refine_once(weights: Path | None) -> Refine | None:
    return load_refine(weights)
