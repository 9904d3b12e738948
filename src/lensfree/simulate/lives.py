"""Lives and lineages: how dry mass grows, when cells divide, what becomes of them.

A cell is born with a dry mass, grows exponentially or linearly, and divides after it has added a dry
mass that does not depend on its birth ("adder"). Every life, normal or not, follows one law,

    m(t) = growth(min(t, turn)) * (1 + gain * (1 - exp(-(t - turn) / tau))) + fused,

in which abnormal cells differ only by their parameters: a plateau is a small gain, a loss or death a
negative one, a giant a large one. A founder is of a random age of a growing population.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lensfree.config import SimulateConfig
from lensfree.simulate.anomalies import (
    BIOLOGICAL,
    DIVISION_KINDS,
    alter,
    draw_fractions,
    draw_kind,
    draw_rate_factor,
)

Columns = Mapping[str, Any]
"""Lives by column: `Lives`, or a dict of scalars for a single life."""

Lives = dict[str, np.ndarray]
"""`LIFE_COLUMNS` as arrays, one element per life."""

LIFE_COLUMNS = (
    "cell_id",
    "parent_id",
    "lineage_id",
    "birth_h",
    "birth_dry_mass_pg",
    "is_linear",
    "rate",
    "turn_h",
    "tail_gain",
    "tail_tau_h",
    "fusion_h",
    "fused_pg",
    "partner_id",
    "end_h",
    "fate",
    "kind",
    "onset_h",
    "sister_rank",
)


@dataclass(frozen=True)
class Culture:
    """What the cells of a culture have in common.

    The mean birth mass makes the mean over a growing population 2 ln 2 = 1.39 times as much,
    185 pg, the published mean at 183 cells/mm2.
    """

    cycle_h: float = 20.0
    cycle_cv: float = 0.12
    birth_dry_mass_pg: float = 133.0
    founder_cv: float = 0.1
    linear_fraction: float = 0.3
    asymmetry_sd: float = 0.03
    abnormal_fraction: float = 0.1
    abnormal_shares: Mapping[str, float] = field(default_factory=lambda: BIOLOGICAL)

    @classmethod
    def of(cls, config: SimulateConfig) -> Culture:
        """Return the culture that a configuration describes."""
        return cls(config.cycle_h, config.cycle_cv, abnormal_fraction=config.abnormal_fraction)

    @property
    def rate_sd(self) -> float:
        """Sd of the log growth rate; with `added_sd` it makes the cycle's coefficient of variation."""
        return 0.67 * self.cycle_cv

    @property
    def added_sd(self) -> float:
        """Sd of the log added dry mass."""
        return 0.83 * self.cycle_cv


def draw_life(
    rng: np.random.Generator,
    culture: Culture,
    *,
    birth_h: float,
    birth_dry_mass_pg: float,
    kind: str = "",
    cell_id: int = 0,
    parent_id: int = -1,
    lineage_id: int = 0,
    sister_rank: int = 0,
) -> dict[str, Any]:
    """Draw the life of one cell.

    Args:
        rng: source of everything random.
        culture: what the cells have in common.
        birth_h: time of birth; before 0 for founders.
        birth_dry_mass_pg: dry mass at birth.
        kind: what goes wrong, "" for nothing.
        cell_id: identity.
        parent_id: mother, -1 for founders.
        lineage_id: founder of the family.
        sister_rank: 0, 1, 2 among sisters.

    Returns:
        A row of `LIFE_COLUMNS`. `fate` is division, undivided, dead or fused; `end_h` is inf for a cell
        that stays.
    """
    size = birth_dry_mass_pg / culture.birth_dry_mass_pg if kind == "giant" else 1.0
    factor = draw_rate_factor(rng, kind) * np.exp(culture.rate_sd * rng.standard_normal())
    added_pg = size * culture.birth_dry_mass_pg * np.exp(culture.added_sd * rng.standard_normal())
    is_linear = bool(rng.random() < culture.linear_fraction)
    if is_linear:
        rate = size * culture.birth_dry_mass_pg / culture.cycle_h * factor
        duration_h = added_pg / rate
    else:
        rate = np.log(2) / culture.cycle_h * factor
        duration_h = np.log1p(added_pg / birth_dry_mass_pg) / rate
    life: dict[str, Any] = dict(
        cell_id=cell_id,
        parent_id=parent_id,
        lineage_id=lineage_id,
        birth_h=birth_h,
        birth_dry_mass_pg=birth_dry_mass_pg,
        is_linear=is_linear,
        rate=rate,
        turn_h=np.inf,
        tail_gain=0.0,
        tail_tau_h=1.0,
        fusion_h=np.inf,
        fused_pg=0.0,
        partner_id=-1,
        end_h=birth_h + duration_h,
        fate="division",
        kind=kind,
        onset_h=np.inf,
        sister_rank=sister_rank,
    )
    alter(life, rng)
    return life


def draw_founder(
    rng: np.random.Generator, culture: Culture, *, kind: str = "", cell_id: int = 0
) -> dict[str, Any]:
    """Draw a cell that is alive at time 0, of an age as found in a growing population."""
    birth_pg = culture.birth_dry_mass_pg * np.exp(culture.founder_cv * rng.standard_normal())
    if kind == "giant":
        birth_pg *= rng.uniform(1.8, 2.6)
    identity: dict[str, Any] = dict(cell_id=cell_id, parent_id=-1, lineage_id=cell_id)
    life = draw_life(rng, culture, birth_h=0.0, birth_dry_mass_pg=birth_pg, kind=kind, **identity)
    cycle_h = (life["end_h"] if np.isfinite(life["end_h"]) else culture.cycle_h) - life["birth_h"]
    age_h = -np.log2(1 - rng.random() / 2) * cycle_h
    for name in ("birth_h", "end_h", "turn_h", "onset_h"):
        life[name] -= age_h
    if life["kind"] in ("dry_mass_loss", "death", "no_division") and life["onset_h"] < 0:
        later_h = rng.uniform(1.0, 0.5 * culture.cycle_h) - life["onset_h"]
        for name in ("end_h", "turn_h", "onset_h", "birth_h"):
            life[name] += later_h
        if life["birth_h"] > 0:
            life["birth_dry_mass_pg"] = float(dry_mass_at(life, 0.0))
            life["birth_h"] = 0.0
    return life


def divide(
    rng: np.random.Generator,
    culture: Culture,
    mother: dict[str, Any],
    first_id: int,
    kinds: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """Return the daughters of a life that ends by division; their dry masses sum to the mother's.

    Args:
        rng: source of everything random.
        culture: what the cells have in common.
        mother: the life that divides; a `merge` is passed on from her to the sisters that fuse.
        first_id: `cell_id` of the first daughter.
        kinds: what befalls each daughter; default: drawn with the culture's abnormal fraction. Daughters
            of an abnormal division and sisters that fuse get nothing else.
    """
    mother_pg = float(dry_mass_at(mother, mother["end_h"]))
    daughters = []
    for rank, share in enumerate(draw_fractions(rng, mother["kind"], culture.asymmetry_sd)):
        is_marked = mother["kind"] in DIVISION_KINDS or mother["kind"] == "merge"
        daughters.append(
            draw_life(
                rng,
                culture,
                birth_h=mother["end_h"],
                birth_dry_mass_pg=mother_pg * share,
                kind="" if is_marked else kinds[rank] if kinds else _draw_kind(rng, culture),
                cell_id=first_id + rank,
                parent_id=mother["cell_id"],
                lineage_id=mother["lineage_id"],
                sister_rank=rank,
            )
        )
    if mother["kind"] in DIVISION_KINDS:
        for daughter in daughters:
            daughter.update(kind=mother["kind"], onset_h=daughter["birth_h"])
    if mother["kind"] == "merge":
        _fuse(daughters[0], daughters[1], mother["end_h"] + rng.uniform(1.5, 5.0))
        mother["kind"] = ""
    return daughters


def _draw_kind(rng: np.random.Generator, culture: Culture) -> str:
    return draw_kind(rng, culture.abnormal_fraction, culture.abnormal_shares)


def _fuse(stays: dict[str, Any], goes: dict[str, Any], fusion_h: float) -> None:
    """Let two sisters become one cell with two nuclei, which grows on and does not divide."""
    fused_pg = float(dry_mass_at(goes, fusion_h))
    stays.update(kind="merge", onset_h=fusion_h, fusion_h=fusion_h, fused_pg=fused_pg, fate="undivided")
    stays.update(
        turn_h=stays["end_h"], tail_gain=0.05, tail_tau_h=4.0, end_h=np.inf, partner_id=goes["cell_id"]
    )
    goes.update(kind="merge", onset_h=fusion_h, end_h=fusion_h, fate="fused", partner_id=stays["cell_id"])


def grow_lineages(rng: np.random.Generator, culture: Culture, *, n_founders: int, duration_h: float) -> Lives:
    """Draw founders and all their descendants that are born within the duration.

    Returns:
        The `LIFE_COLUMNS`, one element per cell; its number is its `cell_id`. An anomaly that would show
        only after the duration is not marked.
    """
    lives = [draw_founder(rng, culture, kind=_draw_kind(rng, culture), cell_id=i) for i in range(n_founders)]
    at = 0
    while at < len(lives):
        mother = lives[at]
        if mother["fate"] == "division" and mother["end_h"] <= duration_h:
            lives.extend(divide(rng, culture, mother, len(lives)))
        at += 1
    for life in lives:
        if life["onset_h"] > duration_h:
            life.update(kind="", onset_h=np.inf)
    return {name: np.array([life[name] for life in lives]) for name in LIFE_COLUMNS}


def dry_mass_at(lives: Columns, time_h: float | np.ndarray) -> np.ndarray:
    """Return the dry mass [pg] of each life at a time [h] (one time, or one per life).

    The time is meant to lie between birth and end; nothing checks it.
    """
    birth_pg, is_linear, rate = (
        np.asarray(lives[name]) for name in ("birth_dry_mass_pg", "is_linear", "rate")
    )
    turn_h = np.asarray(lives["turn_h"])
    age_h = np.minimum(time_h, turn_h) - np.asarray(lives["birth_h"])
    exponential = birth_pg * np.exp(np.where(is_linear, 0.0, rate * age_h))
    since_turn_h = np.maximum(time_h - turn_h, 0.0)
    tail = 1 + np.asarray(lives["tail_gain"]) * (1 - np.exp(-since_turn_h / np.asarray(lives["tail_tau_h"])))
    grown = np.where(is_linear, birth_pg + rate * age_h, exponential) * tail
    return grown + np.where(time_h >= np.asarray(lives["fusion_h"]), np.asarray(lives["fused_pg"]), 0.0)
