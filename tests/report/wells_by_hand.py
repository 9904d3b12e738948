"""Wells with values that can be counted on fingers."""

from __future__ import annotations

import numpy as np

from lensfree.report.compare_measures import MEASURES, TOTAL, Part, Well

NOTHING = Part(np.empty(0), np.empty(0, dtype=np.int64))
OF = {measure.name: measure for measure in MEASURES}


def well(condition: str, name: str, rate_per_h: float = 0.04, n_lineages: int = 10, **values) -> Well:
    """Return a well with these values, one lineage per value unless they are (values, lineages).

    Args:
        condition: what was done to it.
        name: what it is called; its acquisition too.
        rate_per_h: at which every one of its lineages grows.
        n_lineages: how many lineages grow.
        values: measure -> values.
    """
    parts = {}
    for measure in OF:
        given = values.get(measure, [])
        numbers, lineage = given if isinstance(given, tuple) else (given, range(len(given)))
        parts[measure] = [Part(np.asarray(numbers, dtype=float), np.asarray(lineage, dtype=np.int64))]
    time_h = np.arange(20) / 2
    sums_pg = np.tile(100 * np.exp(rate_per_h * time_h), (n_lineages, 1))
    parts[TOTAL] = [Part(np.empty(0), np.empty(0), sums_pg, time_h)]
    return Well(condition, name, (name,), parts)
