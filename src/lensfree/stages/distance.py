"""The search for the distance in one hologram, from nowhere or around a known one; on the array's device."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lensfree.arrays import resolve_device, to_device
from lensfree.config import FocusConfig, OpticsConfig, ReconstructConfig
from lensfree.optics.focus import central_field, find_focus, find_sharpest
from lensfree.optics.hologram import Channel
from lensfree.optics.plate import moved
from lensfree.optics.registration import register
from lensfree.optics.settle import settle
from lensfree.phase.retrieve import Refine, misfit_by_distance

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DistanceFinder:
    """What the search needs to know of an acquisition.

    Attributes:
        pixel_pitch_um: distance between pixels.
        optics: the instrument.
        config: where to look.
        reconstruct: how holograms are explained.
        refine: the CNN step, for retrievals as whole as those of the frames; None: short descents.
    """

    pixel_pitch_um: float
    optics: OpticsConfig
    config: FocusConfig
    reconstruct: ReconstructConfig
    refine: Refine | None = None

    def find(self, intensity: Any, channels: list[Channel], saturated: Any | None = None) -> list[Channel]:
        """Return the channels with the distance and the shifts found from a hologram (channel, y, x).

        Bracket by sharpness, register there, find the minimum of the misfit: it needs the colours in
        register. Then settle, if it was the misfit that found the distance.

        Raises:
            NoFocusError: no distance in the range is better than the others.
        """
        pitch_um, config = self.pixel_pitch_um, self.config
        start_um = find_sharpest(intensity, channels, pixel_pitch_um=pitch_um, config=config)
        if not np.isfinite(start_um):  # nothing is sharp anywhere; registration bears a distance that is off
            start_um = (config.z_min_um * config.z_max_um) ** 0.5
        registered = self.register(intensity, _at(channels, start_um))
        misfit_at = self._misfit_at(intensity, registered, saturated, None)
        focus = find_focus(intensity, registered, pixel_pitch_um=pitch_um, config=config, misfit_at=misfit_at)
        logger.info("%s", focus)
        found = self.register(intensity, _at(channels, focus.z_um))
        if self.refine is None or focus.decided_by == "sharpness":
            return found
        return self.settle(intensity, found, saturated) or found

    def settle(
        self, intensity: Any, channels: list[Channel], saturated: Any | None = None
    ) -> list[Channel] | None:
        """Return the channels at the misfit's minimum next to their one distance, None if it is not clear.

        On simulated RGB fields of 384 x 384 pixels it errs by up to 0.04 % with the CNN step and 0.11 %
        without.
        """
        misfit_at = self._misfit_at(intensity, channels, saturated, self.refine)
        z_um = settle(misfit_at, channels[0].z_um)
        return None if z_um is None else moved(channels, z_um - channels[0].z_um)

    def register(self, intensity: Any, channels: list[Channel]) -> list[Channel]:
        """Return the channels with their lateral shifts, as they are if the configuration says so."""
        if len(channels) == 1 or not self.config.register_channels:
            return channels
        return register(
            intensity,
            channels,
            pixel_pitch_um=self.pixel_pitch_um,
            max_shift_um=self.config.max_shift_um,
        )

    def middle(
        self, intensity: np.ndarray, saturated: np.ndarray, channels: list[Channel]
    ) -> tuple[Any, list[Channel], Any]:
        """Return the arguments of `find` and `settle` for the middle of a frame, on the device."""
        device = resolve_device(self.reconstruct.device)
        image, at_the_top = (
            to_device(np.ascontiguousarray(central_field(whole, self.config.field_px)), device)
            for whole in (intensity, saturated)
        )
        return image, channels, at_the_top

    def _misfit_at(
        self, intensity: Any, channels: list[Channel], saturated: Any | None, refine: Refine | None
    ) -> Any:
        return misfit_by_distance(
            intensity,
            channels,
            pixel_pitch_um=self.pixel_pitch_um,
            optics=self.optics,
            config=self.reconstruct,
            iterations=self.config.iterations,
            saturated=saturated,
            refine=refine,
        )


def is_common(channels: list[Channel]) -> bool:
    """Return whether several colours share one distance: what following it in space and time takes.

    One colour's misfit misleads on absorbers, and channels at distances of their own have no common one.
    """
    return len(channels) > 1 and len({channel.z_um for channel in channels}) == 1


def _at(channels: list[Channel], z_um: float) -> list[Channel]:
    return [replace(channel, z_um=z_um) for channel in channels]
