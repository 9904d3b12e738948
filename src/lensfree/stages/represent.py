"""The CNN of quantification, as the callable that stage quantify takes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lensfree.arrays import Device, to_device, to_numpy
from lensfree.cells.background import white_noise_sd_nm
from lensfree.cells.representation import MEASURES
from lensfree.cells.second_look import agreed, quieter_nm, second_share, upside_down
from lensfree.filters import resample
from lensfree.memory import free_memory
from lensfree.model_files import ModelError
from lensfree.nets.cnn_tiles import TiledCnn
from lensfree.nets.plain_cnn import PlainCnnSpec
from lensfree.nets.weights import load_cnn, read_card

logger = logging.getLogger(__name__)

Represent = Callable[[np.ndarray, float], Any]

OPD_SCALE_NM = 100.0

MOST_RATIO = 2.5
"""Largest ratio of two pixel pitches, either way, that resampling bridges: at 1.67 um the coarser pixel is
4.2 um, less than half of a disc."""

_SAME_PITCH = 0.01


@dataclass
class Representation:
    """(opd_nm (y, x), pixel_pitch_um) -> maps (4, y, x), on the device.

    The network has learnt cells at one pixel pitch; an OPD map of another is resampled to it, and the
    maps back, so that discs keep their size in um. The log says so once for each pitch. A noisy map is looked
    at twice (`cells.second_look`), which takes twice as long.

    Attributes:
        network: applied to OPD in its unit.
        pixel_pitch_um: of what the network has learnt.
        device: where the maps come to be, and stay.
    """

    network: TiledCnn
    pixel_pitch_um: float
    device: Device
    _said_um: set[float] = field(default_factory=set, init=False)

    def __call__(self, opd_nm: np.ndarray, pixel_pitch_um: float) -> Any:
        """Return the maps of one frame, NumPy or CuPy as the device is.

        Raises:
            ValueError: if the pixel pitch is too far from the network's.
            MemoryError: not even the smallest tiles fit into memory.
        """
        self._check(pixel_pitch_um)
        ratio = pixel_pitch_um / self.pixel_pitch_um
        opd = to_device(opd_nm, self.device)
        if abs(ratio - 1) < _SAME_PITCH:
            return self._look(opd)
        if pixel_pitch_um not in self._said_um:
            self._said_um.add(pixel_pitch_um)
            logger.info(
                "the pixel pitch is %.4g um, the network has learnt at %.4g um: OPD is resampled to that, "
                "and the maps back",
                *(pixel_pitch_um, self.pixel_pitch_um),
            )
        opd = resample(opd, tuple(max(round(n * ratio), 1) for n in opd.shape))
        return resample(self._look(opd), opd_nm.shape)

    def _look(self, opd: Any) -> Any:
        """Return the maps of OPD at the network's pitch; at noise it looks a second time."""
        maps = self.network(opd[None] / OPD_SCALE_NM)
        noise_nm = white_noise_sd_nm(opd)
        share = second_share(noise_nm)
        if not share:
            return maps
        quiet = to_device(quieter_nm(to_numpy(opd), noise_nm), self.device)
        again = self.network(upside_down(quiet[None] / OPD_SCALE_NM))
        return agreed(maps, upside_down(again), share)

    def _check(self, pixel_pitch_um: float) -> None:
        least_um, most_um = self.pixel_pitch_um / MOST_RATIO, self.pixel_pitch_um * MOST_RATIO
        if not least_um <= pixel_pitch_um <= most_um:
            raise ValueError(
                f"the pixel pitch is {pixel_pitch_um:.4g} um, expected {least_um:.4g} to {most_um:.4g} um: "
                f"the network has learnt cells at {self.pixel_pitch_um:.4g} um and does not know them at "
                "this one; set quantify.method to 'reference', or quantify.model to a network that learnt "
                "at about this pitch"
            )


def load_represent(weights: Path, device: Device = "cpu") -> Represent:
    """Return what makes the maps of a frame, see `Representation`.

    Raises:
        ModelError: if the weights do not map OPD to the measures of a cell, or do not say their pitch.
    """
    model = load_cnn(weights, channels=(1, len(MEASURES)))
    card = read_card(weights)
    if "pixel_pitch_um" not in card:
        raise ModelError(f"{weights}: the header has no 'pixel_pitch_um'; train the model again")
    tiled = TiledCnn(model, PlainCnnSpec.from_metadata(card), partial(free_memory, device))
    return Representation(tiled, float(card["pixel_pitch_um"]), device)
