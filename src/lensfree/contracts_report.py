"""The schema of the tables behind the figures of the pages, which hold every number that a figure shows."""

from __future__ import annotations

from types import MappingProxyType

from lensfree.contracts import CELLS, FRAMES, SCORES, SERIES, TRACKS, WINDOWS, Column, TableContract


def _table(name: str, **columns: Column) -> TableContract:
    return TableContract(name, MappingProxyType(columns))


_LOW = Column("float64", "as value", "lower end of the interval; NaN if there is none")
_HIGH = Column("float64", "as value", "upper end of the interval; NaN if there is none")

POPULATION = _table(
    "population",
    frame=FRAMES.columns["frame"],
    time_h=FRAMES.columns["time_h"],
    is_missing=FRAMES.columns["is_missing"],
    n_cells=Column("float64", "1", "cells found in the frame; NaN if it is missing or was not measured"),
    total_dry_mass_pg=Column("float64", "pg", "sum of their dry mass; NaN likewise"),
    background_sd_nm=Column("float64", "nm", "sd of the OPD where there is no cell"),
    misfit=Column("float64", "1", "what the model left unexplained of the hologram; NaN for OPD as given"),
    z_um=Column("float64", "um", "sample to sensor distance; NaN likewise"),
    n_cells_true=Column("float64", "1", "true cells in the field; NaN unless simulated"),
    total_dry_mass_true_pg=Column("float64", "pg", "sum of their dry mass; NaN likewise"),
)
GROWTH = _table(
    "growth",
    quantity=Column("str", "1", "what grows: cells or total dry mass"),
    rate_per_h=Column("float64", "1/h", "slope of ln(quantity) over time; NaN with fewer than 12 frames"),
    rate_low_per_h=Column("float64", "1/h", "lower end of its 95 % interval; NaN with few lineages"),
    rate_high_per_h=Column("float64", "1/h", "upper end"),
    doubling_h=Column("float64", "h", "ln 2 / rate; NaN where the quantity does not grow"),
    doubling_low_h=Column("float64", "h", "lower end of its 95 % interval; NaN unless all of it grows"),
    doubling_high_h=Column("float64", "h", "upper end"),
    n_frames=Column("int64", "1", "frames that entered"),
    n_lineages=Column("int64", "1", "lineages that were drawn anew for the interval"),
)
HISTOGRAMS = _table(
    "histograms",
    quantity=Column("str", "1", "cell_followed_h, series_followed_h or dry_mass_pg"),
    low=Column("float64", "as quantity", "lower edge of the bin"),
    high=Column(
        "float64", "as quantity", "upper edge; the last bin of dry_mass_pg holds all that is heavier"
    ),
    count=Column("int64", "1", "how many lie in the bin"),
)
TREES = _table(
    "trees",
    lineage_id=TRACKS.columns["lineage_id"],
    cell_id=TRACKS.columns["cell_id"],
    parent_id=TRACKS.columns["parent_id"],
    slot=Column("float64", "1", "height of the branch in its tree, leaves are 1 apart"),
    time_h=CELLS.columns["time_h"],
    dry_mass_pg=Column("float64", "pg", "median over 5 looks, which is the width of the branch"),
    state=Column("str", "1", "normal, flagged, or suspected error from the onset on"),
)
CARDS = _table(
    "cards",
    rank=Column("int64", "1", "place in the ranking, 1 is the most suspicious"),
    **{name: SERIES.columns[name] for name in ("series_id", "cell_id", "time_h", "dry_mass_pg", "is_filled")},
    dry_mass_se_pg=CELLS.columns["dry_mass_se_pg"],
)
CARD_WINDOWS = _table(
    "card_windows",
    rank=CARDS.columns["rank"],
    series_id=SERIES.columns["series_id"],
    start_h=WINDOWS.columns["start_h"],
    drawn_at_h=Column("float64", "h", "where the window's point stands in the figure"),
    forecast_mse=WINDOWS.columns["forecast_mse"],
    surprise=WINDOWS.columns["surprise"],
    is_abnormal=WINDOWS.columns["is_abnormal"],
)
WELLS = _table(
    "wells",
    measure=Column("str", "1", "what is measured, see report/compare_measures.py"),
    unit=Column("str", "1", "its unit"),
    condition=Column("str", "1", "what was done to the cells, as the sheet says"),
    well=Column("str", "1", "data set and well, or the acquisition if the sheet names no well"),
    acquisitions=Column("str", "1", "acquisitions of the well"),
    value=Column("float64", "as unit", "median over cells, share of series, or growth rate of the well"),
    quarter_low=Column("float64", "as unit", "a quarter of the cells lies below; NaN for shares and rates"),
    quarter_high=Column("float64", "as unit", "a quarter of the cells lies above; NaN likewise"),
    n_values=Column("int64", "1", "cells, or series, that have the measure"),
    n_lineages=Column("int64", "1", "lineages they belong to"),
)
EFFECTS = _table(
    "effects",
    measure=WELLS.columns["measure"],
    unit=WELLS.columns["unit"],
    condition=WELLS.columns["condition"],
    reference=Column("str", "1", "the condition it is compared with"),
    difference=Column("float64", "as unit", "mean over wells of the condition minus that of the reference"),
    low=_LOW,
    high=_HIGH,
    drawn_anew=Column("str", "1", "what the interval comes from: wells, or lineages where wells are few"),
    n_wells=Column("int64", "1", "wells of the condition that have the measure"),
    n_wells_reference=Column("int64", "1", "those of the reference"),
    hedges_g=Column(
        "float64", "1", "difference of wells in their pooled sd, small-sample corrected; NaN if few"
    ),
    cliffs_delta=Column(
        "float64", "1", "P(cell is higher) - P(cell is lower) than one of the reference; cells"
    ),
)
FLAGS = _table(
    "flags",
    rank=Column("int64", "1", "place in the ranking, 1 is the most unusual"),
    series_id=Column("int64", "1", "identity of the history"),
    cell_id=Column("int64", "1", "the cell at the onset, or at the most unusual hour"),
    frame=Column("int64", "1", "its frame"),
    time_h=Column("float64", "h", "its time"),
    y_um=Column("float64", "um", "its place, down"),
    x_um=Column("float64", "um", "its place, right"),
    kind=SCORES.columns["kind"],
    is_acquisition=SCORES.columns["is_acquisition"],
    surprise=SCORES.columns["surprise"],
    normal_share=SCORES.columns["normal_share"],
    anomaly_score=SCORES.columns["anomaly_score"],
    is_flagged=SCORES.columns["is_flagged"],
    evidence=SCORES.columns["evidence"],
    verdict=Column("str", "1", "yours: biological, acquisition, both, false_positive, or empty"),
    comment=Column("str", "1", "yours: any text"),
)
"""Of `flags.csv`, which a person fills in; there is no Parquet file of it."""

FIGURE_TABLES = {
    table.name: table
    for table in (POPULATION, GROWTH, HISTOGRAMS, TREES, CARDS, CARD_WINDOWS, WELLS, EFFECTS)
}
