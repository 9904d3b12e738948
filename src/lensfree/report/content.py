"""What a page is made of: plain values, arrays and tables, any of which may be absent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from lensfree.config import ReportConfig, ScoreConfig
from lensfree.report.growth import Growth
from lensfree.report.made import Made


@dataclass(frozen=True)
class Facts:
    """What the acquisitions sheet and the models say about an acquisition.

    Attributes:
        acquisition: its name.
        dataset: the data set it belongs to.
        kind: hologram, opd or simulated.
        until: the stage at which it stops, reconstruct or report.
        well: the well, empty if not said.
        condition: what was done to the cells, empty if not said.
        note: free text of the sheet.
        wavelength_nm: one per channel, empty for kind opd.
        pixel_pitch_um: side of a pixel.
        frame_interval_min: time between frames.
        models: what each stage used, stage -> words.
    """

    acquisition: str
    dataset: str
    kind: str
    pixel_pitch_um: float
    until: str = "report"
    well: str = ""
    condition: str = ""
    note: str = ""
    wavelength_nm: tuple[float, ...] = ()
    frame_interval_min: float = 10.0
    models: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_simulated(self) -> bool:
        """Whether the pixels come from the simulator."""
        return self.kind == "simulated"


@dataclass(frozen=True)
class Snapshot:
    """One frame for the montage: the shown region of each picture and the cells in it.

    Attributes:
        frame: index in the acquisition.
        time_h: its time.
        origin_um: position (y, x) of the first shown pixel in the field.
        hologram: normalised intensity (y, x) or RGB (y, x, 3), 1 = open beam; None if not recorded.
        opd_nm: optical path difference (y, x).
        absorption: amplitude exponent (y, x), None if not measured.
        cells: rows of the cells table in the shown region, positions in the field; None before quantify.
        about_um: position (y, x) in the field of the cell that the picture is about, None if of none.
    """

    frame: int
    time_h: float
    origin_um: tuple[float, float]
    hologram: np.ndarray | None
    opd_nm: np.ndarray
    absorption: np.ndarray | None = None
    cells: pd.DataFrame | None = None
    about_um: tuple[float, float] | None = None


@dataclass(frozen=True)
class Thumbnail:
    """A square crop of OPD around a cell.

    Attributes:
        time_h: time of the frame.
        slot_h: time on the shared axis above which the picture stands in its strip.
        opd_nm: the crop (y, x), NaN beyond the field.
        is_first_after_division: whether a division lies between this picture and the one before.
        is_onset: whether it is the picture nearest to the onset of what is wrong.
    """

    time_h: float
    slot_h: float
    opd_nm: np.ndarray
    is_first_after_division: bool = False
    is_onset: bool = False


@dataclass(frozen=True)
class Place:
    """Where a cell was found: its identity, the frame, the time, and the position in the field."""

    cell_id: int
    frame: int
    time_h: float
    y_um: float
    x_um: float


@dataclass(frozen=True)
class Suspect:
    """A series in the ranking of anomalies, with all that its card shows.

    Attributes:
        rank: 1 is the most suspicious of all series, shown or not.
        series_id: identity of the path mother -> daughter.
        anomaly_score: abnormal windows / all windows.
        n_windows: windows of the series.
        is_flagged: whether it is odd enough to be flagged.
        series: rows of the series table, in time order, with `dry_mass_se_pg` where tracks were given.
        windows: rows of the windows table, in time order.
        thumbnails: OPD crops that follow the cell.
        shares_with: rank of the first better-ranked series that has a cell in common.
        truth: what the simulator did to these cells, None where no truth is known.
        surprise: what it is ranked by, NaN under the published method.
        normal_share: share of normal series that surprise at least as much, NaN likewise.
        view: the most surprised view, empty likewise.
        kind: what is thought to be wrong, empty if nothing was asked.
        is_acquisition: whether that is an error of measurement or tracking.
        onset_h: when it began, NaN if unclear.
        evidence: a sentence with numbers.
        onset: where it began, None if unclear or if the cells are not in the tracks.
        also: (rank, series_id, kind) of other series that show the same event of a cell they share.
    """

    rank: int
    series_id: int
    anomaly_score: float
    n_windows: int
    is_flagged: bool
    series: pd.DataFrame
    windows: pd.DataFrame
    thumbnails: tuple[Thumbnail, ...] = ()
    shares_with: int | None = None
    truth: str | None = None
    surprise: float = float("nan")
    normal_share: float = float("nan")
    view: str = ""
    kind: str = ""
    is_acquisition: bool = False
    onset_h: float = float("nan")
    evidence: str = ""
    onset: Place | None = None
    also: tuple[tuple[int, int, str], ...] = ()


@dataclass(frozen=True)
class PageContent:
    """Everything a page shows; tables are under their contracts, None says the stage did not run.

    Attributes:
        facts: the acquisition.
        per_frame: frame, time_h, is_missing, reason, z_um, misfit, background_sd_nm.
        field_um: height and width of the field.
        snapshots: frames for the montage.
        overview: the whole field, where the montage shows only a part of it.
        focus: the focus table.
        cells: the cells table.
        tracks: the tracks table.
        series: the series table.
        windows: the windows table.
        scores: the scores table.
        suspects: series with a card, suspected errors of the measurement last.
        tau_w: threshold on a window's surprise, or on its MSE under the published method; None if unknown.
        surprise_threshold: that on the surprise of a series, None if unknown or under the published method.
        growth: how cells and total dry mass grow, empty for a single frame or no cells.
        trees: branches of the lineages that are drawn, `contracts_report.TREES`, None before tracking.
        branch_ends: cell -> how it ended, a kind of `lineage_events`.
        made: how the files were made, in the order of the stages.
        truth: the truth table inside the field, simulated acquisitions only.
        faults: the table of simulated acquisition errors, None where none could be put in.
        accuracy: key -> value, how far the results are from the truth.
        score: settings of the windows.
        report: settings of the page.
    """

    facts: Facts
    per_frame: pd.DataFrame
    field_um: tuple[float, float]
    snapshots: tuple[Snapshot, ...] = ()
    overview: Snapshot | None = None
    focus: pd.DataFrame | None = None
    cells: pd.DataFrame | None = None
    tracks: pd.DataFrame | None = None
    series: pd.DataFrame | None = None
    windows: pd.DataFrame | None = None
    scores: pd.DataFrame | None = None
    suspects: tuple[Suspect, ...] = ()
    tau_w: float | None = None
    surprise_threshold: float | None = None
    growth: tuple[Growth, ...] = ()
    trees: pd.DataFrame | None = None
    branch_ends: Mapping[int, str] = field(default_factory=dict)
    made: tuple[Made, ...] = ()
    truth: pd.DataFrame | None = None
    faults: pd.DataFrame | None = None
    accuracy: Mapping[str, float] = field(default_factory=dict)
    score: ScoreConfig = field(default_factory=ScoreConfig)
    report: ReportConfig = field(default_factory=ReportConfig)
