"""Sizes on disk at toy size: raw files are as large as their pixels, parts are scaled to the field."""

import numpy as np
import storage

from lensfree.config import OpticsConfig
from lensfree.simulate.holograms import simulate_intensity
from lensfree.simulate.population import random_field
from lensfree.simulate.render import render_sample


def test_every_stack_is_measured(tmp_path):
    part_yx = (96, 120)
    cells = random_field(np.random.default_rng(0), part_yx, storage.PITCH_UM, 200.0)
    sample = render_sample(cells, part_yx, storage.PITCH_UM)
    settings = {"pixel_pitch_um": storage.PITCH_UM, "optics": OpticsConfig(), "spectral_lines": 1}
    tile = simulate_intensity(*sample, storage.CHANNELS, **settings)
    counts = storage.record(np.tile(tile, (1, 2, 1)))
    assert counts.dtype == np.uint8 and counts.shape == (3, 192, 120)
    assert not np.array_equal(counts[:, :96], counts[:, 96:])
    sizes, load_s = storage.measure(counts, part_yx, tmp_path)
    assert sizes.keys() == storage.MEANINGS.keys()
    assert 1 < sizes["raw"] * 1e6 / counts.size < 1.05
    assert 0.5 * sizes["raw"] < sizes["holograms"]
    assert sizes["opd"] * 1e6 == 2 * (tmp_path / "part" / "opd.h5").stat().st_size
    assert load_s > 0
