"""Patterns of file names: frames in numerical order, every doubt an error."""

from pathlib import Path

import pytest

from lensfree.machine import share_with_jobs
from lensfree.sources import SourceError, match_frames


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_frames_are_sorted_by_number_not_by_name(tmp_path):
    touch(tmp_path, *(f"t{n}.tif" for n in range(8, 13)))
    frames = match_frames(str(tmp_path / "t{frame}.tif"), ("mono",))
    assert [f.files[0].name for f in frames] == ["t8.tif", "t9.tif", "t10.tif", "t11.tif", "t12.tif"]
    assert [f.frame for f in frames] == [0, 1, 2, 3, 4]


def test_channels_keep_the_order_of_the_sheet_and_folders_may_vary(tmp_path):
    touch(tmp_path, "day1/B.tif", "day1/R.tif", "day2/B.tif", "day2/R.tif")
    frames = match_frames(str(tmp_path / "day{frame}" / "{channel}.tif"), ("R", "B"))
    assert [[p.name for p in f.files] for f in frames] == [["R.tif", "B.tif"]] * 2


def test_other_files_and_odd_characters_do_not_match(tmp_path):
    touch(tmp_path, "a[1]_0.tif", "a[1]_1.tif", "a[1]_1_copy.tif", "a1_7.tif", "a[1]_x.tif")
    frames = match_frames(str(tmp_path / "a[1]_{frame}.tif"), ("mono",))
    assert [f.files[0].name for f in frames] == ["a[1]_0.tif", "a[1]_1.tif"]


def test_a_number_that_stands_twice_in_a_name_must_agree(tmp_path):
    touch(tmp_path, "d1/t1.tif", "d2/t2.tif", "d2/t3.tif")
    frames = match_frames(str(tmp_path / "d{frame}" / "t{frame}.tif"), ("mono",))
    assert [f.files[0].name for f in frames] == ["t1.tif", "t2.tif"]


def test_two_files_of_one_frame_are_refused(tmp_path):
    touch(tmp_path, "t1.tif", "t01.tif")
    with pytest.raises(SourceError, match=r"'t01\.tif' and 't1\.tif' are both frame 1; keep one"):
        match_frames(str(tmp_path / "t{frame}.tif"), ("mono",))


def test_many_gaps_are_counted_not_listed(tmp_path):
    touch(tmp_path, "t000.tif", "t010.tif")
    with pytest.raises(
        SourceError, match=r"lacks t001\.tif, t002\.tif, t003\.tif and 6 more; add the file or"
    ):
        match_frames(str(tmp_path / "t{frame}.tif"), ("mono",))
    frames = match_frames(str(tmp_path / "t{frame}.tif"), ("mono",), may_lack_frames=True)
    assert [f.frame for f in frames if f.reason] == list(range(1, 10))
    assert frames[1].reason == "t001.tif is missing"


def test_jobs_look_in_the_source_folder_first_and_once(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", f"elsewhere:{tmp_path}")
    share_with_jobs(tmp_path)
    import os

    assert os.environ["PYTHONPATH"].split(os.pathsep) == [str(tmp_path), "elsewhere"]


def test_names_are_written_in_one_way_however_the_pattern_is(tmp_path, monkeypatch):
    (tmp_path / "raw").mkdir()
    for number in ("07", "09"):
        (tmp_path / "raw" / f"t{number}.tif").touch()
    monkeypatch.chdir(tmp_path)
    frames = match_frames("./raw//t{frame}.tif", ("mono",), may_lack_frames=True)
    assert [frame.names for frame in frames] == [("raw/t07.tif",), ("raw/t08.tif",), ("raw/t09.tif",)]
    assert frames[0].files == (Path("raw/t07.tif"),)
