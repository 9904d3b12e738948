"""Ways from OPD maps to lists of cells beside the shipped one, on the same maps: accuracy and time.

A segmenter that is not installed, and a network that was not trained, is left out with a line that says so.
Usage: python benchmarks/quantification.py [--work FOLDER], from the project's folder.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import peer_table
import quantification_table
from measured import DOCS, entry
from quantification_methods import (
    REFERENCE,
    SHIPPED,
    SHIPPED_ALONE,
    Method,
    alone,
    network,
    reference,
    segmented,
    trained_here,
    training_said,
    unlike,
)
from quantification_scenes import DEVELOPMENT_SEED, Scene, development, scenes, scores
from quantification_segmenters import SEGMENTERS, chosen
from quantification_training import MODELS, WORK

from lensfree.config import Config
from lensfree.model_files import weights_file
from lensfree.phase.retrieve import Refine
from lensfree.stages.refine import load_refine


def methods_here(config: Config, refine: Refine | None, work: Path) -> tuple[dict[str, Method], list[str]]:
    """Return the methods in the order of the table, and what is to be said of those that are not there.

    Settings of segmenters are chosen here, on maps of the development seed that nothing else sees.
    """
    quantify = config.quantify
    methods = {
        REFERENCE: reference(quantify, version("lensfree")),
        SHIPPED: network([shipped_weights(config)], quantify),
        SHIPPED_ALONE: network([shipped_weights(config)], alone(quantify)),
    }
    trained, said = trained_here(work, quantify)
    methods.update(trained)
    fields: list[Scene] = []
    for name, segmenter in SEGMENTERS.items():
        if not segmenter.is_installed:
            said.append(peer_table.skipped(segmenter.package))
            continue
        fields = fields or scenes(development(config), refine)
        settings = chosen(segmenter, fields, quantify)
        methods[name] = segmented(segmenter, settings, quantify, version(segmenter.package))
    return methods, [*said, *unlike(methods)]


def shipped_weights(config: Config) -> Path:
    """Return the weights of the shipped network."""
    weights = weights_file(config.quantify.model, MODELS)
    if weights is None:
        raise ValueError("quantify.model is 'none', expected a model; name one")
    return weights


def timed(method: Method, scene: Scene) -> tuple[pd.DataFrame, float]:
    """Return the cells that a method finds in a field, and the seconds that it took."""
    start = time.perf_counter()
    cells = method.cells(scene.opd_nm, scene.pixel_pitch_um)
    return cells, time.perf_counter() - start


def measured(
    methods: dict[str, Method], where: Sequence[Scene], seeds: tuple[int, ...]
) -> dict[str, dict[str, Any]]:
    """Return the rows of the table by `density/method`; the methods take turns on each field."""
    for method in methods.values():
        timed(method, where[0])  # loads and compiles
    found: dict[str, list[tuple[pd.DataFrame, float]]] = {name: [] for name in methods}
    for scene in where:
        for name, method in methods.items():
            found[name].append(timed(method, scene))
    stamp = entry(0.0, "", "", "", 0, __file__)
    rows = {}
    for density in dict.fromkeys(scene.cells_per_mm2 for scene in where):
        which = [index for index, scene in enumerate(where) if scene.cells_per_mm2 == density]
        fields = [where[index] for index in which]
        for name, method in methods.items():
            cells, seconds = zip(*(found[name][index] for index in which), strict=True)
            rows[f"{density:g}/{name}"] = {
                "method": name,
                "cells_per_mm2": density,
                "what": said_of(fields, seeds),
                "package": method.package,
                "settings": method.settings,
                "candidates": method.candidates,
                "training": training_said(method.cards),
                "scores": scores(cells, fields),
                "seconds_per_field": float(np.median(seconds)),
                "seconds_per_mm2": float(np.median(seconds)) / fields[0].area_mm2,
                **{key: stamp[key] for key in ("machine", "date", "command")},
            }
    return rows


def said_of(fields: Sequence[Scene], seeds: tuple[int, ...]) -> str:
    """Return what the fields are, in a sentence."""
    size = " x ".join(str(n) for n in fields[0].opd_nm.shape)
    n_cells = sum(field.n_counted for field in fields)
    return (
        f"{len(fields)} synthetic fields of {size} pixels ({fields[0].area_mm2:.2f} mm2 each), seeds "
        f"{', '.join(map(str, seeds))}; {n_cells} true cells count."
    )


def main(arguments: list[str] | None = None) -> None:
    """Choose the segmenters' settings, measure every method that is there, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=WORK, help="folder of quantification_training.py")
    options = parser.parse_args(arguments)
    config = Config()
    on_cpu = config.reconstruct.model_copy(update={"device": "cpu"})
    config = config.model_copy(update={"reconstruct": on_cpu})
    refine = load_refine(weights_file(config.reconstruct.refine, MODELS))
    methods, said = methods_here(config, refine, options.work)
    rows = measured(methods, scenes(config, refine), config.evaluate.seeds)
    for key, row in rows.items():
        figures = ", ".join(f"{name} {row['scores'][name]:.3f}" for name in quantification_table.FIGURES)
        print(f"{key}: {figures}; {row['seconds_per_mm2']:.2f} s/mm2", flush=True)
    for line in said:
        print(line)
    quantification_table.write(DOCS, rows, said, DEVELOPMENT_SEED)


if __name__ == "__main__":
    main()
