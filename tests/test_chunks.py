"""Chunk borders do not move while an acquisition grows, nor do the frames of its background."""

import pytest

from lensfree.chunks import background_plan, chunk_names, chunk_range
from lensfree.config import LoadConfig


@pytest.mark.parametrize("n_frames", [1, 24, 25, 216, 217])
def test_chunks_cover_every_frame_once(n_frames):
    names = chunk_names(n_frames, 24)
    frames = [frame for name in names for frame in chunk_range(name, n_frames, 24)]
    assert frames == list(range(n_frames))


def test_growth_changes_the_last_chunk_only():
    before = {name: chunk_range(name, 50, 24) for name in chunk_names(50, 24)}
    after = {name: chunk_range(name, 100, 24) for name in chunk_names(100, 24)}
    assert [name for name in before if before[name] != after[name]] == ["0002"]


def test_a_chunk_that_does_not_exist_is_an_error():
    with pytest.raises(ValueError, match="chunk '0009' does not exist, the last one is '0002'"):
        chunk_range("0009", 50, 24)


@pytest.mark.parametrize(
    ("n_frames", "is_given", "method"),
    [(140, False, "smooth"), (141, False, "temporal_median"), (1, False, "smooth"), (500, True, "image")],
)
def test_auto_takes_what_the_acquisition_offers(n_frames, is_given, method):
    assert background_plan(LoadConfig(), n_frames, 24, is_image_given=is_given)[0] == method


@pytest.mark.parametrize("method", ["smooth", "none", "temporal_median"])
def test_growth_leaves_the_background_alone(method):
    config = LoadConfig(background=method)
    short, long = (background_plan(config, n, 24, is_image_given=False) for n in (150, 400))
    assert short == long
    assert len(short[1]) == 15


def test_the_median_spans_the_configured_stride():
    config = LoadConfig(background="temporal_median", median_frames=4, median_stride=5)
    assert background_plan(config, 400, 24, is_image_given=False)[1] == [0, 5, 10, 15]
    assert background_plan(config, 12, 24, is_image_given=False)[1] == [0, 5, 10]
