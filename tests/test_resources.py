"""What a job asks for grows with its work and with each attempt, and never is less than Snakemake needs."""

from dataclasses import replace

import pytest

from lensfree.config import ReconstructConfig
from lensfree.resources import (
    CUDA_MB,
    FULL_SENSOR_YX,
    LEAST_MB,
    LEAST_MIN,
    NEEDS,
    ROOM,
    Need,
    Size,
    at_least_mb,
    count_iterations,
    expected_mb,
    expected_s,
    memory_mb,
    runtime_min,
)

SMALL = Size((320, 384), 1.67, channels=3, frames=48, iterations=30)
FULL = replace(SMALL, shape_yx=FULL_SENSOR_YX)
ON_IMAGES = sorted(word for word, need in NEEDS.items() if need.b_per_pixel + need.b_per_sample)
ON_TABLES = sorted(word for word, need in NEEDS.items() if need.b_per_detection)


def test_every_stage_of_the_main_line_has_figures_of_its_own():
    images = ["simulate", "background", "load", "ingest", "check", "focus", "reconstruct", "quantify"]
    assert set(NEEDS) == {*images, "track", "series", "score", "flags", "report", "export"}


@pytest.mark.parametrize("word", sorted(NEEDS))
def test_each_attempt_asks_for_as_much_again(word):
    first = max(ROOM * expected_mb(word, FULL), LEAST_MB)
    asked = [memory_mb(word, FULL, attempt=attempt) for attempt in (1, 2, 3)]
    for attempt, megabytes in zip((1, 2, 3), asked, strict=True):
        assert 0 <= megabytes - first * attempt < 100
        assert megabytes % 100 == 0
    minutes = [runtime_min(word, FULL, attempt=attempt) for attempt in (1, 2, 3)]
    assert minutes == [minutes[0], 2 * minutes[0], 3 * minutes[0]]
    assert minutes[0] >= LEAST_MIN


def test_no_job_asks_for_less_than_snakemake_needs():
    tiny = Size((16, 24), 1.67, channels=1, frames=1)
    assert memory_mb("check", tiny) == LEAST_MB
    assert at_least_mb(1, 1) == LEAST_MB
    assert at_least_mb(LEAST_MB, 2) == 2 * LEAST_MB
    assert at_least_mb(4001, 1) == 4100
    assert runtime_min("check", tiny) == LEAST_MIN


@pytest.mark.parametrize("word", ON_IMAGES)
def test_memory_of_images_grows_with_pixels_and_not_with_their_number(word):
    images = replace(NEEDS[word], b_per_detection=0.0)
    grown = expected_mb(word, FULL) - expected_mb(word, SMALL)
    pixels = FULL.megapixels - SMALL.megapixels
    per_pixel = images.b_per_pixel + 3 * (images.b_per_sample + images.b_per_held)
    tables = NEEDS[word].b_per_detection * (FULL.detections - SMALL.detections) / 1e6
    assert grown == pytest.approx(per_pixel * pixels + tables, rel=1e-12)
    if word not in ON_TABLES:
        assert expected_mb(word, replace(FULL, frames=5)) == expected_mb(word, FULL)


@pytest.mark.parametrize("word", ON_TABLES)
def test_memory_of_tables_grows_with_the_cells_that_a_field_is_expected_to_have(word):
    longer = replace(FULL, frames=2 * FULL.frames)
    grown = expected_mb(word, longer) - expected_mb(word, FULL)
    assert grown == pytest.approx(NEEDS[word].b_per_detection * FULL.detections / 1e6, rel=1e-9)


def test_a_full_sensor_has_as_many_cells_as_its_area_times_the_density():
    mm2 = 2748 * 1.67e-3 * 3840 * 1.67e-3
    assert FULL.detections == pytest.approx(48 * 100 * mm2, rel=1e-12)


def test_a_median_over_time_holds_its_frames():
    held = replace(FULL, held_frames=15)
    more = expected_mb("background", held) - expected_mb("background", FULL)
    assert more == pytest.approx(14 * NEEDS["background"].b_per_held * FULL.megapixels * 3)
    assert expected_mb("load", held) == expected_mb("load", FULL)


def test_a_job_on_a_gpu_asks_for_what_cuda_takes_on_the_host():
    assert expected_mb("reconstruct", SMALL, "cuda") - expected_mb("reconstruct", SMALL) == CUDA_MB


def test_time_grows_with_frames_channels_and_iterations():
    need = NEEDS["reconstruct"]
    base = need.base_s / need.threads
    one = expected_s("reconstruct", FULL) - base
    assert expected_s("reconstruct", replace(FULL, frames=96)) - base == pytest.approx(2 * one, rel=1e-12)
    small = base + need.s_per_frame * FULL.frames / need.threads
    for larger in (replace(FULL, channels=6), replace(FULL, iterations=60)):
        twice = 2 * (expected_s("reconstruct", FULL) - small)
        assert expected_s("reconstruct", larger) - small == pytest.approx(twice, rel=1e-12)
    assert expected_s("quantify", replace(FULL, channels=1)) == expected_s("quantify", FULL)
    assert runtime_min("reconstruct", FULL) > runtime_min("reconstruct", SMALL)


def test_threads_share_the_time():
    assert Need(100).threads == 1
    assert expected_s("check", SMALL) == NEEDS["check"].base_s


def test_iterations_are_those_of_the_method():
    config = ReconstructConfig(iterations_first=7, iterations_last=11, iterations_reference=90)
    assert count_iterations(config) == 18
    assert count_iterations(config.model_copy(update={"method": "reference"})) == 90
