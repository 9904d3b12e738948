"""The recipe of small synthetic fields, shared by tests; each replaces what it needs otherwise."""

from __future__ import annotations

from lensfree.stages.training_fields import FieldRecipe

FLAT_CELLS = FieldRecipe(
    shape_yx=(160, 200),
    pixel_pitch_um=1.67,
    wavelengths_nm=(647.0, 540.0, 450.0),
    z_um=1000.0,
    colour_shift_um=4.0,
    cells_per_mm2=250.0,
    round_fraction=0.0,
    sensor_noise=0.005,
    background_amplitude=0.0,
    background_error=0.0,
)
