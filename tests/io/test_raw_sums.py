"""The list of checksums beside raw files: checked where it is, and never half."""

import hashlib
import os
import subprocess
import time

import numpy as np
import pytest
import tifffile
from flips import damaged

from lensfree.io.tiff import BadFrameError, list_frames, read_frame

PIXELS = np.random.default_rng(0).integers(1, 250, (2, 6, 9)).astype(np.uint8)


@pytest.fixture
def raw(tmp_path):
    """Two images and the list as sha256sum writes it."""
    for frame, image in enumerate(PIXELS):
        tifffile.imwrite(tmp_path / f"f{frame}.tif", image)
    lines = [
        f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n" for p in sorted(tmp_path.glob("*.tif"))
    ]
    (tmp_path / "SHA256SUMS").write_text("".join(lines))
    return tmp_path


def read(folder):
    return [read_frame(source, 1) for source in list_frames(str(folder / "f{frame}.tif"), ["mono"])]


def test_listed_files_are_read(raw):
    np.testing.assert_array_equal(np.concatenate(read(raw)), PIXELS)


def test_the_list_is_that_of_sha256sum(raw):
    made = subprocess.run("sha256sum *.tif", shell=True, cwd=raw, capture_output=True, text=True, check=True)
    assert made.stdout == (raw / "SHA256SUMS").read_text()


def test_no_damaged_byte_of_a_listed_raw_image_goes_unseen(raw):
    n_tried = 0
    for _ in damaged(raw / "f1.tif", flips=10_000):
        with pytest.raises(
            BadFrameError, match=r"f1\.tif: the file is damaged or another one: .* copy it again"
        ):
            read(raw)
        n_tried += 1
    assert n_tried > (raw / "f1.tif").stat().st_size
    read(raw)


def test_without_a_list_a_changed_pixel_is_another_image(raw):
    (raw / "SHA256SUMS").unlink()
    place = (raw / "f1.tif").read_bytes().index(PIXELS[1].tobytes())
    with open(raw / "f1.tif", "rb+") as handle:
        handle.seek(place)
        handle.write(bytes([PIXELS[1, 0, 0] ^ 1]))
    assert read(raw)[1][0, 0, 0] == PIXELS[1, 0, 0] ^ 1


def test_a_file_that_is_not_listed_is_named(raw):
    tifffile.imwrite(raw / "f2.tif", PIXELS[0])
    with pytest.raises(
        BadFrameError, match=r"f2\.tif: the file is not in SHA256SUMS beside it; add its line"
    ):
        read(raw)


@pytest.mark.parametrize("line", ["nonsense", "0" * 63 + "  f0.tif", "G" * 64 + "  f0.tif"])
def test_a_line_that_is_none_is_named(raw, line):
    with open(raw / "SHA256SUMS", "a") as handle:
        handle.write(line + "\n")
    with pytest.raises(
        BadFrameError, match=r"SHA256SUMS, line 3: expected 64 hex digits, two spaces and a name"
    ):
        read(raw)


def test_a_list_that_cannot_be_read_is_named(raw):
    (raw / "SHA256SUMS").unlink()
    (raw / "SHA256SUMS").mkdir()
    with pytest.raises(
        BadFrameError, match=r"SHA256SUMS: the list of checksums cannot be used for .*f0\.tif"
    ):
        read(raw)


def test_a_long_movie_is_hashed_once(raw, monkeypatch):
    from lensfree import seals

    tifffile.imwrite(raw / "movie.tif", PIXELS, photometric="minisblack")
    with open(raw / "SHA256SUMS", "a") as handle:
        handle.write(f"{hashlib.sha256((raw / 'movie.tif').read_bytes()).hexdigest()}  movie.tif\n")
    monkeypatch.setattr(seals, "_SETTLED_S", -1.0)
    hashed = []
    digest = seals._digest
    monkeypatch.setattr(seals, "_digest", lambda path, place: hashed.append(path) or digest(path, place))
    for source in list_frames(str(raw / "movie.tif"), ["mono"]):
        read_frame(source, 1)
    assert len(hashed) == 1
    os.utime(raw / "movie.tif", (time.time() - 9, time.time() - 9))
    read_frame(list_frames(str(raw / "movie.tif"), ["mono"])[0], 1)
    assert len(hashed) == 2
