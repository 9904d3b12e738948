"""What kinds and views are called on the page, and how rare a surprise is."""

from __future__ import annotations

import numpy as np

from lensfree.config import ScoreConfig
from lensfree.units import MIN_PER_H

KINDS = {
    "no_division": "stopped growing without dividing",
    "abnormal_division": "divided unevenly or into three",
    "slow_growth": "grew slowly",
    "fast_growth": "grew fast",
    "dry_mass_loss": "lost dry mass",
    "merge": "two cells fused",
    "giant": "grew far too large",
    "death": "died",
    "jump": "dry mass jumped by a factor",
    "swap": "tracking swapped to another cell",
    "dropout": "measured too small for some frames",
    "segmentation": "outlined wrongly for some hours",
    "unclear": "cause unclear",
}
"""Kind, as in the scores table -> words for a biologist."""
_LEAST_SHARE = 1e-4
"""Shares below are not told apart: the tail of normal series is known from a few thousand at most."""


def kind_in_words(kind: str) -> str:
    """Return the words for a kind; one without words shows as it is, none is empty."""
    return KINDS.get(kind, kind.replace("_", " "))


def share_in_words(normal_share: float) -> str:
    """Return a share in round numbers, such as "about 3 in 1,000"; empty if it is NaN.

    Args:
        normal_share: share of normal series that surprise at least as much.
    """
    if not np.isfinite(normal_share):
        return ""
    if normal_share < _LEAST_SHARE:
        return f"fewer than 1 in {1 / _LEAST_SHARE:,.0f}"
    if normal_share >= 0.1:
        return "more than 1 in 10"
    of = 100
    while round(normal_share * of) < 1:
        of *= 10
    return f"about {round(normal_share * of)} in {of:,}"


def rarity(normal_share: float) -> str:
    """Return the sentence that says how rare a surprise is; empty if it is not known."""
    words = share_in_words(normal_share)
    return f"{words[0].upper()}{words[1:]} normal series look as odd." if words else ""


def view_in_words(view: str, score: ScoreConfig) -> str:
    """Say which of the views was most surprised; a view without words shows as it is.

    Args:
        view: window, third, tenth, forecast or kinds, as in `contracts.SCORES`.
        score: settings of the windows.
    """
    window_h, third_h, tenth_h, forecast_h = view_hours(score)
    words = {
        "window": f"its course over {window_h:g} h",
        "third": f"its shape over {third_h:g} h",
        "tenth": f"its shape over {tenth_h:g} h",
        "kinds": "how well a known kind of anomaly explains it",
        "forecast": f"how far the forecast of {forecast_h:g} h was off",
    }
    return f"Most unusual was {words.get(view, view)}." if view else ""


def view_hours(score: ScoreConfig) -> tuple[float, float, float, float]:
    """Return the lengths [h] of window, third, tenth and forecast."""
    points = score.input_points + score.target_points
    lengths = (points, max(points // 3, 4), max(points // 10, 4), score.target_points)
    window_h, third_h, tenth_h, forecast_h = (n * score.interval_min / MIN_PER_H for n in lengths)
    return window_h, third_h, tenth_h, forecast_h
