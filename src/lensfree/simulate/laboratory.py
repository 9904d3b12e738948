"""Simulated laboratories that differ in cell line and microscope, for models applied elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field

from lensfree.simulate.lives import Culture
from lensfree.simulate.series import SeriesNoise


@dataclass(frozen=True)
class Laboratory:
    """What the histories of a laboratory have in common: how its cells live and how it measures."""

    culture: Culture = field(default_factory=Culture)
    noise: SeriesNoise = field(default_factory=SeriesNoise)


HOME = Laboratory()
"""The one that everything else is simulated in."""

ABROAD = Laboratory(
    Culture(cycle_h=24.0, cycle_cv=0.15, birth_dry_mass_pg=165.0, linear_fraction=0.7, founder_cv=0.15),
    SeriesNoise().times(1.4),
)
"""Larger and slower cells that differ more among each other and mostly grow linearly, measured worse."""
