"""Settle a distance by the misfit of whole retrievals, once it is known to about a percent."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

STEP = 0.005
"""Relative distance between two retrievals. Three points 0.5 % apart err by 0.02 % (sd over 8 simulated RGB
fields of 384 x 384 pixels), 1 % apart by 0.04 % to the far side: the minimum is steeper on the near one."""

MOST_STEPS = 8
"""A distance farther off than 4 % is not looked for here."""

CLEAR_BEND = 0.003
"""The misfit must rise by this share, on average of both sides, one step from its minimum."""


def settle(misfit_at: Callable[[float], float], z_um: float, *, most_steps: int = MOST_STEPS) -> float | None:
    """Return the distance at the minimum of the misfit next to z_um, None if it has no clear one.

    It goes down in steps of 0.5 % and ends at the vertex of the parabola through the lowest three points:
    three retrievals where z_um was right, one more for each step.

    Args:
        misfit_at: misfit reached at a distance in um.
        z_um: where to begin.
        most_steps: the search goes no farther than this many steps.
    """

    @cache
    def at(step: int) -> float:
        return misfit_at(z_um * (1 + step * STEP))

    best = 0
    while at(lower := min(best - 1, best + 1, key=at)) < at(best):
        if abs(lower) > most_steps:
            return None
        best = lower
    near, lowest, far = at(best - 1), at(best), at(best + 1)
    rise = near + far - 2 * lowest
    if rise < 2 * CLEAR_BEND * lowest:
        return None
    return z_um * (1 + (best + (near - far) / (2 * rise)) * STEP)
