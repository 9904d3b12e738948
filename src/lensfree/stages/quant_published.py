"""The published figures that ours stand beside.

Allier et al., Front. Phys. 9:776805 (2022): Table 1 (section 3.2, one CNN per measure, on real cells, the
answers of the paper's own image processing as the target) and section 3.3 (robustness, dry mass, at
255 cells/mm2).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """One row of Table 1; intercept and error MAD are in the unit of the measure."""

    n_cells: int
    ssim: float
    precision: float
    recall: float
    slope: float
    intercept: float
    r2: float
    mad: float

    @property
    def as_printed(self) -> tuple[str, ...]:
        """The row as text, with the digits of the paper."""
        shares = (self.ssim, self.precision, self.recall, self.slope)
        rest = (f"{self.intercept:g}", f"{self.r2:.3f}", f"{self.mad:.1f}")
        return (str(self.n_cells), *(f"{share:.2f}" for share in shares), *rest)


TABLE_1: dict[tuple[str, float], Published] = {
    ("area_um2", 183): Published(5381, 0.93, 0.99, 0.99, 0.96, 108.5, 0.898, 32.0),
    ("area_um2", 255): Published(7490, 0.90, 0.99, 0.99, 0.98, 99.9, 0.889, 36.3),
    ("area_um2", 364): Published(10714, 0.86, 0.98, 0.99, 0.93, 132.2, 0.850, 39.9),
    ("area_um2", 527): Published(15500, 0.80, 0.98, 0.99, 0.85, 180.4, 0.763, 46.9),
    ("dry_mass_pg", 183): Published(5381, 0.94, 0.99, 1.00, 0.81, 62.1, 0.873, 9.1),
    ("dry_mass_pg", 255): Published(7490, 0.92, 0.99, 0.99, 0.80, 63.3, 0.871, 10.7),
    ("dry_mass_pg", 364): Published(10714, 0.88, 0.99, 0.99, 0.80, 64.1, 0.850, 12.9),
    ("dry_mass_pg", 527): Published(15500, 0.83, 0.99, 0.99, 0.77, 70.6, 0.815, 13.7),
    ("max_opd_nm", 183): Published(5381, 0.94, 0.99, 1.00, 1.05, 8.22, 0.942, 6.9),
    ("max_opd_nm", 255): Published(7490, 0.92, 0.99, 1.00, 1.03, 7.09, 0.931, 7.4),
    ("max_opd_nm", 364): Published(10714, 0.96, 0.99, 0.99, 1.03, 10.09, 0.944, 6.5),
    ("max_opd_nm", 527): Published(15500, 0.83, 0.98, 0.99, 1.03, 7.65, 0.930, 7.4),
    ("length_um", 183): Published(5381, 0.92, 0.99, 1.00, 1.00, 6.3, 0.840, 3.0),
    ("length_um", 255): Published(7490, 0.89, 0.99, 1.00, 0.97, 7.8, 0.817, 3.3),
    ("length_um", 364): Published(10714, 0.84, 0.99, 0.99, 0.90, 10.1, 0.784, 3.3),
    ("length_um", 527): Published(15500, 0.77, 0.98, 0.99, 0.85, 11.7, 0.707, 3.3),
}
"""By measure and cells/mm2."""


@dataclass(frozen=True)
class PublishedRobustness:
    """Mean and sd over the seven levels."""

    mass_r2: tuple[float, float]
    mass_mad_pg: tuple[float, float]


ROBUSTNESS = {
    "CNN-A": PublishedRobustness((0.73, 0.15), (21.6, 8.5)),
    "CNN-B": PublishedRobustness((0.86, 0.02), (17.7, 3.6)),
}
"""CNN-A learnt from clean images, CNN-B from degraded ones."""
