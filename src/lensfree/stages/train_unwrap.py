"""Stage train_unwrap: the CNN between the two descents, from simulated fields.

Pairs are (what the project's own first descent gives, what is true), so that inputs carry real wrapping
and twin images, as in Herve et al., Sci. Rep. 10:20207 (2020).
"""

from __future__ import annotations

from collections.abc import Mapping
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
from lensfree.stages.training_crops import CropPlan, make_crops
from lensfree.stages.training_fields import TrueField


def run(
    *,
    out: Path,
    work: Path,
    config: TrainUnwrapConfig,
    fields: FieldsConfig,
    optics: OpticsConfig,
    reconstruct: ReconstructConfig,
    card: Mapping[str, str],
) -> None:
    """Make the pairs (kept in `work`, so that an interrupted run goes on), train, save."""
    planes_of = partial(found_and_true, optics=optics, reconstruct=reconstruct)
    plan = CropPlan(
        planes_of, fields, optics, config.recipes, config.crops_per_field, config.crop_px, config.seed
    )
    folder = plan.folder(work, config)
    pairs = make_crops(plan, folder)

    def draw_batch(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        chosen = pairs[np.sort(rng.choice(len(pairs), config.batch, replace=False))]
        turns = rng.integers(8, size=len(chosen))
        turned = np.stack([turn(pair, int(which)) for pair, which in zip(chosen, turns, strict=True)])
        return turned[:, :2].astype(np.float32), turned[:, 2:].astype(np.float32)

    model, losses = fit(
        PlainCnnSpec(2, 2, config.layers, config.features, is_residual=True),
        draw_batch,
        torch.nn.functional.l1_loss,
        steps=config.steps,
        learning_rate=config.learning_rate,
        seed=config.seed,
        checkpoint=folder / "state.pt",
    )
    trained = {
        "pairs": str(len(pairs)),
        "seed": str(config.seed),
        "training_l1": f"{np.mean(losses[-200:]):.4f}",
    }
    save_cnn(model, out, card={**card, **trained})


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
        field.intensity, field.channels, pixel_pitch_um=pixel_pitch_um, optics=optics, config=reconstruct
    )
    return np.concatenate([to_maps(*found), to_maps(field.opd_nm, field.absorption)])
