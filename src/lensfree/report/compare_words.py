"""The comparison in words: what differs, by how much, how sure that is, and what the interval is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lensfree.report.compare_effects import LINEAGE_UNITS, WELL_UNITS
from lensfree.report.compare_measures import MEASURES, TOTAL, Measure, Well

_OF = {measure.name: measure for measure in MEASURES}


def nothing_to_compare(conditions: Sequence[str]) -> str:
    """Say why there is nothing to compare, empty if there is."""
    if len(conditions) > 1:
        return ""
    only = f"one condition, {conditions[0]}" if conditions and conditions[0] else "no condition"
    return (
        f"There is nothing to compare: the sheet names {only}. Fill in the columns condition and well of the "
        "sheet to compare what was done to the cells. Below are the wells as they are."
    )


def how_sure(effects: pd.DataFrame, min_wells: int) -> list[str]:
    """Say for every kind of interval on the page what it does and does not tell."""
    units = set(effects["drawn_anew"]) if len(effects) else set()
    words = []
    if WELL_UNITS in units:
        words.append(
            "Wells are what the treatment was given to, so wells are what is counted, however many cells "
            f"each has. Where both conditions have {min_wells} wells or more, the interval comes from "
            "drawing wells anew: in 95 of 100 repetitions with other wells such an interval holds the true "
            "difference."
        )
    if LINEAGE_UNITS in units:
        words.append(
            f"Where a condition has fewer than {min_wells} wells, the interval comes from drawing families "
            "of cells anew within each well. It says how well these very wells are known, and not how wells "
            "of one condition differ among themselves: two wells treated alike may differ as much. A "
            "difference found this way may be the treatment or the well; repeat it in at least "
            f"{min_wells} wells of each."
        )
    if units - {WELL_UNITS, LINEAGE_UNITS}:
        words.append("Where there is no interval, a well has too few families of cells for one.")
    return words


def effect_in_words(row: pd.Series) -> str:
    """Say what one row of the effects means."""
    measure = _OF[str(row["measure"])]
    difference, low, high = (float(row[name]) for name in ("difference", "low", "high"))
    wells = f"{row['n_wells']} and {row['n_wells_reference']} wells"
    if str(row["drawn_anew"]) == LINEAGE_UNITS:
        wells += ", families drawn anew"
    own, base = (named(str(row[name])) for name in ("condition", "reference"))
    compared = f"in {own} than in {base}"
    word = measure.words[0 if difference > 0 else 1]
    by = f"by {quantity(abs(difference), measure)}"
    if not np.isfinite(low):
        return f"{measure.subject} are {word} {compared} {by}; how sure that is cannot be said ({wells})."
    first = quantity(low, measure, sign=True).split(" ")[0]  # the unit stands once, after the upper end
    span = f"95 % interval {first} to {quantity(high, measure, sign=True)}"
    if low <= 0 <= high:
        return (
            f"{measure.subject}: no difference beyond doubt between {own} and {base} "
            f"({quantity(difference, measure, sign=True)}, {span}; {wells})."
        )
    return f"{measure.subject} are {word} {compared} {by} ({span}; {wells}).{_standardised(row, measure)}"


def named(condition: str) -> str:
    """Return a condition as a reader should see it."""
    return condition or "(not said)"


def quantity(value: float, measure: Measure, *, sign: bool = False) -> str:
    """Return a value with its unit; shares and rates in percent, which is how they are spoken of."""
    plus = "+" if sign else ""
    if measure.name == "flagged":
        return f"{100 * value:{plus}.3g} percentage points"
    if measure.unit == "1/h":
        return f"{100 * value:{plus}.3g} % per h"
    return f"{value:{plus}.3g}" + (f" {measure.unit}" if measure.unit != "1" else "")


def well_rows(table: pd.DataFrame, wells: Sequence[Well]) -> list[list[str]]:
    """Return the cells of the table of wells: condition, well, lineages, and one per measure."""
    rows = []
    for well in wells:
        is_own = (table["well"] == well.name) & (table["condition"] == well.condition)
        own = {str(row["measure"]): row for row in table[is_own].to_dict("records")}
        texts = [_shown(own, measure) for measure in MEASURES]
        n_lineages = max((int(row["n_lineages"]) for row in own.values()), default=0)
        rows.append([named(well.condition), well.name, str(n_lineages), *texts])
    return rows


def doubling_in_words(rate_per_h: float) -> str:
    """Return the doubling time that a growth rate means."""
    return f"doubles in {np.log(2) / rate_per_h:.3g} h" if rate_per_h > 0 else "does not grow"


def _shown(own: Mapping[str, Mapping[Any, Any]], measure: Measure) -> str:
    if measure.name not in own:
        return "none"
    value, n = float(own[measure.name]["value"]), int(own[measure.name]["n_values"])
    if measure.name == TOTAL:
        return f"{100 * value:.3g} % per h, {doubling_in_words(value)}"
    if measure.name == "flagged":
        return f"{100 * value:.3g} % of {n}"
    return f"{quantity(value, measure)} (of {n})"


def _standardised(row: pd.Series, measure: Measure) -> str:
    words = []
    if np.isfinite(row["hedges_g"]):
        words.append(f" That is {abs(float(row['hedges_g'])):.2g} times the spread among wells (Hedges' g).")
    if np.isfinite(row["cliffs_delta"]):
        chance = (1 + float(row["cliffs_delta"])) / 2
        own, base = (named(str(row[name])) for name in ("condition", "reference"))
        words.append(
            f" A cell of {own} has the higher value in {chance:.0%} of all pairs with one of "
            f"{base} (Cliff's delta {float(row['cliffs_delta']):+.2f})."
        )
    return "".join(words)
