"""Settings of training and evaluation; see `config` for the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from lensfree.config_base import Count, Fraction, NonNegative, Positive, Section

DenseSeeds = Annotated[int, Field(ge=0)]


class FieldsConfig(Section):
    """The simulated fields that networks are trained on; a range is drawn from uniformly."""

    wavelength_nm: tuple[float, ...] = Field((647.0, 540.0, 450.0), description="colours [nm]")
    wavelength_spread_nm: NonNegative = Field(8.0, description="largest change of a colour [nm]")
    pixel_pitch_um: Positive = Field(1.67, description="pitch of the sensor [um]")
    fewer_colours: Fraction = Field(0.12, description="share of recipes that lack one or two of the colours")
    z_um: tuple[float, float] = Field((700.0, 1600.0), description="range of distances [um]")
    cells_per_mm2: tuple[float, float] = Field((40.0, 540.0), description="range of densities")
    round_fraction: Fraction = Field(0.12, description="share of rounded cells, more than in a culture")
    sensor_noise: tuple[float, float] = Field((0.003, 0.02), description="range of noise sd at open beam")
    colour_shift_um: NonNegative = Field(5.0, description="largest lateral shift of a colour [um]")
    background_amplitude: NonNegative = Field(0.1, description="structure of the illumination, relative")
    background_error: NonNegative = Field(0.005, description="what is left of it after division, relative")
    side_px: Count = Field(256, description="side of a field; crops are cut from it")
    fields_per_recipe: Count = Field(4, description="fields that share distance, colours and density")


class TrainUnwrapConfig(Section):
    """Training of the CNN between the two descents."""

    recipes: Count = Field(560, description="draws of distance, colours, density and noise")
    crops_per_field: Count = Field(4, description="128 x 128 crops per field")
    crop_px: Count = Field(128, description="side of a crop")
    steps: Count = Field(16000, description="optimiser steps")
    batch: Count = Field(8, description="crops per step")
    learning_rate: Positive = Field(4e-3, description="peak of the one-cycle schedule")
    layers: Count = Field(20, description="convolution layers")
    features: Count = Field(32, description="features per layer")
    stride: Literal[1, 2] = Field(2, description="2 works on 2 x 2 blocks of pixels and sees twice as far")
    round_opd_gain: tuple[float, float] = Field(
        (0.6, 2.0), description="range of gains on OPD and dry mass of rounded cells, drawn per cell"
    )
    real_movie: str = Field(
        "demo/real/livecyte_movie/mda_mb_231_phase.tif",
        description="OPD movie of real cells; its left half joins; none: without",
    )
    real_stills: tuple[str, ...] = Field(
        ("demo/real/rbc_phase/rbc_fields_1_to_4.tif", "demo/real/hl60/hl60_turned_copies.tif"),
        description="OPD images of real cells that join the movie, whole",
    )
    real_fraction: Fraction = Field(0.3, description="share of fields made of real cells")
    real_stills_fraction: Fraction = Field(0.3, description="share of the stills among those")
    real_max_opd_nm: tuple[float, float] = Field(
        (200.0, 1200.0), description="range of OPD that the brightest grey level stands for [nm]"
    )
    seed: int = Field(1000, description="seed of data and weights")


class TrainQuantifyConfig(Section):
    """Training of the CNN that maps OPD to representations."""

    recipes: Count = Field(200, description="draws of distance, colours, density and noise")
    crops_per_field: Count = Field(4, description="128 x 128 crops per field")
    crop_px: Count = Field(128, description="side of a crop")
    steps: Count = Field(20000, description="optimiser steps")
    batch: Count = Field(8, description="crops per step")
    learning_rate: Positive = Field(3e-3, description="peak of the one-cycle schedule")
    layers: Count = Field(20, description="convolution layers")
    features: Count = Field(32, description="features per layer")
    stride: Literal[1, 2] = Field(2, description="2 works on 2 x 2 blocks of pixels, four times faster")
    culture_fraction: Fraction = Field(0.4, description="share of recipes drawn from a growing culture")
    real_movie: str = Field(
        "demo/real/livecyte_movie/mda_mb_231_phase.tif",
        description="OPD movie of real cells; its left half joins, labelled by the reference; none: without",
    )
    real_fraction: Fraction = Field(0.35, description="share of fields made of real cells, cultures aside")
    real_max_opd_nm: tuple[float, float] = Field(
        (250.0, 600.0), description="range of OPD that the brightest grey level stands for [nm]"
    )
    zoom: tuple[float, float] = Field((0.65, 1.1), description="range of zooms of every second field")
    opd_gain: tuple[float, float] = Field((0.7, 2.0), description="range of gains on OPD")
    noise_sd_nm: NonNegative = Field(20.0, description="largest noise added to training fields [nm]")
    background_nm: NonNegative = Field(30.0, description="largest slow background added [nm]")
    seed: int = Field(2000, description="seed of data and weights")


class TransferQuantifyConfig(Section):
    """Training of the CNN of quantify on own acquisitions, labelled by the reference, and its verdict."""

    acquisitions: tuple[str, ...] = Field((), description="acquisitions of the sheet to learn from")
    start: str = Field("quantify", description="model that training starts from and has to beat")
    frames: Count = Field(12, description="frames of each acquisition, spread over its length")
    held_out: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.25, description="share of the width, at the right of every frame, that judges and does not train"
    )
    crops: Count = Field(800, description="crops, spread over the frames")
    crop_px: Count = Field(128, description="side of a crop, in pixels of the network")
    steps: Count = Field(2000, description="optimiser steps")
    learning_rate: Positive = Field(3e-4, description="peak of the one-cycle schedule")
    min_cells: Count = Field(
        100, description="fewer labelled cells, to train on or to judge by, are an error"
    )
    seed: int = Field(5000, description="seed of crops, training and verdict")


class TrainScoreConfig(Section):
    """Training of the forecaster and of the detector."""

    epochs: Count = Field(12, description="passes over the windows")
    batch: Count = Field(256, description="windows per step")
    learning_rate: Positive = Field(1e-3, description="peak of the cosine schedule")
    windows_per_epoch: Count = Field(20000, description="windows drawn anew for each epoch")
    seed: int = Field(3000, description="seed of split, order and weights")
    simulated_series: Count = Field(900, description="shipped model: simulated histories")
    simulated_laboratories: Count = Field(
        30, description="shipped detector: simulated laboratories that its histories come from"
    )
    laboratory_series: Count = Field(1500, description="shipped detector: their histories, all together")
    simulated_points: tuple[int, int] = Field((180, 432), description="shipped model: range of their lengths")
    simulated_abnormal: Fraction = Field(0.1, description="shipped model: share of abnormal ones, unlabelled")


class CalibrateErrorConfig(Section):
    """Calibration of the standard error of dry mass on simulated fields."""

    recipes: Count = Field(80, description="draws of distance, colours, density and noise")
    fields_per_recipe: Count = Field(2, description="fields that share them")
    culture_fraction: Fraction = Field(0.4, description="share of recipes drawn from a growing culture")
    seed: int = Field(4000, description="seed of the fields; neither training nor evaluation has it")


class ExperimentConfig(Section):
    """The three experiments of StArDusTS on data sets of the sheet (column `dataset`)."""

    train: str = Field("", description="data set that models are trained on, in all three experiments")
    apply: str = Field("", description="experiment two: data set that they are applied to")
    altered: str = Field("", description="experiment three: data set of altered cells")
    annotations: tuple[str, ...] = Field(
        (), description="experiment one: tables flags.csv of reports of `train` with verdicts filled in"
    )

    def data_sets(self, experiment: str, known: Iterable[str]) -> tuple[str, ...]:
        """Return the data sets of an experiment: what is trained on, then what it is applied to.

        Args:
            experiment: `one`, `two` or `three`.
            known: data sets of the sheet.

        Raises:
            ValueError: if one is not named, or is not in the sheet.
        """
        fields = {"one": ("train",), "two": ("train", "apply"), "three": ("train", "altered")}[experiment]
        names = tuple(str(getattr(self, field)) for field in fields)
        for field, name in zip(fields, names, strict=True):
            if name not in known:
                got = f"is '{name}'" if name else "names no data set"
                raise ValueError(
                    f"experiment.{field} {got}, expected a data set of the sheet with tracked acquisitions: "
                    f"{', '.join(sorted(set(known))) or 'there is none'}; experiment {experiment} needs it"
                )
        if len(set(names)) < len(names):
            raise ValueError(
                f"experiment.{fields[1]} is '{names[0]}' like experiment.train, expected another data set: "
                f"experiment {experiment} compares two"
            )
        return names


class EvaluateConfig(Section):
    """Held-out measurement of accuracy; its seeds never meet those of training."""

    seeds: tuple[int, ...] = Field((90001, 90002, 90003), description="seeds of the held-out simulations")
    field_px: Count = Field(512, description="columns of the simulated fields; rows are 3/4 of it")
    fields: Count = Field(2, description="fields per seed and density")
    z_um: tuple[float, float] = Field((900.0, 1200.0), description="range of distances [um]")
    focus_z_um: tuple[float, ...] = Field(
        (700.0, 850.0, 1000.0, 1200.0, 1400.0, 1600.0), description="distances of the fields for focus [um]"
    )
    drift_nm: Positive = Field(30.0, description="sd of the slow OPD added for recon's local background [nm]")
    round_fraction: Fraction = Field(0.06, description="share of rounded cells")
    sensor_noise: NonNegative = Field(0.01, description="noise sd at open beam")
    recon_cells_per_mm2: tuple[float, ...] = Field((100.0, 250.0), description="densities for recon")
    recon_dense_cells_per_mm2: Positive = Field(527.0, description="density for recon's crowded fields")
    quant_culture_cells_per_mm2: Positive = Field(
        300.0, description="density to which quant's grown cultures come"
    )
    quant_cells_per_mm2: tuple[float, ...] = Field(
        (183.0, 255.0, 364.0, 527.0), description="densities for quant"
    )
    quant_robust_cells_per_mm2: Positive = Field(
        255.0, description="density of the fields that quant degrades"
    )
    quant_degradation_nm: tuple[tuple[NonNegative, NonNegative], ...] = Field(
        ((0.0, 0.0), (10.0, 0.0), (20.0, 0.0), (0.0, 15.0), (0.0, 30.0), (10.0, 15.0), (20.0, 30.0)),
        min_length=2,
        description="noise sd and largest slow background added to OPD [nm]; the first level is the clean "
        "one, the last the worst",
    )
    track_frames: Count = Field(288, description="length of the cultures for track")
    track_cells_per_mm2: Positive = Field(60.0, description="density in their first frame")
    track_field_um: tuple[float, float] = Field((1500.0, 2000.0), description="their height and width [um]")
    track_interval_min: Positive = Field(10.0, description="their frame interval [min]")
    track_dense_seeds: tuple[DenseSeeds, DenseSeeds, DenseSeeds] = Field(
        (3, 3, 2), description="how many of the seeds for full sensors with 1, 3 and 10 thousand cells"
    )
    track_dense_seeds_35pg: tuple[DenseSeeds, DenseSeeds, DenseSeeds] = Field(
        (3, 3, 1), description="the same where dry mass has a noise of 35 pg instead of 19 pg"
    )
    track_chain_seeds: DenseSeeds = Field(
        1, description="how many of the seeds for cultures that go through the whole chain; 0: none"
    )
    track_chain_px: tuple[Count, Count] = Field((384, 512), description="rows and columns of their sensor")
    track_chain_frames: Count = Field(222, description="their length")
    score_seeds: tuple[int, ...] = Field(
        (90001, 90002, 90003, 90004, 90005),
        min_length=2,
        description="seeds of score; each has its own training and its own test histories",
    )
    score_slow_seeds: Count = Field(
        1, description="how many of them fit slow methods a second time, in another laboratory"
    )
    score_training_series: Count = Field(1300, description="histories per seed that methods are fitted to")
    score_training_abnormal: Fraction = Field(0.1, description="share of abnormal ones, unlabelled")
    score_series: Count = Field(600, description="histories per seed that they judge")
    score_abnormal: Fraction = Field(0.14, description="share of abnormal ones")
    score_held_out_series: Count = Field(
        90, description="histories per seed of the kinds that are held out from all tuning"
    )
    track_pairing_um: Positive = Field(
        8.0, description="a track and a true cell farther apart are not the same [um]"
    )
