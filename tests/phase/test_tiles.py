"""Cutting a field into tiles and joining what became of them."""

from itertools import pairwise

import numpy as np
import pytest

from lensfree.phase.tiles import cut, join, levels, most_tiles

SHAPE_YX = (130, 210)
OVERLAP_PX = 24
COUNTS = [(1, 2), (2, 1), (2, 3), (3, 4)]


def picture() -> np.ndarray:
    y, x = np.mgrid[: SHAPE_YX[0], : SHAPE_YX[1]]
    return (30 * np.sin(y / 7) * np.cos(x / 11) + 0.1 * x).astype(np.float32)


def parts(tiles, image):
    return [image[tile.window].copy() for tile in tiles]


@pytest.mark.parametrize("counts_yx", [(1, 1), *COUNTS])
def test_tiles_cover_the_field_alike_and_share_enough(counts_yx):
    tiles = cut(SHAPE_YX, counts_yx, OVERLAP_PX)
    assert len(tiles) == counts_yx[0] * counts_yx[1]
    assert len({(t.rows.stop - t.rows.start, t.columns.stop - t.columns.start) for t in tiles}) == 1
    covered = np.zeros(SHAPE_YX, int)
    for tile in tiles:
        covered[tile.window] += 1
    assert covered.min() == 1
    for spans in ([tile.rows for tile in tiles], [tile.columns for tile in tiles]):
        ends = sorted({(span.start, span.stop) for span in spans})
        assert all(before[1] - after[0] >= OVERLAP_PX for before, after in pairwise(ends))


def test_the_centre_of_a_tile_counts_from_the_fields():
    first, _, last = cut(SHAPE_YX, (1, 3), OVERLAP_PX)
    assert first.offset_px(SHAPE_YX)[0] == last.offset_px(SHAPE_YX)[0] == 0
    assert first.offset_px(SHAPE_YX)[1] == pytest.approx(-last.offset_px(SHAPE_YX)[1], abs=0.5)
    assert last.offset_px(SHAPE_YX)[1] > 50


def test_a_side_is_cut_into_no_more_tiles_than_fit():
    for side_px in range(40, 400, 7):
        most = most_tiles(side_px, overlap_px=24, smallest_px=48)
        if most > 1:
            (tile, *_) = cut((50, side_px), (1, most), 24)
            assert tile.columns.stop >= 48
    assert most_tiles(71, overlap_px=24, smallest_px=48) == 1
    assert most_tiles(72, overlap_px=24, smallest_px=48) == 2


@pytest.mark.parametrize("counts_yx", COUNTS)
def test_what_was_cut_is_joined_as_it_was(counts_yx):
    tiles = cut(SHAPE_YX, counts_yx, OVERLAP_PX)
    known = [True] * len(tiles)
    joined = join(parts(tiles, picture()), tiles, SHAPE_YX, is_known=known)
    assert joined.dtype == np.float32
    np.testing.assert_allclose(joined, picture(), atol=1e-4)
    assert abs(levels(parts(tiles, picture()), tiles, is_known=known)).max() < 1e-6


def test_nothing_of_a_tiles_edge_is_left():
    """Each tile is spoilt where it knows least: in the outer fifth of its overlaps."""
    tiles = cut(SHAPE_YX, (2, 3), OVERLAP_PX)
    spoilt = parts(tiles, picture())
    for tile, part in zip(tiles, spoilt, strict=True):
        if tile.rows.start > 0:
            part[: OVERLAP_PX // 5] += 1000
        if tile.rows.stop < SHAPE_YX[0]:
            part[-(OVERLAP_PX // 5) :] -= 1000
        if tile.columns.start > 0:
            part[:, : OVERLAP_PX // 5] += 1000
        if tile.columns.stop < SHAPE_YX[1]:
            part[:, -(OVERLAP_PX // 5) :] -= 1000
    joined = join(spoilt, tiles, SHAPE_YX, is_known=[True] * 6)
    assert abs(joined - picture()).max() < 0.5  # of 1000


def test_from_one_tile_to_the_next_there_is_no_step():
    """Two flat tiles 10 nm apart: joined without levels they make a ramp, never a jump."""
    tiles = cut(SHAPE_YX, (1, 2), OVERLAP_PX)
    flat = [
        np.full((130, t.columns.stop - t.columns.start), level, np.float32)
        for t, level in zip(tiles, (0, 10), strict=True)
    ]
    row = join(flat, tiles, SHAPE_YX, is_known=[True, True])[60]
    assert row[0] == pytest.approx(0, abs=1e-2) and row[-1] == pytest.approx(10, abs=1e-2)
    assert np.all(np.diff(row) > -1e-3) and np.diff(row).max() < 10 * 4 / OVERLAP_PX


@pytest.mark.parametrize("counts_yx", COUNTS)
def test_levels_undo_what_the_tiles_were_lifted_by(counts_yx):
    """Also where cells in the overlaps differ between the tiles, as long as they cover less than half."""
    tiles = cut(SHAPE_YX, counts_yx, OVERLAP_PX)
    rng = np.random.default_rng(2)
    lifted_nm = rng.normal(0, 8, len(tiles))
    lifted = [part + np.float32(add) for part, add in zip(parts(tiles, picture()), lifted_nm, strict=True)]
    lifted[0][:, -OVERLAP_PX // 3 :] += 40
    added_nm = levels(lifted, tiles, is_known=[True] * len(tiles))
    np.testing.assert_allclose(added_nm + lifted_nm, np.mean(lifted_nm), atol=1e-3)


def test_a_tile_that_means_nothing_fills_only_what_no_other_covers():
    tiles = cut(SHAPE_YX, (1, 3), OVERLAP_PX)
    maps = parts(tiles, picture())
    maps[1][:] = 0
    known = [True, False, True]
    assert levels(maps, tiles, is_known=known)[1] == pytest.approx(0)
    joined = join(maps, tiles, SHAPE_YX, is_known=known)
    alone = slice(tiles[0].columns.stop, tiles[2].columns.start)
    np.testing.assert_allclose(joined[:, alone], 0, atol=1e-4)
    for tile in (tiles[0], tiles[2]):
        np.testing.assert_allclose(joined[tile.window], picture()[tile.window], atol=0.02)
