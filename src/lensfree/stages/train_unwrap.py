"""Stage train_unwrap: the CNN between the two descents, from simulated cells and from real ones.

Pairs are (what the project's own first descent gives, what is true), so that inputs carry real wrapping
and twin images, as in Herve et al., Sci. Rep. 10:20207 (2020).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from lensfree.config import FieldsConfig, OpticsConfig, ReconstructConfig, TrainUnwrapConfig
from lensfree.nets.plain_cnn import PlainCnnSpec
from lensfree.nets.train import fit, turn
from lensfree.nets.weights import save_cnn
from lensfree.phase.retrieve import first_descent
from lensfree.stages.refine import to_maps
from lensfree.stages.training_crops import CropPlan, RealShare, checkpoint_in, make_crops
from lensfree.stages.training_fields import TrueField

BLOCK_PX = 8
"""13 um at the sensor's pitch: about a cell."""

BLOCK_WEIGHT = 2.0


def run(
    *,
    out: Path,
    work: Path,
    config: TrainUnwrapConfig,
    fields: FieldsConfig,
    optics: OpticsConfig,
    reconstruct: ReconstructConfig,
    card: Mapping[str, str],
    movie: Path | None = None,
    stills: Sequence[Path] = (),
) -> None:
    """Make the pairs (kept in `work`, so that an interrupted run goes on), train, save.

    `movie` and `stills` are TIFF stacks of grey levels that join as real cells.
    """
    planes_of = partial(found_and_true, optics=optics, reconstruct=reconstruct)
    real = None
    if movie is not None:
        shares = (config.real_fraction, config.real_stills_fraction)
        real = RealShare(movie, tuple(stills), *shares, config.real_max_opd_nm)
    plan = CropPlan.of(
        planes_of,
        config,
        fields,
        optics,
        real=real,
        round_opd_gain=config.round_opd_gain,
    )
    folder = plan.folder(work)
    pairs = make_crops(plan, folder)

    def draw_batch(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        chosen = pairs[np.sort(rng.choice(len(pairs), config.batch, replace=False))]
        turns = rng.integers(8, size=len(chosen))
        turned = np.stack([turn(pair, int(which)) for pair, which in zip(chosen, turns, strict=True)])
        return turned[:, :2].astype(np.float32), turned[:, 2:].astype(np.float32)

    model, losses = fit(
        PlainCnnSpec(2, 2, config.layers, config.features, config.stride, is_residual=True),
        draw_batch,
        local_mass_l1,
        steps=config.steps,
        learning_rate=config.learning_rate,
        seed=config.seed,
        checkpoint=checkpoint_in(folder, config),
    )
    trained = {
        "pairs": str(len(pairs)),
        "seed": str(config.seed),
        "real_cells": ", ".join(p.name for p in (movie, *stills)) if movie else "none",
        "training_loss": f"{np.mean(losses[-200:]):.4f}",
    }
    save_cnn(model, out, card={**card, **trained})


def local_mass_l1(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the mean absolute error of pixels plus that of means over blocks of a cell's size.

    Errors of pixels may have either sign and still leave the integral right; those of blocks are what is
    missing in dry mass.
    """
    error = predicted - target
    blocks = torch.nn.functional.avg_pool2d(error, BLOCK_PX)
    return error.abs().mean() + BLOCK_WEIGHT * blocks.abs().mean()


def found_and_true(
    field: TrueField,
    pixel_pitch_um: float,
    rng: np.random.Generator,
    *,
    optics: OpticsConfig,
    reconstruct: ReconstructConfig,
) -> np.ndarray:
    """Return (4, y, x): OPD and absorption after the first descent, then the true ones, in CNN units."""
    found = first_descent(
        field.intensity,
        field.channels,
        pixel_pitch_um=pixel_pitch_um,
        optics=optics,
        config=reconstruct,
        saturated=field.saturated,
    )
    return np.concatenate([to_maps(*found), to_maps(field.opd_nm, field.absorption)])
