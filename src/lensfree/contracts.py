"""The schema of every file that passes between stages; `io` checks it on write and on read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

# 2: every file carries a checksum of itself, holograms the digests of the frames they were read from.
CONTRACT_VERSION = 2


class ContractError(ValueError):
    """A file does not hold what its contract says; the message names file, expected and got."""


@dataclass(frozen=True)
class Column:
    """One column of a table: NumPy type name (`str` for text), unit ("1" if none) and meaning."""

    dtype: str
    unit: str
    meaning: str


@dataclass(frozen=True)
class TableContract:
    """A Parquet table: its name, its columns in order, and those that it may have after them or lack."""

    name: str
    columns: Mapping[str, Column]
    optional: Mapping[str, Column] = field(default_factory=dict)


@dataclass(frozen=True)
class DatasetContract:
    """One HDF5 dataset: axes, unit, and the NumPy types that it may have."""

    axes: tuple[str, ...]
    unit: str
    dtypes: tuple[str, ...]


@dataclass(frozen=True)
class StackContract:
    """An HDF5 stack: its name, datasets and required attributes of the file."""

    name: str
    datasets: Mapping[str, DatasetContract]
    attributes: tuple[str, ...]


def _table(name: str, **columns: Column) -> TableContract:
    return TableContract(name, MappingProxyType(columns))


_FRAME = Column("int32", "1", "index of the frame in the acquisition, from 0")
_TIME = Column("float64", "h", "time since frame 0")
_CELL_ID = Column("int64", "1", "identity of a cell from birth to division")
_PARENT_ID = Column("int64", "1", "cell_id of the mother, -1 if none")
_LINEAGE_ID = Column("int64", "1", "cell_id of the founder")
_SERIES_ID = Column("int64", "1", "identity of a root-to-leaf path")
_DRY_MASS = Column("float64", "pg", "integral of OPD over the cell divided by alpha")

_CELL_COLUMNS = dict(
    frame=_FRAME,
    time_h=_TIME,
    y_um=Column("float64", "um", "centre, down from the centre of pixel (0, 0)"),
    x_um=Column("float64", "um", "centre, right from the centre of pixel (0, 0)"),
    dry_mass_pg=_DRY_MASS,
    area_um2=Column("float64", "um2", "projected area"),
    max_opd_nm=Column("float64", "nm", "largest OPD above background"),
    length_um=Column("float64", "um", "major axis of the ellipse with the same second moments"),
    dry_mass_se_pg=Column(
        "float64",
        "pg",
        "standard error of dry_mass_pg, what is systematic included, calibrated on simulated cells of three "
        "colours; NaN where the chain that measured the cell has no calibration",
    ),
    touches_border=Column(
        "bool",
        "1",
        "whether the border of the field may cut the cell: reference: its outline reaches the border; "
        "otherwise: its centre is nearer to the border than the radius of a disc",
    ),
    model=Column("str", "1", "what measured the cell: name and version of the model, or reference"),
)

FRAMES = _table(
    "frames",
    frame=_FRAME,
    time_h=_TIME,
    is_missing=Column("bool", "1", "whether the frame could not be read"),
    reason=Column("str", "1", "why it could not be read"),
    mean_intensity=Column("float64", "1", "mean over pixels and channels, open beam = 1"),
    saturated_fraction=Column("float64", "1", "share of pixels at the top of the range"),
)
FOCUS = _table(
    "focus",
    channel=Column("str", "1", "name of the channel"),
    wavelength_nm=Column("float64", "nm", "centre wavelength"),
    z_um=Column("float64", "um", "sample to sensor distance at the field's centre"),
    shift_y_um=Column("float64", "um", "lateral shift of the channel against the first"),
    shift_x_um=Column("float64", "um", "lateral shift of the channel against the first"),
    tilt_y_um_per_mm=Column("float64", "um/mm", "growth of z down the field; 0 if given or not found"),
    tilt_x_um_per_mm=Column("float64", "um/mm", "growth of z to the right; 0 if given or not found"),
    is_estimated=Column("bool", "1", "whether z was found (auto) or given by the sheet"),
)
CELLS = _table("cells", **_CELL_COLUMNS)
TRACKS = _table(
    "tracks",
    **_CELL_COLUMNS,
    is_shared=Column(
        "bool",
        "1",
        "whether the row is a cell's share of a detection that it had together with another one: position "
        "and dry mass are inferred",
    ),
    cell_id=_CELL_ID,
    parent_id=_PARENT_ID,
    lineage_id=_LINEAGE_ID,
)
LINEAGE_EVENTS = _table(
    "lineage_events",
    kind=Column(
        "str",
        "1",
        "division, fusion, swap, gap, birth, enters_field, death, lost or leaves_field, see tracks/events.py",
    ),
    frame=_FRAME,
    time_h=_TIME,
    y_um=_CELL_COLUMNS["y_um"],
    x_um=_CELL_COLUMNS["x_um"],
    cell_id=_CELL_ID,
    related_id=Column("int64", "1", "daughter, or the other cell of a fusion or swap; -1 if none"),
    n_frames=Column("int64", "1", "frames of a fusion or gap, otherwise 0"),
    cost=Column(
        "float64",
        "1",
        "sum of squared deviations in sd that was accepted; NaN if nothing was judged",
    ),
)
SERIES = _table(
    "series",
    series_id=_SERIES_ID,
    cell_id=_CELL_ID,
    time_h=_TIME,
    dry_mass_pg=_DRY_MASS,
    is_filled=Column(
        "bool",
        "1",
        "whether the point was interpolated, across a gap or where the border cut the cell, or is a share "
        "of two cells found as one",
    ),
    is_repeated=Column("bool", "1", "whether a series before has the same point of the same cell"),
)
SERIES = replace(
    SERIES,
    optional=MappingProxyType(
        {
            "area_um2": _CELL_COLUMNS["area_um2"],
            "max_opd_nm": _CELL_COLUMNS["max_opd_nm"],
            "speed_um_per_h": Column(
                "float64",
                "um/h",
                "way since the point before over time; of a cell's first point: until the next",
            ),
        }
    ),
)
CELL_CYCLES = _table(
    "cell_cycles",
    cell_id=_CELL_ID,
    parent_id=_PARENT_ID,
    lineage_id=_LINEAGE_ID,
    first_h=Column("float64", "h", "time of the cell's first row"),
    last_h=Column("float64", "h", "time of its last row"),
    n_frames=Column("int64", "1", "frames in which it was seen"),
    n_daughters=Column("int64", "1", "daughters, 0 if it was not seen to divide"),
    cycle_h=Column("float64", "h", "from birth to division; NaN unless both were seen"),
    first_dry_mass_pg=Column("float64", "pg", "median dry mass of its first looks"),
    last_dry_mass_pg=Column("float64", "pg", "median dry mass of its last looks"),
    growth_rate_per_h=Column("float64", "1/h", "slope of ln(dry mass) over time; NaN with few looks"),
    division_asymmetry=Column("float64", "1", "(heaviest - lightest) / sum of its daughters; NaN if none"),
)
WINDOWS = _table(
    "windows",
    series_id=_SERIES_ID,
    start_h=Column("float64", "h", "time of the first point of the window"),
    forecast_mse=Column("float64", "1", "MSE of forecast and smoothed target, standardised units"),
    surprise=Column("float64", "1", "of the most surprised view, anomaly/surprise.py; NaN under stardusts"),
    is_abnormal=Column("bool", "1", "whether the surprise, or forecast_mse, exceeds its threshold"),
)
SCORES = _table(
    "scores",
    series_id=_SERIES_ID,
    n_windows=Column("int64", "1", "windows of the series; 0 if it is too short to be judged"),
    anomaly_score=Column(
        "float64", "1", "abnormal windows / all windows, StArDusTS Eq. 7; NaN without windows"
    ),
    surprise=Column(
        "float64", "1", "what series are ranked by, -ln of a share of normal ones; NaN under stardusts"
    ),
    normal_share=Column(
        "float64", "1", "share of normal series that surprise at least as much; NaN under stardusts"
    ),
    view=Column("str", "1", "most surprised view, see anomaly/plus.py; empty under stardusts"),
    is_flagged=Column("bool", "1", "whether normal_share is below score.alpha, or A above score.flag_above"),
    kind=Column("str", "1", "what is wrong, see anomaly/kinds.py; unclear; empty if nothing was asked"),
    is_acquisition=Column("bool", "1", "whether the kind is an error of measurement or tracking"),
    onset_h=Column("float64", "h", "when it began; NaN if unclear"),
    evidence=Column("str", "1", "a sentence with numbers"),
    model=Column("str", "1", "forecaster used and what it was trained on"),
)
TRUTH = _table(
    "truth",
    frame=_FRAME,
    time_h=_TIME,
    cell_id=_CELL_ID,
    parent_id=_PARENT_ID,
    lineage_id=_LINEAGE_ID,
    y_um=_CELL_COLUMNS["y_um"],
    x_um=_CELL_COLUMNS["x_um"],
    dry_mass_pg=_DRY_MASS,
    area_um2=_CELL_COLUMNS["area_um2"],
    max_opd_nm=_CELL_COLUMNS["max_opd_nm"],
    length_um=_CELL_COLUMNS["length_um"],
    state=Column("str", "1", "flat, round or dead"),
    anomaly=Column("str", "1", "kind of anomaly, empty if normal"),
    is_abnormal=Column("bool", "1", "whether the cell goes wrong"),
)
FAULTS = _table(
    "faults",
    frame=_FRAME,
    time_h=_TIME,
    kind=Column("str", "1", "acquisition error: lost, dim, defocus or stage_jump"),
    channel=Column("str", "1", "name of the channel it concerns, empty if all"),
    amount=Column(
        "float64",
        "1 or um",
        "lost: share of the file that is left [1]; dim: factor on the light [1]; defocus: added to the "
        "sample to sensor distance [um]; stage_jump: length of the displacement [um], which lasts",
    ),
    shift_y_um=Column("float64", "um", "stage_jump: how far the field moved down, otherwise 0"),
    shift_x_um=Column("float64", "um", "stage_jump: how far the field moved right, otherwise 0"),
)
TABLES = {
    t.name: t
    for t in (
        FRAMES,
        FOCUS,
        CELLS,
        TRACKS,
        LINEAGE_EVENTS,
        SERIES,
        CELL_CYCLES,
        WINDOWS,
        SCORES,
        TRUTH,
        FAULTS,
    )
}

_PER_FRAME = {
    "time_h": DatasetContract(("frame",), "h", ("float64",)),
    "is_missing": DatasetContract(("frame",), "1", ("bool",)),
}
HOLOGRAMS = StackContract(
    "holograms",
    MappingProxyType(
        {
            "counts": DatasetContract(("frame", "channel", "y", "x"), "count", ("uint8", "uint16")),
            "background": DatasetContract(("channel", "y", "x"), "count", ("float32",)),
            **_PER_FRAME,
        }
    ),
    ("first_frame", "channels", "wavelength_nm", "pixel_pitch_um", "sources", "reasons", "frames_sha256"),
)
OPD = StackContract(
    "opd",
    MappingProxyType(
        {
            "opd_nm": DatasetContract(("frame", "y", "x"), "nm", ("int16",)),
            "absorption": DatasetContract(("frame", "y", "x"), "1", ("int16",)),
            **_PER_FRAME,
            "z_um": DatasetContract(("frame",), "um", ("float64",)),
            "misfit": DatasetContract(("frame",), "1", ("float64",)),
            "background_sd_nm": DatasetContract(("frame",), "nm", ("float64",)),
            "refine_rejected": DatasetContract(("frame",), "1", ("bool",)),
        }
    ),
    ("first_frame", "pixel_pitch_um"),
)
BACKGROUND = StackContract(
    "background",
    MappingProxyType({"background": HOLOGRAMS.datasets["background"]}),
    ("dtype", "method", "pixel_pitch_um"),
)
