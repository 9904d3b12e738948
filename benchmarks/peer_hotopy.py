"""hotopy's in-line solvers, a case and settings in, OPD in nm out; an optional extra, under the GPL.

Its solvers know one phase for all holograms. Colours see one OPD as different phases, so their contrasts are
scaled to that of their mean wavelength, which is right for a weak sample; or one colour is used alone.
"""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
from peer_cases import Case, registered

from lensfree.optics.hologram import PaddedGrid, crop
from lensfree.units import NM_PER_UM

ALL = "all"
"""All exposures at once; a number stands for one of them."""


def prepared(case: Case, exposures: int | str) -> tuple[np.ndarray, np.ndarray, PaddedGrid, float]:
    """Return holograms (channel, y, x), their Fresnel numbers, the margin, and the nm of one rad."""
    holograms, grid = registered(case)
    chosen = list(range(len(case.channels))) if exposures == ALL else [int(exposures)]
    channels = [case.channels[index] for index in chosen]
    wavelengths_um = np.array([channel.wavelength_nm for channel in channels]) / NM_PER_UM
    mean_um = float(wavelengths_um.mean())
    fresnel = case.pixel_pitch_um**2 / (wavelengths_um * [channel.z_um for channel in channels])
    contrast = (wavelengths_um / mean_um)[:, None, None] * (holograms[chosen] - 1)
    return (
        np.maximum(1 + contrast, 0).astype(np.float32),
        fresnel,
        grid,
        mean_um * NM_PER_UM / (2 * pi),
    )


def by_ctf(case: Case, *, exposures: int | str, alpha: float, phase_min: float | None) -> np.ndarray:
    """Invert the linear contrast transfer, with or without a bound on phase."""
    from hotopy.holo import CTF, Constraints

    holograms, fresnel, grid, nm_per_rad = prepared(case, exposures)
    bound = None if phase_min is None else Constraints(phase_min=phase_min)
    phase_rad = CTF(grid.padded_yx, fresnel, alpha=alpha)(holograms, constraints=bound)
    return crop(phase_rad.numpy(), grid) * nm_per_rad


def by_tikhonov(
    case: Case, *, exposures: int | str, alpha: float, alpha_tv: float, is_absorbing: bool
) -> np.ndarray:
    """Minimise the nonlinear misfit with phase at least 0, and with absorption or without."""
    import torch
    from hotopy.holo import Constraints, Tikhonov, TikhonovTV

    holograms, fresnel, grid, nm_per_rad = prepared(case, exposures)
    options: dict[str, Any] = {"alpha": alpha, "betadelta": None if is_absorbing else 0.0}
    if alpha_tv:
        solver = TikhonovTV(grid.padded_yx, fresnel, alpha_tv=alpha_tv, delta_tv=0.01, **options)
    else:
        solver = Tikhonov(grid.padded_yx, fresnel, **options)

    def at_least_0(refraction: torch.Tensor, t: float | None = None) -> torch.Tensor:
        return torch.complex(refraction.real, refraction.imag.clamp(min=0))

    bound = at_least_0 if is_absorbing else Constraints(phase_min=0)
    found = solver(torch.from_numpy(holograms), constraints=bound)
    phase_rad = found.imag if is_absorbing else found
    return crop(phase_rad.numpy(), grid) * nm_per_rad


def by_projections(
    case: Case,
    *,
    solver: str,
    exposures: int | str,
    iterations: int,
    max_amplitude: float | None,
) -> np.ndarray:
    """Project in turn on the holograms and on phase of at least 0 and bounded amplitude."""
    import torch
    from hotopy import holo

    holograms, fresnel, grid, nm_per_rad = prepared(case, exposures)
    bounds = holo.WaveConstraints(phase_min=0, amp_max=max_amplitude)
    retriever = getattr(holo, solver)(grid.padded_yx, fresnel, npad=1)
    wave = retriever(holograms, constraints=bounds, max_iter=iterations)
    return crop(torch.angle(wave).numpy(), grid) * nm_per_rad
