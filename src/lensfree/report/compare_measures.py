"""What is compared between conditions: measures of cells, of histories and of cultures, well by well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from lensfree.report.growth import growth_rates, resampled_rates
from lensfree.report.weighted import weighted_medians


@dataclass(frozen=True)
class Measure:
    """Something that can be compared.

    Attributes:
        name: as in the tables.
        title: as a heading, with its unit.
        unit: its unit.
        subject: how a sentence about it begins, plural.
        words: what is said of a condition in which it is higher, and lower.
        is_median: the median over cells if true, else the mean.
    """

    name: str
    title: str
    unit: str
    subject: str
    words: tuple[str, str] = ("higher", "lower")
    is_median: bool = True


MEASURES = (
    Measure("cycle", "cell cycle [h]", "h", "Cell cycles", ("longer", "shorter")),
    Measure("cell_growth", "growth rate of a cell [1/h]", "1/h", "Growth rates of single cells"),
    Measure("asymmetry", "asymmetry of divisions [1]", "1", "Asymmetries of divisions"),
    Measure("birth", "dry mass at birth [pg]", "pg", "Dry masses at birth"),
    Measure("flagged", "share of histories flagged [1]", "1", "Shares of flagged histories", is_median=False),
    Measure("total_growth", "growth rate of total dry mass [1/h]", "1/h", "Growth rates of total dry mass"),
)
TOTAL = "total_growth"


@dataclass(frozen=True)
class Part:
    """What one acquisition says of one measure.

    Attributes:
        values: (n,) one per cell or history; empty for the growth of a culture.
        lineage: (n,) which lineage each belongs to.
        sums_pg: (lineage, frame) total dry mass, for the growth of a culture only.
        time_h: (frame,) likewise.
    """

    values: np.ndarray
    lineage: np.ndarray
    sums_pg: np.ndarray | None = None
    time_h: np.ndarray | None = None


@dataclass(frozen=True)
class Well:
    """A well, which is what a treatment is given to, with one acquisition or several.

    Attributes:
        condition: what was done to it.
        name: data set and well, or the acquisition.
        acquisitions: names of its acquisitions.
        parts: name of a measure -> what each acquisition says of it.
    """

    condition: str
    name: str
    acquisitions: tuple[str, ...]
    parts: Mapping[str, Sequence[Part]] = field(default_factory=dict)

    def cells(self, measure: Measure) -> tuple[np.ndarray, np.ndarray]:
        """Return the values of its cells or histories and their lineages, numbered from 0."""
        values, lineages, first = [], [], 0
        for part in self.parts[measure.name]:
            _, who = np.unique(part.lineage, return_inverse=True)
            values.append(part.values)
            lineages.append(who + first)
            first += int(who.max(initial=-1)) + 1
        return np.concatenate(values), np.concatenate(lineages)

    def n_lineages(self, measure: Measure) -> int:
        """Return how many lineages the measure comes from."""
        if measure.name == TOTAL:
            return sum(len(part.sums_pg) for part in self.parts[TOTAL] if part.sums_pg is not None)
        return int(self.cells(measure)[1].max(initial=-1)) + 1

    def value(self, measure: Measure) -> float:
        """Return the measure of the well, NaN if no cell has it."""
        if measure.name == TOTAL:
            rates = [
                growth_rates(part.sums_pg.sum(axis=0)[None], part.time_h)[0]
                for part in self.parts[TOTAL]
                if part.sums_pg is not None and part.time_h is not None
            ]
            return float(np.mean(rates)) if rates else np.nan
        values, _ = self.cells(measure)
        if not len(values):
            return np.nan
        return float(np.median(values) if measure.is_median else np.mean(values))

    def drawn_anew(self, measure: Measure, rng: np.random.Generator, resamples: int) -> np.ndarray:
        """Return the measure of wells of as many lineages, drawn from its own with replacement."""
        if measure.name == TOTAL:
            rates = [
                resampled_rates(part.sums_pg, part.time_h, rng, resamples)
                for part in self.parts[TOTAL]
                if part.sums_pg is not None and part.time_h is not None
            ]
            return np.mean(rates, axis=0)
        values, lineage = self.cells(measure)
        n = int(lineage.max(initial=-1)) + 1
        drawn = rng.multinomial(n, np.full(n, 1 / n), size=resamples)
        if measure.is_median:
            return weighted_medians(values, drawn, lineage)
        sums, counts = np.bincount(lineage, values, minlength=n), np.bincount(lineage, minlength=n)
        return (drawn @ sums) / (drawn @ counts)


def measure_acquisition(
    cycles: pd.DataFrame, scores: pd.DataFrame, series: pd.DataFrame, tracks: pd.DataFrame
) -> dict[str, Part]:
    """Return what the tables of one acquisition say of every measure.

    Args:
        cycles: the table cell_cycles.
        scores: the scores table.
        series: `series_id, cell_id` of the series table.
        tracks: `frame, time_h, dry_mass_pg, lineage_id` of the tracks table.
    """
    lineage = cycles["lineage_id"].to_numpy()
    born = cycles["first_dry_mass_pg"].where(cycles["parent_id"] >= 0)
    columns = {
        "cycle": cycles["cycle_h"],
        "cell_growth": cycles["growth_rate_per_h"],
        "asymmetry": cycles["division_asymmetry"],
        "birth": born,
    }
    parts = {}
    for name, column in columns.items():
        values = column.to_numpy(dtype=float)
        is_known = np.isfinite(values)
        parts[name] = Part(values[is_known], lineage[is_known])
    parts["flagged"] = _flagged(cycles, scores, series)
    who, frame = (np.unique(tracks[name].to_numpy(), return_inverse=True) for name in ("lineage_id", "frame"))
    shape = (len(who[0]), len(frame[0]))
    sums_pg = np.zeros(shape)
    np.add.at(sums_pg, (who[1], frame[1]), tracks["dry_mass_pg"].to_numpy(dtype=float))
    time_h = np.zeros(shape[1])
    time_h[frame[1]] = tracks["time_h"].to_numpy(dtype=float)
    empty = np.empty(0)
    parts[TOTAL] = Part(empty, empty, sums_pg, time_h)
    return parts


def _flagged(cycles: pd.DataFrame, scores: pd.DataFrame, series: pd.DataFrame) -> Part:
    """Return 1 for a judged history that is flagged as a cell's own anomaly, 0 for every other judged one."""
    judged = scores[scores["n_windows"] > 0]
    cell_of = series.drop_duplicates("series_id").set_index("series_id")["cell_id"]
    lineage_of = cycles.set_index("cell_id")["lineage_id"]
    lineage = judged["series_id"].map(cell_of).map(lineage_of)
    is_flagged = judged["is_flagged"].to_numpy(dtype=bool) & ~judged["is_acquisition"].to_numpy(dtype=bool)
    is_known = lineage.notna().to_numpy()
    return Part(is_flagged[is_known].astype(float), lineage[is_known].to_numpy(dtype=np.int64))
