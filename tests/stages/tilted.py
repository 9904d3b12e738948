"""Synthetic holograms of a flat sample on a sensor that is tilted against it, or at another distance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lensfree.config import OpticsConfig
from lensfree.optics.plate import Tilt
from lensfree.stages.training_fields import FieldMaker, FieldRecipe, TrueField

STEP_UM = 6.0
"""Distance between the planes that are computed; fringes of 7 um, the finest that an LED of 20 nm leaves at
1 mm, turn by 0.2 rad from one to the next."""


def field_at(recipe: FieldRecipe, z_um: float, seed: int) -> TrueField:
    """Return a field whose cells, light and noise only depend on the seed, recorded at a distance."""
    maker = FieldMaker(replace(recipe, z_um=z_um), OpticsConfig(), np.random.default_rng([seed, 1]))
    return maker.draw(np.random.default_rng([seed, 2]))


def tilted_field(recipe: FieldRecipe, tilt: Tilt, seed: int) -> TrueField:
    """Return a field recorded by a tilted sensor; its channels are those at the centre.

    What a pixel records is the light's intensity where the pixel is, so each takes it from the planes next to
    its own distance, interpolated. (The cosine of the tilt, 2e-4 at 20 um/mm, is left out.)
    """
    rise_um = rise(recipe, tilt)
    planes_um = np.arange(np.floor(rise_um.min() / STEP_UM), np.ceil(rise_um.max() / STEP_UM) + 1) * STEP_UM
    fields = {plane_um: field_at(recipe, recipe.z_um + plane_um, seed) for plane_um in planes_um}
    weights = {plane_um: np.clip(1 - abs(rise_um - plane_um) / STEP_UM, 0, 1) for plane_um in planes_um}
    intensity = sum(weights[plane_um] * field.intensity for plane_um, field in fields.items())
    saturated = np.any([field.saturated & (weights[p] > 0) for p, field in fields.items()], axis=0)
    return replace(fields[0.0], intensity=np.float32(intensity), saturated=saturated)


def rise(recipe: FieldRecipe, tilt: Tilt) -> np.ndarray:
    """Return by how much each pixel (y, x) is farther from the sample than the centre [um]."""
    (ny, nx), pitch_um = recipe.shape_yx, recipe.pixel_pitch_um
    y, x = (np.arange(ny) - (ny - 1) / 2)[:, None], (np.arange(nx) - (nx - 1) / 2)[None, :]
    return (tilt.y_um_per_mm * y + tilt.x_um_per_mm * x) * pitch_um / 1000
