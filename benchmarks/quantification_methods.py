"""The ways from an OPD map to a list of cells that are compared, each behind one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from quantification_segmenters import Segmenter
from quantification_training import weights_in

from lensfree.arrays import to_numpy
from lensfree.cells.integral import find_cells
from lensfree.cells.measure import measure_cells
from lensfree.cells.representation import MEASURES
from lensfree.config import QuantifyConfig
from lensfree.model_files import ModelError
from lensfree.nets.plain_cnn import apply_cnn
from lensfree.nets.weights import load_cnn, model_label, read_card
from lensfree.stages.represent import OPD_SCALE_NM, Represent, load_represent

REFERENCE, SHIPPED = "reference pipeline", "as shipped: network and integral of OPD"
SHIPPED_ALONE = "shipped network alone"
NETWORKS = {
    "published architecture": ("published",),
    "four single-task networks": ("single_mass", "single_area", "single_max_opd", "single_length"),
    "trained clean (CNN-A)": ("clean",),
    "shipped recipe, with noise and background (CNN-B), trained beside them": ("as_shipped",),
}
"""Networks that are not shipped, each of one or more variants of `quantification_training`."""

TRAINING = "python benchmarks/quantification_training.py"


@dataclass(frozen=True)
class Method:
    """A way from an OPD map to cells.

    Attributes:
        package: what it is made of, with its version.
        cells: maps (opd_nm (y, x), pixel_pitch_um) to a table of `y_um`, `x_um` and the measures.
        settings: what was chosen for it.
        candidates: how many settings those were chosen from; 0: it runs as it is.
        cards: of its networks.
    """

    package: str
    cells: Callable[[np.ndarray, float], pd.DataFrame]
    settings: dict[str, Any] = field(default_factory=dict)
    candidates: int = 0
    cards: tuple[dict[str, str], ...] = ()


def reference(config: QuantifyConfig, version: str) -> Method:
    """Return the classical pipeline."""
    return Method(f"lensfree {version}", partial(measure_cells, config=config))


def network(weights: Sequence[Path], config: QuantifyConfig) -> Method:
    """Return what one network with four maps, or one network per map, finds by its local maxima.

    Dry mass has the share of the integral of OPD that `config.integral_share` says.
    """
    represent = load_represent(weights[0]) if len(weights) == 1 else load_single_tasks(weights)

    def cells(opd_nm: np.ndarray, pixel_pitch_um: float) -> pd.DataFrame:
        return find_cells(represent(opd_nm, pixel_pitch_um), opd_nm, pixel_pitch_um, config)

    label = ", ".join(model_label(path) for path in weights)
    return Method(label, cells, cards=tuple(read_card(path) for path in weights))


def alone(config: QuantifyConfig) -> QuantifyConfig:
    """Return the settings with which dry mass is what the network says."""
    return config.model_copy(update={"integral_share": 0.0})


def load_single_tasks(weights: Sequence[Path]) -> Represent:
    """Return (opd_nm (y, x), pixel_pitch_um) -> maps (4, y, x), each by a network of its own.

    Raises:
        ModelError: if the networks do not answer the four measures in their order.
    """
    answered = tuple(read_card(path).get("measures") for path in weights)
    if answered != MEASURES:
        raise ModelError(
            f"{', '.join(path.name for path in weights)} answer {answered}, expected {MEASURES}; train them "
            f"with {TRAINING}"
        )
    models = [load_cnn(path, channels=(1, 1)) for path in weights]

    def represent(opd_nm: np.ndarray, pixel_pitch_um: float) -> np.ndarray:
        seen = np.asarray(opd_nm[None] / OPD_SCALE_NM, np.float32)
        return np.concatenate([to_numpy(apply_cnn(model, seen)) for model in models])

    return represent


def trained_here(work: Path, config: QuantifyConfig) -> tuple[dict[str, Method], list[str]]:
    """Return the networks whose weights lie in a folder, and a line for each that is not there."""
    found, missing = {}, []
    for name, variants in NETWORKS.items():
        lacking = [variant for variant in variants if not weights_in(work, variant).is_file()]
        if lacking:
            missing.append(not_trained(name, lacking))
        else:
            found[name] = network([weights_in(work, variant) for variant in variants], alone(config))
    return found, missing


def not_trained(name: str, variants: Sequence[str]) -> str:
    """Return the line that says which weights a network lacks and how to make them."""
    files = ", ".join(f"{variant}.safetensors" for variant in variants)
    return f"{name}: left out for want of {files}, which `{TRAINING} {' '.join(variants)}` makes"


def segmented(segmenter: Segmenter, settings: dict[str, Any], config: QuantifyConfig, version: str) -> Method:
    """Return an off-the-shelf segmenter with settings of its own."""
    cells = partial(segmenter.cells, config=config, settings=settings)
    return Method(f"{segmenter.package} {version}", cells, settings, len(segmenter.candidates))


def training_said(cards: Sequence[dict[str, str]]) -> dict[str, str]:
    """Return steps and minutes of training, minutes added up over networks; `?` where a card does not say.

    A method without networks has neither.
    """
    if not cards:
        return {"steps": "-", "minutes": "-"}
    steps = list(dict.fromkeys(card.get("steps", "?") for card in cards))
    minutes = [card.get("minutes") for card in cards]
    if any(value is None for value in minutes):
        return {"steps": ", ".join(steps), "minutes": "?"}
    times = f"{len(cards)} x " if len(cards) > 1 else ""
    return {"steps": times + ", ".join(steps), "minutes": f"{sum(map(float, minutes)):.3g}"}  # type: ignore[arg-type]


def unlike(methods: dict[str, Method]) -> list[str]:
    """Return a line if the networks trained beside the shipped one did not have the same steps and crops."""
    keys = {
        (card.get("steps"), card.get("crops_of"))
        for name, method in methods.items()
        if name in NETWORKS
        for card in method.cards
    }
    if len(keys) < 2:
        return []
    return [f"The networks had different steps or crops; `{TRAINING}` trains them alike"]
