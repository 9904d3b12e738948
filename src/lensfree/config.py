"""Every setting, its default, its unit and its meaning; the one owner of the configuration.

`config.yaml` and `workflow/schemas/` are generated from here by `make config`; a test keeps them in
step. Sections are frozen and refuse unknown keys, so a typo is an error instead of a silent default.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lensfree.config_base import Count, DeviceWish, Fraction, NonNegative, Positive, Section
from lensfree.config_output import CompareConfig, ExportConfig, KeptStacks, ReportConfig, Selection
from lensfree.config_score import ScoreConfig
from lensfree.config_tracks import SeriesConfig, TrackConfig
from lensfree.config_training import (
    CalibrateErrorConfig,
    EvaluateConfig,
    ExperimentConfig,
    FieldsConfig,
    TrainQuantifyConfig,
    TrainScoreConfig,
    TrainUnwrapConfig,
    TransferQuantifyConfig,
)

OnBadFrame = Literal["error", "gap"]
AutoOff = Literal["auto", "off"]


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
        "auto",
        description="auto: image if the sheet gives one, else median of a long series, else smooth; "
        "none: one level per channel",
    )
    median_frames: Count = Field(15, description="frames that enter the temporal median")
    median_stride: Count = Field(10, description="every how many frames one enters the median")
    smooth_um: Positive = Field(150.0, description="Gaussian sd of the smooth background [um]")
    on_bad_frame: OnBadFrame = Field(
        "error", description="error: stop and say which; gap: record the frame as missing and go on"
    )


class FocusConfig(Section):
    """Distance and lateral shifts of the colours, where the sheet leaves them open."""

    z_min_um: Positive = Field(500.0, description="nearest distance tried for z auto [um]")
    z_max_um: Positive = Field(2000.0, description="farthest distance tried for z auto [um]")
    steps: Annotated[int, Field(ge=3)] = Field(121, description="distances in the scan of sharpness")
    iterations: Count = Field(20, description="descent iterations per distance in the scan of the misfit")
    field_px: Annotated[int, Field(ge=64)] = Field(384, description="side of the central field used [pixels]")
    max_shift_um: Positive = Field(30.0, description="largest lateral shift of a colour [um]")
    register_channels: bool = Field(True, description="estimate the colours' lateral shifts")
    tilt: AutoOff = Field("auto", description="auto: a z found is a plane over wide fields; off: one z")
    drift: AutoOff = Field("auto", description="auto: a z found is followed through time; off: one z")
    z_tolerance: Positive = Field(
        0.002, description="share of z that a tile's ends may be off; dry mass is off by 8 times as much"
    )


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
    iterations_last: Count = Field(20, description="descent after the CNN")
    iterations_reference: Count = Field(150, description="descent of the reference method")
    tv_weight: NonNegative = Field(3e-3, description="weight of total variation of OPD per 100 nm")
    tv_weight_reference: NonNegative = Field(6e-3, description="the same for the reference method")
    tv_eps_nm: Positive = Field(
        5.0, description="before the CNN: OPD step below which variation counts quadratically [nm]"
    )
    tv_annealing: Positive = Field(
        3.0, description="weights of total variation at the start of the last descent over those at its end"
    )
    tv_annealing_reference: Positive = Field(30.0, description="the same for the reference method")
    slow_opd_weight: NonNegative = Field(
        1e-3, description="weight of o2 / (1 + o2), o = OPD / 100 nm, before the CNN: holds slow OPD"
    )
    slow_opd_weight_reference: NonNegative = Field(
        3e-3, description="the same for the reference method, whose many iterations let slow OPD drift"
    )
    absorption_tv_weight: NonNegative = Field(1e-2, description="weight of total variation of absorption")
    absorption_tv_eps: Positive = Field(
        0.02, description="before the CNN: absorption step below which variation counts quadratically"
    )
    negative_opd_weight: NonNegative = Field(1e-4, description="penalty on negative OPD [1/nm2]")
    negative_opd_weight_last: NonNegative = Field(
        3e-5, description="the same after the CNN, where a strong one would bias dry mass [1/nm2]"
    )
    metric_damping: NonNegative = Field(
        0.3, description="damping of the weak-sample metric of the descent before a CNN; 0: without"
    )
    negative_absorption_weight: NonNegative = Field(0.3, description="penalty on negative absorption")
    refocus_above: NonNegative = Field(
        1.5, description="frames with a misfit of this many times the chunk's median are refocused; 0: never"
    )
    refocus_range: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.3, description="share of the distance by which a frame may be out of focus"
    )
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
    integral_share: Fraction = Field(
        0.7,
        description="cnn: weight of the integral of OPD over the cell in dry mass; 0: network alone",
    )
    threshold_nm: Positive = Field(15.0, description="OPD above background that is cell [nm]")
    detection_sigma_um: Positive = Field(6.0, description="reference: scale of the blob detector [um]")
    merge_above: Fraction = Field(
        0.95, description="reference: touching regions are one cell above this ratio of saddle to top"
    )
    min_area_um2: NonNegative = Field(60.0, description="reference: smaller regions are not cells [um2]")
    background_um: Positive = Field(50.0, description="scale of the local background [um]")
    device: DeviceWish = Field("auto", description="auto takes a GPU that answers")


class SimulateConfig(Section):
    """An acquisition with known truth."""

    frames: Count = Field(216, description="length of the acquisition")
    height_px: Count = Field(320, description="rows of the sensor")
    width_px: Count = Field(384, description="columns of the sensor")
    z_um: Positive = Field(1000.0, description="true distance from sample to sensor [um]")
    cells_per_mm2: Positive = Field(100.0, description="density in the first frame")
    cycle_h: Positive = Field(20.0, description="mean cell cycle [h]")
    cycle_cv: NonNegative = Field(0.12, description="spread of the cell cycle")
    speed_um_per_h: NonNegative = Field(20.0, description="rms speed [um/h]")
    abnormal_fraction: Fraction = Field(0.1, description="share of cells that go wrong")
    oversampling: Literal[1, 2] = Field(2, description="simulated pixels per sensor pixel and axis")
    spectral_lines: Annotated[int, Field(ge=1, le=9)] = Field(
        5, description="wavelengths that make up an LED"
    )
    sensor_noise: NonNegative = Field(0.01, description="noise sd at open-beam intensity")
    background_amplitude: NonNegative = Field(0.1, description="structure of the illumination, relative")
    colour_shift_um: NonNegative = Field(5.0, description="largest lateral shift of a colour [um]")
    drift_nm: NonNegative = Field(0.0, description="sd of a slow OPD background that is no cell [nm]")
    open_beam_counts: Annotated[int, Field(ge=16, le=60000)] = Field(
        140, description="grey level of the open beam"
    )
    bits: Literal[8, 16] = Field(8, description="depth of the TIFF files")
    lost_frames: Annotated[int, Field(ge=0)] = Field(
        0, description="frames of which one colour's file is cut short; needs load.on_bad_frame: gap"
    )
    dim_frames: Annotated[int, Field(ge=0)] = Field(
        2, description="frames in which one colour's light is weak, 0.5 to 0.8 of the usual"
    )
    defocused_frames: Annotated[int, Field(ge=0)] = Field(
        2, description="runs of 1 to 3 frames taken at a wrong distance"
    )
    defocus_um: Positive = Field(150.0, description="how wrong that distance is, either way [um]")
    stage_jumps: Annotated[int, Field(ge=0)] = Field(
        1, description="frames from which on the whole field is displaced"
    )
    stage_jump_um: Positive = Field(12.0, description="length of that displacement, in any direction [um]")
    seed: int = Field(1, description="seed of everything that is random")


class Config(Section):
    """The whole configuration; a section per stage."""

    acquisitions: str = Field("demo/acquisitions.tsv", description="sheet of acquisitions (TSV)")
    results: str = Field("results", description="folder for everything that is computed")
    only: Selection = Field((), description="acquisitions to run, names or patterns; []: all of the sheet")
    frames_per_chunk: Count = Field(48, description="frames per job until tracking")
    keep: KeptStacks = Field(
        ("holograms", "opd"), description="stacks that stay once nothing needs them: holograms, opd"
    )
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
    compare: CompareConfig = CompareConfig()
    export: ExportConfig = ExportConfig()
    fields: FieldsConfig = FieldsConfig()
    train_unwrap: TrainUnwrapConfig = TrainUnwrapConfig()
    train_quantify: TrainQuantifyConfig = TrainQuantifyConfig()
    transfer_quantify: TransferQuantifyConfig = TransferQuantifyConfig()
    train_score: TrainScoreConfig = TrainScoreConfig()
    calibrate_error: CalibrateErrorConfig = CalibrateErrorConfig()
    experiment: ExperimentConfig = ExperimentConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
