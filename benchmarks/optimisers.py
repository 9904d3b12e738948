"""Step rules of the inverse problem compared by misfit and OPD error against the number of FFTs.

Every rule's knobs are chosen on a seed of its own, among the same number of settings each. Writes
docs/optimisers.json, of which optimisers_page.py makes tables and a figure.
Usage: python benchmarks/optimisers.py
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import log
from pathlib import Path
from typing import Any

import numpy as np
from contestants import RULES, Rule, follow, shipped
from descent_cases import Case, Seen, cases, look, rmse_nm, row

from lensfree.config import Config
from lensfree.io.files import written_whole
from lensfree.model_files import weights_file
from lensfree.stages.refine import load_refine

SEEDS = (70001, 70002)
DENSITIES = (100.0, 250.0)
TUNING_SEEDS = (70003,)
TUNING_DENSITIES = (175.0,)
EVALUATIONS = (5, 10, 20, 40, 80, 150)
TUNED_AT = {"from nothing": (20, 80), "after the CNN": (10, 40)}
"""Budgets, in evaluations, at which the error of flat cells chooses a rule's knobs."""

OUT = Path(__file__).parents[1] / "docs" / "optimisers.json"
Contestants = dict[str, dict[str, tuple[Rule, dict[str, Any]]]]


def choose(rule: Rule, grid: list[dict[str, Any]], tuning: list[Case]) -> dict[str, Any]:
    """Return the knobs with the smallest error of flat cells, the mean of logarithms over the budgets."""

    def score(knobs: dict[str, Any]) -> float:
        errors = []
        for case in tuning:
            problem = case.problem()
            for unknowns in follow(rule, case, TUNED_AT[case.situation], **knobs).values():
                errors.append(log(rmse_nm([look(case, problem, unknowns)], "flat")))
        return float(np.mean(errors))

    scores = [score(knobs) for knobs in grid]
    for knobs, value in zip(grid, scores, strict=True):
        print(f"  {np.exp(value):6.2f} nm  {knobs}", flush=True)
    return grid[int(np.argmin(scores))]


def contest(config: Config, tuning: list[Case]) -> Contestants:
    """Return, by situation and name, the rules with the knobs that they compete with."""
    chosen: Contestants = {}
    for situation, (ships, defaults) in shipped(config).items():
        chosen[situation] = {}
        for name, (rule, grid) in RULES.items():
            print(f"{situation}: {name}", flush=True)
            knobs = choose(rule, grid, [case for case in tuning if case.situation == situation])
            chosen[situation][name] = (rule, knobs)
            if name == ships and knobs != defaults:
                chosen[situation][f"{name}, as shipped"] = (rule, defaults)
    return chosen


def compare(contestants: Contestants, fields: Iterator[Case]) -> list[Any]:
    """Return one row per situation, rule and budget, and one per situation for its start."""
    seen: dict[tuple[str, str, int], list[Seen]] = {}
    knobs_of: dict[tuple[str, str], dict[str, Any]] = {}
    ffts_of: dict[int, int] = {}
    for case in fields:
        problem = case.problem()
        seen.setdefault((case.situation, "start", 0), []).append(look(case, problem, case.start))
        for name, (rule, knobs) in contestants[case.situation].items():
            knobs_of[case.situation, name] = knobs
            for n, unknowns in follow(rule, case, EVALUATIONS, **knobs).items():
                ffts_of[n] = n * case.evaluation_ffts
                seen.setdefault((case.situation, name, n), []).append(look(case, problem, unknowns))
        print(f"compared: {case.situation}, {len(case.field.cells)} cells", flush=True)
    return [
        {
            "situation": situation,
            "rule": name,
            "knobs": knobs_of.get((situation, name), {}),
            "evaluations": n,
            "ffts": ffts_of.get(n, 0),
            **row(some),
        }
        for (situation, name, n), some in seen.items()
    ]


if __name__ == "__main__":
    config = Config()
    refine = load_refine(weights_file(config.reconstruct.refine, Path("models")))
    if refine is None:
        raise SystemExit(
            "reconstruct.refine is 'none', expected a model: one situation starts from its answer"
        )
    contestants = contest(config, list(cases(config, TUNING_SEEDS, TUNING_DENSITIES, refine)))
    rows = compare(contestants, cases(config, SEEDS, DENSITIES, refine))
    found = {
        "fields": {
            "synthetic": True,
            "seeds": SEEDS,
            "cells_per_mm2": DENSITIES,
            "tuning_seeds": TUNING_SEEDS,
        },
        "command": "python benchmarks/optimisers.py",
        "shipped": {situation: name for situation, (name, _) in shipped(config).items()},
        "rows": rows,
    }
    with written_whole(OUT) as partial:
        partial.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
