"""Tiles answer what the whole field answers, and memory that is exhausted makes them smaller."""

import logging

import numpy as np
import pytest
from test_plain_cnn import lively

from lensfree.nets import cnn_tiles
from lensfree.nets.cnn_tiles import SMALLEST_IN_MARGINS, TiledCnn, _spans
from lensfree.nets.plain_cnn import PlainCnnSpec, apply_cnn, receptive_radius_px

SHAPE_YX = (83, 131)
SPECS = [
    PlainCnnSpec(1, 4, 5, 8, 2),
    PlainCnnSpec(2, 3, 4, 8, 1),
    PlainCnnSpec(2, 2, 6, 8, 1, True),
    PlainCnnSpec(1, 2, 3, 4, 3),
]


def nothing():
    pass


@pytest.fixture(params=SPECS, ids=lambda spec: f"{spec.layers} layers, stride {spec.stride}")
def spec(request):
    return request.param


@pytest.fixture
def maps(spec):
    return np.random.default_rng(0).normal(size=(spec.channels_in, *SHAPE_YX)).astype(np.float32)


@pytest.fixture
def seen(monkeypatch):
    """Shapes of what the network was given."""
    shapes = []

    def apply(network, part):
        shapes.append(part.shape[-2:])
        return apply_cnn(network, part)

    monkeypatch.setattr(cnn_tiles, "apply_cnn", apply)
    return shapes


@pytest.mark.parametrize("most_px", [40**2, 64**2])
def test_tiles_answer_what_the_whole_field_answers(spec, maps, seen, most_px):
    network = lively(spec)
    whole = apply_cnn(network, maps)
    tiled = TiledCnn(network, spec, nothing, most_px)(maps)
    assert tiled.dtype == np.float32 and tiled.shape == whole.shape
    np.testing.assert_allclose(tiled, whole, atol=1e-5 * np.abs(whole).max())
    assert len(seen) > 3
    assert max(y * x for y, x in seen) <= (most_px**0.5 + spec.stride) ** 2


def test_half_the_margin_would_be_seen(spec, maps, monkeypatch):
    """That the tiles agree is not because the network looks less far than is said."""
    network = lively(spec)
    narrow_px = spec.stride * (spec.layers // 2)
    monkeypatch.setattr(cnn_tiles, "receptive_radius_px", lambda spec: narrow_px)
    whole = apply_cnn(network, maps)
    tiled = TiledCnn(network, spec, nothing, 45**2)(maps)
    assert np.abs(tiled - whole).max() > 1e-4 * np.abs(whole).max()


def test_a_field_that_fits_is_seen_at_once(spec, maps, seen):
    TiledCnn(lively(spec), spec, nothing)(maps)
    assert seen == [SHAPE_YX]


@pytest.mark.parametrize("side_px", [60, 83, 84, 500])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_tiles_share_a_side_out_and_begin_where_blocks_do(side_px, stride):
    spans = list(_spans(side_px, own_px=40, margin_px=6 * stride, stride=stride))
    own = [pixel for _, rows in spans for pixel in range(rows.start, rows.stop)]
    assert own == list(range(side_px))
    for seen_rows, rows in spans:
        assert seen_rows.start % stride == 0
        assert seen_rows.start == max(rows.start - 6 * stride, 0)
        assert seen_rows.stop == min(rows.stop + 6 * stride, side_px)


def test_a_full_sensor_is_cut_into_four_that_a_modest_device_holds(monkeypatch):
    """The shipped architecture on 2748 x 3840 pixels; a layer's features of a tile take 0.1 GB."""
    spec = PlainCnnSpec(1, 4, 20, 32, 2)
    shapes = []

    def apply(network, part):
        shapes.append(part.shape[-2:])
        return np.zeros((4, *part.shape[-2:]), np.float32)

    monkeypatch.setattr(cnn_tiles, "apply_cnn", apply)
    assert TiledCnn(None, spec, nothing)(np.zeros((1, 2748, 3840), np.float32)).shape == (4, 2748, 3840)
    assert shapes == [(1416, 1962)] * 4
    assert 1416 * 1962 / spec.stride**2 * spec.features * 4 < 0.1e9


def small_memory(monkeypatch, most_px):
    """Let the network fail on more pixels than that; return the shapes that it was given."""
    shapes = []

    def apply(network, part):
        shapes.append(part.shape[-2:])
        if part.shape[-2] * part.shape[-1] > most_px:
            raise RuntimeError("CUDA out of memory. Tried to allocate 5.00 GiB.")
        return apply_cnn(network, part)

    monkeypatch.setattr(cnn_tiles, "apply_cnn", apply)
    return shapes


def test_memory_that_is_too_small_makes_tiles_not_a_crash(monkeypatch, caplog):
    spec = SPECS[1]
    network, freed = lively(spec), []
    maps = np.random.default_rng(0).normal(size=(2, *SHAPE_YX)).astype(np.float32)
    whole = apply_cnn(network, maps)
    shapes = small_memory(monkeypatch, 3000)
    tiled = TiledCnn(network, spec, lambda: freed.append(True))
    with caplog.at_level(logging.WARNING):
        first = tiled(maps)
        n_first = len(shapes)
        second = tiled(maps)
    np.testing.assert_allclose(first, whole, atol=1e-5 * np.abs(whole).max())
    np.testing.assert_array_equal(first, second)
    assert shapes[0] == SHAPE_YX and SHAPE_YX not in shapes[n_first:], "the whole field was tried again"
    assert len(freed) == 1
    assert [record.message for record in caplog.records] == [
        "memory was exhausted by a network that sees 10873 pixels of 83 x 131 at once; trying again with "
        "2718, for the rest of this chunk (CUDA out of memory. Tried to allocate 5.00 GiB.)"
    ]


def test_where_not_even_the_smallest_tile_fits_the_error_says_what_to_do(monkeypatch):
    spec = SPECS[1]
    shapes = small_memory(monkeypatch, 10)
    tiled = TiledCnn(lively(spec), spec, nothing)
    smallest_px = (SMALLEST_IN_MARGINS * receptive_radius_px(spec)) ** 2
    with pytest.raises(
        MemoryError, match=rf"expected it to hold {smallest_px}, the fewest.*set quantify\.device to another"
    ):
        tiled(np.zeros((2, *SHAPE_YX), np.float32))
    assert len(shapes) == 4  # 10873, 2718, 679 and 400 pixels


def test_other_errors_are_not_taken_for_exhausted_memory(monkeypatch):
    def apply(network, part):
        raise RuntimeError("wrong number of channels")

    monkeypatch.setattr(cnn_tiles, "apply_cnn", apply)
    with pytest.raises(RuntimeError, match="wrong number of channels"):
        TiledCnn(lively(SPECS[0]), SPECS[0], nothing)(np.zeros((1, *SHAPE_YX), np.float32))
