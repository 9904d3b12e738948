"""Settings of tracking and of the series made of it; see `config` for the rest."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lensfree.config_base import Count, NonNegative, Positive, Section

FRAMES_OF_MIN = 10.0
"""What "frames" of the section `track` last; at another interval there are as many as take as long."""


class TrackConfig(Section):
    """Cells to tracks with lineage. Frames are those of 10 min; at others as many as last as long."""

    search_range_um: Positive | Literal["auto"] = Field("auto", description="largest step per frame [um]")
    memory_frames: Annotated[int, Field(ge=0)] = Field(
        2, description="frames of 10 min that a cell may be missed"
    )
    log_mass_weight_um: NonNegative | Literal["auto"] = Field(
        "auto", description="distance that one unit of log dry mass counts for in linking [um]"
    )
    min_dry_mass_pg: Positive = Field(
        30.0, description="smaller dry masses count as this one in logarithms [pg]"
    )
    search_range_steps: Positive = Field(2.5, description="auto: search range in 95 % quantiles of the step")
    search_range_leaps: NonNegative = Field(
        1.5, description="auto: search range, at least, in steps that one in a thousand exceeds"
    )
    log_mass_trust: NonNegative = Field(
        0.75, description="auto: weight of mass, in that which its noise alone would justify"
    )
    sampled_frames: Count = Field(60, description="auto: pairs of frames that the scales are learnt from")
    min_pairs: Count = Field(30, description="auto: with fewer pairs of cells the fallbacks hold")
    fallback_step_sd_um: Positive = Field(2.5, description="sd of a step along one axis, if not learnt [um]")
    fallback_log_mass_sd: Positive = Field(0.1, description="sd of measured ln(dry mass), if not learnt")
    min_step_sd_um: Positive = Field(0.5, description="steps are never taken to be surer than this [um]")
    min_log_mass_sd: Positive = Field(0.02, description="ln(dry mass) is never taken to be surer than this")
    assignment_limit: Count = Field(
        1500, description="larger groups of competing cells narrow the search range"
    )
    division_range_um: Positive = Field(45.0, description="largest distance between new sisters [um]")
    division_max_cost: Positive = Field(25.0, description="costlier divisions are refused")
    max_cost_without_mass: Annotated[float, Field(gt=0, le=1)] = Field(
        0.5, description="share of division_max_cost that is allowed where dry mass says nothing"
    )
    division_mass_frames: Count = Field(
        6, description="frames whose median dry mass is weighed at a division"
    )
    use_rounding: bool = Field(
        True, description="cells round up to divide; off: a division need not look like one"
    )
    three_way_cost: NonNegative = Field(6.0, description="surcharge on a division into three")
    min_cycle_h: NonNegative = Field(8.0, description="a cell does not divide twice within this [h]")
    max_gap_frames: Annotated[int, Field(ge=0)] = Field(
        6, description="a cell lost for up to this many frames of 10 min may be found again; 0: never"
    )
    gap_cost: NonNegative = Field(10.0, description="surcharge on joining two tracks across a gap")
    max_fusion_frames: Annotated[int, Field(ge=0)] = Field(
        12, description="two cells found as one for up to this many frames of 10 min are told apart; 0: never"
    )
    fusion_range_um: Positive = Field(
        25.0, description="a missing cell may be part of a detection this far from its way [um]"
    )
    min_track_frames: Count = Field(3, description="tracks of fewer frames of 10 min cannot be daughters")
    max_field_step_um: NonNegative = Field(
        40.0, description="largest jump of the whole field between frames that is undone; 0 turns it off [um]"
    )


class SeriesConfig(Section):
    """Tracks to dry-mass histories on a regular grid."""

    max_gap_frames: Annotated[int, Field(ge=0)] = Field(3, description="longer gaps split a series")
    min_length_h: NonNegative = Field(5.0, description="shorter series are dropped [h]")
