"""Every setting, its default, its unit and its meaning; the one owner of the configuration.

`config.yaml` and `workflow/schemas/` are generated from here by `make config`; a test keeps them in
step. Sections are frozen and refuse unknown keys, so a typo is an error instead of a silent default.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
DeviceWish = Literal["auto", "cpu", "cuda"]


class Section(BaseModel):
    """A frozen part of the configuration that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OpticsConfig(Section):
    """The instrument, as far as the acquisitions sheet does not say it."""

    led_fwhm_nm: NonNegative = Field(20.0, description="spectral width of each LED [nm]")
    source_diameter_um: NonNegative = Field(50.0, description="pinhole diameter [um]")
    source_distance_mm: Positive = Field(50.0, description="pinhole to sample [mm]")
    n_medium: Positive = Field(1.0, description="refractive index between sample and sensor")


class StorageConfig(Section):
    """How stacks are written."""

    compression: Literal["gzip", "blosc2"] = Field(
        "gzip", description="gzip opens everywhere; blosc2 reads 8 times faster"
    )
    opd_step_nm: Positive = Field(0.1, description="OPD of one stored integer step [nm]")


class LoadConfig(Section):
    """Raw frames to normalised holograms."""

    background: Literal["auto", "image", "temporal_median", "smooth", "none"] = Field(
        "auto", description="auto: image if the sheet gives one, else median of a long series, else smooth"
    )
    median_frames: Count = Field(15, description="frames that enter the temporal median")
    median_stride: Count = Field(10, description="every how many frames one enters the median")
    smooth_um: Positive = Field(150.0, description="Gaussian sd of the smooth background [um]")
    on_bad_frame: Literal["error", "gap"] = Field(
        "error", description="error: stop and say which; gap: record the frame as missing and go on"
    )


class FocusConfig(Section):
    """Distance and lateral shifts of the colours, where the sheet leaves them open."""

    z_min_um: Positive = Field(500.0, description="nearest distance tried for z auto [um]")
    z_max_um: Positive = Field(2000.0, description="farthest distance tried for z auto [um]")
    steps: Count = Field(31, description="distances in the coarse scan")
    iterations: Count = Field(10, description="descent iterations per distance in the fine scan")
    register_channels: bool = Field(True, description="estimate the colours' lateral shifts")


class IngestConfig(Section):
    """OPD maps of another microscope into the same form as reconstructed ones."""

    background: Literal["mode", "none"] = Field(
        "mode", description="mode: subtract each frame's most frequent OPD; none: keep the level as it is"
    )


class ReconstructConfig(Section):
    """Inverse problem: intensities to OPD and absorption."""

    method: Literal["accelerated", "reference"] = Field(
        "accelerated", description="accelerated: descent, CNN, descent; reference: one long descent"
    )
    refine: str = Field("unwrap", description="model of the CNN step, or none")
    iterations_first: Count = Field(10, description="descent before the CNN")
    iterations_last: Count = Field(10, description="descent after the CNN")
    iterations_reference: Count = Field(150, description="descent of the reference method")
    tv_weight: NonNegative = Field(1e-3, description="weight of total variation of OPD per 100 nm")
    tv_eps_nm: Positive = Field(5.0, description="OPD step below which variation counts quadratically [nm]")
    absorption_tv_weight: NonNegative = Field(1e-3, description="weight of total variation of absorption")
    absorption_tv_eps: Positive = Field(0.02, description="absorption step below which variation counts quadratically")
    negative_opd_weight: NonNegative = Field(1e-4, description="penalty on negative OPD [1/nm2]")
    negative_absorption_weight: NonNegative = Field(1.0, description="penalty on negative absorption")
    padding_um: NonNegative = Field(110.0, description="margin around the field before the FFT [um]")
    device: DeviceWish = Field("auto", description="auto takes a GPU that answers")


class QuantifyConfig(Section):
    """OPD maps to lists of cells."""

    method: Literal["cnn", "reference"] = Field(
        "cnn", description="cnn: representation; reference: classical"
    )
    model: str = Field("quantify", description="model that maps OPD to representations")
    specific_refraction_increment_um3_per_pg: Positive = Field(0.18, description="alpha [um3/pg]")
    disc_diameter_um: Positive = Field(10.0, description="disc that stands for a cell [um]")
    min_distance_um: Positive = Field(7.0, description="two cells are farther apart than this [um]")
    min_dry_mass_pg: NonNegative = Field(30.0, description="weaker maxima are not cells [pg]")
    threshold_nm: Positive = Field(15.0, description="reference: OPD above background that is cell [nm]")
    detection_sigma_um: Positive = Field(6.0, description="reference: scale of the blob detector [um]")
    min_area_um2: NonNegative = Field(60.0, description="reference: smaller regions are not cells [um2]")
    background_um: Positive = Field(60.0, description="scale of the local background [um]")
    device: DeviceWish = Field("auto", description="auto takes a GPU that answers")


class TrackConfig(Section):
    """Cells to tracks with lineage."""

    search_range_um: Positive | Literal["auto"] = Field(
        "auto", description="largest step between frames [um]"
    )
    memory_frames: Annotated[int, Field(ge=0)] = Field(2, description="frames a cell may be missed")
    log_mass_weight_um: NonNegative | Literal["auto"] = Field(
        "auto", description="distance that one unit of log dry mass counts for in linking [um]"
    )
    division_range_um: Positive = Field(45.0, description="largest distance between new sisters [um]")
    division_max_cost: Positive = Field(25.0, description="costlier divisions are refused")
    min_track_frames: Count = Field(3, description="shorter tracks cannot be daughters")


class SeriesConfig(Section):
    """Tracks to dry-mass histories on a regular grid."""

    max_gap_frames: Annotated[int, Field(ge=0)] = Field(3, description="longer gaps split a series")
    min_length_h: NonNegative = Field(5.0, description="shorter series are dropped [h]")


class ScoreConfig(Section):
    """StArDusTS: forecast, window threshold, anomaly score."""

    model: Literal["auto", "own", "shipped"] = Field(
        "auto",
        description="auto trains on the data set when it has enough windows, else takes the shipped model",
    )
    shipped_model: str = Field("forecast", description="model used when none is trained")
    shipped_normalisation: Literal["dataset", "model"] = Field(
        "dataset",
        description="shipped model standardises with mean and sd of: dataset, if it has 10 lineages; or its training",
    )
    interval_min: Positive = Field(10.0, description="grid of the windows [min]")
    input_points: Count = Field(120, description="points that the forecaster sees")
    target_points: Count = Field(60, description="points that it must foretell")
    smoothing_points: Count = Field(6, description="running mean of the target")
    sigma_count: Positive = Field(2.0, description="tau_w = mean + this many sd of the training MSE")
    flag_above: Fraction = Field(0.0, description="a series with a score above this is flagged")
    min_training_windows: Count = Field(3000, description="fewer windows do not train an own model")


class TrainUnwrapConfig(Section):
    """Training of the CNN between the two descents."""

    pairs: Count = Field(1600, description="128 x 128 crops")
    epochs: Count = Field(14, description="passes over the pairs")
    batch: Count = Field(8, description="crops per step")
    learning_rate: Positive = Field(4e-3, description="peak of the one-cycle schedule")
    layers: Count = Field(20, description="convolution layers")
    features: Count = Field(16, description="features per layer")
    seed: int = Field(1000, description="seed of data and weights")


class TrainQuantifyConfig(Section):
    """Training of the CNN that maps OPD to representations."""

    fields: Count = Field(1500, description="simulated fields of 128 x 128 pixels")
    steps: Count = Field(3000, description="optimiser steps")
    batch: Count = Field(8, description="fields per step")
    learning_rate: Positive = Field(3e-3, description="peak of the schedule")
    layers: Count = Field(20, description="convolution layers")
    features: Count = Field(32, description="features per layer")
    stride: Literal[1, 2] = Field(2, description="2 works on 2 x 2 blocks of pixels, four times faster")
    noise_sd_nm: NonNegative = Field(5.0, description="largest noise added to training fields [nm]")
    background_nm: NonNegative = Field(10.0, description="largest slow background added [nm]")
    seed: int = Field(2000, description="seed of data and weights")


class TrainScoreConfig(Section):
    """Training of the forecaster."""

    epochs: Count = Field(12, description="passes over the windows")
    batch: Count = Field(256, description="windows per step")
    learning_rate: Positive = Field(1e-3, description="peak of the cosine schedule")
    windows_per_epoch: Count = Field(20000, description="windows drawn anew for each epoch")
    seed: int = Field(3000, description="seed of split, order and weights")


class SimulateConfig(Section):
    """An acquisition with known truth."""

    frames: Count = Field(216, description="length of the acquisition")
    height_px: Count = Field(320, description="rows of the sensor")
    width_px: Count = Field(384, description="columns of the sensor")
    cells_per_mm2: Positive = Field(100.0, description="density in the first frame")
    cycle_h: Positive = Field(20.0, description="mean cell cycle [h]")
    cycle_cv: NonNegative = Field(0.12, description="spread of the cell cycle")
    speed_um_per_h: NonNegative = Field(20.0, description="rms speed [um/h]")
    abnormal_fraction: Fraction = Field(0.1, description="share of cells that go wrong")
    oversampling: Literal[1, 2] = Field(2, description="simulated pixels per sensor pixel and axis")
    spectral_lines: Annotated[int, Field(ge=1, le=9)] = Field(
        3, description="wavelengths that make up an LED"
    )
    sensor_noise: NonNegative = Field(0.01, description="noise sd at open-beam intensity")
    background_amplitude: NonNegative = Field(0.1, description="structure of the illumination, relative")
    colour_shift_um: NonNegative = Field(5.0, description="largest lateral shift of a colour [um]")
    drift_nm: NonNegative = Field(0.0, description="slow OPD background [nm]")
    open_beam_counts: Annotated[int, Field(ge=16, le=60000)] = Field(
        140, description="grey level of the open beam"
    )
    bits: Literal[8, 16] = Field(8, description="depth of the TIFF files")
    seed: int = Field(1, description="seed of everything that is random")


class ReportConfig(Section):
    """One page per acquisition."""

    montage_frames: Count = Field(4, description="frames shown")
    anomalies: Count = Field(12, description="ranked anomalies shown")
    strip_frames: Count = Field(12, description="thumbnails per anomaly")


class EvaluateConfig(Section):
    """Held-out measurement of accuracy; its seeds never meet those of training."""

    seeds: tuple[int, ...] = Field((90001, 90002, 90003), description="seeds of the held-out simulations")
    field_px: Count = Field(384, description="side of the simulated fields; the other side is 3/4 of it")


class Config(Section):
    """The whole configuration; a section per stage."""

    acquisitions: str = Field("demo/acquisitions.tsv", description="sheet of acquisitions (TSV)")
    results: str = Field("results", description="folder for everything that is computed")
    frames_per_chunk: Count = Field(24, description="frames per job until tracking")
    optics: OpticsConfig = OpticsConfig()
    storage: StorageConfig = StorageConfig()
    simulate: SimulateConfig = SimulateConfig()
    load: LoadConfig = LoadConfig()
    focus: FocusConfig = FocusConfig()
    ingest: IngestConfig = IngestConfig()
    reconstruct: ReconstructConfig = ReconstructConfig()
    quantify: QuantifyConfig = QuantifyConfig()
    track: TrackConfig = TrackConfig()
    series: SeriesConfig = SeriesConfig()
    score: ScoreConfig = ScoreConfig()
    report: ReportConfig = ReportConfig()
    train_unwrap: TrainUnwrapConfig = TrainUnwrapConfig()
    train_quantify: TrainQuantifyConfig = TrainQuantifyConfig()
    train_score: TrainScoreConfig = TrainScoreConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
