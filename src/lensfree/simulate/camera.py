"""What the instrument adds to an intensity: uneven illumination, noise, clipping and grey levels."""

from __future__ import annotations

import numpy as np


def illumination(
    shape_yx: tuple[int, int], rng: np.random.Generator, amplitude: float, n_channels: int = 3
) -> np.ndarray:
    """Return the open beam of each colour, constant in time for an acquisition.

    A smooth falloff off centre, different per colour because the dies sit apart, plus the ring fringes
    of a few grains of dust on the way to the sensor.

    Args:
        shape_yx: pixels of the sensor.
        rng: source of everything random.
        amplitude: structure relative to the mean; 0 gives ones.
        n_channels: colours.

    Returns:
        float32 (channel, y, x), mean 1 per colour.
    """
    ny, nx = shape_yx
    rows, columns = np.mgrid[:ny, :nx].astype(np.float64)
    dust = [
        (rng.uniform(0, ny), rng.uniform(0, nx), rng.uniform(60, 250), rng.uniform(0.2, 0.6))
        for _ in range(max(1, round(ny * nx / 25000)))
    ]
    out = np.empty((n_channels, ny, nx), np.float32)
    for c in range(n_channels):
        mid_y, mid_x = ny * rng.uniform(0.3, 0.7), nx * rng.uniform(0.3, 0.7)
        beam = 1.0 - amplitude * (((rows - mid_y) / ny) ** 2 + ((columns - mid_x) / nx) ** 2)
        for y, x, zone_px2, strength in dust:
            r2 = (rows - y) ** 2 + (columns - x) ** 2
            chirp = zone_px2 * (0.85 + 0.15 * c)
            beam += 0.4 * amplitude * strength * np.cos(np.pi * r2 / chirp) * np.exp(-r2 / (6 * chirp))
        out[c] = beam / beam.mean()
    return out


def add_camera(
    intensity: np.ndarray,
    *,
    background: np.ndarray,
    noise: float,
    open_beam_counts: int,
    bits: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return what the camera writes: integer counts.

    Args:
        intensity: (channel, y, x); 1 is the open beam.
        background: (channel, y, x) or broadcastable; illumination relative to its mean.
        noise: sd at the open beam, relative to it; it grows with the root of the light, as shot noise.
        open_beam_counts: grey level of the open beam.
        bits: 8 or 16.
        rng: source of the noise.

    Returns:
        uint8 or uint16, clipped to the range and rounded.

    Raises:
        ValueError: bits is neither 8 nor 16.
    """
    if bits not in (8, 16):
        raise ValueError(f"bits={bits} is not a depth of TIFF files written here; expected 8 or 16")
    light = np.maximum(intensity * background, 0.0)
    noisy = light + noise * np.sqrt(light) * rng.standard_normal(light.shape, dtype=np.float32)
    counts = np.rint(np.clip(noisy * open_beam_counts, 0, 2**bits - 1))
    return counts.astype(np.uint8 if bits == 8 else np.uint16)
