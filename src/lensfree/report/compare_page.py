"""The page across acquisitions: what differs between conditions, in figures, words and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from lensfree.config import CompareConfig
from lensfree.report import compare_words
from lensfree.report.compare_effects import conditions_of, effect_table, well_table
from lensfree.report.compare_figure import draw_effects, draw_wells
from lensfree.report.compare_measures import MEASURES, Well
from lensfree.report.page import embed
from lensfree.report.templates import rendered


def build_comparison(
    wells: Sequence[Well],
    config: CompareConfig,
    *,
    kinds: Mapping[str, str],
    provenance: Mapping[str, Any] | None = None,
) -> tuple[str, dict[str, pd.DataFrame]]:
    """Return the page as HTML that needs no other file, and the tables behind its figures.

    Args:
        wells: in the order of the sheet.
        config: the section `compare`.
        kinds: acquisition -> simulated, hologram or opd.
        provenance: plain values that explain the page, which carries them.

    Raises:
        ValueError: if the reference is no condition of the sheet.
    """
    conditions = conditions_of(wells, config.reference)
    tables = {"wells": well_table(wells), "effects": effect_table(wells, config)}
    effects = tables["effects"]
    simulated = sorted(name for name, kind in kinds.items() if kind == "simulated")
    figures = []
    if len(tables["wells"]):
        words = "Every well in every measure, by condition; the numbers are in the table of wells"
        figures.append(embed(draw_wells(tables["wells"], conditions), words))
    if len(effects):
        words = f"Differences from {conditions[0]} with 95 % intervals; the sentences below say the same"
        figures.append(embed(draw_effects(effects, conditions), words))
    page = rendered(
        "compare.html.j2",
        provenance,
        nothing=compare_words.nothing_to_compare(conditions),
        conditions=[compare_words.named(name) for name in conditions],
        simulated=simulated,
        n_acquisitions=len(kinds),
        n_wells=len(wells),
        figures=figures,
        sentences=[compare_words.effect_in_words(row) for _, row in effects.iterrows()],
        how_sure=compare_words.how_sure(effects, config.min_wells),
        headings=[measure.title for measure in MEASURES],
        rows=compare_words.well_rows(tables["wells"], wells),
    )
    return page, tables
