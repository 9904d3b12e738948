"""Networks beside the shipped one, trained on the crops of its recipe with an equal number of steps.

Crops, checkpoints and weights lie in one folder; a run that was stopped goes on. Run it from the project's
folder: python benchmarks/quantification_training.py [NAME ...] [--steps N] [--work FOLDER]
"""

from __future__ import annotations

import argparse
import json
import logging
import platform
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lensfree.arrays import cpu_count
from lensfree.cells.representation import MEASURES
from lensfree.config import Config, TrainQuantifyConfig
from lensfree.io.files import written_whole
from lensfree.model_files import weights_file
from lensfree.nets.weights import read_card, save_cnn
from lensfree.stages.train_quantify import ALL_MEASURES, crop_plan, trained
from lensfree.stages.training_crops import CropPlan, checkpoint_in, make_crops

WORK = Path("results/benchmarks/quantify")
MODELS = Path("models")
"""Relative, as the workflow has it: the crops' folder is named after the paths that they were made from."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Variant:
    """A network that is not the shipped one.

    Attributes:
        changed: settings of `train_quantify` that differ from the shipped recipe.
        measures: the maps that it answers.
    """

    changed: dict[str, Any] = field(default_factory=dict)
    measures: tuple[int, ...] = ALL_MEASURES

    def recipe(self, shipped: TrainQuantifyConfig) -> TrainQuantifyConfig:
        """Return the recipe of its training."""
        return shipped.model_copy(update=self.changed)


VARIANTS = {
    "published": Variant({"layers": 20, "features": 32, "stride": 1}),
    "single_mass": Variant(measures=(MEASURES.index("dry_mass_pg"),)),
    "single_area": Variant(measures=(MEASURES.index("area_um2"),)),
    "single_max_opd": Variant(measures=(MEASURES.index("max_opd_nm"),)),
    "single_length": Variant(measures=(MEASURES.index("length_um"),)),
    "clean": Variant({"noise_sd_nm": 2.0, "background_nm": 0.0}),
    "as_shipped": Variant(),
}


def weights_in(work: Path, name: str) -> Path:
    """Return where the weights of a variant lie."""
    return work / f"{name}.safetensors"


def plan_of(config: Config) -> CropPlan:
    """Return what the crops of every variant are cut from: the plan of the shipped network.

    Raises:
        FileNotFoundError: if the movie of real cells is not there.
    """
    name = config.train_quantify.real_movie
    movie = None if name == "none" else Path(name)
    if movie is not None and not movie.is_file():
        raise FileNotFoundError(
            f"train_quantify.real_movie is '{name}', expected a file; run this from the project's folder"
        )
    return crop_plan(
        config.train_quantify,
        config.fields,
        config.optics,
        config.reconstruct,
        weights_file(config.reconstruct.refine, MODELS),
        config.quantify,
        movie,
    )


def train(name: str, crops: np.ndarray, crops_folder: Path, config: Config, work: Path) -> Path:
    """Train a variant and return its weights, whose card says steps, minutes, machine and crops.

    Weights that are there already, of the same crops and recipe, are left as they are.
    """
    variant, out = VARIANTS[name], weights_in(work, name)
    recipe = variant.recipe(config.train_quantify)
    checkpoint = checkpoint_in(crops_folder, recipe, variant.measures)
    said = {"crops_of": crops_folder.name, "recipe": checkpoint.stem}
    if out.exists() and said.items() <= read_card(out).items():
        logger.info("%s is there already", out)
        return out
    clock = checkpoint.with_suffix(".json")
    spent_s, begun = spent_before_s(clock, checkpoint), time.time()
    with written_whole(clock) as partial:
        partial.write_text(json.dumps({"spent_s": spent_s, "begun": begun}), encoding="utf-8")
    model, losses = trained(crops, recipe, measures=variant.measures, checkpoint=checkpoint)
    minutes = (spent_s + time.time() - begun) / 60
    card = {
        "name": name,
        "version": "benchmark",
        "pixel_pitch_um": str(config.fields.pixel_pitch_um),
        "measures": ", ".join(MEASURES[index] for index in variant.measures),
        "steps": str(recipe.steps),
        "minutes": f"{minutes:.2f}",
        "machine": f"{platform.machine()}, {cpu_count()} threads",
        "crops": str(len(crops)),
        "seed": str(recipe.seed),
        "training_l1": f"{np.mean(losses[-200:]):.4f}",
    }
    save_cnn(model, out, card={**card, **said})
    logger.info("%s: %d steps in %.1f minutes", out, recipe.steps, minutes)
    return out


def spent_before_s(clock: Path, checkpoint: Path) -> float:
    """Return the seconds that stopped runs spent on what their last checkpoint holds.

    What came after it is done again and counts then.
    """
    if not (clock.exists() and checkpoint.exists()):
        return 0.0
    known = json.loads(clock.read_text(encoding="utf-8"))
    return float(known["spent_s"] + max(checkpoint.stat().st_mtime - known["begun"], 0.0))


def main(arguments: list[str] | None = None) -> None:
    """Train the variants that are named, all without a name."""
    config = Config()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(VARIANTS)}; none: all")
    parser.add_argument("--steps", type=int, default=config.train_quantify.steps, help="of the schedule")
    parser.add_argument("--work", type=Path, default=WORK, help="folder of crops, checkpoints and weights")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(VARIANTS))
    if unknown:
        parser.error(f"got {', '.join(unknown)}, expected names of {', '.join(VARIANTS)}")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    training = config.train_quantify.model_copy(update={"steps": options.steps})
    config = config.model_copy(update={"train_quantify": training})
    plan = plan_of(config)
    folder = plan.folder(options.work)
    crops = make_crops(plan, folder)
    for name in options.names or VARIANTS:
        train(name, crops, folder, config, options.work)


if __name__ == "__main__":
    main()
