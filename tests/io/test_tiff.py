"""Every layout gives the same frames back; every fault names the file and the reason."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from lensfree.io.tiff import BadFrameError, check_like, list_frames, pixels_yx, read_frame, read_map
from lensfree.sources import SourceError

SHAPE_YX = (48, 80)
RGB = ("R", "G", "B")
MOVIE = np.random.default_rng(0).integers(1, 250, (4, 3, *SHAPE_YX)).astype(np.uint8)


def per_frame_and_channel(folder: Path, movie: np.ndarray) -> str:
    for frame, channels in enumerate(movie):
        for name, plane in zip(RGB, channels, strict=True):
            tifffile.imwrite(folder / f"t{frame + 8:03d}_{name}.tif", plane)
    return "t{frame}_{channel}.tif"


def per_channel(folder: Path, movie: np.ndarray) -> str:
    for index, name in enumerate(RGB):
        tifffile.imwrite(folder / f"stack_{name}.tif", movie[:, index], photometric="minisblack")
    return "stack_{channel}.tif"


def interleaved_per_frame(folder: Path, movie: np.ndarray) -> str:
    for frame, channels in enumerate(movie):
        tifffile.imwrite(folder / f"rgb{frame}.tif", np.moveaxis(channels, 0, -1).copy(), photometric="rgb")
    return "rgb{frame}.tif"


def three_pages_per_frame(folder: Path, movie: np.ndarray) -> str:
    for frame, channels in enumerate(movie):
        tifffile.imwrite(folder / f"p{frame}.tif", channels, photometric="minisblack")
    return "p{frame}.tif"


def planar_per_frame(folder: Path, movie: np.ndarray) -> str:
    for frame, channels in enumerate(movie):
        tifffile.imwrite(folder / f"s{frame}.tif", channels, photometric="rgb", planarconfig="separate")
    return "s{frame}.tif"


def ome(folder: Path, movie: np.ndarray) -> str:
    tifffile.imwrite(folder / "movie.ome.tif", movie, metadata={"axes": "TCYX"})
    return "movie.ome.tif"


def ome_channel_first(folder: Path, movie: np.ndarray) -> str:
    tifffile.imwrite(folder / "movie.ome.tif", movie.swapaxes(0, 1).copy(), metadata={"axes": "CTYX"})
    return "movie.ome.tif"


def imagej(folder: Path, movie: np.ndarray) -> str:
    tifffile.imwrite(folder / "movie.tif", movie, imagej=True, metadata={"axes": "TCYX"})
    return "movie.tif"


def bare_pages(folder: Path, movie: np.ndarray) -> str:
    pages = movie.reshape(-1, *SHAPE_YX)
    tifffile.imwrite(folder / "pages.tif", pages, photometric="minisblack", metadata=None)
    return "pages.tif"


def page_by_page(folder: Path, movie: np.ndarray) -> str:
    with tifffile.TiffWriter(folder / "live.tif") as writer:
        for page in movie.reshape(-1, *SHAPE_YX):
            writer.write(page)
    return "live.tif"


def interleaved_movie(folder: Path, movie: np.ndarray) -> str:
    tifffile.imwrite(folder / "m.tif", np.moveaxis(movie, 1, -1).copy(), photometric="rgb", compression="lzw")
    return "m.tif"


LAYOUTS: tuple[Callable[[Path, np.ndarray], str], ...] = (
    per_frame_and_channel,
    per_channel,
    interleaved_per_frame,
    three_pages_per_frame,
    planar_per_frame,
    ome,
    ome_channel_first,
    imagej,
    bare_pages,
    page_by_page,
    interleaved_movie,
)


@pytest.mark.parametrize("write", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_layout_gives_the_frames_back_bit_for_bit(tmp_path, write, dtype):
    movie = MOVIE.astype(dtype) * (1 if dtype is np.uint8 else 200)
    pattern = write(tmp_path, movie)
    sources = list_frames(str(tmp_path / pattern), RGB)
    got = np.stack([read_frame(source, 3) for source in sources])
    assert [source.frame for source in sources] == [0, 1, 2, 3]
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, movie)


@pytest.mark.parametrize("n_channels", [1, 2, 6])
def test_any_number_of_channels(tmp_path, n_channels):
    movie = np.random.default_rng(1).integers(1, 250, (3, n_channels, *SHAPE_YX)).astype(np.uint8)
    for frame, channels in enumerate(movie):
        tifffile.imwrite(tmp_path / f"f{frame}.tif", channels.squeeze(), photometric="minisblack")
    sources = list_frames(str(tmp_path / "f{frame}.tif"), [str(i) for i in range(n_channels)])
    got = np.stack([read_frame(source, n_channels) for source in sources])
    np.testing.assert_array_equal(got, movie)


def test_one_image_alone_is_one_frame(tmp_path):
    tifffile.imwrite(tmp_path / "usaf.tif", MOVIE[0, 0])
    (source,) = list_frames(str(tmp_path / "usaf.tif"), ("mono",))
    np.testing.assert_array_equal(read_frame(source, 1), MOVIE[0, :1])


@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
@pytest.mark.parametrize("kept", [0.0, 0.02, 0.4, 0.9, 0.999])
def test_a_truncated_file_never_gives_a_frame(tmp_path, compression, kept):
    path = tmp_path / "f0.tif"
    tifffile.imwrite(path, MOVIE[0, 0], compression=compression)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    (source,) = list_frames(str(tmp_path / "f{frame}.tif"), ("mono",))
    with pytest.raises(BadFrameError, match=r"f0\.tif: (not a readable|the image data cannot be read)"):
        read_frame(source, 1)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.95])
def test_a_truncated_movie_is_never_a_shorter_movie(tmp_path, compression, kept):
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, MOVIE[:, 0], compression=compression, photometric="minisblack")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(BadFrameError, match=r"movie\.tif: "):
        for source in list_frames(str(path), ("mono",)):
            read_frame(source, 1)


def bad_files() -> dict[str, tuple[np.ndarray, str]]:
    other_shape = np.ascontiguousarray(MOVIE[0, 0].T)
    return {
        "float": (MOVIE[0, 0].astype(np.float32), "pixels are float32, expected 8 or 16 bit unsigned"),
        "saturated": (np.full(SHAPE_YX, 255, np.uint8), r"every pixel of channel 0 is 255 \(saturated\)"),
        "dark": (np.zeros(SHAPE_YX, np.uint8), r"every pixel of channel 0 is 0 \(no hologram\)"),
        "shape": (other_shape, "the frame is 80 x 48 pixels, expected 48 x 80 like the first frame"),
        "depth": (MOVIE[0, 0].astype(np.uint16), "the frame is uint16, expected uint8 like the first frame"),
        "channels": (MOVIE[0], "the file has 3 channels, the sheet promises 1; correct"),
    }


@pytest.mark.parametrize("fault", bad_files())
def test_a_bad_frame_is_named_with_its_reason(tmp_path, fault):
    image, reason = bad_files()[fault]
    tifffile.imwrite(tmp_path / "f0.tif", MOVIE[0, 0])
    as_colour = {"photometric": "rgb", "planarconfig": "separate", "metadata": {"axes": "CYX"}}
    tifffile.imwrite(tmp_path / "f1.tif", image, **(as_colour if fault == "channels" else {}))
    first, second = list_frames(str(tmp_path / "f{frame}.tif"), ("mono",))
    expected = read_frame(first, 1)
    with pytest.raises(BadFrameError, match=rf"f1\.tif: .*({reason})"):
        check_like(second, read_frame(second, 1), expected, expected.dtype)


def test_a_file_that_is_no_tiff_says_so(tmp_path):
    (tmp_path / "f0.tif").write_text("not an image")
    (source,) = list_frames(str(tmp_path / "f{frame}.tif"), ("mono",))
    with pytest.raises(BadFrameError, match=r"f0\.tif: not a readable TIFF file"):
        read_frame(source, 1)


def test_a_file_that_went_away_is_named(tmp_path):
    tifffile.imwrite(tmp_path / "f0.tif", MOVIE[0, 0])
    (source,) = list_frames(str(tmp_path / "f{frame}.tif"), ("mono",))
    (tmp_path / "f0.tif").unlink()
    with pytest.raises(BadFrameError, match=r"f0\.tif: the file is missing"):
        read_frame(source, 1)


def test_channels_of_other_sizes_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "f0_R.tif", MOVIE[0, 0])
    tifffile.imwrite(tmp_path / "f0_G.tif", MOVIE[0, 1, 1:])
    (source,) = list_frames(str(tmp_path / "f{frame}_{channel}.tif"), ("R", "G"))
    with pytest.raises(BadFrameError, match=r"f0_G\.tif: the channel is 47 x 80 uint8, expected 48 x 80"):
        read_frame(source, 2)


def test_colours_of_other_lengths_are_an_error_or_gaps(tmp_path):
    tifffile.imwrite(tmp_path / "R.tif", MOVIE[:, 0], photometric="minisblack")
    tifffile.imwrite(tmp_path / "G.tif", MOVIE[:2, 1], photometric="minisblack")
    pattern = str(tmp_path / "{channel}.tif")
    with pytest.raises(BadFrameError, match=r"differ in their number of frames \(R.tif 4, G.tif 2\)"):
        list_frames(pattern, ("R", "G"))
    sources = list_frames(pattern, ("R", "G"), may_lack_frames=True)
    assert [bool(source.reason) for source in sources] == [False, False, True, True]
    with pytest.raises(BadFrameError, match=r"frame 2: G\.tif ends before it"):
        read_frame(sources[2], 2)


def test_a_number_of_channels_that_is_not_there_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "f0.tif", np.moveaxis(MOVIE[0], 0, -1).copy(), photometric="rgb")
    (source,) = list_frames(str(tmp_path / "f{frame}.tif"), ("a", "b"))
    with pytest.raises(BadFrameError, match=r"the file has 3 channels, the sheet promises 2; correct"):
        read_frame(source, 2)


def test_a_depth_stack_is_not_taken_for_a_movie_by_mistake(tmp_path):
    tifffile.imwrite(
        tmp_path / "odd.ome.tif", MOVIE[:, 0], metadata={"axes": "PYX"}, photometric="minisblack"
    )
    with pytest.raises((BadFrameError, SourceError)):
        for source in list_frames(str(tmp_path / "odd.ome.tif"), ("a", "b", "c")):
            read_frame(source, 3)


def test_maps_may_be_floats_but_must_be_finite(tmp_path):
    opd = np.random.default_rng(2).normal(0, 50, (2, *SHAPE_YX)).astype(np.float32)
    opd[1, 3, 5] = np.nan
    tifffile.imwrite(tmp_path / "opd.tif", opd, photometric="minisblack")
    first, second = list_frames(str(tmp_path / "opd.tif"), ("mono",))
    np.testing.assert_array_equal(read_map(first), opd[0].astype(np.float64))
    with pytest.raises(BadFrameError, match=r"opd\.tif: 1 pixels are not finite numbers; fill or crop"):
        read_map(second)


@pytest.mark.parametrize(
    "layout", [per_frame_and_channel, per_channel, interleaved_per_frame, ome, bare_pages]
)
def test_the_size_of_frames_is_known_without_reading_them(tmp_path, layout):
    pattern = str(tmp_path / layout(tmp_path, MOVIE))
    assert pixels_yx(list_frames(pattern, RGB), len(RGB)) == SHAPE_YX


def test_frames_that_cannot_be_opened_are_passed_over_for_their_size(tmp_path):
    pattern = str(tmp_path / per_frame_and_channel(tmp_path, MOVIE))
    listed = list_frames(pattern, RGB)
    for source in listed[:2]:
        source.files[0].write_bytes(b"no image")
    assert pixels_yx(listed, len(RGB)) == SHAPE_YX
    for source in listed:
        source.files[0].write_bytes(b"no image")
    assert pixels_yx(listed, len(RGB)) is None
    assert pixels_yx([], len(RGB)) is None
