"""The methods that are compared, each behind one call: a case and settings in, OPD in nm out.

A peer that knows no margin and no lateral shift of the colours gets holograms on a margin that fades to
the open beam, shifts undone. Packages are imported where they are used, so that a missing one is missed
by nobody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from itertools import product
from math import pi
from pathlib import Path
from typing import Any

import numpy as np
from gerchberg_saxton import gerchberg_saxton
from peer_cases import Case, margin, registered
from peer_hotopy import ALL, by_ctf, by_projections, by_tikhonov

from lensfree.model_files import weights_file
from lensfree.optics.hologram import PaddedGrid, build_transfers, crop
from lensfree.phase.problem import Problem
from lensfree.phase.retrieve import retrieve, with_reference_weights
from lensfree.stages.evaluate_beads import LASER
from lensfree.stages.refine import load_refine
from lensfree.units import NM_PER_UM

MODELS = Path(__file__).parents[1] / "models"
M_PER_UM = 1e-6


@dataclass(frozen=True)
class Method:
    """A way from holograms to OPD.

    Attributes:
        package: what it is made of and must be installed.
        run: maps (case, **settings) to OPD [nm] (y, x).
        grid: values tried per setting.
        is_one_exposure: whether it sees one exposure at a time.
    """

    package: str
    run: Callable[..., np.ndarray]
    grid: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    is_one_exposure: bool = False

    @property
    def is_installed(self) -> bool:
        """Whether it can run here."""
        return find_spec(self.package) is not None

    def fits(self, case: Case) -> bool:
        """Return whether the case is one for it: several distances are nothing to a single exposure."""
        return not self.is_one_exposure or len(case.channels) == 1 or not case.is_one_wavelength

    def settings(self, case: Case) -> Iterator[dict[str, Any]]:
        """Yield every combination of settings to try; a choice of exposures only where colours differ."""
        grid = dict(self.grid)
        if self.is_one_exposure and len(case.channels) > 1:
            grid["exposure"] = tuple(range(len(case.channels)))
        elif case.is_one_wavelength and "exposures" in grid:
            grid["exposures"] = (ALL,)
        for values in product(*grid.values()):
            yield dict(zip(grid, values, strict=True))


def phase_to_nm(field_at_sample: np.ndarray, grid: PaddedGrid, wavelength_nm: float) -> np.ndarray:
    """Return the OPD of the field's phase against its mean, which carries the plane wave's phase."""
    against_mean = field_at_sample * np.conj(field_at_sample.mean())
    return crop(np.angle(against_mean), grid) * (wavelength_nm / (2 * pi))


def by_pyholoscope(case: Case, *, exposure: int = 0) -> np.ndarray:
    """Refocus the hologram as it was recorded, which is what the package's `refocus` is given."""
    import pyholoscope

    holograms, grid = registered(case)
    channel = case.channels[exposure]
    propagator = pyholoscope.propagator(
        grid.padded_yx,
        channel.wavelength_nm / NM_PER_UM * M_PER_UM,
        case.pixel_pitch_um * M_PER_UM,
        channel.z_um * M_PER_UM,
    )
    refocused = pyholoscope.refocus(holograms[exposure], propagator, cuda=False)
    return phase_to_nm(refocused, grid, channel.wavelength_nm)


def by_torchoptics(case: Case, *, exposure: int = 0) -> np.ndarray:
    """Propagate a field of the measured amplitude and phase 0 back."""
    import torch
    import torchoptics

    holograms, grid = registered(case)
    channel = case.channels[exposure]
    at_sensor = torchoptics.Field(
        torch.from_numpy(np.sqrt(holograms[exposure])),
        wavelength=channel.wavelength_nm / NM_PER_UM * M_PER_UM,
        z=channel.z_um * M_PER_UM,
        spacing=case.pixel_pitch_um * M_PER_UM,
    )
    at_sample = at_sensor.propagate_to_z(0, propagation_method="ASM", asm_pad=(0, 0))
    return phase_to_nm(at_sample.data.numpy(), grid, channel.wavelength_nm)


def by_gerchberg_saxton(
    case: Case, *, iterations: int, is_positive: bool, max_amplitude: float | None
) -> np.ndarray:
    """Run the project's own version, outside the sensor with whatever field comes."""
    grid = margin(case)
    amplitude = np.full((len(case.channels), *grid.padded_yx), -1, np.float32)
    amplitude[grid.window] = np.sqrt(case.intensity)
    like = np.empty(grid.padded_yx, np.complex64)
    laser = case.config.optics.model_copy(update=LASER)
    transfers = build_transfers(case.channels, like, pixel_pitch_um=case.pixel_pitch_um, optics=laser)
    transfers /= abs(transfers)
    opd_nm, _ = gerchberg_saxton(
        amplitude,
        transfers,
        [channel.wavelength_nm for channel in case.channels],
        iterations=iterations,
        is_positive=is_positive,
        max_amplitude=max_amplitude,
    )
    return crop(opd_nm, grid)


def by_autograd(case: Case, *, optimiser: str) -> np.ndarray:
    """Descend as often as lensfree does, from an empty sample, without a CNN and without its levelling."""
    from plain_autograd import minimised

    config = case.config.reconstruct
    is_reference = config.method == "reference"
    iterations = config.iterations_first + config.iterations_last
    if is_reference:
        iterations = config.iterations_reference
        config = with_reference_weights(config)
    problem = Problem.build(
        case.intensity, case.channels, case.pixel_pitch_um, case.config.optics, config, case.saturated
    )
    unknowns = minimised(problem.objective, problem.start(np), iterations=iterations, optimiser=optimiser)
    return problem.maps(unknowns)[0]


def by_lensfree(case: Case) -> np.ndarray:
    """Retrieve as the pipeline does, with the shipped CNN where the method has a CNN step."""
    config = case.config.reconstruct
    name = "none" if config.method == "reference" else config.refine
    return retrieve(
        case.intensity,
        case.channels,
        pixel_pitch_um=case.pixel_pitch_um,
        optics=case.config.optics,
        config=config,
        refine=load_refine(weights_file(name, MODELS)),
        saturated=case.saturated,
    ).opd_nm


EXPOSURES = (ALL, 0)
SWEEPS = {"iterations": (10, 40), "max_amplitude": (None, 1.0)}
BOUNDS = {"exposures": EXPOSURES, "max_amplitude": (None, 1.0)}

METHODS = {
    "back-propagation, PyHoloscope": Method("pyholoscope", by_pyholoscope, is_one_exposure=True),
    "back-propagation, torchoptics": Method("torchoptics", by_torchoptics, is_one_exposure=True),
    "Gerchberg-Saxton": Method("numpy", partial(by_gerchberg_saxton, is_positive=False), SWEEPS),
    "Gerchberg-Saxton, OPD >= 0": Method("numpy", partial(by_gerchberg_saxton, is_positive=True), SWEEPS),
    "hotopy CTF": Method(
        "hotopy",
        by_ctf,
        {"exposures": EXPOSURES, "alpha": (0.01, 0.03, 0.1, 0.3, 1.0, 3.0), "phase_min": (None, 0.0)},
    ),
    "hotopy Tikhonov": Method(
        "hotopy",
        partial(by_tikhonov, alpha_tv=0.0),
        {"exposures": (ALL,), "alpha": (0.1, 0.3, 1.0), "is_absorbing": (False, True)},
    ),
    "hotopy TikhonovTV": Method(
        "hotopy",
        partial(by_tikhonov, is_absorbing=False),
        {"exposures": (ALL,), "alpha": (0.1, 0.3), "alpha_tv": (0.1, 0.3)},
    ),
    "hotopy AP": Method(
        "hotopy", partial(by_projections, solver="AP"), {"iterations": (20, 60, 150), **BOUNDS}
    ),
    "hotopy RAAR": Method(
        "hotopy", partial(by_projections, solver="RAAR"), {"iterations": (20, 60), **BOUNDS}
    ),
    "plain torch autograd": Method("torch", by_autograd, {"optimiser": ("LBFGS", "Adam 0.1")}),
    "lensfree": Method("lensfree", by_lensfree),
}
