"""The CNN step of the reconstruction, as the callable that phase retrieval takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lensfree.arrays import array_namespace
from lensfree.nets.plain_cnn import apply_cnn
from lensfree.nets.weights import load_cnn
from lensfree.phase.retrieve import Refine

OPD_SCALE_NM = 100.0
ABSORPTION_SCALE = 0.1


def to_maps(opd_nm: Any, absorption: Any) -> Any:
    """Return the two maps as the network sees them, (2, y, x), both of order 1."""
    xp = array_namespace(opd_nm)
    return xp.stack([opd_nm / OPD_SCALE_NM, absorption / ABSORPTION_SCALE]).astype(xp.float32)


def load_refine(weights: Path | None) -> Refine | None:
    """Return the CNN step, or None where the configuration says none.

    It sees OPD and absorption, which any number of colours or distances share.

    Raises:
        ModelError: if the weights do not map these two to themselves.
    """
    if weights is None:
        return None
    model = load_cnn(weights, channels=(2, 2))

    def refine(opd_nm: Any, absorption: Any) -> tuple[Any, Any]:
        opd, absorbed = apply_cnn(model, to_maps(opd_nm, absorption), in_bfloat16=True)
        return opd * OPD_SCALE_NM, absorbed * ABSORPTION_SCALE

    return refine
