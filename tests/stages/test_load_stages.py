"""load, background, check and ingest: files in, chunks out, every fault named."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from lensfree.acquisitions import Acquisition
from lensfree.config import IngestConfig, LoadConfig, StorageConfig
from lensfree.contracts import FRAMES
from lensfree.io.backgrounds import read_background
from lensfree.io.stacks import open_holograms, open_opd
from lensfree.io.tables import read_provenance, read_table, write_table
from lensfree.io.tiff import BadFrameError
from lensfree.sources import SourceError
from lensfree.stages import background, check, ingest, load
from lensfree.stages.joblog import job_log, only_path

SHAPE_YX = (48, 80)
MOVIE = np.random.default_rng(3).integers(90, 180, (5, 2, *SHAPE_YX)).astype(np.uint8)


@pytest.fixture
def acquisition(tmp_path):
    for frame, channels in enumerate(MOVIE):
        for name, plane in zip("RG", channels, strict=True):
            tifffile.imwrite(tmp_path / f"f{frame}_{name}.tif", plane)
    return Acquisition(
        acquisition="a",
        kind="hologram",
        files=str(tmp_path / "f{frame}_{channel}.tif"),
        channels="R,G",
        wavelength_nm="640,450",
        pixel_pitch_um=1.67,
        frame_interval_min=12,
    )


def find_background(acquisition, out, method="none", on_bad_frame="error"):
    background.run(
        acquisition=acquisition,
        method=method,
        frames=[0, 1, 2, 3, 4],
        out=out,
        config=LoadConfig(on_bad_frame=on_bad_frame),
        storage=StorageConfig(),
        provenance={"code": "x"},
    )
    return read_background(out)


def load_chunk(acquisition, folder: Path, *, first_frame=2, n_frames=3, on_bad_frame="error"):
    find_background(acquisition, folder / "background.h5", on_bad_frame=on_bad_frame)
    load.run(
        acquisition=acquisition,
        first_frame=first_frame,
        n_frames=n_frames,
        background=folder / "background.h5",
        out=folder / "0001.h5",
        frames_out=folder / "0001.parquet",
        on_bad_frame=on_bad_frame,
        storage=StorageConfig(),
        provenance={"code": "x"},
    )
    return folder / "0001.h5", read_table(folder / "0001.parquet", FRAMES)


def test_counts_come_back_as_recorded_and_are_normalised_on_reading(tmp_path, acquisition):
    path, frames = load_chunk(acquisition, tmp_path)
    level = np.mean(MOVIE[3], axis=(-2, -1), keepdims=True)
    with open_holograms(path) as holograms:
        assert [frame for frame, _, _ in holograms.frames()] == [2, 3, 4]
        np.testing.assert_array_equal(holograms.read_counts(3), MOVIE[3])
        np.testing.assert_allclose(holograms.read(3), MOVIE[3] / level, rtol=1e-6)
        np.testing.assert_allclose(holograms.time_h, [0.4, 0.6, 0.8])
        assert holograms.sources[0][1].endswith("f2_G.tif")
        assert holograms.provenance == {"code": "x"}
    assert frames["mean_intensity"].between(0.95, 1.05).all()
    assert (frames["saturated_fraction"] == 0).all()


def test_background_methods(tmp_path, acquisition):
    median, dtype = find_background(acquisition, tmp_path / "m.h5", "temporal_median")
    np.testing.assert_allclose(median, np.median(MOVIE, axis=0))
    assert dtype == np.uint8
    smooth, _ = find_background(acquisition, tmp_path / "s.h5", "smooth")
    assert smooth.std() < 0.1 * MOVIE.mean(axis=0).std()


def test_a_background_image_is_used(tmp_path, acquisition):
    for name, level in (("R", 140), ("G", 90)):
        image = np.full(SHAPE_YX, level, np.uint8)
        image[0, 0] += 1
        tifffile.imwrite(tmp_path / f"open_{name}.tif", image)
    given = acquisition.model_copy(update={"background": str(tmp_path / "open_{channel}.tif")})
    found, _ = find_background(given, tmp_path / "b.h5", "image")
    assert found[:, 5, 5].tolist() == [140, 90]


def test_a_background_that_does_not_fit_is_refused(tmp_path, acquisition):
    for name in "RG":
        tifffile.imwrite(tmp_path / f"open_{name}.tif", MOVIE[0, 0, 4:])
    given = acquisition.model_copy(update={"background": str(tmp_path / "open_{channel}.tif")})
    with pytest.raises(
        BadFrameError, match=r"the background is \(2, 44, 80\) .* the frames are \(2, 48, 80\)"
    ):
        find_background(given, tmp_path / "b.h5", "image")
    with pytest.raises(SourceError, match="'image' but the sheet's column 'background' is empty; give the"):
        find_background(acquisition, tmp_path / "b.h5", "image")


def spoil(acquisition, fault: str) -> None:
    path = Path(acquisition.files.replace("{frame}", "3").replace("{channel}", "G"))
    if fault == "truncated":
        path.write_bytes(path.read_bytes()[:900])
    elif fault == "missing":
        path.unlink()
    elif fault == "shape":
        tifffile.imwrite(path, np.ascontiguousarray(MOVIE[3, 1].T))
    elif fault == "type":
        tifffile.imwrite(path, MOVIE[3, 1].astype(np.float32))
    elif fault == "saturated":
        tifffile.imwrite(path, np.full(SHAPE_YX, 255, np.uint8))
    elif fault == "dark":
        tifffile.imwrite(path, MOVIE[3, 1] // 40)
    elif fault == "mostly dark":
        tifffile.imwrite(path, np.where(np.arange(SHAPE_YX[1]) < 50, 0, MOVIE[3, 1]).astype(np.uint8))


FAULTS = {
    "truncated": r"f3_G\.tif: the image data cannot be read \(the file ends",
    "missing": r"lacks f3_G\.tif; add the file or set load\.on_bad_frame to 'gap'",
    "shape": r"f3_G\.tif: the channel is 80 x 48 uint8, expected 48 x 80",
    "type": r"f3_G\.tif: the channel is 48 x 80 float32, expected 48 x 80 uint8",
    "saturated": r"f3_G\.tif: every pixel of channel 1 is 255 \(saturated\)",
    "dark": r"f3_G\.tif: channel 1 has 2\.\d% of the background's light \(median\), expected at least 5%",
    "mostly dark": r"f3_G\.tif: channel 1 has 0\.0% of the background's light \(median\), expected",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_frame_stops_and_leaves_no_file(tmp_path, acquisition, fault):
    find_background(acquisition, tmp_path / "background.h5")
    spoil(acquisition, fault)
    with pytest.raises((BadFrameError, SourceError), match=FAULTS[fault]) as caught:
        load.run(
            acquisition=acquisition,
            first_frame=2,
            n_frames=3,
            background=tmp_path / "background.h5",
            out=tmp_path / "0001.h5",
            frames_out=tmp_path / "0001.parquet",
            on_bad_frame="error",
            storage=StorageConfig(),
            provenance={},
        )
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("0001*"))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_frame_becomes_a_gap_where_gaps_are_allowed(tmp_path, acquisition, fault):
    spoil(acquisition, fault)
    path, frames = load_chunk(acquisition, tmp_path, on_bad_frame="gap")
    with open_holograms(path) as holograms:
        assert holograms.is_missing.tolist() == [False, True, False]
        assert holograms.read(3) is None
        assert "f3_G.tif" in holograms.reasons[1]
        np.testing.assert_array_equal(holograms.read_counts(4), MOVIE[4])
    assert frames["is_missing"].tolist() == [False, True, False]
    assert "f3_G.tif" in frames["reason"][1]


def frame_table(path: Path, frames, is_missing) -> Path:
    rows = pd.DataFrame(
        {
            "frame": frames,
            "time_h": [float(f) for f in frames],
            "is_missing": is_missing,
            "reason": ["x.tif: gone" if missing else "" for missing in is_missing],
            "mean_intensity": 1.0,
            "saturated_fraction": 0.0,
        }
    )
    write_table(path, rows, FRAMES)
    return path


def test_inspect_joins_the_chunks_in_order(tmp_path):
    second = frame_table(tmp_path / "1.parquet", [2, 3], [False, True])
    first = frame_table(tmp_path / "0.parquet", [0, 1], [False, False])
    check.run(chunks=[second, first], out=tmp_path / "f.parquet", acquisition="a", provenance={"code": "y"})
    assert read_table(tmp_path / "f.parquet", FRAMES)["frame"].tolist() == [0, 1, 2, 3]
    assert read_provenance(tmp_path / "f.parquet") == {"code": "y"}


@pytest.mark.parametrize(
    ("frames", "missing", "says"),
    [
        ([0, 1], [True, True], "acquisition 'a': none of its 2 frames can be read; the first: x.tif: gone"),
        ([0, 2], [False, False], "acquisition 'a': frame 1 is in no chunk; delete its results and rerun"),
    ],
)
def test_inspect_is_the_gate(tmp_path, frames, missing, says):
    chunk = frame_table(tmp_path / "0.parquet", frames, missing)
    with pytest.raises(BadFrameError, match=says):
        check.run(chunks=[chunk], out=tmp_path / "f.parquet", acquisition="a", provenance={})
    assert not (tmp_path / "f.parquet").exists()


def ingest_maps(folder: Path, maps: np.ndarray, unit, wavelength="", on_bad_frame="error"):
    tifffile.imwrite(folder / "maps.tif", maps, photometric="minisblack")
    acquisition = Acquisition(
        acquisition="q",
        kind="opd",
        files=str(folder / "maps.tif"),
        wavelength_nm=wavelength,
        pixel_pitch_um=1.6,
        frame_interval_min=6,
        opd_unit=unit,
    )
    ingest.run(
        acquisition=acquisition,
        first_frame=0,
        n_frames=len(maps),
        out=folder / "0000.h5",
        frames_out=folder / "0000.parquet",
        config=IngestConfig(),
        on_bad_frame=on_bad_frame,
        storage=StorageConfig(),
        provenance={},
    )
    return folder / "0000.h5"


def phase_maps() -> np.ndarray:
    maps = np.random.default_rng(5).normal(0.5, 0.02, (3, *SHAPE_YX)).astype(np.float32)
    maps[:, 10:20, 30:50] += 1.5
    return maps


def test_phase_becomes_opd_with_its_background_at_zero(tmp_path):
    path = ingest_maps(tmp_path, phase_maps(), "rad", "532")
    with open_opd(path) as opd:
        first = opd.read(0)
        assert first[10:20, 30:50].mean() == pytest.approx(1.5 * 532 / (2 * np.pi), abs=0.5)
        assert np.median(first) == pytest.approx(0, abs=0.3)
        assert opd.provenance["nm_per_unit"] == pytest.approx(532 / (2 * np.pi))
        assert opd.background_sd_nm[0] == pytest.approx(0.02 * 532 / (2 * np.pi), rel=0.1)
        assert opd.time_h.tolist() == [0.0, 0.1, 0.2]
        assert np.isnan(opd.misfit).all()


def test_counts_are_scaled(tmp_path):
    maps = np.rint((phase_maps() - 0.4) * 100).astype(np.uint8)
    with open_opd(ingest_maps(tmp_path, maps, 2.0)) as opd:
        assert opd.read(1)[10:20, 30:50].mean() == pytest.approx(300, abs=2)


def test_a_map_that_is_not_finite_stops_or_is_a_gap(tmp_path):
    maps = phase_maps()
    maps[1, 0, 0] = np.inf
    with pytest.raises(BadFrameError, match=r"maps\.tif: 1 pixels are not finite"):
        ingest_maps(tmp_path, maps, "rad", "532")
    with open_opd(ingest_maps(tmp_path, maps, "rad", "532", on_bad_frame="gap")) as opd:
        assert opd.is_missing.tolist() == [False, True, False]


def test_the_log_ends_with_the_sentence_and_so_does_stderr(tmp_path, capsys):
    log = tmp_path / "logs" / "job.log"
    with pytest.raises(SystemExit) as caught, job_log(log):
        logging.getLogger("lensfree.somewhere").info("so far")
        raise BadFrameError("f3.tif: the file is missing")
    text = log.read_text(encoding="utf-8")
    assert caught.value.code == 1
    assert "so far" in text and "Traceback" in text
    assert text.rstrip().endswith("error: f3.tif: the file is missing")
    assert capsys.readouterr().err == "error: f3.tif: the file is missing\n"


def test_warnings_go_to_the_log(tmp_path):
    import warnings

    with job_log(tmp_path / "job.log"):
        warnings.warn("not good", stacklevel=1)
    assert "not good" in (tmp_path / "job.log").read_text(encoding="utf-8")


def test_an_absent_input_is_none():
    assert only_path([]) is None
    assert only_path(["a"]) == only_path("a") == Path("a")
    with pytest.raises(ValueError, match="got 2 files, expected one or none: a, b"):
        only_path(["a", "b"])
