"""What the job of a stage asks a scheduler for: memory and time, from the size of what it works on.

The figures follow measurements of the jobs themselves (benchmarks/job_memory.py, docs/resources.md) with room
above them; a job that needs more after all is sent again by the profile's `retries` and asks for more then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the workflow reads this module at every start, and needs no array library
    from lensfree.arrays import Device
    from lensfree.config import ReconstructConfig

SNAKEMAKE_MB = 400.0
"""Snakemake runs twice in a cluster's job, around the script: 2 x 176 MB were measured."""

LEAST_MB = 800
"""No job asks for less: Snakemake alone was killed at 300 MB."""

ROOM = 1.2
"""Memory asked for over what is expected."""

TIME_ROOM = 5.0
"""Time asked for over the CPU time of the threads: other processors are slower, files farther."""

LEAST_MIN = 15

CUDA_MB = 3000.0
"""What a process takes on the host once it uses CUDA. A guess on the safe side: no GPU has been measured."""

CELLS_PER_MM2 = 100.0
"""Density that tables are expected to be of; the second and third attempt allow for as much again."""

FULL_SENSOR_YX = (2748, 3840)
"""Taken where no frame can be read; the stage load says then which and why."""


@dataclass(frozen=True)
class Size:
    """What a job works on.

    Attributes:
        shape_yx: pixels of a frame.
        pixel_pitch_um: their pitch [um].
        channels: planes of a raw frame.
        frames: how many frames the job goes through.
        held_frames: how many raw frames it holds at once.
        iterations: of the reconstruction.
    """

    shape_yx: tuple[int, int]
    pixel_pitch_um: float
    channels: int
    frames: int
    held_frames: int = 1
    iterations: int = 1

    @property
    def megapixels(self) -> float:
        """Pixels of a frame in millions."""
        return self.shape_yx[0] * self.shape_yx[1] / 1e6

    @property
    def detections(self) -> float:
        """Rows that the tables have at the expected density."""
        return self.frames * self.megapixels * self.pixel_pitch_um**2 * CELLS_PER_MM2


@dataclass(frozen=True)
class Need:
    """What a stage takes.

    Attributes:
        base_mb: without data: interpreter and packages.
        b_per_pixel: memory per pixel of a frame [bytes].
        b_per_sample: memory per pixel and channel [bytes].
        b_per_held: memory per pixel, channel and raw frame held at once [bytes].
        b_per_detection: memory per row of the tables [bytes].
        base_s: CPU time without data [s].
        s_per_frame: CPU time per frame, whatever its size [s].
        s_per_pixel: CPU time per million pixels and frame [s].
        s_per_sample: CPU time per million pixels, channel and frame [s].
        s_per_iteration: CPU time per million pixels, channel, frame and iteration [s].
        s_per_detection: CPU time per thousand rows of the tables [s].
        threads: that share the work.
    """

    base_mb: float
    b_per_pixel: float = 0.0
    b_per_sample: float = 0.0
    b_per_held: float = 0.0
    b_per_detection: float = 0.0
    base_s: float = 10.0
    s_per_frame: float = 0.0
    s_per_pixel: float = 0.0
    s_per_sample: float = 0.0
    s_per_iteration: float = 0.0
    s_per_detection: float = 0.0
    threads: int = 1


NEEDS: Mapping[str, Need] = MappingProxyType(
    {
        "simulate": Need(400, b_per_pixel=600, s_per_sample=8.0),
        "background": Need(110, b_per_sample=28, b_per_held=2, s_per_sample=0.1),
        "load": Need(180, b_per_sample=12, s_per_sample=0.1),
        "ingest": Need(180, b_per_pixel=40, s_per_pixel=0.5),
        "check": Need(140),
        "focus": Need(640, b_per_sample=14, base_s=300.0, threads=2),
        # Following the distance takes whole retrievals of a field of one size, however large the frame is.
        "reconstruct": Need(
            620, b_per_pixel=190, b_per_sample=20, s_per_frame=6.0, s_per_iteration=0.1, threads=2
        ),
        "quantify": Need(430, b_per_pixel=120, s_per_pixel=4.0, threads=2),
        "track": Need(310, b_per_detection=900, s_per_detection=0.05),
        "series": Need(150, b_per_detection=2500, s_per_detection=0.05),
        "score": Need(620, b_per_detection=100, s_per_detection=0.5),
        "flags": Need(180, b_per_detection=2300, s_per_detection=0.05),
        "report": Need(300, b_per_pixel=110, b_per_detection=2500, s_per_detection=0.05),
        "export": Need(190, b_per_detection=2100, s_per_detection=0.1),
    }
)
"""Per stage; a stage that is not here, such as a training, does not depend on the size of a frame."""


def count_iterations(config: ReconstructConfig) -> int:
    """Return the iterations of descent that a frame is reconstructed by."""
    if config.method == "reference":
        return config.iterations_reference
    return config.iterations_first + config.iterations_last


def expected_mb(word: str, size: Size, device: Device = "cpu") -> float:
    """Return the memory that the job of a stage is expected to need at most, Snakemake's included [MB]."""
    need = NEEDS[word]
    samples = size.megapixels * size.channels
    images_mb = (
        need.b_per_pixel * size.megapixels
        + (need.b_per_sample + need.b_per_held * size.held_frames) * samples
    )
    tables_mb = need.b_per_detection * size.detections / 1e6
    return SNAKEMAKE_MB + need.base_mb + images_mb + tables_mb + (CUDA_MB if device == "cuda" else 0.0)


def memory_mb(word: str, size: Size, *, attempt: int = 1, device: Device = "cpu") -> int:
    """Return the memory to ask for [MB], in proportion to the attempt, which counts from 1."""
    return at_least_mb(ROOM * expected_mb(word, size, device), attempt)


def at_least_mb(megabytes: float, attempt: int) -> int:
    """Return what an attempt asks for of so much memory [MB], never less than Snakemake itself needs."""
    return ceil(max(megabytes, LEAST_MB) * attempt / 100) * 100


def expected_s(word: str, size: Size) -> float:
    """Return the time that the job of a stage is expected to take with its threads [s]."""
    need = NEEDS[word]
    per_sample_s = need.s_per_sample + need.s_per_iteration * size.iterations
    per_frame_s = need.s_per_frame + (need.s_per_pixel + per_sample_s * size.channels) * size.megapixels
    images_s = per_frame_s * size.frames
    return (need.base_s + images_s + need.s_per_detection * size.detections / 1e3) / need.threads


def runtime_min(word: str, size: Size, *, attempt: int = 1) -> int:
    """Return the time to ask for [min], in proportion to the attempt, which counts from 1."""
    return max(ceil(TIME_ROOM * expected_s(word, size) / 60), LEAST_MIN) * attempt
