"""Stage train_quantify: the CNN from OPD to representations, from simulated and real cells.

What it sees and shall answer is made in `quantify_crops`, after Allier et al., Front. Phys. 9:776805
(2022), section 2.3.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import binary_erosion

from lensfree.cells.representation import MEASURES
from lensfree.config import (
    FieldsConfig,
    OpticsConfig,
    QuantifyConfig,
    ReconstructConfig,
    TrainQuantifyConfig,
)
from lensfree.nets.plain_cnn import PlainCnn, PlainCnnSpec, channels_last, fold_batch_norm
from lensfree.nets.train import fit, turn
from lensfree.nets.weights import read_card, save_cnn
from lensfree.stages.quantify_crops import seen_and_wanted, spoil
from lensfree.stages.training_crops import CropPlan, RealShare, checkpoint_in, make_crops

DISC_WEIGHT = 5.0
CORE_PX = 2
"""Rim of a disc that does not count when outputs are balanced."""

BALANCED_CROPS = 250
"""Crops that outputs are balanced on."""

ALL_MEASURES = tuple(range(len(MEASURES)))

logger = logging.getLogger(__name__)


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
    quantify: QuantifyConfig | None = None,
    movie: Path | None = None,
) -> None:
    """Make the crops (kept in `work`, so that an interrupted run goes on), train, save.

    `movie` is a TIFF stack of grey levels whose left half joins as real cells.
    """
    quantify = quantify or QuantifyConfig()
    plan = crop_plan(config, fields, optics, reconstruct, refine_weights, quantify, movie)
    folder = plan.folder(work)
    crops = make_crops(plan, folder)
    model, losses = trained(crops, config, checkpoint=checkpoint_in(folder, config))
    said = {
        "pixel_pitch_um": str(fields.pixel_pitch_um),
        "crops": str(len(crops)),
        "real_cells": movie.name if movie else "none",
        "steps": str(config.steps),
        "seed": str(config.seed),
        "training_l1": f"{np.mean(losses[-200:]):.4f}",
    }
    save_cnn(model, out, card={**card, **said})


def crop_plan(
    config: TrainQuantifyConfig,
    fields: FieldsConfig,
    optics: OpticsConfig,
    reconstruct: ReconstructConfig,
    refine_weights: Path | None,
    quantify: QuantifyConfig,
    movie: Path | None,
) -> CropPlan:
    """Return what the crops are cut from."""
    planes_of = partial(
        seen_and_wanted,
        optics=optics,
        reconstruct=reconstruct,
        quantify=quantify,
        refine_weights=refine_weights,
        zoom_range=config.zoom,
    )
    real = RealShare(movie, (), config.real_fraction, 0.0, config.real_max_opd_nm) if movie else None
    return CropPlan.of(planes_of, config, fields, optics, real=real, culture_fraction=config.culture_fraction)


def trained(
    crops: np.ndarray,
    config: TrainQuantifyConfig,
    *,
    measures: Sequence[int] = ALL_MEASURES,
    checkpoint: Path | None = None,
    start: Path | None = None,
) -> tuple[PlainCnn, list[float]]:
    """Return a network trained on crops (crop, 1 + map, y, x), balanced, and the loss of every step.

    `measures` are the maps that it answers, in this order; one alone makes a single-task network. `start`
    are weights to begin from; their architecture is kept then.
    """
    wanted = [1 + index for index in measures]

    def draw_batch(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        chosen = crops[np.sort(rng.choice(len(crops), config.batch, replace=False))]
        pairs = [spoil(turn(crop.astype(np.float32), int(rng.integers(8))), rng, config) for crop in chosen]
        stacked = np.stack(pairs)
        return stacked[:, :1], np.ascontiguousarray(stacked[:, wanted])

    spec = PlainCnnSpec(1, len(wanted), config.layers, config.features, config.stride)
    model, losses = fit(
        PlainCnnSpec.from_metadata(read_card(start)) if start else spec,
        draw_batch,
        disc_weighted_l1,
        steps=config.steps,
        learning_rate=config.learning_rate,
        seed=config.seed,
        checkpoint=checkpoint,
        start=start,
    )
    balance(model, crops[:, [0, *wanted]])
    return model, losses


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
    found, true = (np.zeros(crops.shape[1] - 1) for _ in range(2))
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
