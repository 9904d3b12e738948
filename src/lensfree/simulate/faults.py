"""Errors of an acquisition: frames that the instrument spoils, drawn before anything is recorded.

They are errors of the files, not of the cells (`lensfree.simulate.anomalies`): a file cut short, a colour
whose light is weak, frames taken out of focus, a stage that jumps. The first and the last frame are whole,
and no frame has two errors; what a jump moves stays moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lensfree.config import SimulateConfig
from lensfree.simulate.world import BORDER_UM
from lensfree.units import MIN_PER_H

KINDS = ("lost", "dim", "defocus", "stage_jump")
ALL_CHANNELS = ""
KEPT_SHARE = (0.1, 0.9)
LIGHT_FACTOR = (0.5, 0.8)
MAX_RUN_FRAMES = 3


@dataclass(frozen=True)
class Faults:
    """What happens to each frame, ready to be applied, and the same as a table.

    Attributes:
        kept: (frame, channel) share of the bytes of the file that is written; 1 is the whole file.
        light: (frame, channel) float32 factor on the light.
        z_offset_um: (frame,) added to the distance from sample to sensor.
        shift_um: (frame, yx) displacement of the field since frame 0.
        table: a row per error and frame, in order of time, with the columns of the contract `FAULTS`.
    """

    kept: np.ndarray
    light: np.ndarray
    z_offset_um: np.ndarray
    shift_um: np.ndarray
    table: pd.DataFrame

    def displace(self, cells: pd.DataFrame) -> pd.DataFrame:
        """Return cells with the positions at which the sensor sees them; its pixel (0, 0) stays where it is.

        Args:
            cells: rows with `frame`, `y_um` and `x_um`.
        """
        moved_um = self.shift_um[cells["frame"].to_numpy()]
        return cells.assign(y_um=cells["y_um"] + moved_um[:, 0], x_um=cells["x_um"] + moved_um[:, 1])


def draw_faults(
    config: SimulateConfig, *, channels: Sequence[str], frame_interval_min: float, rng: np.random.Generator
) -> Faults:
    """Draw which frames go wrong, and how.

    A run out of focus lasts 1 to 3 frames, fewer where the acquisition has no room for more.

    Args:
        config: how many errors of each kind, and their size.
        channels: names of the colours; a lost file and weak light concern one of them.
        frame_interval_min: time between frames.
        rng: source of everything random.

    Raises:
        ValueError: there are more errors than frames for them, a run would pass the sensor, or the jumps
            could carry the sensor out of the simulated world.
    """
    _check(config)
    n_frames, n_channels = config.frames, len(channels)
    kept = np.ones((n_frames, n_channels))
    light = np.ones((n_frames, n_channels), np.float32)
    z_offset_um = np.zeros(n_frames)
    shift_um = np.zeros((n_frames, 2))
    rows: list[tuple[int, str, str, float, float, float]] = []
    for kind, frames in _place(config, rng):
        channel = int(rng.integers(n_channels)) if kind in ("lost", "dim") else -1
        amount, y_um, x_um = 0.0, 0.0, 0.0
        if kind == "lost":
            amount = kept[frames, channel] = rng.uniform(*KEPT_SHARE)
        elif kind == "dim":
            amount = light[frames, channel] = rng.uniform(*LIGHT_FACTOR)
        elif kind == "defocus":
            amount = z_offset_um[frames] = config.defocus_um * rng.choice((-1.0, 1.0))
        else:
            amount, direction = config.stage_jump_um, rng.uniform(0, 2 * np.pi)
            y_um, x_um = amount * np.sin(direction), amount * np.cos(direction)
            shift_um[frames.start :] += (y_um, x_um)
        name = ALL_CHANNELS if channel < 0 else channels[channel]
        rows += [(frame, kind, name, float(amount), float(y_um), float(x_um)) for frame in frames]
    columns = ["frame", "kind", "channel", "amount", "shift_y_um", "shift_x_um"]
    table = pd.DataFrame(rows, columns=columns).astype(
        {"frame": np.int32, **dict.fromkeys(columns[3:], float)}
    )
    table.insert(1, "time_h", table["frame"] * frame_interval_min / MIN_PER_H)
    return Faults(kept, light, z_offset_um, shift_um, table)


def _place(config: SimulateConfig, rng: np.random.Generator) -> list[tuple[str, range]]:
    """Return the errors and their frames in order of time; every order of errors and gaps is as likely."""
    kinds = [kind for kind, count in zip(KINDS, _counts(config), strict=True) for _ in range(count)]
    n_spare = config.frames - 2 - len(kinds)
    lengths = []
    for kind in kinds:
        longer = min(int(rng.integers(MAX_RUN_FRAMES)), n_spare) if kind == "defocus" else 0
        n_spare -= longer
        lengths.append(1 + longer)
    placed, frame = [], 1
    for slot in rng.permutation(len(kinds) + n_spare):
        if slot < len(kinds):
            placed.append((kinds[slot], range(frame, frame + lengths[slot])))
        frame += lengths[slot] if slot < len(kinds) else 1
    return placed


def _counts(config: SimulateConfig) -> tuple[int, int, int, int]:
    return config.lost_frames, config.dim_frames, config.defocused_frames, config.stage_jumps


def _check(config: SimulateConfig) -> None:
    n_asked = sum(_counts(config))
    if n_asked > max(0, config.frames - 2):
        named = ", ".join(f"{count} {kind}" for kind, count in zip(KINDS, _counts(config), strict=True))
        raise ValueError(
            f"got {n_asked} acquisition errors ({named}) for {config.frames} frames, expected at most "
            f"{max(0, config.frames - 2)}, as the first and the last frame stay whole; lower "
            "simulate.lost_frames, dim_frames, defocused_frames or stage_jumps, or raise simulate.frames"
        )
    if config.defocused_frames and config.defocus_um >= config.z_um:
        raise ValueError(
            f"got simulate.defocus_um={config.defocus_um:g}, expected less than simulate.z_um="
            f"{config.z_um:g}, or the sample would lie behind the sensor; lower simulate.defocus_um"
        )
    reach_um = config.stage_jumps * config.stage_jump_um
    if reach_um > BORDER_UM:
        raise ValueError(
            f"got {config.stage_jumps} stage jumps of {config.stage_jump_um:g} um, expected at most "
            f"{BORDER_UM:g} um together, because the simulated cells end there; lower simulate.stage_jumps "
            "or simulate.stage_jump_um"
        )
