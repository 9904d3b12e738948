"""Accuracy of the detectors of abnormal histories, side by side on the same synthetic histories."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from shutil import rmtree

from lensfree.config import Config
from lensfree.io.files import written_whole
from lensfree.stages.measures import Measure
from lensfree.stages.score_chain import measure_on_chain
from lensfree.stages.score_measures import OfSeed, averaged, measure_method
from lensfree.stages.score_methods import all_methods
from lensfree.stages.score_page import build_page
from lensfree.stages.score_parts import Parts
from lensfree.stages.score_sets import draw_sets

ON_CHAIN = ("stardusts_plus", "stardusts_plus_without_kinds", "knn", "isolation_forest")
"""What also judges histories that tracking made: the best ones of the page."""

logger = logging.getLogger(__name__)


def run(*, config: Config, page: Path, work: Path, code: str) -> dict[str, Measure]:
    """Fit every method to the training histories of every seed, measure it, and write the page.

    Transfer between laboratories needs a second fit; methods that take minutes get it on the first
    `evaluate.score_slow_seeds` seeds only.

    Args:
        config: `score`, `train_score` and `evaluate` are used.
        page: Markdown file to write.
        work: folder for what was measured so far; it takes more than an hour. Removed at the end.
        code: digest of the code; what other code has measured is not used.
    """
    parts = Parts(work, f"{code} {config.model_dump_json()}")
    methods = all_methods(config.train_score)
    found: dict[str, dict[int, OfSeed]] = {method.name: {} for method in methods}
    for index, seed in enumerate(config.evaluate.score_seeds):
        sets = draw_sets(config, seed)
        for method in methods:
            is_abroad_measured = not method.is_slow or index < config.evaluate.score_slow_seeds
            one = parts.of(
                seed,
                method.name,
                partial(measure_method, method, sets, config, seed, is_abroad_measured=is_abroad_measured),
            )
            found[method.name][seed] = one
            logger.info("seed %d, %s: %s", seed, method.name, {k: round(v, 4) for k, v in one.values.items()})
    quick = [method for method in methods if method.name in ON_CHAIN]
    measures = averaged(found) | measure_on_chain(quick, config)
    with written_whole(page) as draft:
        draft.write_text(build_page(measures, found, config), encoding="utf-8")
    rmtree(work, ignore_errors=True)
    return measures
