"""Why a history is abnormal: of which kind, and since when.

Every kind at every possible onset is a candidate with a probability; those of a kind are added up, and the
kind with the most wins, unless plain numbers speak against its name (`borne_out`); then the next one does.
`unclear` is one of them: the history of a normal cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from lensfree.anomaly.acquisition_kinds import lost_looks, other_cell, wrong_by_a_factor
from lensfree.anomaly.borne_out import is_borne_out
from lensfree.anomaly.condensed import condense
from lensfree.anomaly.end_kinds import died_and_left, fused, without_division
from lensfree.anomaly.expectation import Expectation, expect
from lensfree.anomaly.finding import Finding
from lensfree.anomaly.kinds import ACQUISITION, BIOLOGICAL, UNCLEAR, Candidate, log_lives
from lensfree.anomaly.life_kinds import other_growth, uneven_divisions
from lensfree.anomaly.norms import Norms
from lensfree.anomaly.unmarked import log_probability_after
from lensfree.anomaly.wording import say

FEWEST_BINS, SHORTEST_H = 8, 4.0
UNCLEAR_PRIOR = 0.2
"""Share of flagged histories that are thought to be normal; the kinds share the rest evenly."""
EVENT_GAIN = {
    "death": {"death": 8.0},
    "fusion": {"merge": 8.0, "swap": 3.0, "segmentation": 3.0},
    "swap": {"swap": 8.0},
    "gap": {"swap": 2.0, "dropout": 2.0},
}
"""How much an event of tracking, near an onset, speaks for a kind, in ln."""
EVENT_NEAR_H = 3.0
MANY_DAUGHTERS_GAIN = 30.0
LEAST_ODDS = -10.0


@dataclass(frozen=True)
class Reason:
    """What is wrong with a history.

    Attributes:
        kind: one of `kinds.BIOLOGICAL` and `kinds.ACQUISITION`, or `unclear`.
        is_acquisition: whether it is an error of measurement or tracking.
        onset_h: when it began [h], on the clock of the history; NaN if unclear.
        probability: of the kind, against the other kinds and against a normal cell; that of the model, not
            a measured frequency.
        evidence: one sentence with numbers.
    """

    kind: str
    is_acquisition: bool
    onset_h: float
    probability: float
    evidence: str


def explain_history(rows: pd.DataFrame, norms: Norms, events: pd.DataFrame | None = None) -> Reason:
    """Say of which kind a history is, and since when.

    Args:
        rows: one history under `contracts.SERIES`; `time_h, dry_mass_pg, cell_id, is_filled` are used.
        norms: what is normal for the population.
        events: rows under `contracts.LINEAGE_EVENTS`, of any cells; those of other cells are ignored.

    Returns:
        The reason; `unclear` for a history with fewer than 8 measured half hours or shorter than 4 h.

    Raises:
        ValueError: columns are missing, times occur twice, or a measured dry mass is negative or not finite.
    """
    history = condense(rows, norms)
    n = len(history.ln)
    if n < FEWEST_BINS or history.end_h - history.start_h[0] < SHORTEST_H:
        words = f"{n} measured half hours are too few to tell, {FEWEST_BINS} are needed over {SHORTEST_H:g} h"
        return Reason(UNCLEAR, False, float("nan"), 1.0, words)
    expected = expect(history, norms)
    found = candidates(expected)
    cells = rows["cell_id"].unique()
    daughters = 0
    if events is not None:
        mine = _checked(events)[events["cell_id"].isin(cells)]
        times_h = {name: _times_h(mine, name) for name in EVENT_GAIN}
        found = [_with_events(candidate, times_h) for candidate in found]
        many, daughters = _many_daughters(mine, found)
        found += many
    weight = _weights(found)
    for kind in sorted(weight, key=lambda name: (-weight[name], name)):
        best = max((c for c in found if c.kind == kind and len(c.gain)), key=lambda c: float(c.gain.max()))
        at = int(best.gain.argmax())
        onset_h = float(best.onset_h[at])
        stop_h = history.end_h if best.stop_h is None else float(best.stop_h[at])
        finding = Finding(history, norms, onset_h, stop_h, daughters)
        if is_borne_out(kind, finding):
            break
    probability = float(np.exp(weight[kind] - np.logaddexp.reduce(list(weight.values()))))
    return Reason(
        kind,
        kind in ACQUISITION,
        float("nan") if kind == UNCLEAR else onset_h,
        probability,
        say(kind, finding),
    )


def log_odds(rows: pd.DataFrame, norms: Norms) -> float:
    """Return ln of how much likelier a history is with something wrong than as that of a normal cell.

    Args:
        rows: one history, as for `explain_history`.
        norms: what is normal for the population.

    Returns:
        The log odds with the prior that flagged histories have; only differences between histories mean
        something. The lowest there is, -10, for a history that is too short to tell.
    """
    history = condense(rows, norms)
    if len(history.ln) < FEWEST_BINS or history.end_h - history.start_h[0] < SHORTEST_H:
        return LEAST_ODDS
    weight = _weights(candidates(expect(history, norms)))
    normal = weight.pop(UNCLEAR)
    return max(float(np.logaddexp.reduce(list(weight.values()))) - normal, LEAST_ODDS)


def candidates(expected: Expectation) -> list[Candidate]:
    """Return all kinds that are possible for a history, the normal one first."""
    history = expected.history
    lives = log_lives(history, expected)
    after = log_probability_after(history, expected.norms)
    return [
        Candidate(UNCLEAR, history.birth_h[:1], np.array([lives.sum()])),
        *wrong_by_a_factor(expected, lives),
        *other_cell(expected, lives, after),
        *lost_looks(expected, lives),
        *uneven_divisions(expected, lives),
        *other_growth(expected, lives),
        *without_division(expected, lives),
        *fused(expected, lives),
        *died_and_left(expected, lives, after),
    ]


def _weights(found: list[Candidate]) -> dict[str, float]:
    """Return ln of the probability of each kind, up to a constant: all onsets added up."""
    kinds = {candidate.kind for candidate in found}
    return {
        kind: float(np.logaddexp.reduce(np.concatenate(_gains(found, kind)))) + _prior(kind) for kind in kinds
    }


def _gains(found: list[Candidate], kind: str) -> list[np.ndarray]:
    return [candidate.gain for candidate in found if candidate.kind == kind] + [np.array([-np.inf])]


def _prior(kind: str) -> float:
    share = (1 - UNCLEAR_PRIOR) / (len(BIOLOGICAL) + len(ACQUISITION))
    return float(np.log(UNCLEAR_PRIOR if kind == UNCLEAR else share))


def _checked(events: pd.DataFrame) -> pd.DataFrame:
    missing = {"kind", "time_h", "cell_id"} - set(events.columns)
    if missing:
        raise ValueError(f"events lack the columns {sorted(missing)}; give rows of the table lineage_events")
    return events


def _times_h(events: pd.DataFrame, kind: str) -> np.ndarray:
    return events["time_h"].to_numpy()[events["kind"].to_numpy() == kind]


def _with_events(candidate: Candidate, times_h: dict[str, np.ndarray]) -> Candidate:
    """Return a candidate that gains by each event which speaks for its kind; a death ends what it began.

    Args:
        candidate: the candidate.
        times_h: when events of each kind of `EVENT_GAIN` happened [h].
    """
    gain = candidate.gain.copy()
    for event, speaks_for in EVENT_GAIN.items():
        if candidate.kind not in speaks_for or not len(times_h[event]):
            continue
        if event == "death":
            speaks = (candidate.onset_h[:, None] <= times_h[event]).any(axis=1)
        else:
            speaks = (np.abs(candidate.onset_h[:, None] - times_h[event]) <= EVENT_NEAR_H).any(axis=1)
        gain += speaks_for[candidate.kind] * speaks
    return Candidate(candidate.kind, candidate.onset_h, gain, candidate.stop_h)


def _many_daughters(events: pd.DataFrame, found: list[Candidate]) -> tuple[list[Candidate], int]:
    """Return the first division into more than two as a candidate, and its number of daughters."""
    is_division = events["kind"].to_numpy() == "division"
    mothers, index, daughters = np.unique(
        events["cell_id"].to_numpy()[is_division], return_inverse=True, return_counts=True
    )
    if not (daughters > 2).any():
        return [], 0
    first_h = np.full(len(mothers), np.inf)
    np.minimum.at(first_h, index, events["time_h"].to_numpy(dtype=np.float64)[is_division])
    at = int(np.where(daughters > 2, first_h, np.inf).argmin())
    gain = found[0].gain + MANY_DAUGHTERS_GAIN
    return [Candidate("abnormal_division", first_h[[at]], gain)], int(daughters[at])
