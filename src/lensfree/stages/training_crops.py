"""Crops of simulated and semi-real fields for training, made by all cores, kept for a resumed run."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from lensfree.arrays import cpu_count
from lensfree.config import FieldsConfig, OpticsConfig, TrainQuantifyConfig, TrainUnwrapConfig
from lensfree.io.files import written_whole
from lensfree.seals import BLANK, check_seal
from lensfree.simulate.real_cells import RealCells
from lensfree.stages.training_fields import FieldMaker, TrueField, draw_recipe

logger = logging.getLogger(__name__)

Planes = partial[np.ndarray]


@dataclass(frozen=True)
class RealShare:
    """Real cells for training: from which files, how many of the fields, and how thick they are taken to be.

    Attributes:
        movie: TIFF stack of grey levels; only the left half of its field is used.
        stills: TIFF stacks of grey levels, used whole.
        fraction: share of the fields.
        stills_fraction: share of the stills among those.
        max_opd_nm: range of the OPD of the brightest grey level.
    """

    movie: Path
    stills: tuple[Path, ...]
    fraction: float
    stills_fraction: float
    max_opd_nm: tuple[float, float]

    @cached_property
    def movie_cells(self) -> RealCells:
        """The left half of the movie's field, read once."""
        return read_real(self.movie).half("left")

    @cached_property
    def still_cells(self) -> list[RealCells]:
        """The stills, read once."""
        return [read_real(path) for path in self.stills]

    def draw(self, maker: FieldMaker, rng: np.random.Generator) -> TrueField:
        """Draw a field of real cells of one file at a random strength of OPD."""
        cells = self.movie_cells
        if self.stills and rng.random() < self.stills_fraction:
            cells = self.still_cells[int(rng.integers(len(self.stills)))]
        return maker.draw_real(cells, cells.nm_per_count(rng.uniform(*self.max_opd_nm)), rng)


def read_real(path: Path) -> RealCells:
    """Read a TIFF stack of grey levels.

    Raises:
        ValueError: it is not a stack of 8 or 16 bit images.
    """
    counts = tifffile.imread(path)
    counts = counts[None] if counts.ndim == 2 else counts
    if counts.dtype not in (np.uint8, np.uint16) or counts.ndim != 3:
        raise ValueError(
            f"{path} holds {counts.dtype} of shape {counts.shape}, expected 8 or 16 bit grey levels "
            "(frame, y, x); convert it, or leave it out of real_movie and real_stills of the training"
        )
    return RealCells(counts)


@dataclass(frozen=True)
class CropPlan:
    """What to cut, and how often.

    Attributes:
        planes_of: (field, pixel_pitch_um, rng) -> (plane, y, x), inputs and targets one behind the
            other; a partial of a module-level function, because it travels to worker processes.
        fields: ranges of the simulated fields.
        optics: the instrument.
        recipes: draws of the ranges; each is one file of crops.
        crops_per_field: crops from each field of a recipe.
        crop_px: side of a crop.
        seed: seed of everything.
        real: real cells that stand in for the simulated ones in a share of the fields.
        culture_fraction: share of the recipes whose fields are moments of a growing culture.
        round_opd_gain: range of gains on OPD and dry mass of rounded cells.
    """

    planes_of: Planes
    fields: FieldsConfig
    optics: OpticsConfig
    recipes: int
    crops_per_field: int
    crop_px: int
    seed: int
    real: RealShare | None = None
    culture_fraction: float = 0.0
    round_opd_gain: tuple[float, float] = (1.0, 1.0)

    @classmethod
    def of(
        cls,
        planes_of: Planes,
        training: TrainUnwrapConfig | TrainQuantifyConfig,
        fields: FieldsConfig,
        optics: OpticsConfig,
        **drawn: Any,
    ) -> CropPlan:
        """Return the plan of a training; `drawn` are the attributes that not every training has."""
        counts = (training.recipes, training.crops_per_field, training.crop_px, training.seed)
        return cls(planes_of, fields, optics, *counts, **drawn)

    def folder(self, work: Path) -> Path:
        """Return where the crops of exactly this plan lie, below `work`.

        A resumed run finds its own, and so does a training of another network on the same crops; a run
        with other settings does not find somebody else's.
        """
        maps = (self.planes_of.func.__qualname__, self.planes_of.keywords)
        drawn = (self.real, self.culture_fraction, self.round_opd_gain)
        cut = (self.recipes, self.crops_per_field, self.crop_px, self.seed)
        return work / _short_digest((*maps, self.fields, self.optics, *drawn, *cut))


def checkpoint_in(folder: Path, *training: object) -> Path:
    """Return where the state of exactly this training lies, beside the crops that it uses."""
    return folder / f"state_{_short_digest(training)}.pt"


def _short_digest(what: object) -> str:
    return hashlib.sha256(repr(what).encode()).hexdigest()[:12]


def make_crops(plan: CropPlan, folder: Path) -> np.ndarray:
    """Return all crops (crop, plane, y, x) float16; recipes already in the folder are not made again."""
    jobs = [(plan, index, folder / f"crops_{index:04d}.npy") for index in range(plan.recipes)]
    with ProcessPoolExecutor(cpu_count(), initializer=_use_one_core) as pool:
        for done, _ in enumerate(pool.map(_make_recipe, jobs), start=1):
            if done % 10 == 0:
                logger.info("crops: recipe %d of %d", done, plan.recipes)
    return np.concatenate([_read_crops(path) for _, _, path in jobs])


def _use_one_core() -> None:
    """Keep a worker to one core: there is one worker per core already."""
    os.environ["OMP_NUM_THREADS"] = "1"


def _make_recipe(job: tuple[CropPlan, int, Path]) -> None:
    plan, index, path = job
    if path.exists():
        return
    rng = np.random.default_rng([plan.seed, index])
    recipe = replace(draw_recipe(rng, plan.fields), round_opd_gain=plan.round_opd_gain)
    maker = FieldMaker(recipe, plan.optics, rng)
    crops = []
    for field in _fields(plan, maker, rng):
        planes = plan.planes_of(field, recipe.pixel_pitch_um, rng)
        room_yx = np.subtract(planes.shape[1:], plan.crop_px) + 1
        for top, left in rng.integers(0, room_yx, (plan.crops_per_field, 2)):
            crops.append(planes[:, top : top + plan.crop_px, left : left + plan.crop_px])
    with written_whole(path, sealed=True) as temporary, open(temporary, "wb") as handle:
        np.save(handle, np.stack(crops).astype(np.float16))
        handle.write(BLANK)  # readers of .npy do not look behind the array


def _read_crops(path: Path) -> np.ndarray:
    check_seal(path)
    return np.asarray(np.load(path, allow_pickle=False))


def _fields(plan: CropPlan, maker: FieldMaker, rng: np.random.Generator) -> Iterator[TrueField]:
    """Yield the fields of a recipe: placed at random or grown; real ones instead where the plan has them."""
    n_fields = plan.fields.fields_per_recipe
    if plan.culture_fraction > 0 and rng.random() < plan.culture_fraction:
        yield from maker.draw_culture(n_fields, rng)
        return
    for _ in range(n_fields):
        if plan.real is not None and rng.random() < plan.real.fraction:
            yield plan.real.draw(maker, rng)
        else:
            yield maker.draw(rng)
