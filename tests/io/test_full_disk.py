"""A disk that fills while a file is written: the error names the file, and no half of it is left."""

import os
import subprocess

import numpy as np
import pandas as pd
import pytest

from lensfree.contracts import SERIES
from lensfree.io.files import folder_written_whole, written_whole
from lensfree.io.stacks import create_opd, open_opd
from lensfree.io.tables import write_table

SHAPE_YX = (300, 400)
N_FRAMES = 60
N_ROWS = 900_000
ROWS = pd.DataFrame(
    {
        "series_id": 1,
        "cell_id": 1,
        "time_h": np.arange(N_ROWS) / 6,
        "dry_mass_pg": np.random.default_rng(0).normal(200, 9, N_ROWS),
        "is_filled": False,
        "is_repeated": False,
    }
)


def stack(path):
    maps_nm = np.random.default_rng(1).normal(0, 50, (N_FRAMES, *SHAPE_YX))
    with create_opd(path, n_frames=N_FRAMES, first_frame=0, shape_yx=SHAPE_YX, pixel_pitch_um=1.0) as sink:
        for index, opd_nm in enumerate(maps_nm):
            sink.write(index, time_h=0.0, opd_nm=opd_nm, absorption=opd_nm * 1e-3)


def table(path):
    write_table(path, ROWS, SERIES)


def text(path):
    with written_whole(path) as partial:
        partial.write_text("a" * 10**7)


@pytest.fixture(params=[100, 5000, 6000], ids="{} kB".format)
def small_disk(request, tmp_path):
    """A disk too small for any of these, or for the last of them."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={request.param}k", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk takes root and the right to mount")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("write", [stack, table, text], ids=lambda write: write.__name__)
def test_a_full_disk_is_named_and_leaves_nothing(small_disk, write):
    path = small_disk / "result"
    with pytest.raises(
        OSError, match=r"result: the file cannot be written \(No space left on device\); make room"
    ):
        write(path)
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize("write", [stack, table, text], ids=lambda write: write.__name__)
def test_the_old_file_outlives_a_full_disk(small_disk, write):
    path = small_disk / "result"
    path.write_text("old")
    with pytest.raises(OSError, match="result: the file cannot be written"):
        write(path)
    assert path.read_text() == "old"
    assert list(small_disk.iterdir()) == [path]


def test_the_same_process_can_write_again_when_there_is_room(small_disk, tmp_path):
    with pytest.raises(OSError, match="cannot be written"):
        stack(small_disk / "o.h5")
    stack(tmp_path / "o.h5")
    with open_opd(tmp_path / "o.h5") as source:
        assert source.read(N_FRAMES - 1) is not None


@pytest.mark.parametrize("ending", ["partial", "old"])
def test_what_killed_jobs_left_of_a_file_is_cleared_and_nothing_else(tmp_path, ending):
    (tmp_path / f".a.txt.99999.{ending}").write_text("half")
    for kept in (".b.txt.99999.partial", ".a.txt.partial", ".a.txt.old", ".a.txt.x1.partial"):
        (tmp_path / kept).touch()
    with written_whole(tmp_path / "a.txt") as partial:
        partial.write_text("whole")
    assert sorted(os.listdir(tmp_path)) == sorted(
        ["a.txt", ".b.txt.99999.partial", ".a.txt.partial", ".a.txt.old", ".a.txt.x1.partial"]
    )


def test_what_killed_jobs_left_of_a_folder_is_cleared(tmp_path):
    (tmp_path / ".made.99999.partial").mkdir()
    with folder_written_whole(tmp_path / "made") as partial:
        partial.mkdir()
    assert os.listdir(tmp_path) == ["made"]


def test_a_link_in_the_place_of_a_result_is_replaced_not_followed(tmp_path):
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "result").symlink_to(tmp_path / "precious")
    with written_whole(tmp_path / "result") as partial:
        partial.write_text("new")
    assert (tmp_path / "precious").read_text() == "mine"
    assert not (tmp_path / "result").is_symlink()
