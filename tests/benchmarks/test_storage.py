"""Sizes and times per frame of a full sensor, counted from files of known size."""

import numpy as np
import pytest
import storage

from lensfree.config import StorageConfig
from lensfree.io.stacks import create_opd

SHAPE_YX = (34, 48)
COLUMNS = "s\th:m:s\tmax_rss\tcpu_time"


@pytest.fixture
def acquisition(tmp_path):
    """Two chunks of two frames and one."""
    folder = tmp_path / "results" / "plate"
    for first, n_frames in ((0, 2), (2, 1)):
        path = folder / "opd" / f"{first // 2:04d}.h5"
        path.parent.mkdir(parents=True, exist_ok=True)
        settings = {
            "shape_yx": SHAPE_YX,
            "pixel_pitch_um": 1.67,
            "storage": StorageConfig(),
            "provenance": {},
        }
        with create_opd(path, n_frames=n_frames, first_frame=first, **settings) as sink:
            for index in range(n_frames):
                maps = np.zeros((2, *SHAPE_YX), np.float32)
                sink.write(index, time_h=0.0, opd_nm=maps[0], absorption=maps[1])
        (folder / "cells").mkdir(exist_ok=True)
        (folder / "cells" / f"{first // 2:04d}.parquet").write_bytes(b"x" * 1000)
        log = tmp_path / "logs" / "load" / "plate" / f"{first // 2:04d}.tsv"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"{COLUMNS}\n9.0\t0:00:09\t1.0\t{n_frames * 1.5}\n", encoding="utf-8")
    return folder


def test_sizes_and_times_are_per_frame_of_a_full_sensor(acquisition, tmp_path):
    raw = tmp_path / "f0.tif"
    raw.write_bytes(b"x" * 3 * SHAPE_YX[0] * SHAPE_YX[1])
    sizes, seconds, n_frames = storage.measure(acquisition, [raw], tmp_path / "logs")
    area = storage.SHAPE_YX[0] * storage.SHAPE_YX[1] / SHAPE_YX[0] / SHAPE_YX[1]
    assert n_frames == 3 and sizes.keys() == storage.STACKS.keys()
    assert sizes["raw"] == pytest.approx(storage.SHAPE_YX[0] * storage.SHAPE_YX[1] / 1e6)
    assert sizes["cells"] == pytest.approx(2000 / 1e6 / 3 * area)
    assert sizes["opd"] > 0 and sizes["holograms"] == 0
    assert seconds == {"load": pytest.approx(1.5 * area)}


def test_an_acquisition_without_opd_is_refused(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"no OPD in opd/; run the acquisition with keep: \[holograms, opd\]"
    ):
        storage.measure(tmp_path, [], tmp_path)
